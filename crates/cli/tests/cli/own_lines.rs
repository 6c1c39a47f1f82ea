//! Profiles whose `credential_process` is credstack: what such a line asks for is found in process, and only a request for the stack
//! that is asked about is a loop.

use serde_json::{Value, json};

use crate::{
    common::{BOB_KEY, BOB_SECRET, TestEnvironment, answering::answering, environment::path},
    handout::{handed_out, keys},
};

const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

/// A line of ours for the usual state directory. The program that it names notes that it was run.
fn line(env: &TestEnvironment, words: &str) -> String {
    let program = env.scratch("bin/credstack");
    env.write(&program, &format!("#!/bin/sh\ntouch {}\n", env.scratch("was-run").display()));
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let state = hex(path(&env.state()));
    format!("credential_process = {} credential-process {words} --state {state}\n", program.display())
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn signers(env: &TestEnvironment, action: &str) -> Vec<Value> {
    env.sandbox.calls().iter().filter(|call| call["action"] == action).map(|call| call["access_key_id"].clone()).collect()
}

/// A role is c2 of the default stack; the shell has no keys.
fn with_role() -> (TestEnvironment, Value) {
    let mut env = TestEnvironment::new();
    env.push_role("Developer");
    env.no_keys();
    let key = keys(&env, &[])["AccessKeyId"].clone();
    (env, key)
}

#[test]
fn a_line_of_ours_that_names_a_frame_is_that_frame_at_any_depth() {
    let (mut env, key) = with_role();
    env.aws_config(&format!(
        "[profile fixed]\n{}[profile role]\nrole_arn = {READ_ONLY}\nsource_profile = fixed\n",
        line(&env, "--frame c2")
    ));
    env.sandbox.forget_calls();
    env.set("AWS_PROFILE", "fixed");
    // Ambient of another stack, and of this one beneath the frame.
    let pushed = env.json(["--stack", "a", "push", "assume", READ_ONLY]);
    assert_eq!((&pushed["parent"], signers(&env, "AssumeRole")), (&json!("c2"), vec![key.clone()]));
    env.sandbox.forget_calls();
    let pushed = env.json(["push", "assume", READ_ONLY, "--profile", "fixed", "--session-name", "xx"]);
    assert_eq!((&pushed["parent"], signers(&env, "AssumeRole")), (&json!("c2"), vec![key.clone()]));
    env.sandbox.forget_calls();
    env.plain(["--stack", "b", "push", "profile", "role", "--fresh"]).ok();
    assert_eq!(signers(&env, "AssumeRole"), std::slice::from_ref(&key));
    env.plain(["--stack", "c", "push", "profile", "fixed"]).ok();
    assert_eq!(keys(&env, &["--stack", "c"])["AccessKeyId"], key);

    assert!(!env.scratch("was-run").exists());
}

#[test]
fn another_stacks_line_is_found_in_process_and_a_circle_is_refused() {
    let (mut env, key) = with_role();
    let config = [("to-a", "a"), ("to-b", "b"), ("to-default", "default")]
        .map(|(name, stack)| format!("[profile {name}]\n{}", line(&env, &format!("--stack {stack}"))))
        .concat();
    env.aws_config(&config);
    env.plain(["--stack", "a", "push", "profile", "to-default"]).ok();
    env.plain(["--stack", "b", "push", "profile", "to-a"]).ok();
    assert_eq!(keys(&env, &["--stack", "b"])["AccessKeyId"], key);
    for profile in ["to-a", "to-b"] {
        let refused = env.plain(["--stack", "a", "push", "profile", profile]);
        refused.exits(2).says("gets its credentials from credstack: asking it for credstack's own would never end");
    }
    // A circle that came about later: the default stack's own ambient frame leads to b, which leads to a, which leads to it.
    env.plain(["clear", "--yes"]).ok();
    env.no_keys();
    env.set("AWS_PROFILE", "to-b");
    handed_out(&env, &["credential-process"]).exits(2).says("would never end");
    assert!(!env.scratch("was-run").exists());
}

#[test]
fn a_line_for_another_state_directory_is_found_there() {
    let (mut env, key) = with_role();
    env.aws_config(&format!("[profile fixed]\n{}[profile follows]\n{}", line(&env, "--frame c2"), line(&env, "")));
    let elsewhere = env.scratch("elsewhere");
    env.set("CREDSTACK_STATE_DIR", path(&elsewhere));
    env.plain(["setup", "--store", "vault", "--key-file", path(&env.scratch("elsewhere.key"))]).ok();
    for profile in ["fixed", "follows"] {
        env.sandbox.forget_calls();
        let pushed = env.json(["push", "assume", READ_ONLY, "--profile", profile]);
        // An id is another credential set's here.
        assert_eq!((&pushed["parent"], signers(&env, "AssumeRole")), (&Value::Null, vec![key.clone()]));
    }
    assert!(!env.scratch("was-run").exists());
}

#[test]
fn credstack_as_an_argument_of_another_program_is_run() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.learn(BOB_SECRET);
    let program = env.scratch("get");
    let answer = json!({ "Version": 1, "AccessKeyId": BOB_KEY, "SecretAccessKey": BOB_SECRET });
    env.write(&program, &format!("#!/bin/sh\n[ \"$2\" = credstack ] && echo '{answer}'\n"));
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    env.aws_config(&format!("[profile item]\ncredential_process = {} --item credstack\n", program.display()));
    env.set("AWS_PROFILE", "item");
    assert_eq!(keys(&env, &[])["AccessKeyId"], BOB_KEY);
}

#[test]
fn what_a_container_signed_is_renewed_by_it_whatever_the_default_profile_has_by_then() {
    let mut env = TestEnvironment::new();
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    env.plain(["--stack", "bob", "push", "session"]).ok();
    let session = keys(&env, &["--stack", "bob"]);
    env.no_keys();
    let given = json!({
        "AccessKeyId": session["AccessKeyId"], "SecretAccessKey": session["SecretAccessKey"],
        "Token": session["SessionToken"], "Expiration": session["Expiration"],
    });
    let url = answering("200 OK", move |_| given.to_string());
    env.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
    env.plain(["push", "assume", "arn:aws:iam::111122223333:role/Developer"]).ok();
    let default = format!("[default]\naws_access_key_id = {BOB_KEY}\naws_secret_access_key = {BOB_SECRET}\n");
    env.write(&env.home().join(".aws/credentials"), &default);
    env.sandbox.forget_calls();
    env.plain(["refresh"]).ok();
    assert_eq!(signers(&env, "AssumeRole"), [session["AccessKeyId"].clone()]);
    env.plain(["pop"]).ok();
    assert_eq!(keys(&env, &[])["AccessKeyId"], session["AccessKeyId"]);
}
