//! The vault on a real file system, through its public face.
#![cfg(unix)]
// Clippy knows a test by its attribute, and not the functions that a test calls.
#![allow(clippy::unwrap_used)]

mod keys;
mod provider;

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use credstack_core::{
    secret_store::{KeySource, Patience, SecretStore, SecretStoreError as E, StoreChoice, Vault},
    values::{CredentialSet, Item},
};
use secrecy::ExposeSecret;

const SECRET: &str = "fake-secret-of-the-vault";

struct Scratch {
    root: tempfile::TempDir,
    key: String,
}

impl Scratch {
    fn new() -> Scratch {
        let mut scratch = Scratch { root: tempfile::tempdir().unwrap(), key: String::new() };
        Vault::create_key_file(&scratch.path("key")).unwrap();
        scratch.key = fs::read_to_string(scratch.path("key")).unwrap();
        scratch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn vault(&self) -> PathBuf {
        self.path("vault")
    }

    fn file(&self, item: &Item) -> PathBuf {
        self.vault().join(item.id.to_string())
    }

    fn open(&self, key: KeySource) -> SecretStore {
        SecretStore::open(&StoreChoice::Vault { key }, &self.vault(), Patience::NobodyCanAnswer).unwrap()
    }

    fn with_key(&self, name: &str) -> SecretStore {
        self.open(KeySource::File(self.path(name)))
    }

    fn store(&self) -> SecretStore {
        self.with_key("key")
    }

    fn with_command(&self, script: &str) -> SecretStore {
        self.open(KeySource::Command(["sh", "-c", script].map(String::from).to_vec()))
    }

    fn names(&self) -> BTreeSet<String> {
        fs::read_dir(self.vault()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn item() -> Item {
    Item::new(jiff::Timestamp::from_second(1_700_000_000).unwrap()).unwrap()
}

fn set(token: Option<&str>) -> CredentialSet {
    CredentialSet { access_key_id: "ASIAFAKE".into(), secret_access_key: SECRET.into(), session_token: token.map(Into::into) }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The error, once its texts were searched for the key and the secret.
#[track_caller]
fn refused<T>(scratch: &Scratch, result: Result<T, E>) -> E {
    let Err(error) = result else { panic!("it succeeded") };
    let texts = format!("{error} {error:?} {}", error.hint());
    assert!(!texts.contains(SECRET) && !texts.contains(scratch.key.trim()), "{texts}");
    error
}

#[test]
fn keeps_sets_sealed_and_for_us_alone() {
    let scratch = Scratch::new();
    let long = "fake-token-".repeat(400);
    let items = [(item(), None), (item(), Some(long.as_str())), (item(), Some(""))];
    for (item, token) in &items {
        scratch.store().put(item, &set(*token)).unwrap();
        scratch.store().put(item, &set(*token)).unwrap();
    }
    for (item, token) in &items {
        let got = scratch.store().get(item).unwrap();
        assert_eq!((got.access_key_id.as_str(), got.secret_access_key.expose_secret()), ("ASIAFAKE", SECRET));
        assert_eq!(got.session_token.as_ref().map(|token| token.expose_secret()), *token);
    }
    assert_eq!(mode(&scratch.vault()), 0o700);
    assert_eq!(scratch.names().len(), 4, "three sets and the key check: {:?}", scratch.names());
    for name in scratch.names() {
        let bytes = fs::read(scratch.vault().join(&name)).unwrap();
        assert_eq!(mode(&scratch.vault().join(&name)), 0o600);
        for secret in [SECRET, "fake-token", "ASIAFAKE"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{name} shows {secret}");
        }
    }
    assert_eq!(mode(&scratch.path("key")), 0o600);
}

#[test]
fn nothing_is_sealed_twice_the_same_way() {
    let (scratch, item) = (Scratch::new(), item());
    scratch.store().put(&item, &set(None)).unwrap();
    let first = fs::read(scratch.file(&item)).unwrap();
    scratch.store().put(&item, &set(None)).unwrap();
    let second = fs::read(scratch.file(&item)).unwrap();
    assert_ne!(first[17..41], second[17..41], "the nonce");
    assert_ne!(first[41..], second[41..]);
}

#[test]
fn absent_sets_are_said_and_erased_ones_are_gone() {
    let (scratch, item) = (Scratch::new(), item());
    let message =
        format!("the vault answers but has no item {}: it is another vault, a fresh one, or the item was removed", item.id);
    scratch.store().erase(&item).unwrap();
    scratch.store().sweep_temporary_files().unwrap();
    assert_eq!(refused(&scratch, scratch.store().get(&item)).to_string(), message);
    assert!(!scratch.vault().exists(), "reading made a directory");
    scratch.store().put(&item, &set(None)).unwrap();
    fs::remove_file(scratch.path("key")).unwrap();
    scratch.store().erase(&item).expect("erasing needs no key");
    scratch.store().erase(&item).unwrap();
    assert_eq!(refused(&scratch, scratch.store().get(&item)).to_string(), message);
}

#[test]
fn a_probe_leaves_the_key_check_only() {
    let scratch = Scratch::new();
    scratch.store().probe().unwrap();
    assert_eq!(scratch.names(), BTreeSet::from(["key-check".into()]));
}

#[test]
fn too_large_is_refused_before_it_is_written() {
    let scratch = Scratch::new();
    let error = refused(&scratch, scratch.store().put(&item(), &set(Some(&"x".repeat(65_536)))));
    assert!(matches!(error, E::TooLarge { .. }), "{error}");
    assert!(!scratch.vault().exists());
}

#[test]
fn damage_is_told_from_another_version() {
    let (scratch, item) = (Scratch::new(), item());
    scratch.store().put(&item, &set(Some("fake-token"))).unwrap();
    let file = scratch.file(&item);
    let good = fs::read(&file).unwrap();
    let read = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        refused(&scratch, scratch.store().get(&item))
    };
    for place in (0..16).chain(17..good.len()) {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        let error = read(&bytes);
        assert!(matches!(error, E::DamagedFile { .. }), "byte {place}: {error}");
    }
    for length in [0, 1, 16, 17, 40, 41, good.len() - 1] {
        let error = read(&good[..length]);
        assert!(matches!(error, E::DamagedFile { .. }), "{length} bytes: {error}");
    }
    let mut newer = good.clone();
    newer[16] = 2;
    let error = read(&newer);
    assert!(matches!(error, E::NewerFile { version: 2, .. }), "{error}");
    let error = read(&vec![0; 200_000]);
    assert!(matches!(error, E::Unsafe { why: "it is too large", .. }), "{error}");
    fs::write(&file, &good).unwrap();
    scratch.store().get(&item).unwrap();
}

#[test]
fn a_swapped_or_rolled_back_file_is_refused() {
    let (scratch, one, two) = (Scratch::new(), item(), item());
    scratch.store().put(&one, &set(None)).unwrap();
    scratch.store().put(&two, &set(None)).unwrap();
    fs::copy(scratch.file(&one), scratch.file(&two)).unwrap();
    let error = refused(&scratch, scratch.store().get(&two));
    assert!(matches!(error, E::DamagedFile { .. }), "{error}");
    let renewed = Item { nonce: item().nonce, ..one };
    let error = refused(&scratch, scratch.store().get(&renewed));
    assert!(matches!(error, E::Stale { .. }), "{error}");
}

#[test]
fn only_what_killed_writes_left_is_swept() {
    let (scratch, item) = (Scratch::new(), item());
    scratch.store().put(&item, &set(None)).unwrap();
    let kept = scratch.names();
    fs::write(scratch.vault().join(".writing-Ab12"), b"half").unwrap();
    scratch.store().sweep_temporary_files().unwrap();
    assert_eq!(scratch.names(), kept);
    scratch.store().get(&item).unwrap();
}

#[test]
fn a_directory_that_others_can_enter_is_refused() {
    let (scratch, item) = (Scratch::new(), item());
    scratch.store().put(&item, &set(None)).unwrap();
    let every_call = |why: &str| {
        let store = scratch.store();
        for result in
            [store.get(&item).map(drop), store.put(&item, &set(None)), store.erase(&item), store.sweep_temporary_files()]
        {
            let error = refused(&scratch, result);
            assert!(matches!(&error, E::Unsafe { why: found, .. } if *found == why), "{error}");
        }
    };
    for bits in [0o710, 0o701, 0o777] {
        chmod(&scratch.vault(), bits);
        every_call("other users have access to it");
    }
    chmod(&scratch.vault(), 0o700);
    fs::rename(scratch.vault(), scratch.path("elsewhere")).unwrap();
    symlink(scratch.path("elsewhere"), scratch.vault()).unwrap();
    every_call("it is not a directory");
    fs::remove_file(scratch.vault()).unwrap();
    fs::rename(scratch.path("elsewhere"), scratch.vault()).unwrap();
    scratch.store().get(&item).unwrap();
}

#[test]
fn files_of_others_and_links_are_refused() {
    let (scratch, item) = (Scratch::new(), item());
    scratch.store().put(&item, &set(None)).unwrap();
    for path in [scratch.file(&item), scratch.path("key"), scratch.vault().join("key-check")] {
        let read = |why: &str| {
            let error = refused(&scratch, scratch.store().get(&item));
            assert!(matches!(&error, E::Unsafe { why: found, path: at } if *found == why && *at == path), "{error}");
        };
        chmod(&path, 0o640);
        read("other users have access to it");
        chmod(&path, 0o600);

        let aside = scratch.path("aside");
        fs::rename(&path, &aside).unwrap();
        symlink(&aside, &path).unwrap();
        read("it is a symbolic link");
        fs::remove_file(&path).unwrap();
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        read("it is not a regular file");
        fs::remove_dir(&path).unwrap();
        let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap();
        assert!(made.success());
        read("it is not a regular file");
        fs::remove_file(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
        scratch.store().get(&item).unwrap();
    }
}

#[test]
fn the_key_file_of_another_user_is_refused() {
    let scratch = Scratch::new();
    // Root's, or, where this is root, nobody's.
    let others = if fs::metadata(scratch.path("key")).unwrap().uid() == 0 {
        std::os::unix::fs::chown(scratch.path("key"), Some(65_534), None).unwrap();
        scratch.path("key")
    } else {
        "/etc/passwd".into()
    };
    let error = refused(&scratch, scratch.open(KeySource::File(others)).put(&item(), &set(None)));
    assert!(matches!(error, E::Unsafe { why: "it belongs to another user", .. }), "{error}");
}

#[test]
fn what_is_recorded_about_a_store_stays_readable() {
    for (choice, json) in [
        (StoreChoice::Keyring, r#"{"store":"keyring"}"#),
        (StoreChoice::Vault { key: KeySource::File("/k".into()) }, r#"{"store":"vault","key":{"file":"/k"}}"#),
        (
            StoreChoice::Vault { key: KeySource::Command(vec!["pass".into(), "aws".into()]) },
            r#"{"store":"vault","key":{"command":["pass","aws"]}}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&choice).unwrap(), json);
        assert_eq!(serde_json::from_str::<StoreChoice>(json).unwrap(), choice);
    }
}
