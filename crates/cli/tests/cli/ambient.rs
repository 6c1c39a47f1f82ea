//! Ambient: what the AWS SDK finds without credstack, and getting back to it.

use serde_json::Value;

use crate::common::{ALICE, ALICE_KEY, ALICE_SECRET, BOB_KEY, BOB_SECRET, TestEnvironment, programs};

const BOB: &str = "arn:aws:iam::111122223333:user/bob";
const OTHER_KEYS: &str =
    "AWS_ACCESS_KEY_ID in this shell is another identity; using the stack's. --from env signs with the shell's";

/// Secrets in the vault: its files without its own key check.
fn secrets_kept(env: &TestEnvironment) -> usize {
    env.vault_files().iter().filter(|name| *name != "key-check").count()
}

fn profile(name: &str, key: &str, secret: &str) -> String {
    format!("[profile {name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
}

#[test]
#[cfg(target_os = "linux")]
fn a_script_that_calls_credstack_again_is_refused_at_once() {
    use std::os::unix::fs::PermissionsExt;
    let mut env = TestEnvironment::new();
    env.no_keys();
    let script = env.scratch("wrapped");
    let program = programs::credstack();
    env.write(
        &script,
        &format!("#!/bin/sh\necho again >>'{}'\n'{}' whoami\n", env.scratch("times").display(), program.display()),
    );
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    env.aws_config(&format!("[default]\ncredential_process = {}\n", script.display()));
    env.credstack(["whoami"]).exits(2).says("credential_process of profile default ended with exit status 2");
    assert_eq!(std::fs::read_to_string(env.scratch("times")).unwrap(), "again\n", "it came back once");
}

#[test]
fn a_new_stack_is_one_ambient_frame() {
    let env = TestEnvironment::without_store();
    let list = env.list();
    assert_eq!((&list["stack"], list["frames"].as_array().unwrap().len()), (&"default".into(), 1));
    assert_eq!((&list["frames"][0]["kind"], &list["frames"][0]["credential"]), (&"ambient".into(), &Value::Null));
    assert_eq!(env.json(["whoami"])["arn"], ALICE);
    assert!(!env.state().exists(), "reading makes nothing");
}

#[test]
fn environment_keys_are_captured_when_they_are_first_covered() {
    let mut env = TestEnvironment::new();
    env.plain(["push", "assume", "Developer"]).ok().says("this shell's keys are saved as c1, the root of the stack");
    let root = env.list()["frames"][1].clone();
    assert_eq!((&root["kind"], &root["credential"], &root["arn"]), (&"ambient".into(), &"c1".into(), &ALICE.into()));
    assert_eq!(env.events(), ["store-changed", "captured", "acquired"]);
    assert_eq!(secrets_kept(&env), 2);
    // They come back although the shell has lost them.
    env.no_keys();
    env.credstack(["pop"]).ok();
    assert_eq!(env.json(["whoami"])["arn"], ALICE);
}

#[test]
fn every_way_of_covering_captures() {
    for cover in [&["save"][..], &["push", "session"], &["push", "import"], &["use", "c1"]] {
        let mut env = TestEnvironment::new();
        let held = env.json(["push", "session", "--no-use"]);
        assert_eq!(held["credential"], "c1");
        let mut command = env.command(cover);
        command.env("AWS_ACCESS_KEY_ID", BOB_KEY).env("AWS_SECRET_ACCESS_KEY", BOB_SECRET);
        env.learn(BOB_SECRET);
        let alice = format!(r#"{{"Version":1,"AccessKeyId":"{ALICE_KEY}","SecretAccessKey":"{ALICE_SECRET}"}}"#);
        env.run_with_input(command, alice.as_bytes()).ok();
        assert!(env.events().contains(&"captured".to_owned()), "{cover:?}");
        let frames = env.list()["frames"].clone();
        let root = frames.as_array().unwrap().last().unwrap();
        assert_eq!((&root["kind"], &root["access_key_id"]), (&"ambient".into(), &BOB_KEY.into()), "{cover:?}");
        env.no_keys();
        assert_eq!(env.json(["whoami", "root"])["arn"], BOB, "{cover:?}");
    }
}

#[test]
fn a_profile_stays_a_reference_that_is_resolved_at_every_use() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.aws_config(&profile("dev", ALICE_KEY, ALICE_SECRET));
    env.set("AWS_PROFILE", "dev");
    env.push_role("Developer");
    assert_eq!(env.frames(), ["c1", "ambient"]);
    assert_eq!(secrets_kept(&env), 1, "no long-lived secret is copied out of a profile");
    assert!(env.plain(["list"]).stdout.contains("ambient (profile dev)"));
    assert_eq!(env.list()["frames"][0]["parent"], Value::Null, "who signed is on no stack");
    env.unset("AWS_PROFILE");
    assert_eq!(env.json(["whoami", "root"])["arn"], ALICE);
    env.learn(BOB_SECRET);
    env.aws_config(&profile("dev", BOB_KEY, BOB_SECRET));
    assert_eq!(env.json(["whoami", "root"])["arn"], BOB);
}

#[test]
fn a_push_signed_by_something_on_no_stack_records_the_reference() {
    let mut env = TestEnvironment::new();
    env.aws_config(&profile("bob", BOB_KEY, BOB_SECRET));
    env.learn(BOB_SECRET);
    env.push_role("Developer");
    let pushed = env.json(["push", "assume", "Developer", "--profile", "bob", "--session-name", "by-bob"]);
    assert_eq!((&pushed["arn"].as_str().unwrap().ends_with("/by-bob"), &pushed["parent"]), (&true, &Value::Null));
    assert_eq!(env.json(["history", "--limit", "1"])["events"][0]["detail"]["signed_by"]["profile"], "bob");

    env.use_keys(BOB_KEY, BOB_SECRET, None);
    let by_shell = env.plain(["push", "session", "--from", "env", "--no-use"]).ok();
    by_shell.says("signed by keys of this shell that are stored nowhere: it cannot be renewed").says_not(OTHER_KEYS);
    let calls = env.sandbox.calls();
    let session = calls.iter().find(|call| call["action"] == "GetSessionToken").unwrap();
    assert_eq!(session["access_key_id"], BOB_KEY);
}

#[test]
fn keys_of_another_identity_are_pointed_out_once_and_the_stack_decides() {
    let mut env = TestEnvironment::new();
    env.push_role("Developer");
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    for command in [&["whoami"][..], &["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]] {
        let output = env.credstack(command).ok();
        assert_eq!(output.stderr.matches(OTHER_KEYS).count(), 1, "{}", output.stderr);
    }
    let signers: Vec<_> = env.sandbox.calls().iter().map(|call| call["access_key_id"].clone()).collect();
    assert!(!signers.contains(&BOB_KEY.into()), "{signers:?}");
    // What does not sign need not say it, and a choice was made already.
    for command in [&["list"][..], &["pop"], &["whoami", "env"], &["whoami", "--offline"]] {
        env.credstack(command).ok().says_not(OTHER_KEYS);
    }
}

#[test]
fn a_profile_whose_credential_process_is_credstack_is_never_asked() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    let program = programs::credstack();
    env.aws_config(&format!(
        "[profile loop]\ncredential_process = {} credential-process\n\
         [profile deep]\nrole_arn = arn:aws:iam::111122223333:role/Developer\nsource_profile = loop\n",
        program.display()
    ));
    for name in ["loop", "deep"] {
        for command in [&["whoami"][..], &["push", "assume", "Developer"], &["push", "import", "--profile", name]] {
            env.set("AWS_PROFILE", name);
            let refused = env.credstack(command).exits(2);
            refused.says("profile loop gets its credentials from credstack").says("unset AWS_PROFILE");
        }
    }
    assert!(env.sandbox.calls().is_empty());
}

#[test]
fn clear_goes_back_to_one_ambient_frame_and_erases_what_no_other_stack_refers_to() {
    let env = TestEnvironment::new();
    env.push_session();
    env.push_role("Developer");
    env.credstack(["--stack", "other", "use", "c3"]).ok();
    env.credstack(["clear"]).ok().says("c2 left the last stack").says_not("c3 left").says_not("c1 left");
    assert_eq!(env.frames(), ["ambient"]);
    assert_eq!(env.json(["--stack", "other", "whoami"])["credential"], "c3");
    env.credstack(["--stack", "other", "clear"]).exits(2).says("this would erase c1, which nothing can bring back");
    env.credstack(["--stack", "other", "clear", "--yes"]).ok().says("c3 left").says("c1 left");
    assert_eq!(secrets_kept(&env), 0);
}

#[test]
fn half_a_key_is_refused_and_expired_keys_are_exit_5() {
    let mut env = TestEnvironment::new();
    env.unset("AWS_SECRET_ACCESS_KEY");
    env.credstack(["whoami"]).exits(2).says("the environment has AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY");
    env.use_keys(ALICE_KEY, ALICE_SECRET, None);
    env.set("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z");
    env.credstack(["whoami"]).exits(5).says("expired");
    env.credstack(["push", "import", "--env"]).exits(5);
    assert!(env.sandbox.calls().is_empty());
}

#[test]
fn nothing_to_be_found_is_exit_3_and_says_where_it_was_looked() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.credstack(["whoami"]).exits(3).says("no AWS credentials were found; looked at the environment, profile default");
    env.credstack(["whoami", "env"]).exits(3);
    env.credstack(["push", "assume", "Developer", "--profile", "nowhere"]).exits(3).says("there is no profile nowhere");
}

