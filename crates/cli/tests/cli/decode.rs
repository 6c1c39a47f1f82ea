//! `decode`: why AWS refused something, by an encoded message of the sandbox's.

use serde_json::json;

use crate::{
    common::{ALICE_KEY, ALICE_SECRET, BOB_KEY, BOB_SECRET, Output, TestEnvironment, answering::answering},
    lookups::current_key,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
const MARK: &str = "Encoded authorization failure message: ";

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
