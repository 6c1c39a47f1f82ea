//! `key-info` and `web-token`, and what they have in common with `decode`: STS is asked, and no credential set comes of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    common::{ALICE_KEY, ALICE_SECRET, BOB_KEY, BOB_SECRET, TestEnvironment},
    handout::handed_out,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

pub fn current_key(env: &TestEnvironment) -> String {
    env.list()["frames"][0]["access_key_id"].as_str().unwrap().to_owned()
}

fn wait_until_expired(env: &TestEnvironment) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !env.plain(["list"]).ok().stdout.lines().nth(1).unwrap().contains("expired at") {
        assert!(Instant::now() < deadline);
    }
}

/// The commands that ask STS something.
fn questions() -> [Vec<String>; 3] {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect();
    [words("decode x"), words(&format!("key-info {BOB_KEY}")), words("web-token --audience a")]
}

#[test]
fn a_key_s_account_is_from_sts_and_the_rest_from_the_record() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let key = current_key(&env);
    let info = env.json(["key-info", &key]);
    assert_eq!((&info["access_key_id"], &info["account"]), (&json!(key), &json!("111122223333")));
    let known = &info["known"][0];
    assert_eq!(info["known"].as_array().unwrap().len(), 1);
    assert_eq!(known["frames"], json!([{ "stack": "default", "position": 0 }]));
    assert_eq!((&known["credential"], &known["kind"], &known["parent"]), (&json!("c2"), &json!("assume-role"), &json!("c1")));
    assert!(known["issued_at"].is_string() && known["first_seen_at"].is_string() && known["replaced_by"].is_null());
    assert_eq!(known["first_seen_at"], known["last_seen_at"], "it was acquired, and nothing else");
    assert_eq!(known["expires_at"], env.list()["frames"][0]["expires_at"]);
    // Of a key that was never here STS tells the account.
    let bobs = env.plain(["key-info", BOB_KEY]).ok().stdout;
    assert!(bobs.contains("111122223333\n") && bobs.contains("no credential set that was ever here has it"), "{bobs}");
    assert_eq!(env.json(["key-info", BOB_KEY])["known"], json!([]));
    let renewed = env.json(["refresh"])["renewed"][0].clone();
    assert_eq!((&renewed["replaces"], &renewed["credential"]), (&json!("c2"), &json!("c3")));
    assert_eq!(env.json(["key-info", &key])["known"][0]["replaced_by"], "c3");
    assert!(env.plain(["key-info", &key]).ok().stdout.contains(" renewed to  c3\n"));
    let key = current_key(&env);
    // On two stacks, then on none.
    env.plain(["--stack", "other", "use", "c3"]).ok();
    let both = env.plain(["key-info", &key]).ok().stdout;
    assert!(both.contains("default, current; other, current\n"), "{both}");
    env.plain(["--stack", "other", "clear"]).ok();
    env.plain(["pop"]).ok();
    let gone = env.plain(["key-info", &key]).ok().stdout;
    assert!(gone.contains("on no stack\n") && gone.contains("erased\n") && gone.contains("until "), "{gone}");
    env.plain(["push", "session", "--no-use", "--label", "kept"]).ok();
    let held = env.list()["held"][0]["access_key_id"].as_str().unwrap().to_owned();
    let shown = env.plain(["key-info", &held]).ok().stdout;
    assert!(shown.contains("on no stack, held\n") && shown.contains("kept\n"), "{shown}");
    let root = env.plain(["key-info", ALICE_KEY]).ok().stdout;
    assert!(root.contains("c1 (ambient)\n") && root.contains("does not expire"), "{root}");
}

