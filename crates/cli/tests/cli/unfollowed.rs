//! What goes wrong where a program could be the default profile of the home: a shell that can't follow, an `eval` of nothing.

use std::{fs, process::Command};

use crate::{
    common::{ALICE_KEY, BOB_KEY, BOB_SECRET, TestEnvironment, programs},
    shells::{DEVELOPER, READ_ONLY, SHELLS, command, run},
};

const SHOW: &str = "sh -c 'echo ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none}'";
const NO_PROFILE: &str = "credstack-has-no-profile-yet";

/// A home whose default profile is bob.
fn home_of_bob() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.learn(BOB_SECRET);
    env.aws_config(&format!(
        "[default]\naws_access_key_id = {BOB_KEY}\naws_secret_access_key = {BOB_SECRET}\nregion = eu-west-1\n"
    ));
    env
}

#[test]
fn a_shell_without_a_managed_profile_names_none_rather_than_the_default_one_and_credstack_works_there() {
    for shell in SHELLS {
        let env = home_of_bob();
        let script = format!(
            "credstack -q push assume {DEVELOPER}; {SHOW}; credstack whoami --offline; credstack doctor; credstack whoami; \
             credstack -q push assume {READ_ONLY}; credstack whoami; credstack -q exec -- {SHOW}; credstack -q pop; {SHOW}; \
             credstack -q setup profile; {SHOW}; credstack -q pop; {SHOW}"
        );
        let output = run(&env, shell, &script).ok();
        let shown = &output.stdout;
        assert_eq!(
            shown.matches(&format!("\n{NO_PROFILE} none\n")).count() + usize::from(shown.starts_with(NO_PROFILE)),
            2,
            "{shown}"
        );
        assert!(shown.contains("its hook set AWS_PROFILE to credstack-has-no-profile-yet"), "{shell}: {shown}");
        assert!(shown.contains("assumed-role/ReadOnly/") && !shown.contains("user/bob"), "{shell}: {shown}");
        let last: Vec<&str> = shown.lines().rev().take(2).collect();
        assert_eq!(last, [format!("none {ALICE_KEY}").as_str(), "credstack none"], "{shell}: {}", output.stderr);
        let errors = output.stderr.lines().filter(|line| line.starts_with("error"));
        assert_eq!(errors.collect::<Vec<_>>(), ["error: doctor found 1 problem(s)"], "{shell}");
    }
}

/// The default profile was there before credstack: it still signs at the root.
#[test]
fn the_ambient_identity_is_found_in_a_shell_that_cannot_follow() {
    for shell in SHELLS {
        let mut env = home_of_bob();
        env.no_keys();
        let script = format!(
            "credstack whoami root; credstack -q push assume {DEVELOPER} --from root; {SHOW}; credstack whoami root; \
             credstack -q push session --from root; credstack whoami; credstack list --json | grep -c session-token"
        );
        let output = run(&env, shell, &script);
        let shown = &output.stdout;
        assert!(shown.contains(NO_PROFILE), "{shell}: {shown} {}", output.stderr);
        assert_eq!(shown.matches("user/bob").count(), 3, "{shell}: {shown} {}", output.stderr);
    }
}

#[test]
fn with_mode_env_keys_that_cannot_be_had_leave_no_default_profile() {
    for shell in SHELLS {
        let env = home_of_bob();
        env.push_role(DEVELOPER);
        fs::remove_file(env.key_file()).unwrap();
        let script = format!("__credstack_prompt; __credstack_prompt; {SHOW}");
        let output = env.run(command(&env, shell, "env", &script)).ok();
        assert_eq!(output.stdout, format!("{NO_PROFILE} none\n"), "{shell}");
        assert_eq!(output.stderr.matches("warning").count(), 1, "{shell}: {}", output.stderr);
    }
}

#[test]
fn what_comes_after_an_eval_of_env_does_not_run_where_env_fails() {
    let env = home_of_bob();
    let program = programs::credstack();
    let program = program.display();
    let eval = |frame: &str| format!("eval \"$({program} env --frame {frame})\" && echo ran; echo $?");
    let source = |frame: &str| format!("{program} env --format fish --frame {frame} | source; and echo ran; echo $status");
    for (shell, script, failed) in [
        ("bash", eval("c99"), "3\n"),
        ("zsh", eval("c99"), "3\n"),
        ("sh", eval("c99"), "3\n"),
        ("fish", source("c99"), "1\n"),
        ("bash", eval("root"), "ran\n0\n"),
        ("fish", source("root"), "ran\n0\n"),
    ] {
        let mut command = Command::new(shell);
        command.args(["-c", &script]);
        env.prepare(&mut command);
        assert_eq!(env.run(command).ok().stdout, failed, "{shell}");
    }
    for format in ["docker", "json", "process", "dotenv"] {
        assert_eq!(env.plain(["env", "--format", format, "--frame", "c99"]).exits(3).stdout, "", "{format}");
    }
    assert_eq!(env.plain(["env", "--frame", "c99"]).exits(3).stdout, "(exit 3)\n");
}
