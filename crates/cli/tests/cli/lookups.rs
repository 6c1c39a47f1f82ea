//! `decode`, `key-info` and `web-token`: what STS can be asked that yields no credential set.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    common::{ALICE_KEY, ALICE_SECRET, BOB_KEY, BOB_SECRET, Output, TestEnvironment, answering::answering},
    handout::handed_out,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
const MARK: &str = "Encoded authorization failure message: ";

fn current_key(env: &TestEnvironment) -> String {
    env.list()["frames"][0]["access_key_id"].as_str().unwrap().to_owned()
}

/// Developer on alice's keys, and what EC2 says when it refuses Developer something in America.
fn refused() -> (TestEnvironment, String) {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let said = env.sandbox.denied(&current_key(&env), "ec2:StopInstances", "us-east-1");
    (env, said)
}

fn with_input(env: &TestEnvironment, arguments: &[&str], input: &[u8]) -> Output {
    env.run_with_input(env.command(arguments), input)
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
fn an_encoded_message_is_found_decoded_and_explained() {
    let (env, said) = refused();
    let encoded = said.trim().split_once(MARK).unwrap().1;
    let decoded = env.credstack(["decode", &said]).ok().json();
    assert_eq!(decoded["matchedStatements"]["items"][0]["statementId"], "OnlyInEurope");
    let wrapped = format!("│ Error: {MARK}{}\n│ {}\n│ \n│   with aws_instance.web,\n", &encoded[..300], &encoded[300..]);
    for text in [encoded, &wrapped, &format!("{}\n {}", &encoded[..99], &encoded[99..])] {
        assert_eq!(env.json(["decode", text]), decoded);
        assert_eq!(with_input(&env, &["decode", "-"], text.as_bytes()).ok().json(), decoded);
    }
    let explained = env.credstack(["decode", "--explain", encoded]).ok().stdout;
    let lines: Vec<_> = explained.lines().collect();
    let who = env.list()["frames"][0]["arn"].as_str().unwrap().to_owned();
    let what = "ec2:StopInstances on arn:aws:ec2:us-east-1:111122223333:instance/i-0a";
    assert_eq!(lines[0], format!("{who} was denied {what}"));
    assert_eq!(lines[1], "by an explicit deny, which nothing that allows can outweigh");
    assert!(lines[2].starts_with("statement OnlyInEurope denies it: actions ec2:*; resources *; "), "{explained}");
    assert!(lines[2].ends_with("; condition on aws:RequestedRegion: eu-*"), "{explained}");
    assert_eq!(lines[3], "no MFA was given");
    assert!(lines.contains(&"  aws:RequestedRegion = us-east-1"), "{explained}");
    let both = env.json(["decode", "--explain", encoded]);
    assert_eq!((&both["message"], &both["explanation"][0]), (&decoded, &json!(lines[0])));
    let nothing = env.sandbox.denied(&current_key(&env), "ec2:TerminateInstances", "eu-west-1");
    let explained = env.credstack(["decode", "--explain", &nothing]).ok().stdout;
    assert_eq!(explained.lines().nth(1), Some("no statement allows it, and none denies it: what is not allowed is denied"));
    let of_user = env.sandbox.denied(ALICE_KEY, "ec2:StopInstances", "eu-west-1");
    let explained = env.credstack(["decode", "--explain", &of_user, "--from", "root"]).ok().stdout;
    assert!(explained.contains("the message says nothing of MFA, as when long-term keys sign"), "{explained}");
    env.plain(["pop"]).ok();
    env.push_session();
    let with_mfa = env.sandbox.denied(&current_key(&env), "ec2:StopInstances", "eu-west-1");
    let explained = env.credstack(["decode", "--explain", &with_mfa, "--from", "root"]).ok().stdout;
    assert!(explained.contains("\nMFA was given ") && explained.contains(" s before\n"), "{explained}");
}

#[test]
fn a_message_that_cannot_be_decoded_is_refused_before_or_by_sts() {
    let (env, said) = refused();
    let encoded = said.trim().split_once(MARK).unwrap().1;
    env.sandbox.forget_calls();
    for text in ["", " \n", "User: x is not authorized to perform: y", MARK, &"x".repeat(10_241)] {
        env.plain(["decode", text]).exits(2).says("MESSAGE").says("or the whole error");
    }
    with_input(&env, &["decode", "-"], &[0xff; 9]).exits(2).says("stdin cannot be read");
    with_input(&env, &["decode", "-"], &vec![b'x'; 300_000]).exits(2).says("too long");
    assert!(env.sandbox.calls().is_empty());
    for text in ["x", &"x".repeat(10_240), &encoded[1..]] {
        let refused = env.plain(["decode", text]).exits(4);
        refused.says("Message is not valid (InvalidAuthorizationMessageException").says("paste all of it");
    }
    env.push_role(READ_ONLY);
    env.plain(["decode", encoded]).exits(4).says("decoding needs sts:DecodeAuthorizationMessage");
    let error = env.plain(["--json", "decode", encoded]).exits(4).error();
    assert_eq!((&error["kind"], &error["code"]), (&json!("refused"), &json!("AccessDenied")));
    env.plain(["decode", encoded, "--from", "1"]).ok();
    env.aws_config(&format!("[profile bob]\naws_access_key_id = {BOB_KEY}\naws_secret_access_key = {BOB_SECRET}\n"));
    env.learn(BOB_SECRET);
    env.plain(["decode", encoded, "--profile", "bob"]).exits(4).says("user/bob is not authorized");
    env.plain(["push", "session", "--from", "root"]).ok();
    env.plain(["decode", encoded]).exits(4).says("sign with a role's session or with long-term keys");
}

#[test]
fn a_decoded_message_of_whatever_form_does_no_harm() {
    let mut env = TestEnvironment::new();
    let answer = |decoded: &str| {
        let body = format!(
            "<DecodeAuthorizationMessageResponse><DecodeAuthorizationMessageResult>{decoded}</DecodeAuthorizationMessageResult>\
             </DecodeAuthorizationMessageResponse>"
        );
        answering("200 OK", move |_| body.clone())
    };
    let message = |text: &str| format!("<DecodedMessage>{text}</DecodedMessage>");
    env.set("AWS_ENDPOINT_URL_STS", &answer(&message("plain \u{9b}31m words")));
    assert_eq!(env.plain(["decode", "x"]).ok().stdout, "\"plain \\u009b31m words\"\n");
    let explained = env.plain(["decode", "--explain", "x"]).ok().stdout;
    assert_eq!(explained, "the message has no form that is known: plain \\u{9b}31m words\n");
    env.set("AWS_ENDPOINT_URL_STS", &answer(&message("{}")));
    env.plain(["decode", "--explain", "x"]).ok();
    env.set("AWS_ENDPOINT_URL_STS", &answer(&message(ALICE_SECRET)));
    env.plain(["decode", "x"]).exits(7).says("is not one of STS's");
    env.set("AWS_ENDPOINT_URL_STS", &answer(""));
    env.plain(["decode", "x"]).exits(7).says("without the message");
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
    assert_eq!((&known["issued_at"], &known["first_seen_at"]), (&known["last_seen_at"], &known["issued_at"]));
    assert_eq!(known["expires_at"], env.list()["frames"][0]["expires_at"]);
    // Of a key that was never here STS tells the account.
    let bobs = env.plain(["key-info", BOB_KEY]).ok().stdout;
    assert!(bobs.contains("111122223333\n") && bobs.contains("no credential set that was ever here has it"), "{bobs}");
    assert_eq!(env.json(["key-info", BOB_KEY])["known"], json!([]));
    // On two stacks, then on none.
    env.plain(["--stack", "other", "use", "c2"]).ok();
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
    env.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
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
