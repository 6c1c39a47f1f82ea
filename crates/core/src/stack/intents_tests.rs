use std::fs;

use jiff::Timestamp;

use super::*;
use crate::{
    secret_store::{KeySource, Patience, StoreChoice, Vault},
    stack::{Consent, Landing, Secrets, Shell, Terms},
    values::{Acquired, Actor, CredentialSet, Event, Kind, Signer, StackName},
};

const KEY: &str = "ASIAFAKE000000000001";

struct Machine {
    _directory: tempfile::TempDir,
    place: StateDirectory,
}

impl Machine {
    fn new() -> Machine {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("key");
        Vault::create_key_file(&key).unwrap();
        let machine = Machine { place: StateDirectory::new(directory.path().join("state")), _directory: directory };
        machine.change(&Intents::default()).choose_store(&StoreChoice::Vault { key: KeySource::File(key) }, false).unwrap();
        machine
    }

    fn change(&self, intents: &Intents) -> Change {
        let (secrets, consent) = (Secrets::new(Patience::NobodyCanAnswer), Consent::Everything);
        let terms =
            Terms { now: now(), actor: Actor::default(), command: "test".into(), secrets, intents: intents.clone(), consent };
        Change::begin(&self.place, terms).unwrap()
    }

    /// What is left is found by another process: its intents are its own.
    fn found(&self) -> (Vec<Notice>, Vec<Event>) {
        let mut change = self.change(&Intents::default());
        let kinds = vec![EventKind::Failed, EventKind::Orphaned];
        let events = change.database.events(&EventFilter { events: kinds, ..EventFilter::default() }, 9).unwrap();
        (change.take_notices(), events)
    }

    fn left(&self) -> usize {
        files(&self.place).unwrap().len()
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn asked() -> Asked {
    Asked {
        at: now(),
        operation: "AssumeRole".into(),
        target: Some("arn:aws:iam::111122223333:role/Developer".into()),
        stack: "work".into(),
        parent: None,
        signed_by: Some(Ambient { profile: Some("dev".into()), ..Ambient::default() }),
        latest_expiry: Timestamp::from_second(1_800_003_600).unwrap(),
        process: 7,
    }
}

fn acquired() -> Acquired {
    Acquired {
        set: CredentialSet {
            access_key_id: KEY.into(),
            secret_access_key: "fake-secret-of-the-intents".to_owned().into(),
            session_token: Some("fake-token-of-the-intents".to_owned().into()),
        },
        kind: Kind::AssumeRole,
        identity: None,
        region: None,
        issued_at: now(),
        expires_at: None,
        signer: Signer::None,
        request: None,
        label: None,
        note: None,
        profile: None,
        way: None,
    }
}

#[test]
fn a_request_of_a_living_process_is_left_alone_and_one_of_a_dead_one_is_written_down_once() {
    let machine = Machine::new();
    let intents = Intents::default();
    intents.begin(&machine.place, &asked()).unwrap();
    assert_eq!((machine.found().1.len(), machine.left()), (0, 1));
    // A change of the process itself does not take it for another's.
    assert!(machine.change(&intents).take_notices().is_empty());
    assert_eq!(machine.left(), 1);

    drop(intents);
    let (notices, events) = machine.found();
    assert!(matches!(&notices[..], [Notice::Interrupted(found)] if *found == asked()), "{notices:?}");
    let entry = &events[0].entry;
    assert_eq!((entry.event, entry.detail["code"].as_str()), (EventKind::Failed, Some("Interrupted")));
    assert_eq!(entry.stack.as_ref().unwrap().as_str(), "work");
    assert_eq!(entry.detail["latest_expiry"], "2027-01-15T09:00:00Z");
    assert_eq!(entry.detail["signed_by"]["profile"], "dev");
    assert_eq!((machine.found().0.len(), machine.found().1.len(), machine.left()), (0, 1, 0));
}

#[test]
fn what_was_issued_to_a_process_that_ended_is_an_orphan_with_its_key_and_expiry() {
    let machine = Machine::new();
    let intents = Intents::default();
    let id = intents.begin(&machine.place, &asked()).unwrap();
    let arn = "arn:aws:sts::111122223333:assumed-role/Developer/alice";
    let identity = Identity { account: "111122223333".into(), arn: arn.into(), user_id: "AROAFAKE:alice".into() };
    intents.answered(id, KEY, Some(asked().latest_expiry), Some(&identity));
    drop(intents);
    let (notices, events) = machine.found();
    assert!(matches!(&notices[..], [Notice::Orphaned(orphan)] if orphan.access_key_id == KEY), "{notices:?}");
    let entry = &events[0].entry;
    assert_eq!((entry.event, entry.access_key_id.as_deref(), entry.arn.as_deref()), (EventKind::Orphaned, Some(KEY), Some(arn)));
    assert_eq!((&entry.detail["reason"], &entry.detail["expires_at"]), (&json!("interrupted"), &json!("2027-01-15T09:00:00Z")));
    assert_eq!((machine.found().1.len(), machine.left()), (1, 0));
}

#[test]
fn the_row_and_the_log_take_the_place_of_the_file() {
    let machine = Machine::new();
    let intents = Intents::default();
    let id = intents.begin(&machine.place, &asked()).unwrap();
    intents.answered(id, KEY, None, None);
    let left = fs::read(&files(&machine.place).unwrap()[0]).unwrap();
    let mut change = machine.change(&intents);
    change.push(&StackName::default(), acquired(), Landing::Nowhere, &Shell::default(), Map::new()).unwrap();
    drop(change);
    assert_eq!(machine.left(), 0);

    // Killed between the row and the removal of the file.
    let path = machine.place.path().join(format!("{PREFIX}{}", Uuid::nil()));
    new_private_file(&path).unwrap().write_all(&left).unwrap();
    assert_eq!((machine.found().1.len(), machine.left()), (0, 0));

    let id = intents.begin(&machine.place, &asked()).unwrap();
    intents.dismiss(id);
    assert_eq!(machine.left(), 0);
}

#[test]
fn what_is_not_credstacks_is_no_request() {
    let machine = Machine::new();
    for (name, text, stays) in [
        ("asked.txt".to_owned(), "mine", true),
        // Killed before anything was asked.
        (format!("asked.{}", Uuid::nil()), "", false),
        (format!("asked.{}", Uuid::nil()), "{\"at\":", false),
    ] {
        let path = machine.place.path().join(name);
        new_private_file(&path).unwrap().write_all(text.as_bytes()).unwrap();
        assert!(machine.found().1.is_empty());
        assert_eq!(path.exists(), stays, "{text}");
    }
}

/// The file is empty for a moment, in which another process may look at it.
#[test]
fn two_processes_at_the_same_time_lose_nothing() {
    let machine = Machine::new();
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| (0..40).for_each(|_| drop(machine.change(&Intents::default()))));
        while !looking.is_finished() {
            let intents = Intents::default();
            let id = intents.begin(&machine.place, &asked()).unwrap();
            assert_eq!(machine.left(), 1, "the file of a living process is gone");
            intents.dismiss(id);
        }
    });
    assert!(machine.found().1.is_empty());
}
