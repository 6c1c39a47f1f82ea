//! `audit verify` and `audit head`: whoever can write the database is found.

use std::fs;

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
    env.credstack(["pop"]).ok();
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
