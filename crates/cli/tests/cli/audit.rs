//! `audit key` and `audit live`: who a key was, and what AWS still accepts.

use serde_json::{Value, json};

use crate::{
    common::{ALICE_KEY, BOB_KEY, TestEnvironment},
    lookups::current_key,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

#[test]
fn a_key_is_told_without_asking_anybody() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let key = current_key(&env);
    env.plain(["pop"]).ok();
    env.sandbox.forget_calls();
    std::fs::rename(env.key_file(), env.scratch("away")).unwrap();
    assert_eq!(env.json(["audit", "key", &key]), env.json(["key-info", "--offline", &key]));
    let shown = env.plain(["audit", "key", &key]).ok().stdout;
    assert!(shown.contains("c2 (assume-role)") && shown.contains("on no stack\n"), "{shown}");
    let unknown = env.plain(["audit", "key", BOB_KEY]).exits(3).says("was ever here has this access key id").says("key-info");
    assert!(!unknown.stderr.contains(BOB_KEY), "it may be the secret access key");
    env.plain(["audit", "key", "short"]).exits(2).says("ID: ");
    assert!(env.sandbox.calls().is_empty());
}

/// The ids of what `audit live` shows, with whether their secret is here.
#[track_caller]
fn live(env: &TestEnvironment) -> Vec<(String, bool)> {
    let shown = env.json(["audit", "live"]);
    let told = |it: &Value| (it["credential"].as_str().unwrap().to_owned(), it["has_secret"].as_bool().unwrap());
    shown["live"].as_array().unwrap().iter().map(told).collect()
}

#[test]
fn what_aws_still_accepts_is_shown_though_its_secret_is_erased() {
    let env = TestEnvironment::new();
    assert_eq!(live(&env), []);
    env.session_lifetime(Some(1));
    env.push_role(DEVELOPER);
    env.session_lifetime(Some(1800));
    env.plain(["push", "assume", READ_ONLY, "--from", "root"]).ok();
    env.session_lifetime(Some(900));
    env.plain(["push", "session", "--from", "root", "--no-use"]).ok();
    env.plain(["pop"]).ok();
    let is = |id: &str, has_secret| (id.to_owned(), has_secret);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while live(&env).len() != 3 {
        assert!(std::time::Instant::now() < deadline, "c2 expires: {:?}", live(&env));
    }
    assert_eq!(live(&env), [is("c4", true), is("c3", false), is("c1", true)], "the first to expire comes first");
    let shown = env.plain(["audit", "live"]).ok().stdout;
    for (id, secret) in [("c4", "held"), ("c3", "erased here"), ("c1", "on default")] {
        let row = shown.lines().find(|row| row.trim_start().starts_with(id)).unwrap();
        assert!(row.contains(secret), "{row}");
    }
    assert!(shown.contains(ALICE_KEY) && shown.contains("does not expire"), "{shown}");
}

#[test]
fn the_policy_that_revokes_a_role_s_sessions_is_printed() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.push_role(READ_ONLY);
    env.plain(["pop"]).ok();
    let printed = env.plain(["audit", "live", "--revoke", "c2"]).ok();
    let document: Value = printed.json();
    let statement = &document["Statement"][0];
    assert_eq!((&document["Version"], &statement["Effect"]), (&json!("2012-10-17"), &json!("Deny")));
    assert_eq!((&statement["Action"], &statement["Resource"]), (&json!(["*"]), &json!(["*"])));
    let before: jiff::Timestamp = statement["Condition"]["DateLessThan"]["aws:TokenIssueTime"].as_str().unwrap().parse().unwrap();
    let issued: jiff::Timestamp = env.list()["frames"][0]["issued_at"].as_str().unwrap().parse().unwrap();
    assert!(issued <= before && before <= jiff::Timestamp::now());
    printed.says("--role-name Developer").says("alive of it here: c2").says("not ended by it, for another identity: c3");
    for whose in ["Developer", DEVELOPER, "c2"] {
        let told = env.json(["audit", "live", "--revoke", whose]);
        assert_eq!((&told["role"], &told["sessions"], &told["beyond"]), (&json!("Developer"), &json!(["c2"]), &json!(["c3"])));
        assert_eq!(told["policy"]["Statement"][0]["Effect"], "Deny");
    }
    let elsewhere = env.json(["audit", "live", "--revoke", "arn:aws:iam::444455556666:role/path/Developer"]);
    assert_eq!((&elsewhere["sessions"], &elsewhere["account"]), (&json!([]), &json!("444455556666")));
    env.plain(["audit", "live", "--revoke", "Admin"]).ok().says("no session of it that was ever here is alive");
    env.plain(["audit", "live", "--revoke", "c1"]).exits(2).says("not the session of a role").says("update-access-key");
    env.plain(["audit", "live", "--revoke", "c9"]).exits(3);
    env.plain(["audit", "live", "--revoke", "arn:aws:iam::111122223333:user/alice"]).exits(2).says("not a role");
}
