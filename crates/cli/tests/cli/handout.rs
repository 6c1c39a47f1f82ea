//! How other programs get the identity: credential-process, the profile, env, exec.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
};

use serde_json::Value;

use crate::common::{ALICE_KEY, ALICE_SECRET, Output, TestEnvironment, environment::path, programs};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// Runs any program in the environment; what it prints is not scanned for secrets, since it is given them.
fn run(env: &TestEnvironment, program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments);
    env.prepare(&mut command);
    Output::new(program.to_owned(), command.output().unwrap())
}

/// The keys that the program hands out, which are secrets: not kept for the scan.
pub fn handed_out(env: &TestEnvironment, arguments: &[&str]) -> Output {
    run(env, path(&programs::credstack()), arguments)
}

pub fn keys(env: &TestEnvironment, arguments: &[&str]) -> Value {
    let output = handed_out(env, &[&["credential-process"], arguments].concat()).ok();
    assert_eq!((output.stderr.as_str(), output.stdout.lines().count()), ("", 1), "nothing but one line of JSON");
    output.json()
}

pub fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn credential_process_gives_exactly_what_every_sdk_reads() {
    let mut env = TestEnvironment::new();
    let ambient = keys(&env, &[]);
    let asked_again = ["Version", "AccessKeyId", "SecretAccessKey", "Expiration"];
    assert_eq!(names(&ambient), asked_again, "long-term keys are asked for again, so that a push is followed");
    let until: jiff::Timestamp = ambient["Expiration"].as_str().unwrap().parse().unwrap();
    let left = until.as_second() - jiff::Timestamp::now().as_second();
    assert!((15 * 60 + 1..=16 * 60).contains(&left), "{left} s: below 15 minutes botocore asks at every request");
    let written = handed_out(&env, &["env", "--format", "process"]).ok().json();
    assert_eq!(names(&written), asked_again);
    assert_eq!((&ambient["AccessKeyId"], &ambient["SecretAccessKey"]), (&ALICE_KEY.into(), &ALICE_SECRET.into()));
    env.push_role(DEVELOPER);
    env.no_keys();
    env.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let current = keys(&env, &[]);
    let all = ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "AccountId"];
    assert_eq!(names(&current), all);
    assert_eq!(current["AccountId"], "111122223333");
    assert_eq!(current["Version"], 1);
    assert_eq!(current["Expiration"], env.list()["frames"][0]["expires_at"]);
    let expiration = current["Expiration"].as_str().unwrap();
    assert!(expiration.ends_with('Z') && expiration.len() == "2026-11-22T07:35:44Z".len(), "{expiration}");
    assert_eq!(keys(&env, &["--frame", "root"])["AccessKeyId"], ALICE_KEY);
    assert_eq!(keys(&env, &["--frame", "c2"]), current);
    env.plain(["pop"]).ok();
    assert_eq!(keys(&env, &[])["AccessKeyId"], ALICE_KEY);
    handed_out(&env, &["credential-process", "--frame", "c2"]).exits(3).says("was erased");
    handed_out(&env, &["--stack", "nowhere", "credential-process"]).exits(3);
}

#[test]
fn credential_process_of_an_expired_frame_is_exit_5_with_the_command_to_run() {
    let env = TestEnvironment::new();
    env.session_lifetime(Some(1));
    env.push_role(DEVELOPER);
    // Without what signed it, it cannot be renewed.
    env.plain(["drop", "--yes"]).ok();
    let expired = || handed_out(&env, &["credential-process"]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while expired().code == Some(0) {
        assert!(std::time::Instant::now() < deadline);
    }
    expired().exits(5).says("expired at").says("could not be renewed").says("acquire it again with credstack push assume");
}

#[test]
fn credential_process_writes_nothing() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let (database, lock) = (fs::read(env.database()).unwrap(), fs::read(env.state().join("lock")).unwrap());
    keys(&env, &[]);
    assert_eq!((fs::read(env.database()).unwrap(), fs::read(env.state().join("lock")).unwrap()), (database, lock));
}

