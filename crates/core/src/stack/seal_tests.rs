//! A log that the program made, with its vault, and somebody who can write the database and not the vault.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use crate::{
    database::{
        GENESIS,
        tampering::{apply, rows, tamper, tampering},
        verify_chain,
    },
    secret_store::{KeySource, Patience, Vault},
    stack::{Consent, Landing, Pop, Shell, Terms},
    values::{Acquired, Actor, CredentialSet, Kind, Signer, StackName},
};

struct Machine {
    directory: tempfile::TempDir,
    place: StateDirectory,
}

impl Machine {
    fn new() -> Machine {
        // In memory where that can be had: every commit is synced.
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { tempfile::TempDir::new_in(memory) } else { tempfile::tempdir() }.unwrap();
        let machine = Machine { place: StateDirectory::new(directory.path().join("state")), directory };
        machine.change(0).choose_store(&machine.vault("key"), false).unwrap();
        machine
    }

    /// With a key of that name, which is made.
    fn vault(&self, key: &str) -> StoreChoice {
        let key = self.directory.path().join(key);
        if !key.exists() {
            Vault::create_key_file(&key).unwrap();
        }
        StoreChoice::Vault { key: KeySource::File(key) }
    }

    fn change(&self, second: i64) -> Change {
        let (now, secrets) = (at(second), Secrets::new(Patience::NobodyCanAnswer));
        let terms = Terms {
            now,
            actor: Actor::default(),
            command: "test".into(),
            secrets,
            intents: Default::default(),
            consent: Consent::Everything,
        };
        Change::begin(&self.place, terms).unwrap()
    }

    fn push(&self, second: i64) {
        let acquired = Acquired {
            set: CredentialSet {
                access_key_id: format!("ASIAFAKE{second:012}"),
                secret_access_key: "fake-secret-of-the-seals".to_owned().into(),
                session_token: Some("fake-token-of-the-seals".to_owned().into()),
            },
            kind: Kind::Imported,
            identity: None,
            region: None,
            issued_at: at(second),
            expires_at: None,
            signer: Signer::None,
            request: None,
            label: None,
            note: Some(format!("push {second}")),
            profile: None,
            way: None,
        };
        let stack = StackName::default();
        self.change(second).push(&stack, acquired, Landing::Top, &Shell::default(), Default::default()).unwrap();
    }