#[test]
fn what_is_known_of_a_key_is_shown_though_sts_does_not_answer() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.push_role(READ_ONLY);
    let key = current_key(&env);
    let denied = env.plain(["key-info", &key]).exits(4).says("needs sts:GetAccessKeyInfo").says("--offline");
    assert!(denied.stdout.contains("444455556666 (as recorded)\n") && denied.stdout.contains("c3 (assume-role)"));
    env.plain(["key-info", "AKIAFAKEUNKNOWN00001", "--from", "1"]).exits(4).says("id that was asked about");
    env.set("HTTP_PROXY", "http://127.0.0.1:1");
    env.set("NO_PROXY", "");
    env.set("AWS_MAX_ATTEMPTS", "1");
    let far = env.plain(["--json", "key-info", &key]).exits(7);
    assert_eq!((&far.json()["account"], &far.json()["known"][0]["credential"]), (&Value::Null, &json!("c3")));
    assert_eq!(far.error()["kind"], "network");
    assert_eq!(env.plain(["key-info", BOB_KEY]).exits(7).stdout, "");
    // Offline needs neither network nor secret store.
    std::fs::rename(env.key_file(), env.scratch("away")).unwrap();
    let offline = env.plain(["key-info", "--offline", &key]).ok();
    assert!(offline.stdout.contains("default, current\n"), "{}", offline.stdout);
    let unknown = env.plain(["key-info", "--offline", BOB_KEY]).exits(3).says("was ever here has this access key id");
    assert!(!unknown.stderr.contains(BOB_KEY), "it may be the secret access key");
    env.plain(["key-info", "--offline", &key, "--from", "root"]).exits(2);
    TestEnvironment::without_store().plain(["key-info", "--offline", BOB_KEY]).exits(3);
}

#[test]
fn an_access_key_id_keeps_its_limits_and_is_not_repeated() {
    let env = TestEnvironment::new();
    for bad in [&*"A".repeat(15), &"A".repeat(129), "AKIA-FAKE-UNKNOWN-01", "", ALICE_SECRET] {
        // An empty id is in every text.
        let refused = env.plain(["key-info", bad]).exits(2).says("ID: ");
        assert!(bad.is_empty() || !refused.stderr.contains(bad));
    }
    assert!(env.sandbox.calls().is_empty());
    for good in [&*"A".repeat(16), &"A_9".repeat(42)] {
        env.plain(["key-info", good]).exits(4).says("InvalidClientTokenId");
    }
}

#[test]
fn a_web_token_is_printed_and_kept_nowhere() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let asked =
        ["web-token", "--audience", "https://api.example.com", "--audience", "b", "--duration", "10m", "--tag", "job=4 2"];
    let output = handed_out(&env, &[&asked[..], &["--signing-algorithm", "es384"]].concat()).ok();
    let token = output.stdout.trim();
    assert_eq!((output.stdout.lines().count(), token.split('.').count(), output.stderr.as_str()), (1, 3, ""));
    env.learn(token);
    let call = env.sandbox.calls().pop().unwrap();
    assert_eq!(call["action"], "GetWebIdentityToken");
    assert_eq!(
        call["parameters"],
        json!({
            "Audience.member.1": "https://api.example.com",
            "Audience.member.2": "b",
            "DurationSeconds": "600",
            "SigningAlgorithm": "ES384",
            "Tags.member.1.Key": "job",
            "Tags.member.1.Value": "4 2",
        })
    );
    let shown = handed_out(&env, &["--json", "web-token", "--audience", "a"]).ok().json();
    let token = shown["token"].as_str().unwrap();
    env.learn(token);
    let expires: jiff::Timestamp = shown["expires_at"].as_str().unwrap().parse().unwrap();
    let left = expires.as_second() - jiff::Timestamp::now().as_second();
    assert!((290..=300).contains(&left), "{left}");
    assert_eq!(env.sandbox.calls().pop().unwrap()["parameters"]["SigningAlgorithm"], "RS256");
    // Talkative as it may be, nothing but stdout has it.
    let loud = handed_out(&env, &["-vvv", "web-token", "--audience", "a"]).ok();
    assert!(!loud.stderr.contains(loud.stdout.trim()) && loud.stderr.contains("the token is good until"), "{}", loud.stderr);
    env.learn(loud.stdout.trim());
    assert_eq!(env.events(), ["store-changed", "captured", "acquired"]);
}

