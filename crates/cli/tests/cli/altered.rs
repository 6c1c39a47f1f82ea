//! Somebody who can write the database exchanges rows, edits what was asked, and puts numbers where none can be.

use serde_json::Value as Json;

use crate::common::TestEnvironment;

const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

fn sql(env: &TestEnvironment, statements: &str) {
    rusqlite::Connection::open(env.database()).unwrap().execute_batch(statements).unwrap();
}

fn row(env: &TestEnvironment, id: i64) -> Vec<rusqlite::types::Value> {
    let database = rusqlite::Connection::open(env.database()).unwrap();
    let columns = "SELECT item, nonce, region, signed_by, request, profile, way FROM credential WHERE id = ?1";
    database.query_row(columns, [id], |row| (0..7).map(|column| row.get(column)).collect()).unwrap()
}

/// Its output has the keys, and is not kept.
#[track_caller]
fn hands_out(env: &TestEnvironment, frame: &str) {
    assert!(env.command(["credential-process", "--frame", frame]).output().unwrap().status.success());
}

#[test]
fn the_items_of_two_rows_that_were_exchanged_give_no_keys_and_are_found() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    env.push_role(READ_ONLY);
    env.credstack(["audit", "verify"]).ok();
    let before = (row(&env, 2), row(&env, 3));
    sql(
        &env,
        "CREATE TEMP TABLE kept AS SELECT id, item, nonce FROM credential WHERE id IN (2, 3);
         UPDATE credential SET item = 'x' WHERE id = 2;
         UPDATE credential SET (item, nonce) = (SELECT item, nonce FROM kept WHERE id = 2) WHERE id = 3;
         UPDATE credential SET (item, nonce) = (SELECT item, nonce FROM kept WHERE id = 3) WHERE id = 2;",
    );
    assert_eq!((row(&env, 3)[..2].to_vec(), row(&env, 2)[..2].to_vec()), (before.0[..2].to_vec(), before.1[..2].to_vec()));
    for command in [
        &["credential-process"][..],
        &["credential-process", "--frame", "c2"],
        &["env", "--reveal"],
        &["push", "assume", "Developer"],
        &["whoami"],
    ] {
        let refused = env.credstack(command).exits(6).says("belongs to another access key");
        // What evaluates the output of env has to fail too.
        let said = if command[0] == "env" { "(exit 6)\n" } else { "" };
        assert_eq!(refused.stdout, said, "{command:?}");
    }
    env.credstack(["exec", "--", "true"]).exits(125).says("belongs to another access key");
    env.credstack(["audit", "verify"]).exits(9).says("c2 is not what event");
    let doctor = env.plain(["doctor"]).exits(6);
    assert!(doctor.stdout.contains("c2: the stored item") && doctor.stdout.contains("c3: the stored item"), "{}", doctor.stdout);
    // The log says which is whose.
    env.credstack(["audit", "seal", "--yes"]).ok().says("put back");
    assert_eq!((row(&env, 2), row(&env, 3)), before);
    env.credstack(["audit", "verify"]).ok();
    env.credstack(["whoami"]).ok();
}

#[test]
fn an_edited_request_is_not_asked_again() {
    let env = TestEnvironment::new();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    env.credstack(["push", "assume", "Developer", "--policy", policy]).ok();
    let before = row(&env, 2);
    for edit in [
        "json_remove(request, '$.policy')",
        "json_set(request, '$.role_arn', 'arn:aws:iam::111122223333:role/Admin')",
        "json_set(request, '$.mfa_command', json('[\"/tmp/evil\"]'))",
        "NULL",
    ] {
        sql(&env, &format!("UPDATE credential SET request = {edit} WHERE id = 2"));
        env.sandbox.forget_calls();
        env.credstack(["refresh"]).exits(9).says("c2 is not what the history says of it").says("credstack audit verify");
        env.credstack(["exec", "--read-only", "--", "true"]).exits(125).says("c2 is not what the history says of it");
        assert!(env.sandbox.calls().is_empty(), "{edit}");
        env.credstack(["audit", "verify"]).exits(9).says("c2 is not what event");
        env.credstack(["audit", "seal", "--yes"]).ok();
        assert_eq!(row(&env, 2), before, "{edit}");
        env.credstack(["audit", "verify"]).ok();
    }
    for edit in [
        r#"signed_by = '{"profile":"mallory"}', parent = NULL"#,
        "way = json_set(way, '$.endpoint', 'http://127.0.0.1:1')",
        "profile = 'mallory'",
    ] {
        sql(&env, &format!("UPDATE credential SET {edit} WHERE id = 2"));
        env.credstack(["refresh"]).exits(9);
        env.credstack(["audit", "verify"]).exits(9);
        env.credstack(["audit", "seal", "--yes"]).ok();
        assert_eq!(row(&env, 2), before, "{edit}");
    }
    env.credstack(["refresh"]).ok();
    env.credstack(["audit", "verify"]).ok();
}

