//! A database that was emptied, cut up or replaced: nothing is taken for new, it is said what is wrong, and there is a way out.

use std::fs;

use crate::common::TestEnvironment;

fn sql(env: &TestEnvironment, statements: &str) {
    rusqlite::Connection::open(env.database()).unwrap().execute_batch(statements).unwrap();
}

#[test]
fn an_emptied_database_is_not_a_new_one() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let files = env.vault_files();
    fs::write(env.database(), "").unwrap();
    for command in [&["list"][..], &["push", "session"], &["pop"], &["purge", "--yes"]] {
        env.credstack(command).exits(8).says("is damaged: it is empty").says("credstack purge --abandon");
    }
    let doctor = env.plain(["doctor"]).exits(8);
    assert!(doctor.stdout.contains("it is empty"), "{}", doctor.stdout);
    assert_eq!((fs::read(env.database()).unwrap().len(), env.vault_files()), (0, files));
    env.credstack(["purge", "--yes", "--abandon"]).ok().says("could not say what was stored");
    assert!(!env.state().exists());
    env.credstack(["setup", "--store", "vault", "--key-file", "vault.key"]).ok();
    env.push_role("Developer");
}

#[test]
fn what_killed_the_making_of_a_database_is_made_up_for() {
    let env = TestEnvironment::new();
    fs::rename(env.database(), env.state().join("credstack.db.new")).unwrap();
    fs::write(env.state().join("credstack.db.new-journal"), "half a journal").unwrap();
    env.credstack(["setup", "--store", "vault", "--key-file", "vault.key"]).ok();
    env.push_role("Developer");
    assert_eq!(env.frames(), ["c2", "c1"]);
    env.credstack(["purge", "--yes"]).ok();
    assert!(!env.state().exists());
}

#[test]
fn doctor_sees_what_is_missing_from_the_schema() {
    for (change, complaint) in [
        ("DROP TABLE event", "table event is missing"),
        ("DROP TRIGGER event_is_never_deleted", "trigger event_is_never_deleted is missing"),
        ("DROP INDEX credential_held", "index credential_held is missing"),
        ("CREATE TRIGGER other AFTER INSERT ON event BEGIN SELECT 1; END", "trigger other is not credstack's"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM credential WHERE id = 1", "refers to rows of credential that are missing"),
    ] {
        let env = TestEnvironment::new();
        env.push_role("Developer");
        sql(&env, change);
        let doctor = env.plain(["doctor"]).exits(8);
        assert!(doctor.stdout.contains(complaint), "{change}: {}", doctor.stdout);
    }
}

#[test]
fn doctor_sees_secrets_that_nothing_refers_to() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    sql(&env, "DELETE FROM frame");
    let doctor = env.plain(["doctor"]).exits(8);
    assert!(doctor.stdout.contains("c1, c2 keep secrets, but are on no stack"), "{}", doctor.stdout);
    env.credstack(["forget", "c2"]).ok();
    env.credstack(["use", "c1"]).ok();
    env.plain(["doctor"]).ok();
}

#[test]
fn doctor_sees_a_vault_that_another_database_filled() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    fs::remove_file(env.database()).unwrap();
    for found in [env.plain(["doctor"]), {
        env.credstack(["setup", "--store", "vault", "--key-file", "vault.key"]).ok();
        env.plain(["doctor"])
    }] {
        let found = found.exits(6);
        assert!(found.stdout.contains("the vault has 2 file(s) that this database does not know"), "{}", found.stdout);
    }
}
