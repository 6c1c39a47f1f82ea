//! What STS issued and credstack does not keep: every such session is in the history, with its key.

use std::{
    path::PathBuf,
    process::{Child, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::common::{ALICE, ALICE_MFA, TestEnvironment, answering::answering, holding::Held};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const KEY: &str = "ASIAFAKEGIVEN0000001";

/// A server that issues a session of `arn`, whoever asks for what.
fn issuing(arn: &'static str) -> String {
    issuing_with(move |_| format!("<Arn>{arn}</Arn>"), "2100-01-01T00:00:00Z")
}

fn issuing_with(arn: impl Fn(&str) -> String + Send + 'static, expires: &'static str) -> String {
    answering("200 OK", move |request| {
        let action = request.rsplit_once("Action=").map_or("", |(_, rest)| rest.split('&').next().unwrap());
        if action == "GetCallerIdentity" {
            return format!(
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{ALICE}</Arn><UserId>AIDAFAKE</UserId>\
                 <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            );
        }
        let (user, id) = match action {
            "GetFederationToken" => ("FederatedUser", "FederatedUserId"),
            _ => ("AssumedRoleUser", "AssumedRoleId"),
        };
        let named = match action {
            "GetSessionToken" | "AssumeRoot" => String::new(),
            _ => format!("<{user}>{}<{id}>AROAFAKE:x</{id}></{user}>", arn(request)),
        };
        format!(
            "<{action}Response><{action}Result><Credentials><AccessKeyId>{KEY}</AccessKeyId>\
             <SecretAccessKey>fake-secret-that-was-issued-0000000000001</SecretAccessKey>\
             <SessionToken>fake-token-that-was-issued</SessionToken><Expiration>{expires}</Expiration></Credentials>\
             {named}</{action}Result></{action}Response>"
        )
    })
}

fn environment() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.learn("fake-secret-that-was-issued-0000000000001");
    env.learn("fake-token-that-was-issued");
    env
}

fn newest(env: &TestEnvironment, kind: &str) -> Value {
    env.json(["history", "--event", kind, "--limit", "1"])["events"][0].clone()
}

fn intents(env: &TestEnvironment) -> Vec<PathBuf> {
    let files = std::fs::read_dir(env.state()).unwrap().map(|file| file.unwrap());
    files.filter(|file| file.file_name().to_string_lossy().starts_with("asked.")).map(|file| file.path()).collect()
}

#[test]
fn a_session_of_another_identity_is_recorded_and_neither_stored_nor_handed_out() {
    for (given, push, asked) in [
        (
            "arn:aws:sts::999988887777:assumed-role/Developer/job",
            &["push", "assume", DEVELOPER, "--session-name", "job"][..],
            "arn:aws:sts::111122223333:assumed-role/Developer/job",
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/Admin/job",
            &["push", "assume", DEVELOPER, "--session-name", "job", "--no-use"],
            "arn:aws:sts::111122223333:assumed-role/Developer/job",
        ),
        (
            "arn:aws:sts::999988887777:federated-user/bob",
            &["push", "federation", "bob", "--yes"],
            "arn:aws:sts::111122223333:federated-user/bob",
        ),
    ] {
        let mut env = environment();
        env.set("AWS_ENDPOINT_URL_STS", &issuing(given));
        env.credstack(push).exits(4).says(given).says(asked).says(KEY).says("records it as orphaned");
        assert_eq!((env.frames(), env.held()), (vec!["ambient".to_owned()], vec![]));
        let orphan = newest(&env, "orphaned");
        assert_eq!((&orphan["access_key_id"], &orphan["arn"]), (&json!(KEY), &json!(given)));
        let detail = &orphan["detail"];
        assert_eq!((&detail["reason"], &detail["expected"]), (&json!("another-identity"), &json!(asked)));
        assert_eq!(detail["expires_at"], "2100-01-01T00:00:00Z");
        assert!(intents(&env).is_empty());
        env.credstack(["audit", "verify"]).ok();
    }
}

#[test]
fn the_path_of_a_role_is_not_in_its_session() {
    let mut env = environment();
    env.set("AWS_ENDPOINT_URL_STS", &issuing("arn:aws:sts::111122223333:assumed-role/Deploy/job"));
    env.credstack(["push", "assume", "arn:aws:iam::111122223333:role/ops/eu/Deploy", "--session-name", "job"]).ok();
}

#[test]
fn a_renewal_that_brings_another_account_is_refused() {
    let mut env = environment();
    let asked = AtomicUsize::new(0);
    // What is renewed is asked for where it was asked for before.
    let arn = move |_: &str| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => "<Arn>arn:aws:sts::111122223333:assumed-role/Developer/job</Arn>".to_owned(),
        _ => "<Arn>arn:aws:sts::999988887777:assumed-role/Developer/job</Arn>".to_owned(),
    };
    env.set("AWS_ENDPOINT_URL_STS", &issuing_with(arn, "2100-01-01T00:00:00Z"));
    env.credstack(["push", "assume", DEVELOPER, "--session-name", "job"]).ok();
    let (before, files) = (env.list(), env.vault_files());
    let old = before["frames"][0]["arn"].as_str().unwrap();
    env.credstack(["refresh"]).exits(4).says("arn:aws:sts::999988887777:assumed-role/Developer/job").says(old);
    assert_eq!((env.list(), env.vault_files()), (before, files));
    assert_eq!(newest(&env, "orphaned")["access_key_id"], KEY);
}