/// Earlier versions wrote no item into the log, and a prune takes events away: what nothing was recorded of is not refused.
#[test]
fn rows_without_a_record_are_checked_by_their_key_alone() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    env.push_role(READ_ONLY);
    let database = rusqlite::Connection::open(env.database()).unwrap();
    let details: Vec<String> = database
        .prepare("SELECT detail FROM event WHERE event IN ('captured', 'acquired')")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    drop(database);
    for detail in &details {
        let detail: Json = serde_json::from_str(detail).unwrap();
        assert!(detail["item"].is_string() && detail["nonce"].is_string(), "{detail}");
    }
    env.credstack(["audit", "prune", "--before", "2100-01-01", "--yes"]).ok();
    env.credstack(["audit", "verify"]).ok();
    env.credstack(["refresh"]).ok();
    env.credstack(["whoami"]).ok();
    env.forget_how_sts_was_reached();
    let database = rusqlite::Connection::open(env.database()).unwrap();
    let shorter = "UPDATE credential SET request = json_set(request, '$.duration_seconds', 900) WHERE state = 'active'";
    database.execute(&format!("{shorter} AND request IS NOT NULL"), []).unwrap();
    drop(database);
    env.credstack(["refresh"]).ok();
    sql(&env, "UPDATE credential SET item = (SELECT 'x' || item), nonce = 'x' WHERE id = 1");
    hands_out(&env, "c2");
}

/// Nothing can come after the last number there is: every command says so, and some work all the same.
#[test]
fn a_log_that_ends_at_the_last_number_is_an_error_that_names_the_row() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    sql(
        &env,
        "INSERT INTO event (sequence, at, event, detail, hash) VALUES (9223372036854775807, 1800000000, 'saved', '{}', zeroblob(32))",
    );
    for command in [&["pop"][..], &["push", "assume", READ_ONLY], &["save"], &["clear", "--yes"], &["refresh"]] {
        env.credstack(command).exits(8).says("row 9223372036854775807 of table event");
    }
    env.credstack(["audit", "verify"]).exits(9);
    env.credstack(["list"]).ok();
    env.credstack(["history"]).ok();
    hands_out(&env, "current");
    let doctor = env.plain(["doctor"]).exits(8);
    assert!(doctor.stdout.contains("row 9223372036854775807 of table event"), "{}", doctor.stdout);
    env.credstack(["purge", "--yes"]).ok().says("erased");
    assert!(!env.state().exists());
}

#[test]
fn a_prune_through_the_last_number_is_found() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let through = format!("{}:{}", i64::MAX, "00".repeat(32));
    sql(
        &env,
        &format!(
            "INSERT INTO event (sequence, at, event, detail, hash)
             SELECT max(sequence) + 1, 1800000000, 'pruned', '{{\"through\":\"{through}\"}}', zeroblob(32) FROM event"
        ),
    );
    env.credstack(["audit", "verify"]).exits(9);
    env.credstack(["audit", "verify", "--chain-only"]).exits(9);
    env.credstack(["doctor"]);
    env.credstack(["purge", "--yes"]).ok();
}

/// The columns of whole numbers, and what somebody may put there.
const NUMBERS: [(&str, &str); 16] = [
    ("credential", "id"),
    ("credential", "held"),
    ("credential", "temporary"),
    ("credential", "issued_at"),
    ("credential", "expires_at"),
    ("credential", "parent"),
    ("credential", "replaced_by"),
    ("stack", "created_at"),
    ("frame", "height"),
    ("frame", "credential"),
    ("event", "sequence"),
    ("event", "at"),
    ("event", "credential"),
    ("event", "parent"),
    ("sqlite_sequence", "seq"),
    ("setting", "value"),
];

