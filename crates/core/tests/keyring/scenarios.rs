use std::{
    path::Path,
    time::{Duration, Instant},
};

use credstack_core::{
    secret_store::{Patience, SecretStore, SecretStoreError, StoreChoice},
    values::{CredentialSet, Item},
};
use secrecy::ExposeSecret;

use crate::{
    desktop::{self, GnomeKeyring, Stopped},
    prompter::Canceller,
};

/// The promise is 3 seconds; a loaded machine gets a little more.
const IN_TIME: Duration = Duration::from_millis(3_500);

pub const SECRET: &str = "fake-secret-of-the-scenario";
pub const TOKEN: &str = "fake-token-of-the-scenario";

pub fn play(scenario: &str) {
    match scenario {
        "round_trip" => round_trip(),
        "no_bus" => no_bus(),
        "closing_bus" => closing_bus(),
        "no_provider" => no_provider(),
        "fresh" => fresh(),
        "locked" => locked(),
        "dismissed" => dismissed(),
        "frozen" => frozen(),
        "frozen_bus" => frozen_bus(),
        "restarted" => restarted(),
        other => panic!("no scenario {other}"),
    }
}

fn open(patience: Patience) -> SecretStore {
    SecretStore::open(&StoreChoice::Keyring, Path::new("/nonexistent"), patience).unwrap()
}

fn item() -> Item {
    Item::new(jiff::Timestamp::from_second(1_700_000_000).unwrap()).unwrap()
}

fn set(token: Option<String>) -> CredentialSet {
    CredentialSet {
        access_key_id: "ASIAFAKEFAKEFAKEFAKE".into(),
        secret_access_key: SECRET.into(),
        session_token: token.map(Into::into),
    }
}

/// Makes a call that must fail, in time, with a message and a next step, and no secret in either.
#[track_caller]
fn failure<T>(what: &str, call: impl FnOnce() -> Result<T, SecretStoreError>) -> SecretStoreError {
    let started = Instant::now();
    let Err(error) = call() else { panic!("{what} succeeded") };
    let took = started.elapsed();
    println!("{what} -> {error:?}: {error} [{} ms]", took.as_millis());
    assert!(took <= IN_TIME, "{what} took {took:?}");
    assert!(!error.hint().is_empty());
    error
}

/// The same failure from every call on a store that nobody is there to unlock.
#[track_caller]
fn every_call_fails(what: &str, message: &str) {
    let failed = |call: &str, error: SecretStoreError| assert_eq!(error.to_string(), message, "{what}: {call}");
    failed("get", failure(&format!("{what}: get"), || open(Patience::NobodyCanAnswer).get(&item())));
    failed("put", failure(&format!("{what}: put"), || open(Patience::NobodyCanAnswer).put(&item(), &set(None))));
    failed("erase", failure(&format!("{what}: erase"), || open(Patience::NobodyCanAnswer).erase(&item())));
    failed("probe", failure(&format!("{what}: probe"), || open(Patience::NobodyCanAnswer).probe()));
}

fn round_trip() {
    let _keyring = GnomeKeyring::unlocked();
    let store = open(Patience::NobodyCanAnswer);
    store.probe().unwrap();
    assert_eq!(desktop::items(), 0);

    let items = [(item(), None), (item(), Some(TOKEN.repeat(160))), (item(), Some(String::new()))];
    for (item, token) in &items {
        store.put(item, &set(token.clone())).unwrap();
    }
    // Once more under the same name: as recovery may.
    store.put(&items[0].0, &set(None)).unwrap();
    assert_eq!(desktop::items(), 3);
    for (item, token) in &items {
        let got = open(Patience::NobodyCanAnswer).get(item).unwrap();
        assert_eq!(got.access_key_id, "ASIAFAKEFAKEFAKEFAKE");
        assert_eq!(got.secret_access_key.expose_secret(), SECRET);
        assert_eq!(got.session_token.as_ref().map(|token| token.expose_secret()), token.as_deref());
    }

    let swapped = Item { nonce: items[1].0.nonce.clone(), ..items[0].0.clone() };
    assert!(matches!(failure("another nonce", || store.get(&swapped)), SecretStoreError::Stale { .. }));
    let other = item();
    let message =
        format!("the keyring answers but has no item {}: it is another keyring, a fresh one, or the item was removed", other.id);
    assert_eq!(failure("another item", || store.get(&other)).to_string(), message);

    store.erase(&items[0].0).unwrap();
    store.erase(&items[0].0).unwrap();
    assert!(matches!(failure("erased", || store.get(&items[0].0)), SecretStoreError::NoEntry { .. }));
    store.get(&items[1].0).unwrap();
    assert_eq!(desktop::items(), 2);
}

