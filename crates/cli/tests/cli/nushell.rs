//! A real nushell that follows the stack. It takes only environments that are text: with anything else it does not start.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use proptest::prelude::*;

use crate::{
    common::{ALICE_KEY, Output, TestEnvironment, programs},
    shells::{DEVELOPER, READ_ONLY, aws, environment, held_set, values},
};

const SHOW: &str = "^sh -c 'echo ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none} ${AWS_REGION-none}'";

/// The program itself: its launcher in `.bin` is JavaScript, which changes an environment that is not text.
pub(crate) fn program() -> PathBuf {
    let node = std::env::var_os("CREDSTACK_TEST_NODE");
    let node = node.expect("CREDSTACK_TEST_NODE names a directory in which `npm install nushell@0.108` was run");
    let packages = PathBuf::from(node).join("node_modules/@nushell");
    let found = fs::read_dir(&packages).unwrap_or_else(|error| panic!("{}: {error}", packages.display()));
    let programs = found.map(|package| package.unwrap().path().join("bin/nu"));
    programs.into_iter().find(|program| program.is_file()).expect("npm installed a nushell for this machine")
}

/// A script in a nushell that has `source`d what `init` printed.
pub(crate) fn command(env: &TestEnvironment, options: &[&str], script: &str) -> Command {
    let file = env.scratch("credstack.nu");
    let mut init = Command::new(programs::credstack());
    init.args(["init", "nushell"]).args(options);
    env.prepare(&mut init);
    env.write(&file, &env.run(init).ok().stdout);
    let mut command = Command::new(program());
    command.args(["--no-config-file", "-c", &format!("source {}\n{script}", file.display())]);
    env.prepare(&mut command);
    command
}

fn run(env: &TestEnvironment, script: &str) -> Output {
    env.run(command(env, &[], script))
}

#[test]
fn a_push_takes_effect_at_once_and_a_pop_takes_it_back() {
    let env = environment();
    let script = format!(
        "{SHOW}; credstack -q push assume {DEVELOPER} --region us-west-2; {SHOW}
         credstack -q push assume {READ_ONLY} --region eu-north-1; {SHOW}; credstack -q pop; {SHOW}; credstack -q pop; {SHOW}"
    );
    let own = format!("none {ALICE_KEY} eu-west-1");
    let shown = run(&env, &script).ok().stdout;
    let expected = [&own, "credstack none us-west-2", "credstack none eu-north-1", "credstack none us-west-2", &own];
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
    // What was hidden, and came back, is hidden again.
    let again = format!("credstack -q push assume {DEVELOPER}; {SHOW}; credstack -q pop; {SHOW};").repeat(3);
    let shown = run(&env, &again).ok().stdout;
    assert_eq!(shown.lines().collect::<Vec<_>>(), ["credstack none eu-west-1", &own].repeat(3));
}

#[test]
fn with_mode_env_the_shell_has_the_keys() {
    let env = environment();
    let script = format!(
        "credstack -q push assume {DEVELOPER}; ^sh -c 'echo ${{#AWS_SECRET_ACCESS_KEY}} ${{AWS_PROFILE-none}}'
         credstack -q pop; ^sh -c 'echo ${{AWS_SESSION_TOKEN-none}}'"
    );
    let shown = env.run(command(&env, &["--mode", "env"], &script)).ok().stdout;
    assert_eq!(shown.lines().collect::<Vec<_>>(), ["40 none", "none"]);
}

#[test]
fn output_goes_on_into_a_pipe_and_failures_are_caught() {
    let env = environment();
    let script = format!(
        "print (credstack --json push assume {DEVELOPER} | from json | get credential)
         print (credstack --json list | from json | get frames | length)
         try {{ credstack -q pop 9 e>| ignore }} catch {{ print $'caught ($env.LAST_EXIT_CODE)' }}
         credstack -q pop; credstack -q pop"
    );
    let output = run(&env, &script);
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), ["c2", "2", "caught 2"], "{}", output.stderr);
    assert_eq!(output.code, Some(3), "{}", output.stderr);
}

#[test]
fn a_program_keeps_its_streams_whatever_its_arguments_are() {
    let env = environment();
    let script = "credstack exec -- sh -c 'echo from $0; test ! -p /dev/stdout' push";
    let mut command = command(&env, &[], script);
    command.stdout(fs::File::create(env.scratch("out")).unwrap());
    assert!(command.status().unwrap().success(), "its output is not a pipe");
    assert_eq!(fs::read_to_string(env.scratch("out")).unwrap(), "from push\n");
}

#[test]
fn a_command_can_be_signed_by_the_keys_that_the_shell_has_of_its_own() {
    for from in ["--from env", "--from=env"] {
        let env = environment();
        let script = format!(
            "credstack -q push assume {DEVELOPER}; credstack -q push session {from}; {SHOW}; print (credstack list --json | from json).frames.0.parent
             credstack -q pop --root; {SHOW}"
        );
        let shown = run(&env, &script).ok().stdout;
        let own = format!("none {ALICE_KEY} eu-west-1");
        assert_eq!(shown.lines().collect::<Vec<_>>(), ["credstack none eu-west-1", "c1", &own]);
    }
}

