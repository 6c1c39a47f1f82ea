//! The vault on a real file system, through its public face.
#![cfg(unix)]
// Clippy knows a test by its attribute, and not the functions that a test calls.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use credstack_core::{
    secret_store::{Item, KeyCommandFailure, KeySource, Patience, SecretStore, SecretStoreError as E, StoreChoice, Vault},
    values::CredentialSet,
};
use secrecy::ExposeSecret;

const SECRET: &str = "fake-secret-of-the-vault";

struct Scratch {
    root: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Scratch {
        let scratch = Scratch { root: tempfile::tempdir().unwrap() };
        Vault::create_key_file(&scratch.path("key")).unwrap();
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
    let key = fs::read_to_string(scratch.path("key")).unwrap_or_default();
    assert!(!texts.contains(SECRET) && (key.len() < 64 || !texts.contains(key.trim())), "{texts}");
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
fn another_key_is_said_to_be_another() {
    let (scratch, item) = (Scratch::new(), item());
    Vault::create_key_file(&scratch.path("other")).unwrap();
    scratch.store().put(&item, &set(None)).unwrap();
    let before = scratch.names();
    for key_check in [true, false] {
        if !key_check {
            fs::remove_file(scratch.vault().join("key-check")).unwrap();
        }
        let error = refused(&scratch, scratch.with_key("other").put(&self::item(), &set(None)));
        let message = format!("this key is not the key of the vault {}", scratch.vault().display());
        assert_eq!(error.to_string(), message);
        let error = refused(&scratch, scratch.with_key("other").get(&item));
        // Without the key check a damaged file cannot be told from another key.
        assert_eq!(matches!(error, E::WrongKey { .. }), key_check, "{error}");
    }
    scratch.store().put(&item, &set(None)).unwrap();
    assert_eq!(scratch.names(), before, "the key check is made again, and nothing else");
}

#[test]
fn of_two_first_keys_one_wins() {
    for _ in 0..20 {
        let scratch = Scratch::new();
        Vault::create_key_file(&scratch.path("other")).unwrap();
        let barrier = std::sync::Barrier::new(2);
        let put = |key| {
            let (store, item) = (scratch.with_key(key), item());
            barrier.wait();
            store.put(&item, &set(None)).map(|()| item)
        };
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| put("key"));
            let second = scope.spawn(|| put("other"));
            (first.join().unwrap(), second.join().unwrap())
        });
        let (lost, key, item) = match (first, second) {
            (Ok(item), Err(lost)) => (lost, "key", item),
            (Err(lost), Ok(item)) => (lost, "other", item),
            (first, second) => panic!("{first:?} {second:?}"),
        };
        assert!(matches!(lost, E::WrongKey { .. }), "{lost}");
        scratch.with_key(key).get(&item).unwrap();
    }
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
fn key_files_are_made_once_and_read_strictly() {
    let scratch = Scratch::new();
    let key = fs::read_to_string(scratch.path("key")).unwrap();
    assert_eq!(key.len(), 65);
    let error = refused(&scratch, Vault::create_key_file(&scratch.path("key")));
    assert!(matches!(error, E::KeyExists { .. }), "{error}");
    assert_eq!(fs::read_to_string(scratch.path("key")).unwrap(), key);
    assert_eq!(fs::read_dir(scratch.root.path()).unwrap().count(), 1, "nothing is left beside it");

    Vault::create_key_file(&scratch.path("a/b/key")).unwrap();
    assert_eq!([mode(&scratch.path("a")), mode(&scratch.path("a/b")), mode(&scratch.path("a/b/key"))], [0o700, 0o700, 0o600]);
    assert_ne!(fs::read_to_string(scratch.path("a/b/key")).unwrap(), key);

    let item = item();
    scratch.store().put(&item, &set(None)).unwrap();
    let digits = key.trim();
    for good in [digits.to_owned(), format!("{digits}\r\n"), digits.to_uppercase()] {
        fs::write(scratch.path("key"), good).unwrap();
        scratch.store().get(&item).unwrap();
    }
    for bad in ["", "\n", &digits[..63], &format!("{digits}\n\n"), &format!(" {digits}"), &format!("{}g", &digits[..63])] {
        fs::write(scratch.path("key"), bad).unwrap();
        let error = refused(&scratch, scratch.store().get(&item));
        assert!(matches!(error, E::KeyMalformed { .. }), "{bad:?}: {error}");
    }
    fs::remove_file(scratch.path("key")).unwrap();
    let error = refused(&scratch, scratch.store().get(&item));
    assert_eq!(error.to_string(), format!("the vault's key file {} does not exist", scratch.path("key").display()));
}

