//! Where the vault's key comes from, and that it stays the one.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use credstack_core::{
    secret_command::CommandFailure,
    secret_store::{KeySource, SecretStoreError as E, Vault},
};

use crate::{Scratch, item, mode, refused, set};

/// The promise is 3 seconds; a loaded machine gets a little more.
const IN_TIME: Duration = Duration::from_millis(3_500);

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
        let error = refused(&scratch, scratch.with_key("other").put(&crate::item(), &set(None)));
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
        assert!(started.elapsed() <= IN_TIME, "{script} took {:?}", started.elapsed());
        error.to_string()
    };
    let key = scratch.path("key").display().to_string();
    assert_eq!(failure(&format!("cat '{key}'; exit 7")), "the vault's key command sh failed: exit status: 7");
    assert_eq!(failure("kill -9 $$"), "the vault's key command sh failed: signal: 9 (SIGKILL)");
    assert_eq!(failure(&format!("cat '{key}' '{key}'")), "the vault's key command sh printed too much");
    assert_eq!(failure("exec cat /dev/zero"), "the vault's key command sh printed too much");
    assert_eq!(failure("echo fake-secret-of-the-vault"), "the vault's key from sh is not a key: expected 64 hexadecimal digits");

    let command = |command: &[&str]| {
        let source = KeySource::Command(command.iter().map(ToString::to_string).collect());
        refused(&scratch, scratch.open(source).get(&item))
    };
    assert!(matches!(command(&[]), E::KeyCommand { failure: CommandFailure::Empty, .. }));
    let error = command(&["/nonexistent/program"]);
    assert!(matches!(error, E::KeyCommand { failure: CommandFailure::NotRun(_), .. }), "{error}");
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
        assert!(started.elapsed() <= IN_TIME, "{:?}", started.elapsed());
        let pid = fs::read_to_string(&pid).unwrap();
        assert!(!Path::new("/proc").join(pid.trim()).exists(), "{script} still runs");
    }
}