#[test]
fn imports_come_from_a_profile_or_stdin_and_never_from_an_argument() {
    let env = TestEnvironment::new();
    env.aws_config(&profile("dev", ALICE_KEY, ALICE_SECRET));
    assert_eq!(env.json(["push", "import", "--profile", "dev"])["arn"], ALICE);
    env.learn(BOB_SECRET);
    let document = format!(r#"{{"Version":1,"AccessKeyId":"{BOB_KEY}","SecretAccessKey":"{BOB_SECRET}"}}"#);
    let import = || env.command(["-vvv", "push", "import"]);
    env.run_with_input(import(), document.as_bytes()).ok();
    assert_eq!(env.list()["frames"][0]["arn"], BOB);
    let (list, wrong_key) = (env.list(), document.replace(BOB_KEY, "AKIAFAKEUNKNOWN00001"));
    env.run_with_input(import(), wrong_key.as_bytes()).exits(4).says("InvalidClientTokenId");
    for broken in [document.replace("Version", "version"), document.replace('1', "2"), document.replace(BOB_KEY, "x"), "{".into()]
    {
        env.run_with_input(import(), broken.as_bytes()).exits(2);
    }
    let over = document.replace('}', r#","Expiration":"2020-01-01T00:00:00Z"}"#);
    env.run_with_input(import(), over.as_bytes()).exits(5).says("expired at 2020-01-01T00:00:00Z");
    assert_eq!(env.list(), list);
}

#[test]
fn keys_that_cannot_be_aws_credentials_are_refused_before_they_sign() {
    let mut env = TestEnvironment::new();
    for (key, secret) in [("AK\u{1b}[31mFAKE", "fake-secret-of-nobody"), ("AKIAFAKEFAKEFAKEFAKE", "fake\nsecret-of-nobody")] {
        env.use_keys(key, secret, None);
        env.credstack(["whoami"]).exits(2).says("check where these credentials come from");
        env.credstack(["push", "assume", "Developer"]).exits(2);
    }
    assert!(env.sandbox.calls().is_empty());
}

/// The SDK would pass over these profiles, and whoever is asked next, a container's role, would sign.
#[test]
fn a_broken_profile_is_refused_and_nobody_else_signs() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/never-asked");
    env.aws_config(
        "[profile half]\naws_access_key_id = AKIAFAKEHALF00000001\n\
         [profile nosrc]\nrole_arn = arn:aws:iam::111122223333:role/Developer\n\
         [profile empty]\nregion = eu-west-1\n\
         [profile noneleft]\nrole_arn = arn:aws:iam::111122223333:role/Developer\nsource_profile = empty\n\
         [profile nothing]\nsource_profile = empty\n\
         [profile self]\nrole_arn = arn:aws:iam::111122223333:role/Developer\nsource_profile = self\n",
    );
    for (profile, why) in [
        ("half", "profile half has aws_access_key_id and no aws_secret_access_key"),
        ("nosrc", "profile nosrc has a role_arn, and neither a source_profile nor a credential_source"),
        ("noneleft", "profile empty is to sign for a role, and has no credentials"),
        ("nothing", "profile nothing has source_profile, and lacks what goes with it"),
        ("self", "profile self is its own source_profile, and has no keys of its own"),
    ] {
        env.credstack(["push", "import", "--no-use", "--profile", profile]).exits(2).says(why);
        env.credstack(["push", "assume", "Developer", "--profile", profile]).exits(2).says(why);
        env.set("AWS_PROFILE", profile);
        env.credstack(["whoami"]).exits(2).says(why);
        env.unset("AWS_PROFILE");
    }
}

#[test]
fn credentials_of_a_program_that_have_expired_do_not_sign() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    let program = env.scratch("process");
    env.write(&program, r#"{"Version":1,"AccessKeyId":"ASIAFAKE000000000001","SecretAccessKey":"fake-secret-of-a-program","SessionToken":"fake-token","Expiration":"2020-01-01T00:00:00Z"}"#);
    env.learn("fake-secret-of-a-program");
    env.aws_config(&format!("[profile old]\ncredential_process = cat {}\n", program.display()));
    env.set("AWS_PROFILE", "old");
    env.credstack(["whoami"]).exits(5).says("gave credentials that expired at 2020-01-01T00:00:00Z");
}
