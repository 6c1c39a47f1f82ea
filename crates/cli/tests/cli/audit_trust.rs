//! `audit verify` and `audit head`: whoever can write the database is found.

use std::fs;

use sha2::{Digest, Sha256};

use crate::common::TestEnvironment;

fn sql(env: &TestEnvironment, statements: &str) {
    rusqlite::Connection::open(env.database()).unwrap().execute_batch(statements).unwrap();
}

#[test]
fn a_log_that_nobody_touched_verifies_through_every_head_it_had() {
    let env = TestEnvironment::new();
    let mut heads = vec![env.plain(["audit", "head"]).ok().stdout];
    env.push_role("Developer");
    heads.push(env.plain(["audit", "head"]).ok().stdout);
    env.credstack(["push", "assume", "Nobody"]).exits(4);
    env.credstack(["pop"]).ok();
    heads.push(env.plain(["audit", "head"]).ok().stdout);
    let (head, verified) = (env.json(["audit", "head"]), env.json(["audit", "verify"]));
    for head in &heads {
        env.credstack(["audit", "verify", "--head", head.trim()]).ok();
    }
    assert_eq!((&verified["events"], &verified["hash"]), (&head["count"], &head["hash"]));
    assert_eq!(heads[2].trim(), format!("{}:{}", head["count"], head["hash"].as_str().unwrap()));
    for rubbish in ["", "7", "-1:00", "1:zz", "0:11"] {
        env.credstack(["audit", "verify", &format!("--head={rubbish}")]).exits(2);
    }
}

#[test]
fn what_was_done_to_the_log_is_said() {
    let lift = "DROP TRIGGER event_is_never_updated; DROP TRIGGER event_is_never_deleted;";
    let put_back = include_str!("../../../../migrations/0001_stack.sql");
    let put_back = &put_back[put_back.find("CREATE TRIGGER").unwrap()..];
    for (change, says) in [
        ("UPDATE event SET detail = '{}' WHERE sequence = 2", "event 2 was changed"),
        ("UPDATE event SET event = 'nonsense' WHERE sequence = 2", "event 2 was changed"),
        ("DELETE FROM event WHERE sequence = 2", "event 2 is missing"),
        ("DELETE FROM event WHERE sequence > 2", "it was cut off: event 3 and what followed are missing"),
        (
            "DROP TRIGGER event_is_never_deleted",
            "its guard in the database is not whole: trigger event_is_never_deleted is missing",
        ),
        ("DROP TABLE event_text", "table event_text is missing"),
    ] {
        let env = TestEnvironment::new();
        env.push_role("Developer");
        env.credstack(["pop"]).ok();
        let head = env.plain(["audit", "head"]).ok().stdout;
        match change.starts_with("DROP") {
            true => sql(&env, change),
            false => sql(&env, &format!("{lift}{change};{put_back}")),
        }
        env.credstack(["audit", "verify", "--head", head.trim()]).exits(9).says(says);
    }
}

#[test]
fn another_database_in_the_place_of_ours_is_not_ours() {
    let (env, other) = (TestEnvironment::new(), TestEnvironment::new());
    for env in [&env, &other] {
        env.push_role("Developer");
    }
    let head = env.plain(["audit", "head"]).ok().stdout;
    fs::copy(other.database(), env.database()).unwrap();
    env.credstack(["audit", "verify", "--head", head.trim()]).exits(9).says("the log was replaced or computed anew");
}

#[test]
fn the_seal_finds_what_the_chain_cannot() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let old = fs::read(env.database()).unwrap();
    env.credstack(["pop"]).ok();
    env.push_role("Developer");
    let new = fs::read(env.database()).unwrap();
    let verified = env.json(["audit", "verify"]);
    assert_eq!((&verified["sealed"], &verified["unsealed"]), (&verified["events"], &0.into()));
    fs::write(env.database(), &old).unwrap();
    env.credstack(["audit", "verify"]).exits(9).says("it was cut off");
    // A change that comes after does not cover it up.
    env.credstack(["pop"]).ok();
    env.push_role("Developer");
    env.credstack(["audit", "verify"]).exits(9);
    fs::write(env.database(), &new).unwrap();
    env.credstack(["audit", "verify"]).ok();
    env.credstack(["use", "c1"]).ok();
    let verified = env.json(["audit", "verify"]);
    assert_eq!(verified["unsealed"], 1);
}