#[test]
fn a_web_token_keeps_its_limits() {
    let env = TestEnvironment::new();
    let (longest, too_long) = ("x".repeat(1000), "x".repeat(1001));
    let ask = |arguments: &[&str]| handed_out(&env, &[&["web-token"], arguments].concat());
    let many = ["--audience", "a"].repeat(11);
    for (arguments, says) in [
        (&[][..], "--audience"),
        (&["--audience", ""], "--audience is empty"),
        (&["--audience", &*too_long], "1 to 1000 characters, not 1001"),
        (&many, "at most 10 audiences"),
        (&["--audience", "a", "--duration", "59s"], "lasts 1m to 1h"),
        (&["--audience", "a", "--duration", "3601"], "lasts 1m to 1h"),
        (&["--audience", "a", "--duration", "-1"], "--duration"),
        (&["--audience", "a", "--signing-algorithm", "HS256"], "expected RS256 or ES384"),
        (&["--audience", "a", "--tag", "job"], "expected KEY=VALUE"),
        (&["--audience", "a", "--tag", "=x"], "--tag is empty"),
    ] {
        ask(arguments).exits(2).says(says);
    }
    assert!(env.sandbox.calls().is_empty());
    for arguments in [&["--audience", &longest][..], &many[2..], &["--audience", "a", "--duration", "60"]] {
        ask(arguments).ok();
    }
    ask(&["--audience", "a", "--duration", "1h"]).ok();
}

#[test]
fn what_sts_refuses_of_a_web_token_has_a_next_step() {
    let mut env = TestEnvironment::new();
    env.session_lifetime(Some(1800));
    env.push_role(DEVELOPER);
    let refused =
        |env: &TestEnvironment, more: &[&str]| handed_out(env, &[&["web-token", "--audience", "a"], more].concat()).exits(4);
    refused(&env, &["--duration", "1h"]).says("SessionDurationEscalationException").says("shorter --duration");
    let tags: Vec<String> = (0..50).flat_map(|i| ["--tag".to_owned(), format!("k{i}={}", "v".repeat(200))]).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    refused(&env, &tags).says("JWTPayloadSizeExceededException").says("fewer tags");
    env.session_lifetime(None);
    env.push_role(READ_ONLY);
    refused(&env, &[]).says("OutboundWebIdentityFederationDisabledException").says("enable-outbound-web-identity-federation");
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    refused(&env, &["--from", "env"]).says("needs sts:GetWebIdentityToken");
}

#[test]
fn whoever_asks_is_asked_for_again_first_where_that_is_due() {
    for question in questions() {
        let env = TestEnvironment::new();
        env.session_lifetime(Some(1));
        env.push_role(DEVELOPER);
        wait_until_expired(&env);
        env.session_lifetime(None);
        env.sandbox.forget_calls();
        let code = if question[0] == "decode" { 4 } else { 0 };
        handed_out(&env, &question.iter().map(String::as_str).collect::<Vec<_>>()).exits(code);
        let actions = env.sandbox.actions();
        assert_eq!((actions.len(), actions[0].as_str()), (2, "AssumeRole"), "{question:?}");
        assert_eq!(env.frames(), ["c3", "c1"], "{question:?}");
    }
}

#[test]
fn nobody_signs_with_what_has_expired_or_is_not_there() {
    let mut env = TestEnvironment::new();
    env.session_lifetime(Some(1));
    env.push_role(DEVELOPER);
    // Without what signed it, it cannot be renewed.
    env.plain(["drop", "--yes"]).ok();
    wait_until_expired(&env);
    env.sandbox.forget_calls();
    for question in questions() {
        env.plain(&question).exits(5).says("expired at").says("push assume");
        env.plain(["--stack", "nowhere"].iter().map(|&word| word.to_owned()).chain(question)).exits(3);
    }
    assert!(env.sandbox.calls().is_empty());
    env.plain(["clear"]).ok();
    env.no_keys();
    for question in questions() {
        env.plain(&question).exits(3).says("no AWS credentials were found");
    }
    env.use_keys(ALICE_KEY, ALICE_SECRET, None);
    env.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    env.set("AWS_MAX_ATTEMPTS", "1");
    for question in questions() {
        env.plain(&question).exits(7).says("cannot reach STS");
    }
}