#[test]
fn a_key_command_gives_the_key_and_runs_once() {
    let (scratch, item) = (Scratch::new(), item());
    let (key, runs) = (scratch.path("key"), scratch.path("runs"));
    let store = scratch.with_command(&format!("echo run >> '{}'; cat; cat '{}'", runs.display(), key.display()));
    store.put(&item, &set(None)).unwrap();
    store.get(&item).unwrap();
    assert_eq!(fs::read_to_string(runs).unwrap(), "run\n");
    scratch.store().get(&item).unwrap();
    // Its arguments pass through no shell.
    let plain = KeySource::Command(vec!["printf".into(), "$HOME `id` %s".into()]);
    assert!(matches!(refused(&scratch, scratch.open(plain).get(&item)), E::KeyMalformed { from } if from == "printf"));
}

#[test]
fn a_key_command_that_fails_says_how_and_not_what_it_printed() {
    let (scratch, item) = (Scratch::new(), item());
    scratch.store().put(&item, &set(None)).unwrap();
    let failure = |script: &str| {
        let started = Instant::now();
        let error = refused(&scratch, scratch.with_command(script).get(&item));
        assert!(started.elapsed() <= Duration::from_secs(3), "{script} took {:?}", started.elapsed());
        error.to_string()
    };
    let key = scratch.path("key").display().to_string();
    assert_eq!(failure(&format!("cat '{key}'; exit 7")), "the vault's key command sh failed: exit status: 7");
    assert_eq!(failure("kill -9 $$"), "the vault's key command sh failed: signal: 9 (SIGKILL)");
    assert_eq!(failure(&format!("cat '{key}' '{key}'")), "the vault's key command sh printed more than a key");
    assert_eq!(failure("exec cat /dev/zero"), "the vault's key command sh printed more than a key");
    assert_eq!(failure("echo fake-secret-of-the-vault"), "the vault's key from sh is not a key: expected 64 hexadecimal digits");

    let command = |command: &[&str]| {
        let source = KeySource::Command(command.iter().map(ToString::to_string).collect());
        refused(&scratch, scratch.open(source).get(&item))
    };
    assert!(matches!(command(&[]), E::KeyCommand { failure: KeyCommandFailure::Empty, .. }));
    let error = command(&["/nonexistent/program"]);
    assert!(matches!(error, E::KeyCommand { failure: KeyCommandFailure::NotRun(_), .. }), "{error}");
}

#[test]
fn a_key_command_that_does_not_end_is_ended() {
    let (scratch, item) = (Scratch::new(), item());
    scratch.store().put(&item, &set(None)).unwrap();
    let pid = scratch.path("pid");
    let key = scratch.path("key").display().to_string();
    for script in ["exec sleep 60".into(), format!("cat '{key}'; exec >&-; exec sleep 60"), "sleep 6 & wait".into()] {
        let started = Instant::now();
        let store = scratch.with_command(&format!("echo $$ > '{}'; {script}", pid.display()));
        let error = refused(&scratch, store.get(&item));
        assert_eq!(error.to_string(), "the vault's key command sh did not finish within 3 s and was ended", "{script}");
        assert!(started.elapsed() <= Duration::from_secs(3), "{:?}", started.elapsed());
        let pid = fs::read_to_string(&pid).unwrap();
        assert!(!Path::new("/proc").join(pid.trim()).exists(), "{script} still runs");
    }
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