const COMMANDS: &[&[&str]] = &[
    &["list"],
    &["list", "--json"],
    &["history"],
    &["history", "--since", "1h", "--json"],
    &["history", "--graph"],
    &["stacks"],
    &["whoami", "--offline"],
    &["whoami"],
    &["prompt"],
    &["explain"],
    &["credential-process"],
    &["env", "--reveal"],
    &["exec", "--", "true"],
    &["audit", "verify"],
    &["audit", "live"],
    &["audit", "show", "c2"],
    &["audit", "key", "AKIAFAKEALICE0000001"],
    &["audit", "head"],
    &["audit", "export", "--format", "csv"],
    &["audit", "report"],
    &["doctor"],
    &["save"],
    &["swap"],
    &["drop"],
    &["refresh", "--all"],
    &["push", "assume", "Developer"],
    &["pop"],
    &["use", "c2"],
    &["forget", "--expired"],
    &["audit", "prune", "--before", "2100-01-01", "--yes"],
    &["audit", "seal", "--yes"],
    &["clear", "--yes"],
    &["purge", "--yes"],
];

#[test]
fn no_number_in_the_database_makes_a_command_panic() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    env.push_role(READ_ONLY);
    env.credstack(["refresh"]).ok();
    env.credstack(["push", "session", "--from", "root", "--no-use"]).ok();
    env.credstack(["audit", "prune", "--before", "2000-01-01", "--yes"]);
    let kept = std::fs::read(env.database()).unwrap();
    let vault = env.scratch("vault");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let copied = std::process::Command::new("/bin/cp").args(["-a", "-T"]).args([from, to]).status().unwrap();
        assert!(copied.success());
    };
    copy(&env.state(), &vault);
    for (table, column) in NUMBERS {
        for number in [i64::MAX, i64::MIN] {
            let _gone = std::fs::remove_dir_all(env.state());
            copy(&vault, &env.state());
            std::fs::write(env.database(), &kept).unwrap();
            let database = rusqlite::Connection::open(env.database()).unwrap();
            database
                .execute_batch(
                    "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; DROP TRIGGER event_is_never_updated;
                     DROP TRIGGER event_is_never_deleted",
                )
                .unwrap();
            let newest = format!("(SELECT max(rowid) FROM {table})");
            let which = match table {
                "frame" => "height = (SELECT max(height) FROM frame)".to_owned(),
                "stack" | "setting" => "1".to_owned(),
                _ => format!("rowid = {newest}"),
            };
            let is_set = database.execute(&format!("UPDATE {table} SET {column} = {number} WHERE {which}"), []);
            drop(database);
            if is_set.is_err() {
                continue;
            }
            for command in COMMANDS {
                // What hands out keys prints them: nothing of it is kept.
                let output = env.command(*command).output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                let what = format!("{table}.{column} = {number}: {command:?}: {said}");
                assert!(!said.contains("panic") && !said.contains("report this"), "{what}");
                assert!(output.status.code().is_some_and(|code| code != 101 && code != 1), "{what}");
            }
        }
    }
}

#[test]
fn a_frame_without_one_beneath_it_is_named_and_no_other_takes_its_place() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    sql(&env, "UPDATE frame SET height = 9223372036854775807 WHERE height = 1");
    for command in [&["list"][..], &["credential-process"], &["push", "assume", READ_ONLY], &["save"], &["use", "c1"], &["pop"]] {
        env.credstack(command).exits(8).says("row 9223372036854775807 of table frame");
    }
    let doctor = env.plain(["doctor"]).exits(8);
    assert!(doctor.stdout.contains("row 9223372036854775807 of table frame"), "{}", doctor.stdout);
    env.credstack(["purge", "--yes"]).ok().says("erased");
    assert!(!env.state().exists());
}

#[test]
fn where_no_number_is_left_for_a_credential_set_sts_is_not_asked() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    sql(&env, "UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'credential'");
    let before = env.sandbox.calls().len();
    for command in [&["push", "assume", "ops/Deploy"][..], &["refresh"]] {
        env.credstack(command).exits(8).says("row 9223372036854775807 of table credential");
    }
    assert_eq!(env.sandbox.calls().len(), before);
    let doctor = env.plain(["doctor"]).exits(8);
    assert!(doctor.stdout.contains("row 9223372036854775807 of table credential"), "{}", doctor.stdout);
}