/// What somebody does who can write the database and not the secret store.
#[test]
fn whoever_chooses_another_store_in_the_database_is_found() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let chosen = "SELECT value FROM setting WHERE name = 'secret_store'";
    let vault: String = rusqlite::Connection::open(env.database()).unwrap().query_row(chosen, [], |row| row.get(0)).unwrap();
    env.credstack(["audit", "verify"]).ok();

    // No keyring is there: the seal cannot be asked for, and only the chain is whole.
    sql(&env, r#"UPDATE setting SET value = '{"store":"keyring"}' WHERE name = 'secret_store'"#);
    env.credstack(["audit", "verify"]).exits(6).says("the chain alone verifies");
    env.credstack(["audit", "verify", "--chain-only"]).ok();
    sql(&env, "DELETE FROM setting WHERE name = 'secret_store'");
    env.credstack(["audit", "verify"]).exits(9).says("the vault has a seal of another one");
    fs::remove_file(env.database()).unwrap();
    env.credstack(["audit", "verify"]).exits(9).says("the vault has a seal of another one");

    // A new log in its place, with the same vault.
    let vault: serde_json::Value = serde_json::from_str(&vault).unwrap();
    env.credstack(["setup", "--store", "vault", "--key-file", vault["key"]["file"].as_str().unwrap()]).ok();
    env.credstack(["audit", "verify"]).exits(9).says("it was cut off");
    env.push_role("Developer");
    env.credstack(["audit", "verify"]).exits(9);
    env.credstack(["audit", "seal"]).exits(2).says("--yes");
    env.credstack(["audit", "seal", "--yes"]).ok();
    assert_eq!(env.json(["audit", "verify"])["unsealed"], 0);
    let resealed = env.json(["history", "--event", "resealed"]);
    assert!(resealed["events"][0]["detail"]["seal"][1].as_str().unwrap().contains(':'), "{resealed}");
}

#[test]
fn a_seal_that_is_gone_is_missed() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    fs::remove_file(env.state().join("vault/00000000-0000-0000-0000-000000000002")).unwrap();
    env.credstack(["audit", "verify"]).exits(9).says("the secret store has no seal of it");
    // No change covers that up: only a person knows why it is gone.
    env.credstack(["pop"]).ok();
    env.credstack(["audit", "verify"]).exits(9).says("credstack audit seal");
    env.credstack(["audit", "seal", "--yes"]).ok();
    env.credstack(["audit", "verify"]).ok();
}

#[test]
fn a_pruned_log_verifies_from_its_checkpoint() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let old = env.plain(["audit", "head"]).ok().stdout;
    env.credstack(["audit", "prune", "--before", "2020-01-01"]).exits(3);
    env.credstack(["audit", "prune", "--before", "2100-01-01"]).exits(2).says("--yes");
    let would = env.json(["audit", "prune", "--before", "2100-01-01", "--dry-run"]);
    assert_eq!(would["removed"], 0);
    env.credstack(["audit", "prune", "--before", "2100-01-01", "--yes"]).ok();
    let events = env.json(["history"])["events"].as_array().unwrap().clone();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["detail"]["removed"], would["events"]);
    assert_eq!(events[0]["detail"]["through"], would["through"]);
    env.credstack(["pop"]).ok();
    env.push_role("Developer");
    let verified = env.json(["audit", "verify"]);
    assert_eq!((&verified["pruned"], &verified["unsealed"]), (&would["events"], &0.into()));
    env.credstack(["audit", "verify", "--head", old.trim()]).ok();
    let older = format!("1:{}", "0".repeat(64));
    env.credstack(["audit", "verify", "--head", &older]).exits(9).says("was pruned");
    sql(&env, "DROP TRIGGER event_is_never_deleted");
    env.credstack(["audit", "prune", "--before", "2100-01-01", "--yes"]).exits(9);
}

/// A prune that the secret store knows nothing of is a deletion.
#[test]
fn a_forged_checkpoint_is_found() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    env.credstack(["pop"]).ok();
    // With another state directory somebody computes what a prune would write: here, a real prune with the seal put back.
    let seal = env.state().join("vault/00000000-0000-0000-0000-000000000002");
    let before = fs::read(&seal).unwrap();
    env.credstack(["audit", "prune", "--before", "2100-01-01", "--yes"]).ok();
    let after = fs::read(&seal).unwrap();
    fs::write(&seal, &before).unwrap();
    env.credstack(["audit", "verify", "--chain-only"]).ok();
    env.credstack(["audit", "verify"]).exits(9).says("no seal covers it");
    fs::write(&seal, &after).unwrap();
    env.credstack(["audit", "verify"]).ok();
}