#[test]
fn a_profile_is_written_once_shown_before_and_taken_back() {
    let env = TestEnvironment::new();
    let before = "[default]\nregion = eu-west-3\n\n# mine\n[profile dev]\nregion=us-east-1";
    env.aws_config(before);
    let file = env.home().join(".aws/config");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let shown = env.plain(["setup", "profile", "--dry-run"]).ok().stdout;
    assert!(shown.contains("+[profile credstack]") && shown.contains("+credential_process = "), "{shown}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);

    env.plain(["setup", "profile"]).ok().says("profile credstack in").says("follows stack default");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with(before), "{text}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    env.plain(["setup", "profile"]).ok().says("is as it should be");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    env.plain(["--stack", "work", "setup", "profile", "--name", "work", "--region", "eu-west-1"]).ok();
    assert!(fs::read_to_string(&file).unwrap().contains("--stack work --state "));
    env.plain(["setup", "profile", "--name", "work", "--remove"]).ok().says("is taken out");
    env.plain(["setup", "profile", "--name", "work", "--remove"]).exits(3).says("has no profile work of credstack's");
    env.plain(["setup", "profile", "--remove"]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    env.plain(["setup", "profile", "--name", "dev"]).exits(2).says("there is a profile dev already");
    env.write(&env.home().join(".aws/credentials"), "[static]\naws_access_key_id = AKIAFAKE000000000001\n");
    env.plain(["setup", "profile", "--name", "static"]).exits(2).says("has keys for static, which would win");
    env.plain(["setup", "profile", "--name", "default"]).exits(2).says("choose another name");
    env.plain(["setup", "profile", "--name", "a]b"]).exits(2).says("is no name for a profile");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn a_profile_is_written_where_a_link_points_and_where_aws_config_file_says() {
    let mut env = TestEnvironment::new();
    let target = env.scratch("dotfiles/aws-config");
    env.write(&target, "[default]\n");
    let elsewhere = env.scratch("elsewhere");
    symlink(&target, &elsewhere).unwrap();
    env.set("AWS_CONFIG_FILE", path(&elsewhere));
    env.plain(["setup", "profile"]).ok();
    assert!(fs::symlink_metadata(&elsewhere).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("[profile credstack]"));
    assert!(!env.home().join(".aws").exists(), "nothing else is touched");
    let dangling = env.scratch("dangling");
    symlink("dotfiles/not-yet", &dangling).unwrap();
    env.set("AWS_CONFIG_FILE", path(&dangling));
    env.plain(["setup", "profile"]).ok();
    assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink() && env.scratch("dotfiles/not-yet").exists());
    env.set("AWS_CONFIG_FILE", path(&env.scratch("new/config")));
    env.plain(["setup", "profile"]).ok();
    let mode = fs::metadata(env.scratch("new/config")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn credstack_never_asks_its_own_profile() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.plain(["setup", "profile"]).ok();
    env.set("AWS_PROFILE", "credstack");
    handed_out(&env, &["credential-process"]).exits(2).says("profile credstack gets its credentials from credstack");
}

/// Each shell evaluates what is printed for it, and then has the keys and nothing that would win over them.
#[test]
fn env_is_understood_by_the_shells() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let current = keys(&env, &[]);
    env.set("AWS_PROFILE", "stale");
    env.set("AWS_SESSION_TOKEN", "fake-stale-token");
    env.set("AWS_SECURITY_TOKEN", "fake-stale-token");
    let program = programs::credstack();
    let shown = r#""$AWS_ACCESS_KEY_ID|$AWS_SECRET_ACCESS_KEY|$AWS_SESSION_TOKEN|$AWS_PROFILE|$AWS_SECURITY_TOKEN|$AWS_REGION""#;
    let expected = format!(
        "{}|{}|{}|||eu-west-1",
        current["AccessKeyId"].as_str().unwrap(),
        current["SecretAccessKey"].as_str().unwrap(),
        current["SessionToken"].as_str().unwrap()
    );
    for (shell, script) in [
        ("bash", format!("eval \"$({} env)\"; printf %s {shown}", program.display())),
        ("zsh", format!("eval \"$({} env)\"; printf %s {shown}", program.display())),
        ("fish", format!("{} env --format fish | source; printf %s {shown}", program.display())),
    ] {
        let output = run(&env, shell, &["-c", &script]).ok();
        assert_eq!(output.stdout, expected, "{shell}");
        let unset = run(&env, shell, &["-c", &script.replace(&format!("printf %s {shown}"), "env")]).ok();
        assert!(!unset.stdout.contains("AWS_PROFILE"), "{shell}: unset, and not empty");
    }
    let lines = handed_out(&env, &["env", "--format", "env-no-export"]).ok().stdout;
    assert_eq!(lines.lines().count(), 7, "three keys, their end, the account, two regions");
    let document = handed_out(&env, &["env", "--format", "json"]).ok().json();
    assert_eq!(document["set"]["AWS_SESSION_TOKEN"], current["SessionToken"]);
    assert!(document["unset"].as_array().unwrap().contains(&"AWS_PROFILE".into()));
    assert_eq!(handed_out(&env, &["env", "--format", "process"]).ok().json(), current);
    let long_term = handed_out(&env, &["env", "--frame", "root"]).ok().stdout;
    assert!(long_term.contains("unset AWS_SESSION_TOKEN\n") && long_term.contains("unset AWS_CREDENTIAL_EXPIRATION\n"));
}

#[test]
fn no_secret_is_shown_on_a_terminal_unless_asked() {
    use crate::common::terminal::Terminal;
    let env = TestEnvironment::new();
    for command in ["env", "credential-process"] {
        let (status, shown) = Terminal::start(&env, &[command]).finish();
        assert_eq!(status.code(), Some(2), "{command}: {shown}");
        assert!(shown.contains("give --reveal"), "{command}: {shown}");
        // It goes on to look for the keys; none are found here, where everything that is shown is scanned for secrets.
        let (status, shown) = Terminal::start(&env, &[command, "--reveal", "--frame", "c99"]).finish();
        assert_eq!(status.code(), Some(3), "{command}: {shown}");
    }
}

#[test]
fn exec_leaves_one_source_of_credentials() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let current = keys(&env, &[]);
    for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
        env.set(name, "stale");
    }
    env.set("UNTOUCHED", "a b");
    let seen = handed_out(&env, &["exec", "--via", "env", "--", "env"]).ok().stdout;
    assert!(!seen.contains("stale"), "{seen}");
    assert!(seen.contains("UNTOUCHED=a b\n"));
    for (name, key) in [
        ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ("AWS_SESSION_TOKEN", "SessionToken"),
    ] {
        assert!(seen.contains(&format!("{name}={}\n", current[key].as_str().unwrap())), "{name}");
    }
    let root = handed_out(&env, &["exec", "--frame", "root", "--", "env"]).ok().stdout;
    assert!(root.contains(&format!("AWS_ACCESS_KEY_ID={ALICE_KEY}\n")) && !root.contains("AWS_SESSION_TOKEN"), "{root}");
}

