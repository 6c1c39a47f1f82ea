//! What a failure advises works where it is advised.

use std::process::Command;

use serde_json::json;

use crate::{
    common::{Issued, Output, TestEnvironment, programs},
    handout::handed_out,
    renewal::wait_until_expired,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// Runs every command that a failure advises, in the order in which it does, and expects each to work.
#[track_caller]
fn follow(env: &TestEnvironment, failure: &Output) -> Vec<String> {
    let advised: Vec<_> = failure.stderr.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(!advised.is_empty(), "{}", failure.stderr);
    for line in &advised {
        let words = shell_words::split(line).unwrap();
        assert_eq!(words[0], "credstack", "{line}");
        env.plain(&words[1..]).ok();
    }
    advised
}

/// Frames that expire, on alice's captured keys.
fn expired(env: &TestEnvironment, before: impl FnOnce()) -> Output {
    env.session_lifetime(Some(2));
    before();
    wait_until_expired(env);
    env.session_lifetime(None);
    handed_out(env, &["credential-process"]).exits(5)
}

#[test]
fn an_expired_frame_whose_signer_was_dropped_is_got_again_as_advised() {
    let env = TestEnvironment::new();
    let said = expired(&env, || {
        env.push_role(DEVELOPER);
        env.plain(["drop", "--yes"]).ok();
    });
    assert_eq!(follow(&env, &said), ["credstack clear".to_owned(), format!("credstack push assume {DEVELOPER}")]);
    assert!(env.json(["whoami"])["arn"].as_str().unwrap().contains("assumed-role/Developer"));
}

#[test]
fn on_another_stack_the_advice_names_it() {
    let env = TestEnvironment::new();
    env.session_lifetime(Some(2));
    env.json(["--stack", "work", "push", "assume", DEVELOPER]);
    env.plain(["--stack", "work", "drop", "--yes"]).ok();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let said = loop {
        let output = handed_out(&env, &["--stack", "work", "credential-process"]);
        if output.code != Some(0) {
            break output.exits(5);
        }
        assert!(std::time::Instant::now() < deadline);
    };
    env.session_lifetime(None);
    assert_eq!(
        follow(&env, &said),
        ["credstack --stack work clear".to_owned(), format!("credstack --stack work push assume {DEVELOPER}")]
    );
    assert_eq!(env.frames(), ["ambient"]);
}

/// Pushes a session from elsewhere that lasts three seconds.
fn import(env: &TestEnvironment, session: &Issued) {
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
    let keys = json!({
        "Version": 1,
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "Expiration": soon.to_string(),
    });
    env.run_with_input(env.command(["push", "import"]), keys.to_string().as_bytes()).ok();
}

#[test]
fn an_expired_import_is_taken_off_without_a_question() {
    let env = TestEnvironment::new();
    let said = expired(&env, || {
        env.push_session();
        let session = env.sandbox.issued().pop().unwrap();
        env.plain(["pop"]).ok();
        import(&env, &session);
    });
    said.says("go back with `credstack pop --yes`, then acquire it again with `credstack push import`");
    env.plain(["pop", "--yes"]).ok();
    assert_eq!(env.frames(), ["c1"]);
}

#[test]
fn what_lies_beneath_signs_only_if_it_lives() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.plain(["pop"]).ok();
    // A session from elsewhere can't be renewed, nor can what it signed.
    let said = expired(&env, || {
        env.push_session();
        let session = env.sandbox.issued().pop().unwrap();
        env.plain(["pop"]).ok();
        import(&env, &session);
        env.push_role(DEVELOPER);
    });
    assert_eq!(env.frames().len(), 3);
    env.no_keys();
    assert_eq!(follow(&env, &said), [format!("credstack push assume {DEVELOPER} --from c1")]);
}

#[test]
fn a_refusal_for_the_time_names_the_clock_in_the_error_itself() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let two_hours_later = |env: &TestEnvironment, arguments: &[&str]| {
        let mut command = Command::new("setsid");
        command.args(["faketime", "-f", "+2h"]).arg(programs::credstack()).args(arguments);
        env.prepare(&mut command);
        env.run(command)
    };
    let error = |said: &Output| {
        said.stderr
            .lines()
            .find(|line| line.starts_with("error") || line.starts_with("credstack: "))
            .unwrap_or_default()
            .to_owned()
    };
    // The SDK corrects the time of its requests: STS grants what has expired already.
    let said = two_hours_later(&env, &["credential-process"]).exits(5).says("set this machine's clock");
    assert!(error(&said).contains("this machine's clock is ahead of STS's by more than "), "{}", said.stderr);
    env.set("AWS_MAX_ATTEMPTS", "1");
    let said = two_hours_later(&env, &["push", "assume", DEVELOPER, "--from", "root"]).exits(4).says("set this machine's clock");
    assert!(error(&said).contains("this machine's clock is 2h ahead"), "{}", said.stderr);
    // The same where the machine is right and the other side is not.
    env.sandbox.faults(json!({ "clock_skew_seconds": 7200 }));
    env.plain(["push", "assume", DEVELOPER, "--from", "root"]).exits(4).says("this machine's clock is 2h behind");
}