#[test]
fn another_shell_follows_at_its_next_prompt() {
    let env = environment();
    env.push_role(DEVELOPER);
    let show = "^sh -c 'echo ${AWS_PROFILE-none}'";
    let pop = format!("^{} -q pop", programs::credstack().display());
    let prompt = "do --env ($env.config.hooks.pre_prompt | last)";
    let script = format!("{show}; {prompt}; {show}; {pop}; {show}; {prompt}; {show}");
    let shown = run(&env, &script).ok().stdout;
    assert_eq!(shown.lines().collect::<Vec<_>>(), ["none", "credstack", "credstack", "none"]);
}

#[test]
fn what_cannot_be_followed_is_said_once_and_leaves_no_other_identity() {
    let env = TestEnvironment::new();
    let script = format!("credstack -q push assume {DEVELOPER}; __credstack_prompt; __credstack_prompt; {SHOW}");
    let output = run(&env, &script).ok().says("this shell cannot follow stack default").says("setup profile");
    assert_eq!(output.stdout, "credstack-has-no-profile-yet none eu-west-1\n");
    assert_eq!(output.stderr.matches("cannot follow").count(), 1, "{}", output.stderr);
}

/// A shell in a shell that follows, and a second `source`, do not take the stack's identity for their own: the inner one goes on
/// following at the root, whose keys it has not.
#[test]
fn a_shell_in_a_following_shell_has_nothing_of_its_own_to_bring_back() {
    let env = environment();
    let file = env.scratch("credstack.nu");
    let inner = format!("source {}; credstack -q pop; {SHOW}", file.display());
    let nu = program();
    let script = format!(
        "credstack -q push assume {DEVELOPER}; ^{} -n -c \"{inner}\"; __credstack_prompt; {SHOW}
         credstack -q push assume {DEVELOPER}; source {}; credstack -q pop; {SHOW}",
        nu.display(),
        file.display()
    );
    let shown = run(&env, &script).ok().stdout;
    let own = format!("none {ALICE_KEY} eu-west-1");
    assert_eq!(shown.lines().collect::<Vec<_>>(), ["credstack none eu-west-1", own.as_str(), own.as_str()]);
}

#[test]
fn pop_undoes_a_push_byte_for_byte_in_any_environment() {
    let env = held_set();
    let dir = env.scratch("nushell");
    fs::create_dir(&dir).unwrap();
    let script = "^env -0 | save -fr 1; credstack -q use c1; ^env -0 | save -fr 2; credstack -q pop; ^env -0 | save -fr 3";
    let config = crate::common::seeded::seeded(40);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let text = |values: BTreeMap<&'static str, Vec<u8>>| -> BTreeMap<&str, String> {
        let lossy = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        values.into_iter().map(|(name, value)| (name, lossy(value))).collect()
    };
    let outcome = runner.run(&values().prop_map(text), |values| {
        let mut command = command(&env, &[], script);
        command.current_dir(&dir).envs(&values);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        prop_assert!(output.status.success(), "{}", said);
        let [before, during, after] = ["1", "2", "3"].map(|name| aws(&fs::read(dir.join(name)).unwrap()));
        prop_assert_eq!(during.get(&b"AWS_PROFILE"[..]).map(Vec::as_slice), Some(&b"credstack"[..]), "{}", said);
        prop_assert!(!during.contains_key(&b"AWS_SESSION_TOKEN"[..]));
        prop_assert_eq!(during.get(&b"AWS_PAGER"[..]), before.get(&b"AWS_PAGER"[..]), "not ours");
        prop_assert_eq!(after, before, "{}", said);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// What `env` prints for nushell is a record: what is set, and nulls for what is to be hidden.
#[test]
fn env_is_a_record_to_load_and_to_hide() {
    let mut env = environment();
    env.push_role(DEVELOPER);
    env.set("AWS_PROFILE", "stale");
    let script = "let keys = (^credstack_program env --format nushell | from nuon)
         load-env ($keys | transpose name value | where value != null | reduce --fold {} {|it, all| $all | insert $it.name $it.value })
         hide-env --ignore-errors ...($keys | transpose name value | where value == null | get name)
         ^env"
        .replace("^credstack_program", &format!("^{}", crate::common::programs::credstack().display()));
    let mut command = std::process::Command::new(program());
    env.prepare(command.args(["-n", "-c", &script]));
    let shown = Output::new("nu".into(), command.output().unwrap()).ok().stdout;
    let current = crate::handout::keys(&env, &[]);
    for (name, key) in [("AWS_ACCESS_KEY_ID", "AccessKeyId"), ("AWS_SESSION_TOKEN", "SessionToken")] {
        assert!(shown.contains(&format!("{name}={}\n", current[key].as_str().unwrap())), "{name}");
    }
    assert!(!shown.contains("AWS_PROFILE"), "hidden, and not empty");
}