#[test]
fn exec_becomes_the_program() {
    let env = TestEnvironment::new();
    let script = "umask; ulimit -Sc; ulimit -Hc; exit 42";
    let plain = run(&env, "sh", &["-c", script]).exits(42).stdout;
    assert_eq!(
        handed_out(&env, &["exec", "--via", "env", "--", "sh", "-c", script]).exits(42).stdout,
        plain,
        "umask and limits are its own"
    );
    let parent = handed_out(&env, &["exec", "--", "sh", "-c", "echo $PPID"]).ok().stdout;
    assert_eq!(parent.trim(), std::process::id().to_string(), "there is no process between");
    handed_out(&env, &["exec", "--", "sh", "-c", "kill -TERM $$"]).stdout.clear();
    handed_out(&env, &["exec", "--", "no-such-program"]).exits(127).says("no-such-program cannot be run");
    handed_out(&env, &["exec", "--", "/etc/passwd"]).exits(126).says("cannot be run");
    handed_out(&env, &["exec", "--frame", "c99", "--", "true"]).exits(125).says("there is no credential set c99");
    let failure = handed_out(&env, &["--json", "exec", "--frame", "c99", "--", "true"]).exits(125).error();
    assert_eq!((&failure["kind"], &failure["exit_code"]), (&"nothing".into(), &125.into()));
}

#[test]
fn exec_via_profile_puts_no_secret_anywhere() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let arguments = ["exec", "--follow", "--via", "profile", "--", "env"];
    handed_out(&env, &arguments).exits(125).says("has no profile for stack default").says("setup profile");
    env.plain(["setup", "profile", "--name", "mine"]).ok();
    let seen = env.plain(arguments).ok().stdout;
    assert!(seen.contains("AWS_PROFILE=mine\n") && !seen.contains("AWS_ACCESS_KEY_ID"), "{seen}");
    let pinned = env.plain(["exec", "--via", "profile", "--", "env"]).ok().stdout;
    assert!(pinned.contains("AWS_PROFILE=mine\n") && !pinned.contains("AWS_ACCESS_KEY_ID"), "{pinned}");
}

#[test]
fn keys_under_the_profiles_name_are_not_passed_over() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.plain(["setup", "profile"]).ok();
    env.write(&env.home().join(".aws/credentials"), "[credstack]\naws_access_key_id = AKIAFAKE000000000001\n");
    env.plain(["exec", "--follow", "--via", "profile", "--", "true"])
        .exits(125)
        .says("has keys for profile credstack, which win");
    env.plain(["shell-sync", "bash"]).ok().says("has keys for profile credstack, which win");
    env.no_keys();
    env.set("AWS_PROFILE", "credstack");
    assert!(env.plain(["doctor"]).exits(2).stdout.contains("keys for credstack, which win: it does not follow the stack"));
}

#[test]
fn a_profile_is_written_to_a_file_of_the_working_directory() {
    let mut env = TestEnvironment::new();
    env.set("AWS_CONFIG_FILE", "relative");
    env.plain(["setup", "profile"]).ok();
    assert!(fs::read_to_string(env.home().join("relative")).unwrap().contains("[profile credstack]"));
}

/// What is universal in fish is every session's, for good.
#[test]
fn env_erases_no_universal_variable_of_fish() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    run(&env, "fish", &["-c", "set -Ux AWS_PROFILE dev"]).ok();
    let script =
        format!("set -gx AWS_SESSION_TOKEN old; {} env --frame root --format fish | source; env", path(&programs::credstack()));
    let shown = run(&env, "fish", &["-c", &script]).ok().says("AWS_PROFILE is an exported universal variable, and stays");
    assert!(!shown.stdout.contains("AWS_SESSION_TOKEN"), "what is global goes");
    assert_eq!(run(&env, "fish", &["-c", "echo $AWS_PROFILE"]).ok().stdout, "dev\n");
}
