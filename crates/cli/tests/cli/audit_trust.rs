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