/// Six digits stand in many a name by chance.
#[test]
fn the_digits_of_a_code_in_a_name_are_no_echo() {
    let env = TestEnvironment::new();
    let code = env.sandbox.totp(ALICE_MFA);
    let name = format!("job-{code}");
    let mfa = ["--mfa-serial", ALICE_MFA, "--mfa-code", &code];
    let pushed = env.json([&["push", "assume", DEVELOPER, "--session-name", &name], &mfa[..]].concat());
    assert!(pushed["arn"].as_str().unwrap().ends_with(&name), "{pushed}");
    assert_eq!(env.frames(), ["c2", "c1"]);
}

#[test]
fn a_suspect_answer_that_issues_keys_is_recorded_with_them() {
    let secret_in_arn = |request: &str| {
        let token = request.lines().find(|line| line.to_ascii_lowercase().starts_with("x-amz-security-token")).unwrap();
        format!("<Arn>arn:aws:sts::111122223333:assumed-role/Developer/{}</Arn>", token.split_once(": ").unwrap().1.trim())
    };
    let mut env = environment();
    let role = env.push_role(DEVELOPER);
    env.forget_how_sts_was_reached();
    let broken = answering("200 OK", |_| {
        format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{KEY}</AccessKeyId>\
             <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRole"
        )
    });
    for (url, expires) in [
        (issuing_with(secret_in_arn, "2100-01-01T00:00:00Z"), json!("2100-01-01T00:00:00Z")),
        (issuing_with(|_| "<Arn>no arn</Arn>".into(), "2100-01-01T00:00:00Z"), json!("2100-01-01T00:00:00Z")),
        (issuing_with(|_| "<Arn>arn:aws:sts::111122223333:assumed-role/Developer/x</Arn>".into(), ""), json!(null)),
        (broken, json!("2100-01-01T00:00:00Z")),
    ] {
        env.set("AWS_ENDPOINT_URL_STS", &url);
        env.credstack(["push", "assume", DEVELOPER, "--from", &role]).exits(7).says(KEY).says("records it as orphaned");
        let orphan = newest(&env, "orphaned");
        assert_eq!((&orphan["access_key_id"], &orphan["detail"]["reason"]), (&json!(KEY), &json!("suspect")));
        assert_eq!((&orphan["detail"]["expires_at"], &orphan["parent"]), (&expires, &json!(role)));
        assert_eq!(env.frames(), ["c2", "c1"]);
    }
    assert!(intents(&env).is_empty());
}

