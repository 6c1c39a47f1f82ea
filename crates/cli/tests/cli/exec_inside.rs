//! credstack, run inside a program of `exec`: its frame is the one that the program was given.

use std::collections::BTreeMap;

use crate::{
    common::{ALICE_KEY, BOB_KEY, BOB_SECRET, TestEnvironment, programs},
    handout::handed_out,
};

const DEVELOPER: &str = "Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

/// The variables that a program of `exec` has.
fn inside(env: &TestEnvironment, arguments: &[&str]) -> BTreeMap<String, String> {
    let arguments = [&["exec"], arguments, &["--", "env", "-0"]].concat();
    let shown = handed_out(env, &arguments).ok().stdout;
    let variables = shown.split('\0').filter_map(|line| line.split_once('='));
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A shell under `exec` that runs a script in which `credstack` is the program.
fn script(env: &TestEnvironment, arguments: &[&str], script: &str) -> crate::common::Output {
    let script = format!("credstack() {{ {} \"$@\"; }}\n{script}", programs::credstack().display());
    let arguments = [&["exec"], arguments, &["--", "sh", "-c", &script]].concat();
    handed_out(env, &arguments)
}

#[test]
fn a_root_frame_given_stays_root_in_everything_inside() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let said = script(
        &env,
        &["--frame", "root"],
        "credstack whoami --offline --json | grep -o user/alice; credstack env --format env-no-export | head -1; \
         credstack credential-process | cut -c1-50; credstack exec -- sh -c 'echo $AWS_ACCESS_KEY_ID'; \
         credstack push assume Developer --dry-run | tail -n +2 | head -1",
    )
    .ok();
    let lines: Vec<_> = said.stdout.lines().collect();
    assert_eq!(lines[0], "user/alice", "{}", said.stdout);
    assert!(lines[1].contains(ALICE_KEY) && lines[2].contains(ALICE_KEY) && lines[3] == ALICE_KEY, "{}", said.stdout);
    assert!(lines[4].contains("c1 (arn:aws:iam::111122223333:user/alice)"), "{}", said.stdout);
    // A frame that is named is another.
    let named = script(&env, &["--frame", "root"], "credstack whoami current --offline --json").ok();
    assert!(named.stdout.contains("assumed-role/Developer"), "{}", named.stdout);
}

#[test]
fn another_stack_and_another_state_directory_are_what_they_are() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.json(["--stack", "w", "push", "session"]);
    let whoami = "credstack whoami --offline --json";
    let said = script(&env, &[], &format!("{whoami} --stack w; CREDSTACK_STACK=w {whoami}; {whoami}")).ok();
    let arns: Vec<_> = said.stdout.lines().filter(|line| line.contains("arn")).collect();
    assert!(arns[0].contains("user/alice") && arns[1].contains("user/alice") && arns[2].contains("Developer"), "{}", said.stdout);
    // The program's own stack is the one that it was started from.
    let mut arguments = vec!["--stack", "w", "exec", "--", "sh", "-c"];
    let line = format!("{} whoami --offline --json", programs::credstack().display());
    arguments.push(&line);
    assert!(env.plain(arguments).ok().stdout.contains("user/alice"));
}

#[test]
fn of_an_exec_that_has_ended_nothing_is_handed_out() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    for (name, value) in inside(&env, &[]) {
        if name.starts_with("CREDSTACK_") {
            env.set(&name, &value);
        }
    }
    for command in
        [&["whoami"][..], &["env"], &["credential-process"], &["exec", "--", "true"], &["serve"], &["push", "assume", "ReadOnly"]]
    {
        let failed = env.plain(command);
        assert_ne!(failed.code, Some(0), "{command:?}");
        failed.says("has ended").says("run `unset CREDSTACK_FRAME");
    }
    env.plain(["whoami", "current", "--offline"]).ok();
    env.plain(["list"]).ok();
    env.unset("CREDSTACK_EXEC");
    env.plain(["whoami"]).exits(3).says("can't be read");
    env.unset("CREDSTACK_FRAME");
    env.plain(["whoami", "--offline"]).ok();
}

#[test]
fn a_program_keeps_its_frame_when_the_stack_moves() {
    let env = TestEnvironment::new();
    let role = env.push_role(DEVELOPER);
    let ask = "curl -s -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" $AWS_CONTAINER_CREDENTIALS_FULL_URI";
    let said = script(
        &env,
        &["--via", "endpoint"],
        &format!(
            "{ask} | grep -o ASIA[A-Z0-9]* | head -1; credstack --quiet push assume {READ_ONLY} --from current; {ask} | grep -o ASIA[A-Z0-9]* | head -1; \
                  credstack --quiet pop; credstack --quiet pop; {ask}"
        ),
    );
    let lines: Vec<_> = said.stdout.lines().collect();
    assert_eq!(lines[0], lines[1], "{}", said.stdout);
    assert!(lines[2].contains(&format!("{role} was erased")), "{}", said.stdout);
}

#[test]
fn the_users_region_is_the_users_in_an_exec_within_as_well() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let nested = "credstack exec -- sh -c 'echo $AWS_REGION'";
    env.unset("AWS_REGION");
    assert_eq!(script(&env, &["--region", "eu-north-1"], nested).ok().stdout.trim(), "eu-north-1");
    assert_eq!(script(&env, &[], nested).ok().stdout.trim(), "eu-west-1");
    env.set("AWS_REGION", "us-west-2");
    assert_eq!(script(&env, &[], nested).ok().stdout.trim(), "us-west-2");
    // The frame's own is no wish: another frame has another.
    env.unset("AWS_REGION");
    env.json(["push", "session", "--from", "root", "--region", "eu-central-1", "--no-use"]);
    let said = script(&env, &[], "credstack exec --frame c3 -- sh -c 'echo $AWS_REGION'").ok();
    assert_eq!(said.stdout.trim(), "eu-central-1", "{}", said.stderr);
}

#[test]
fn a_shell_that_takes_another_frames_keys_runs_under_that_exec_no_longer() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let said = script(
        &env,
        &["--frame", "root"],
        "eval \"$(credstack env --frame c2)\"; env | grep -c CREDSTACK_FRAME; credstack whoami --json",
    );
    assert!(said.stdout.starts_with('0') && said.stdout.contains("assumed-role/Developer"), "{}", said.stdout);
    let said = script(&env, &["--frame", "root"], "eval \"$(credstack env)\"; echo $CREDSTACK_FRAME").ok();
    assert_eq!(said.stdout.trim(), "c1", "its own frame's keys change nothing");
}

#[test]
fn doctor_finds_a_profile_that_wins_over_what_exec_gave() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.aws_config(&format!("[profile bob]\naws_access_key_id = {BOB_KEY}\naws_secret_access_key = {BOB_SECRET}\n"));
    for via in ["endpoint", "profile"] {
        script(&env, &["--via", via], "credstack doctor").ok();
        let said = script(&env, &["--via", via], "AWS_PROFILE=bob credstack doctor").exits(2);
        assert!(said.stdout.contains("AWS_PROFILE bob wins: programs here are that profile"), "{}", said.stdout);
    }
}
