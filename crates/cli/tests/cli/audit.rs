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
    env.plain(["push", "assume", DEVELOPER, "--from", "root"]).ok();
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
    assert!(issued < before && before.as_second() <= jiff::Timestamp::now().as_second() + 1);
    assert_eq!(before.subsec_nanosecond(), 0, "as IAM writes times");
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

#[test]
fn everything_about_one_credential_set_is_shown() {
    let env = TestEnvironment::new();
    env.plain(["push", "assume", DEVELOPER, "--note", "INC-7", "--tag", "team=blue"]).ok();
    env.push_role(READ_ONLY);
    env.plain(["push", "assume", "arn:aws:iam::111122223333:role/Nobody", "--from", "c2"]).exits(4);
    env.plain(["pop"]).ok();
    env.json(["refresh"]);
    env.push_role(READ_ONLY);
    let shown = env.json(["audit", "show", "c2"]);
    let ids = |name: &str| -> Vec<String> {
        shown[name].as_array().unwrap().iter().map(|it| it["credential"].as_str().unwrap_or("-").to_owned()).collect()
    };
    assert_eq!((ids("ancestors"), ids("descendants")), (vec!["c1".to_owned()], vec!["c3".to_owned()]));
    assert_eq!((&shown["known"]["credential"], &shown["known"]["replaced_by"]), (&json!("c2"), &json!("c4")));
    assert_eq!((&shown["note"], &shown["request"]["role_arn"]), (&json!("INC-7"), &json!(DEVELOPER)));
    let events: Vec<_> = shown["events"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["erased", "restored", "refused", "acquired"], "{shown}");
    assert_eq!(env.json(["audit", "show", "c4"])["replaces"], json!(["c2"]));
    let all = env.json(["audit", "show", "c1"]);
    let heirs: Vec<_> = all["descendants"].as_array().unwrap().iter().map(|it| it["credential"].as_str().unwrap()).collect();
    assert_eq!(heirs, ["c2", "c3", "c4", "c5"], "each is followed by what it signed for");
    let text = env.plain(["audit", "show", "c2"]).ok().stdout;
    for part in
        ["renewed to  c4\n", "INC-7", "team", "\n└─ c2 arn:", ", renewed to c4\n", "\n   └─ c3 arn:", "Nobody: AccessDenied"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    env.plain(["audit", "show", "c9"]).exits(3);
}

#[test]
fn the_lineage_is_drawn_as_a_tree() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.push_role(READ_ONLY);
    env.plain(["push", "assume", READ_ONLY, "--from", "1"]).ok();
    env.plain(["push", "session", "--from", "root"]).ok();
    let drawn = |arguments: &[&str]| -> Vec<String> {
        let shown = env.plain([&["history", "--graph"], arguments].concat()).ok().stdout;
        shown.lines().map(|line| line.split(" arn:").next().unwrap().to_owned()).collect()
    };
    assert_eq!(drawn(&[]), ["c1", "├─ c2", "│  ├─ c3", "│  └─ c4", "└─ c5"]);
    assert_eq!(drawn(&["--role", "ReadOnly", "--limit", "1"]), ["c1", "└─ c2", "   └─ c4"], "with its ancestors");
    env.plain(["history", "--graph", "--json"]).exits(2);
}