fn no_bus() {
    every_call_fails("no bus", "the keyring cannot be reached: this session has no D-Bus session bus");
}

fn closing_bus() {
    every_call_fails("closing bus", "the session bus or the keyring on it closed the connection without an answer");
}

fn no_provider() {
    every_call_fails("no provider", "there is no keyring: the session bus has no Secret Service and none can be started");
}

fn fresh() {
    let _keyring = GnomeKeyring::fresh();
    let canceller = Canceller::start();
    every_call_fails("fresh", "the keyring is new: it answers but has no default collection to keep secrets in");
    assert_eq!(canceller.asked(), 0);
}

fn locked() {
    let _keyring = GnomeKeyring::unlocked();
    let canceller = Canceller::start();
    let (store, item) = (open(Patience::NobodyCanAnswer), item());
    store.put(&item, &set(None)).unwrap();
    desktop::lock();
    let message = "the keyring is locked, and nobody can be asked to unlock it";
    every_call_fails("locked", message);
    assert_eq!(failure("locked: get of an item that is there", || store.get(&item)).to_string(), message);
    assert_eq!(failure("locked: put over an item that is there", || store.put(&item, &set(None))).to_string(), message);
    assert_eq!(failure("locked: erase of an item that is there", || store.erase(&item)).to_string(), message);
    assert_eq!(canceller.asked(), 0, "a prompt was shown where nobody can answer it");
    assert_eq!(desktop::items(), 1);
}

fn dismissed() {
    let _keyring = GnomeKeyring::unlocked();
    let (store, item) = (open(Patience::PersonPresent), item());
    store.put(&item, &set(None)).unwrap();
    desktop::lock();
    let message = "the keyring refused access: its prompt was dismissed, was not answered, or could not be shown";
    assert_eq!(failure("locked, a person, no display", || store.get(&item)).to_string(), message);
    let canceller = Canceller::start();
    assert_eq!(failure("dismissed: get", || store.get(&item)).to_string(), message);
    assert_eq!(canceller.asked(), 1);
    assert_eq!(failure("dismissed: put", || store.put(&item, &set(None))).to_string(), message);
    assert_eq!(canceller.asked(), 2);
    assert_eq!(failure("dismissed: probe", || store.probe()).to_string(), message);
    assert_eq!(canceller.asked(), 3, "a person who pressed Cancel was asked again");
}

fn frozen() {
    let keyring = GnomeKeyring::unlocked();
    let (store, item) = (open(Patience::NobodyCanAnswer), item());
    store.put(&item, &set(None)).unwrap();
    let stopped = keyring.stop();
    let error = failure("frozen: before connecting", || open(Patience::NobodyCanAnswer).get(&item));
    assert_eq!(error.to_string(), "the keyring did not answer within 3 s");

    // However many calls a command makes, it waits once.
    let started = Instant::now();
    for call in ["first", "second", "third"] {
        let error = failure(&format!("frozen: {call} call of one command"), || store.get(&item));
        assert!(matches!(error, SecretStoreError::Frozen { .. }), "{error}");
    }
    assert!(started.elapsed() <= IN_TIME, "{:?}", started.elapsed());

    drop(stopped);
    std::thread::sleep(Duration::from_millis(2_500));
    store.get(&item).expect("it answers again, and so does the store");
}

fn frozen_bus() {
    let _keyring = GnomeKeyring::unlocked();
    let stopped = Stopped::bus();
    let error = failure("frozen bus", || open(Patience::NobodyCanAnswer).get(&item()));
    assert_eq!(error.to_string(), "the keyring did not answer within 3 s");
    drop(stopped);
}

fn restarted() {
    let keyring = GnomeKeyring::unlocked();
    let (store, item) = (open(Patience::NobodyCanAnswer), item());
    store.put(&item, &set(None)).unwrap();
    drop(keyring);
    let error = failure("ended", || store.get(&item));
    assert!(matches!(error, SecretStoreError::NoProvider), "{error}");
    let _keyring = GnomeKeyring::unlocked();
    store.get(&item).expect("a new connection");
}
