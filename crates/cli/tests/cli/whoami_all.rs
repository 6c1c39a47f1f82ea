//! `whoami --all`: every frame, each asked by itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{ALICE, BOB_KEY, BOB_SECRET, TestEnvironment};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

fn column(rows: &Value, name: &str) -> Vec<Value> {
    rows.as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

/// ReadOnly, Developer, and alice's captured keys.
fn chain() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.push_role(READ_ONLY);
    env
}

#[test]
fn every_frame_says_who_it_is() {
    let env = chain();
    env.sandbox.forget_calls();
    let all = env.json(["whoami", "--all"]);
    assert_eq!(env.sandbox.actions(), ["GetCallerIdentity"; 3]);
    assert_eq!(column(&all, "position"), [0, 1, 2].map(Value::from));
    assert_eq!(column(&all, "credential"), ["c3", "c2", "c1"].map(Value::from));
    assert_eq!(column(&all, "error"), [Value::Null, Value::Null, Value::Null]);
    for (position, row) in all.as_array().unwrap().iter().enumerate() {
        let mut alone = env.json(["whoami", &position.to_string()]);
        alone["position"] = position.into();
        alone["error"] = Value::Null;
        assert_eq!(row, &alone);
    }
    let table = env.plain(["whoami", "--all"]).ok().stdout;
    assert_eq!((table.lines().count(), table.contains("PROBLEM")), (4, false), "{table}");
    assert!(table.lines().nth(3).unwrap().contains(ALICE), "{table}");
    // An untouched stack has one frame.
    let fresh = TestEnvironment::new();
    assert_eq!(column(&fresh.json(["whoami", "--all"]), "arn"), [ALICE]);
    fresh.plain(["whoami", "--all", "root"]).exits(2);
    fresh.plain(["--stack", "nowhere", "whoami", "--all"]).exits(3);
}

#[test]
fn offline_it_is_what_is_recorded() {
    let mut env = chain();
    let online = env.json(["whoami", "--all"]);
    env.sandbox.forget_calls();
    std::fs::rename(env.key_file(), env.scratch("away")).unwrap();
    assert_eq!(env.json(["whoami", "--all", "--offline"]), online);
    assert!(env.sandbox.calls().is_empty());
    std::fs::rename(env.scratch("away"), env.key_file()).unwrap();
    env.plain(["clear", "--yes"]).ok();
    env.no_keys();
    env.aws_config(&format!("[profile bob]\naws_access_key_id = {BOB_KEY}\naws_secret_access_key = {BOB_SECRET}\n"));
    env.learn(BOB_SECRET);
    env.set("AWS_PROFILE", "bob");
    env.push_role(DEVELOPER);
    let offline = env.plain(["whoami", "--all", "--offline"]).ok().stdout;
    assert!(offline.lines().nth(2).unwrap().contains("ambient (profile bob)"), "{offline}");
    assert_eq!(env.json(["whoami", "--all", "--offline"])[1]["arn"], Value::Null);
    assert!(env.json(["whoami", "--all"])[1]["arn"].as_str().unwrap().ends_with("user/bob"));
}

#[test]
fn one_that_fails_is_a_row_and_stops_no_other() {
    let mut env = TestEnvironment::new();
    env.session_lifetime(Some(1));
    env.push_role(DEVELOPER);
    // Without what signed it, it cannot be renewed.
    env.plain(["drop", "--yes"]).ok();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !env.plain(["list"]).ok().stdout.contains("expired at") {
        assert!(Instant::now() < deadline);
    }
    env.session_lifetime(None);
    env.plain(["push", "session", "--from", "env"]).ok();
    let output = env.plain(["--json", "whoami", "--all"]).exits(5);
    let rows = output.json();
    assert_eq!(column(&rows, "credential"), ["c3", "c2"].map(Value::from));
    assert_eq!((&rows[0]["arn"], &rows[0]["error"]), (&json!(ALICE), &Value::Null));
    assert!(rows[1]["arn"].as_str().unwrap().contains("assumed-role/Developer"), "what is recorded: {rows}");
    assert_eq!((&rows[1]["error"]["kind"], &rows[1]["error"]["exit_code"]), (&json!("expired"), &json!(5)));
    assert_eq!(output.error()["exit_code"], 5);
    let table = env.plain(["whoami", "--all"]).exits(5).says("1 of 2 frames did not say who they are");
    let lines: Vec<_> = table.stdout.lines().collect();
    assert!(lines[0].ends_with("PROBLEM") && lines[1].contains(ALICE) && lines[2].contains("expired at"), "{}", table.stdout);
    // The worst counts: there is no answer at all.
    env.set("HTTP_PROXY", "http://127.0.0.1:1");
    env.set("NO_PROXY", "");
    env.set("AWS_MAX_ATTEMPTS", "1");
    let far = env.plain(["--json", "whoami", "--all"]).exits(7);
    assert_eq!(
        column(&far.json(), "error").iter().map(|error| error["kind"].clone()).collect::<Vec<_>>(),
        ["network", "expired"]
    );
}

#[test]
fn what_is_due_is_renewed_and_other_keys_are_pointed_out_once() {
    let mut env = TestEnvironment::new();
    env.session_lifetime(Some(1));
    env.push_role(DEVELOPER);
    env.push_role(READ_ONLY);
    let deadline = Instant::now() + Duration::from_secs(20);
    while env.plain(["list"]).ok().stdout.matches("expired at").count() < 2 {
        assert!(Instant::now() < deadline);
    }
    env.session_lifetime(None);
    let before = env.frames();
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    let output = env.plain(["--json", "whoami", "--all"]).ok();
    assert_eq!(output.stderr.matches("is another identity").count(), 1, "{}", output.stderr);
    let after = env.frames();
    assert_eq!(column(&output.json(), "credential"), after.iter().map(|id| json!(id)).collect::<Vec<_>>());
    assert!(after[0] != before[0] && after[1] != before[1] && after[2] == before[2], "{before:?} {after:?}");
}

/// Three slow answers take as long as one.
#[test]
fn all_are_asked_at_the_same_time() {
    let env = chain();
    env.sandbox.faults(json!({ "delay_ms": 2000 }));
    let began = Instant::now();
    env.plain(["whoami", "--all"]).ok();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(6), "{took:?}");
}