/// A home in which much has happened: sets of every kind that were pushed, renewed, held, forgotten, refused and dropped.
fn lived_in() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.push_session();
    env.push_role("Developer");
    env.credstack(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly", "--note", "ticket 7"]).ok();
    env.credstack(["refresh"]).ok();
    env.credstack(["push", "assume", "Nobody"]).exits(4);
    env.credstack(["pop"]).ok();
    env.credstack(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly", "--no-use"]).ok();
    env.credstack(["forget", &env.held()[0]]).ok();
    env.credstack(["save"]).ok();
    env.credstack(["pop"]).ok();
    env.credstack(["--stack", "other", "push", "assume", "Developer"]).ok();
    env
}

/// The log and the seal on it, to be put back.
fn kept(env: &TestEnvironment) -> impl Fn() {
    let files = [env.database(), env.state().join("vault/00000000-0000-0000-0000-000000000002")];
    let kept = files.map(|file| (fs::read(&file).unwrap(), file));
    move || kept.iter().for_each(|(bytes, file)| fs::write(file, bytes).unwrap())
}

fn credentials(env: &TestEnvironment) -> Vec<Vec<rusqlite::types::Value>> {
    let database = rusqlite::Connection::open(env.database()).unwrap();
    let mut statement = database
        .prepare(
            "SELECT id, parent, access_key_id, temporary, account, arn, kind, issued_at, expires_at, replaced_by
                  FROM credential ORDER BY id",
        )
        .unwrap();
    let row = |row: &rusqlite::Row<'_>| (0..10).map(|column| row.get(column)).collect();
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// Most questions are answered from the credential sets, which the chain does not cover.
#[test]
fn credential_sets_are_what_the_log_says_of_them() {
    let env = lived_in();
    env.credstack(["audit", "verify", "--indexes"]).ok();
    let (put_back, rows) = (kept(&env), credentials(&env));
    assert!(rows.len() > 5, "{rows:?}");
    let renewed = "(SELECT id FROM credential WHERE replaced_by IS NOT NULL)";
    let gone = "(SELECT min(id) FROM credential WHERE state = 'erased' AND replaced_by IS NULL)";
    for (tampering, named) in [
        ("UPDATE credential SET arn = 'arn:aws:iam::111122223333:user/mallory' WHERE id = 3".to_owned(), "c3 is not what event"),
        ("UPDATE credential SET account = '999988887777' WHERE id = 3".to_owned(), "c3 is not what event"),
        ("UPDATE credential SET access_key_id = 'ASIAFAKEFAKEFAKEFAKE' WHERE id = 3".to_owned(), "c3 is not what event"),
        ("UPDATE credential SET parent = NULL WHERE id = 3".to_owned(), "c3 is not what event"),
        ("UPDATE credential SET expires_at = 1 WHERE id = 3".to_owned(), "c3 is not what event"),
        ("UPDATE credential SET issued_at = 1 WHERE id = 3".to_owned(), "c3 is not what event"),
        ("UPDATE credential SET kind = 'get-federation-token' WHERE id = 3".to_owned(), "c3 is not what event"),
        (format!("UPDATE credential SET replaced_by = NULL WHERE id = {renewed}"), "is not what the log says of it"),
        ("UPDATE credential SET replaced_by = 2 WHERE id = 3".to_owned(), "c3 is not what the log says of it"),
        (format!("PRAGMA foreign_keys = OFF; DELETE FROM credential WHERE id = {gone}"), "which brought it, says of it"),
        (
            "INSERT INTO credential (id, item, nonce, state, kind, access_key_id, temporary, issued_at)
             VALUES (99, 'x', 'x', 'erased', 'assume-role', 'ASIAFAKEFAKEFAKEFAKE', 1, 1)"
                .to_owned(),
            "c99 is not what the log says of it",
        ),
    ] {
        put_back();
        sql(&env, &tampering);
        env.credstack(["audit", "verify"]).exits(9).says(named).says("credstack audit seal");
        env.credstack(["audit", "seal", "--yes"]).ok().says("put back");
        env.credstack(["audit", "verify"]).ok();
        assert_eq!(credentials(&env), rows, "{tampering}");
        assert_eq!(env.json(["history", "--event", "resealed"])["events"][0]["detail"]["mended"], "disagrees");
    }
    // What was pruned can say nothing of them any more.
    put_back();
    env.credstack(["audit", "prune", "--before", "2100-01-01", "--yes"]).ok();
    env.credstack(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]).ok();
    env.credstack(["audit", "verify"]).ok();
    sql(&env, "UPDATE credential SET account = '999988887777' WHERE id = (SELECT max(id) FROM credential)");
    env.credstack(["audit", "verify"]).exits(9);
}

/// Whoever makes the indexes wrong hides events from every question, and not from the chain.
#[test]
fn what_finds_events_is_verified_and_made_anew() {
    let env = lived_in();
    let finds = |env: &TestEnvironment| {
        let stack = env.json(["history", "--stack", "other"])["events"].as_array().unwrap().len();
        (stack, env.json(["history", "--note", "ticket"])["events"].as_array().unwrap().len())
    };
    let (put_back, found) = (kept(&env), finds(&env));
    assert!(found.0 > 0 && found.1 > 0, "{found:?}");
    let other_index = "DROP INDEX event_stack; CREATE INDEX event_stack ON event (stack) WHERE stack = 'nowhere';";
    let disguised = "PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = 'CREATE INDEX event_stack ON event (stack) WHERE stack IS NOT NULL' WHERE name = 'event_stack'";
    let forgotten =
        "INSERT INTO event_text (event_text, rowid, note) SELECT 'delete', sequence, note FROM event WHERE note IS NOT NULL";
    for (tampering, hides, argument) in [
        (other_index.to_owned(), false, "--yes"),
        (format!("{other_index}{disguised}"), true, "--indexes"),
        (forgotten.to_owned(), true, "--indexes"),
        ("DROP TABLE event_text".to_owned(), false, "--yes"),
        ("DROP TRIGGER event_text_follows_insert".to_owned(), false, "--yes"),
        ("DROP TRIGGER event_is_never_updated; DROP TRIGGER event_is_never_deleted".to_owned(), false, "--yes"),
        ("CREATE TRIGGER x AFTER INSERT ON event BEGIN SELECT 1; END".to_owned(), false, "--yes"),
        ("DROP VIEW event_noted".to_owned(), false, "--yes"),
        ("DROP INDEX credential_parent".to_owned(), false, "--yes"),
        ("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'event_text'".to_owned(), false, "--yes"),
    ] {
        put_back();
        sql(&env, &tampering);
        if hides {
            assert_ne!(finds(&env), found, "{tampering}");
        }
        let options = ["audit", "verify", argument];
        let verify = &options[..if argument == "--indexes" { 3 } else { 2 }];
        env.credstack(verify).exits(9).says("credstack audit seal");
        let doctor = env.credstack(["doctor"]);
        assert!(doctor.stdout.contains("`credstack audit seal` puts"), "{}", doctor.stdout);
        env.credstack(["audit", "seal", "--yes"]).ok().says("put back");
        env.credstack(["audit", "verify", "--indexes"]).ok();
        assert_eq!(finds(&env), found, "{tampering}");
        env.credstack(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly", "--note", "ticket 8"]).ok();
        assert_eq!(finds(&env), (found.0, found.1 + 1), "{tampering}");
        let error = rusqlite::Connection::open(env.database()).unwrap().execute("DELETE FROM event", []).unwrap_err();
        assert!(error.to_string().contains("the log only grows"), "{tampering}: {error}");
    }
}

/// Whoever can write the file can add to the chain, behind the seal.
#[test]
fn what_credstack_never_writes_is_found_behind_the_seal() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let put_back = kept(&env);
    for (at, event, detail) in [
        (1_800_000_000, "saved", "nonsense"),
        (1_800_000_000, "saved", "[]"),
        (1_800_000_000, "saved", "{\"a\": "),
        (1_800_000_000, "nonsense", "{}"),
        (i64::MAX, "saved", "{}"),
    ] {
        put_back();
        let database = rusqlite::Connection::open(env.database()).unwrap();
        let newest = "SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1";
        let (count, hash): (i64, [u8; 32]) = database.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        // docs/model.md has the encoding.
        let text = |text: &str| [b"t", &(text.len() as u64).to_be_bytes()[..], text.as_bytes()].concat();
        let number = |number: i64| [b"i", &number.to_be_bytes()[..]].concat();
        let columns = [number(count + 1), number(at), text(event), b"nnnnnn".to_vec(), text(detail)].concat();
        let hash: [u8; 32] = Sha256::digest([b"credstack event 1\n", &hash[..], &columns].concat()).into();
        let insert = "INSERT INTO event (sequence, at, event, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5)";
        database.execute(insert, (count + 1, at, event, detail, hash)).unwrap();
        drop(database);
        let says = format!("event {} has its place in the chain, and is nothing that credstack writes", count + 1);
        env.credstack(["audit", "verify"]).exits(9).says(&says);
        // A person can accept it: the rest is a log all the same.
        env.credstack(["audit", "seal", "--yes"]).ok();
        env.credstack(["audit", "verify"]).ok();
    }
}