    fn pop(&self, second: i64) {
        self.change(second).pop(&StackName::default(), Pop { root: false, keep: false }).unwrap();
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.place, Secrets::new(Patience::NobodyCanAnswer)).unwrap()
    }

    fn seals(&self) -> Seals {
        self.reader().seals().unwrap()
    }

    fn verify(&self, seals: &Seals) -> Result<Sealed, BadLog> {
        seals.sealed(&self.reader().verify(&seals.anchors()).unwrap()?)
    }

    /// Behind the program's back.
    fn sql<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        let connection = Connection::open(self.place.database()).unwrap();
        // Nothing is to outlast a power cut here.
        connection.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF").unwrap();
        tamper(&connection, work)
    }

    fn head(&self) -> Head {
        self.sql(|connection| events::head(connection).unwrap())
    }

    fn seal_file(&self) -> PathBuf {
        self.place.vault().join("00000000-0000-0000-0000-000000000002")
    }

    /// Removes all before the newest event, and says that it was a prune.
    fn forge_prune(&self) {
        self.sql(|connection| {
            let newest = events::head(connection).unwrap().count;
            let hash = events::hash(connection, newest - 1).unwrap().unwrap();
            let mut entry = Entry::new(EventKind::Pruned);
            entry.detail.insert("through".into(), json!(Head { count: newest - 1, hash }.to_string()));
            events::append(connection, at(50), &entry).unwrap();
            connection.execute("DELETE FROM event WHERE sequence < ?1", [newest]).unwrap();
        });
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn wrong(found: Result<Sealed, BadLog>) -> Wrong {
    found.expect_err("it was tampered with").wrong
}

/// Random tampering with a log that pushes, pops, saves and a prune made: each is found by the chain and the seal.
#[test]
fn ten_thousand_random_tamperings_of_a_log_of_the_programs_own_are_found() {
    let machine = Machine::new();
    for round in 0..4 {
        machine.push(10 * round);
        machine.push(10 * round + 1);
        machine.change(10 * round + 2).save(&StackName::default(), &Shell::default()).unwrap();
        machine.pop(10 * round + 3);
    }
    machine.change(90).prune(at(2)).unwrap().unwrap();
    machine.push(91);
    let (seals, head) = (machine.seals(), machine.head());
    assert_eq!(machine.verify(&seals), Ok(Sealed { count: Some(head.count), cut_off: 0 }));

    let mut runner = TestRunner::new(crate::seeded::seeded(10_000));
    machine.sql(|connection| {
        let before = rows(connection);
        assert!(before.len() > 15, "{}", before.len());
        let case = |tampering| {
            connection.execute_batch("SAVEPOINT tampering").unwrap();
            apply(connection, &tampering);
            let changed = rows(connection) != before;
            let found =
                verify_chain(connection, &seals.anchors(), |_| Ok(())).unwrap().and_then(|verified| seals.sealed(&verified));
            connection.execute_batch("ROLLBACK TO tampering; RELEASE tampering").unwrap();
            // What a kill leaves is said, and is no error.
            let is_found = found.as_ref().map_or(true, |sealed| sealed.cut_off > 0);
            prop_assert_eq!(is_found, changed, "{:?}: {:?}", tampering, found);
            Ok(())
        };
        runner.run(&tampering(head.count), case).unwrap();
    });
    assert_eq!(machine.verify(&machine.seals()), Ok(Sealed { count: Some(head.count), cut_off: 0 }));
}

#[test]
fn what_a_kill_before_the_commit_leaves_is_said_until_the_next_change() {
    let machine = Machine::new();
    machine.push(1);
    let (before, head) = (fs::read(machine.place.database()).unwrap(), machine.head());
    machine.push(2);
    fs::write(machine.place.database(), before).unwrap();
    assert_eq!(machine.verify(&machine.seals()), Ok(Sealed { count: Some(head.count), cut_off: 1 }));
    machine.push(3);
    assert_eq!(machine.verify(&machine.seals()), Ok(Sealed { count: Some(machine.head().count), cut_off: 0 }));
}

#[test]
fn a_forged_prune_is_not_covered_up_by_what_comes_later() {
    let machine = Machine::new();
    machine.push(1);
    machine.pop(2);
    machine.push(3);
    machine.forge_prune();
    assert_eq!(wrong(machine.verify(&machine.seals())), Wrong::PrunedUnsealed);
    machine.pop(51);
    machine.push(52);
    assert_eq!(wrong(machine.verify(&machine.seals())), Wrong::PrunedUnsealed);
    // A person may accept it.
    machine.change(60).reseal(&machine.seals(), None).unwrap();
    machine.push(61);
    assert_eq!(machine.verify(&machine.seals()).unwrap().count, Some(machine.head().count));
}

#[test]
fn a_seal_that_is_gone_stays_gone_until_a_person_accepts_that() {
    let machine = Machine::new();
    machine.push(1);
    machine.push(2);
    fs::remove_file(machine.seal_file()).unwrap();
    machine.sql(|connection| connection.execute("DELETE FROM event WHERE sequence > 2", []).unwrap());
    for second in [3, 4] {
        assert_eq!(wrong(machine.verify(&machine.seals())), Wrong::Unsealed);
        machine.push(second);
    }
    assert_eq!(wrong(machine.verify(&machine.seals())), Wrong::Unsealed);
    machine.change(5).reseal(&machine.seals(), None).unwrap();
    assert_eq!(machine.verify(&machine.seals()), Ok(Sealed { count: Some(machine.head().count), cut_off: 0 }));
}

/// Somebody who knows no seal but the one of their own store.
#[test]
fn every_seal_that_is_found_must_know_of_a_prune() {
    let machine = Machine::new();
    for second in 1..6 {
        machine.push(second);
    }
    let older = machine.seals().chosen;
    machine.push(6);
    assert!(machine.change(90).prune(at(6)).unwrap().is_some());
    let mut seals = machine.seals();
    assert!(machine.verify(&seals).is_ok());
    // It names what is not there any more.
    seals.keyring = older;
    assert_eq!(wrong(machine.verify(&seals)), Wrong::PrunedUnsealed);
    // It names the one event that was left.
    let newest = machine.head().count - 1;
    let hash = machine.sql(|connection| events::hash(connection, newest).unwrap().unwrap());
    let previous = Head { count: newest - 1, hash: GENESIS };
    seals.keyring = Some(Seal { previous, next: Head { count: newest, hash } });
    assert_eq!(wrong(machine.verify(&seals)), Wrong::PrunedUnsealed);
    // One that was told of it, as a prune tells it.
    seals.keyring = seals.chosen;
    assert!(machine.verify(&seals).is_ok());
}

#[test]
fn a_store_that_was_abandoned_is_sealed_when_it_is_chosen_again() {
    let machine = Machine::new();
    machine.push(1);
    let mut change = machine.change(2);
    change.abandon_secrets().unwrap();
    change.choose_store(&machine.vault("key"), true).unwrap();
    drop(change);
    machine.push(3);
    assert_eq!(machine.verify(&machine.seals()), Ok(Sealed { count: Some(machine.head().count), cut_off: 0 }));
    // Another key, while there is nothing to keep.
    machine.pop(4);
    machine.change(5).choose_store(&machine.vault("other-key"), false).unwrap();
    assert_eq!(machine.verify(&machine.seals()), Ok(Sealed { count: Some(machine.head().count), cut_off: 0 }));
}