fn asking(env: &TestEnvironment) -> Child {
    let mut command = env.command(["push", "assume", DEVELOPER]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn end(mut child: Child, signal: Signal) {
    kill_process(Pid::from_child(&child), signal).unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn a_command_that_is_ended_while_sts_answers_leaves_a_record() {
    let mut env = TestEnvironment::new();
    let upstream = env.sandbox.url().trim_start_matches("http://").parse().unwrap();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::KILL, Signal::USR1] {
        let held = Held::start(upstream, "Action=AssumeRole&");
        env.set("AWS_ENDPOINT_URL_STS", &held.url);
        let child = asking(&env);
        held.wait();
        // It lives: nothing is written down of it.
        env.credstack(["forget", "--expired"]).ok().says_not("was killed");
        assert_eq!(intents(&env).len(), 1);
        end(child, signal);
        let said = env.credstack(["forget", "--expired"]).ok().says("was killed while STS was asked for AssumeRole");
        said.says(DEVELOPER).says("see CloudTrail");
        let failed = newest(&env, "failed");
        assert_eq!((&failed["detail"]["code"], &failed["detail"]["target"]), (&json!("Interrupted"), &json!(DEVELOPER)));
        assert!(failed["detail"]["latest_expiry"].is_string());
        assert!(intents(&env).is_empty());
        env.credstack(["forget", "--expired"]).ok().says_not("was killed");
    }
    env.credstack(["audit", "verify"]).ok();
}

#[test]
fn a_command_that_is_killed_when_it_has_the_answer_leaves_its_key() {
    let mut env = TestEnvironment::new();
    for finder in [&["doctor"][..], &["push", "session"]] {
        // With the keys in hand, the program waits for the signer's name.
        let held = Held::start(env.sandbox.url().trim_start_matches("http://").parse().unwrap(), "Action=GetCallerIdentity");
        env.set("AWS_ENDPOINT_URL_STS", &held.url);
        let child = asking(&env);
        let deadline = Instant::now() + Duration::from_secs(20);
        let key = loop {
            let text = intents(&env).first().map(|path| std::fs::read_to_string(path).unwrap()).unwrap_or_default();
            if let Some(answer) = text.lines().nth(1) {
                let answer: Value = serde_json::from_str(answer).unwrap();
                break answer["access_key_id"].as_str().unwrap().to_owned();
            }
            assert!(Instant::now() < deadline, "the answer was never written down");
        };
        end(child, Signal::KILL);
        env.set("AWS_ENDPOINT_URL_STS", &env.sandbox.url());
        let said = env.credstack(finder).ok();
        assert!(format!("{}{}", said.stdout, said.stderr).contains(&key), "{said:?}");
        let orphan = newest(&env, "orphaned");
        assert_eq!((&orphan["access_key_id"], &orphan["detail"]["reason"]), (&json!(key), &json!("interrupted")));
        assert_eq!(orphan["account"], "111122223333");
        assert!(intents(&env).is_empty());
    }
}

/// The access keys of what is recorded as suspect, newest first.
fn orphans(env: &TestEnvironment) -> Vec<Value> {
    let events = env.json(["history", "--event", "orphaned"])["events"].as_array().unwrap().clone();
    assert!(events.iter().all(|event| event["detail"]["reason"] == "suspect"), "{events:?}");
    events.iter().map(|event| event["access_key_id"].clone()).collect()
}

#[test]
fn a_session_in_an_answer_that_breaks_off_is_recorded_though_another_attempt_succeeds() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    for (pushes, before) in [(true, 0), (false, 1)] {
        let (list, files) = (env.list(), env.vault_files().len());
        env.sandbox.faults(json!({"cut": 1}));
        let said = match pushes {
            true => env.credstack(["push", "assume", DEVELOPER, "--from", "c1"]).ok(),
            false => env.credstack(["refresh"]).ok(),
        };
        said.says("broke off").says("records it as orphaned");
        let lost = orphans(&env);
        assert_eq!(lost.len(), before + 1, "{lost:?}");
        assert!(lost[0].as_str().unwrap().starts_with("ASIA"));
        let newest = env.json(["history", "--limit", "20"]);
        let got = newest["events"].as_array().unwrap().iter().find(|it| it["event"] == "acquired" || it["event"] == "refreshed");
        assert_ne!(got.unwrap()["access_key_id"], lost[0]);
        assert_eq!(env.vault_files().len(), files + usize::from(pushes), "{list}");
        assert!(intents(&env).is_empty());
    }
    env.credstack(["audit", "verify"]).ok();
}

#[test]
fn every_session_of_a_call_whose_answers_all_break_off_is_recorded() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    for (at, command) in [&["push", "assume", DEVELOPER, "--from", "c1"][..], &["refresh"]].into_iter().enumerate() {
        let (list, files) = (env.list(), env.vault_files());
        env.sandbox.faults(json!({"cut": 9}));
        env.credstack(command).exits(7).says("cannot reach STS").says("broke off");
        env.sandbox.faults(json!({}));
        assert_eq!((env.list(), env.vault_files()), (list, files));
        let lost = orphans(&env);
        assert_eq!(lost.len(), 3 * (at + 1), "{lost:?}");
        assert_eq!(newest(&env, "failed")["detail"]["outcome"], Value::Null);
        assert!(intents(&env).is_empty());
    }
}

#[test]
fn a_request_that_was_sent_and_brought_no_key_says_that_its_outcome_is_unknown() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let push = ["push", "assume", DEVELOPER, "--from", "c1"];
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    env.set("AWS_ENDPOINT_URL_STS", &format!("http://{closed}"));
    env.credstack(push).exits(7);
    assert_eq!(newest(&env, "failed")["detail"]["outcome"], Value::Null);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    env.set("AWS_ENDPOINT_URL_STS", &format!("http://{}", silent.local_addr().unwrap()));
    std::thread::spawn(move || {
        for mut stream in silent.incoming().flatten() {
            // It reads what was asked and hangs up.
            let _read = std::io::Read::read(&mut stream, &mut [0; 8192]);
        }
    });
    env.credstack(push).exits(7);
    let failed = newest(&env, "failed");
    assert!(failed["detail"]["outcome"].as_str().is_some_and(|it| it.contains("CloudTrail")), "{failed}");
}

#[test]
fn purge_removes_what_was_left_of_requests() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.write(&env.state().join("asked.00000000-0000-0000-0000-000000000000"), "{}");
    env.credstack(["purge", "--yes"]).ok();
    assert!(!env.state().exists());
}
