//! credstack, run inside a program of `exec`: its frame is the one that the program was given.

use std::collections::BTreeMap;

use crate::{
    common::{ALICE_KEY, TestEnvironment, programs},
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
