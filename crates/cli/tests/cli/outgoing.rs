//! What goes out beside the keys, in which format, and what is said where nothing can.

use std::{fs, process::Command};

use crate::{
    common::{ALICE_KEY, ALICE_SECRET, TestEnvironment, environment::path, terminal::Terminal},
    handout::{handed_out, keys},
};

const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
const FOREIGN: &str = "999999999999";

/// The account that a program under `exec` sees.
fn account(env: &TestEnvironment, arguments: &[&str]) -> String {
    let script = ["--", "sh", "-c", "echo ${AWS_ACCOUNT_ID-unset} ${AWS_ACCOUNT_ID_ENDPOINT_MODE-unset}"];
    handed_out(env, &[&["exec"], arguments, &script].concat()).ok().stdout.trim_end().to_owned()
}

#[test]
fn the_account_is_the_frames_and_never_a_foreign_one() {
    let mut env = TestEnvironment::new();
    env.push_role("arn:aws:iam::111122223333:role/Developer");
    env.push_role(READ_ONLY);
    env.no_keys();
    env.set("AWS_ACCOUNT_ID", FOREIGN);
    env.set("AWS_ACCOUNT_ID_ENDPOINT_MODE", "required");
    assert_eq!(account(&env, &["--via", "env"]), "444455556666 required", "the mode is the user's");
    assert_eq!(account(&env, &["--via", "endpoint"]), "unset required", "the endpoint's answer tells it");
    let written = handed_out(&env, &["env"]).ok().stdout;
    assert!(written.contains("export AWS_ACCOUNT_ID='444455556666'\n"), "{written}");
    let github = handed_out(&env, &["env", "--format", "github"]).ok().says_not("AWS_ACCOUNT_ID is set").stdout;
    assert!(github.contains("\nAWS_ACCOUNT_ID=444455556666\n"));
}

#[test]
fn an_ambient_identitys_account_is_its_providers() {
    let mut env = TestEnvironment::new();
    // The environment's own keys and the account beside them go together.
    env.set("AWS_ACCOUNT_ID", "111122223333");
    assert_eq!(account(&env, &["--via", "env"]), "111122223333 unset");
    env.set("AWS_ACCOUNT_ID", "evil.example");
    assert_eq!(account(&env, &["--via", "env"]), "unset unset", "it becomes part of a host's name");
    env.no_keys();
    env.set("AWS_ACCOUNT_ID", FOREIGN);
    let answer =
        format!(r#"{{"Version":1,"AccessKeyId":"{ALICE_KEY}","SecretAccessKey":"{ALICE_SECRET}","AccountId":"111122223333"}}"#);
    env.write(&env.home().join("process.json"), &answer);
    let process = format!("credential_process = cat {}", path(&env.home().join("process.json")));
    let keys_of = format!("aws_access_key_id = {ALICE_KEY}\naws_secret_access_key = {ALICE_SECRET}");
    env.aws_config(&format!(
        "[profile process]\n{process}\n[profile keys]\n{keys_of}\naws_account_id = 222233334444\n[profile bare]\n{keys_of}\n"
    ));
    for (profile, expected) in [("process", "111122223333"), ("keys", "222233334444"), ("bare", "unset")] {
        env.set("AWS_PROFILE", profile);
        assert_eq!(account(&env, &["--via", "env"]), format!("{expected} unset"), "{profile}");
    }
    assert_eq!(keys(&env, &[]).get("AccountId"), None);
    let written = handed_out(&env, &["env"]).ok().stdout;
    assert!(written.contains("unset AWS_ACCOUNT_ID\n"), "{written}");
    let github = handed_out(&env, &["env", "--format", "github"]).ok().says("AWS_ACCOUNT_ID is set");
    assert!(!github.stdout.contains("AWS_ACCOUNT_ID"));
}

#[test]
fn files_for_docker_have_no_quotes_and_what_would_need_them_is_refused() {
    let mut env = TestEnvironment::new();
    env.push_role("arn:aws:iam::111122223333:role/Developer");
    env.push_role(READ_ONLY);
    let current = keys(&env, &[]);
    for format in ["env-no-export", "docker"] {
        let text = handed_out(&env, &["env", "--format", format]).ok().stdout;
        for (name, key) in [
            ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
            ("AWS_SESSION_TOKEN", "SessionToken"),
        ] {
            let line = format!("{name}={}", current[key].as_str().unwrap());
            assert!(text.lines().any(|it| it == line), "{format}: {name} as it is");
        }
        assert!(!text.contains(['\'', '"']), "{format}");
        // A shell reads the same.
        let script = format!("{text}\nprintf %s \"$AWS_SESSION_TOKEN\"");
        let read = Command::new("sh").args(["-c", &script]).env_clear().output().unwrap().stdout;
        assert_eq!(String::from_utf8(read).unwrap(), current["SessionToken"].as_str().unwrap());
        env.set("AWS_REGION", "eu west");
        let refused = handed_out(&env, &["env", "--format", format]).exits(2).says("AWS_REGION holds characters");
        assert_eq!(refused.stdout, "");
        env.set("AWS_REGION", "eu-west-1");
    }
}

#[test]
fn on_a_terminal_each_format_has_its_own_line() {
    let env = TestEnvironment::new();
    for (format, line) in [
        ("env", "eval \"$(credstack env)\""),
        ("powershell", "credstack env --format powershell | Out-String | Invoke-Expression"),
        ("fish", "credstack env --format fish | source"),
        ("docker", "docker run --env-file <(credstack env --format docker) IMAGE"),
        ("github", "credstack env --format github >> \"$GITHUB_ENV\""),
    ] {
        let (status, shown) = Terminal::start(&env, &["env", "--format", format]).finish();
        assert_eq!(status.code(), Some(2), "{shown}");
        assert!(shown.contains(line), "{format}: {shown}");
        assert!(format == "env" || !shown.contains("eval"), "{format}: {shown}");
    }
}

#[test]
fn what_a_client_shows_of_a_failure_is_one_line() {
    let mut env = TestEnvironment::new();
    let file = env.home().join(".config/credstack/config.toml");
    env.push_role("arn:aws:iam::111122223333:role/Developer");
    env.push_role(READ_ONLY);
    // A warning is no part of it.
    env.use_keys("AKIAFAKEFAKEFAKEFAKE", "fake-secret-of-another-shell", None);
    for (arguments, code, said) in [
        (&["credential-process", "--frame", "c99"][..], 3, "there is no credential set c99; "),
        (&["--stack", "nowhere", "credential-process"], 3, "nowhere"),
    ] {
        let output = handed_out(&env, arguments).exits(code).says(said);
        let lines: Vec<_> = output.stderr.lines().collect();
        assert_eq!((lines.len(), output.stdout.as_str()), (1, ""), "{}", output.stderr);
        assert!(lines[0].starts_with("credstack: ") && !lines[0].contains("error:"), "{}", lines[0]);
    }
    handed_out(&env, &["--json", "credential-process", "--frame", "c99"]).exits(3).error();
    env.write(&file, "color = \"blue\"\n");
    let output = handed_out(&env, &["credential-process"]).exits(2);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    fs::remove_file(file).unwrap();
    assert_eq!(handed_out(&env, &["credential-process"]).ok().stderr, "");
}
