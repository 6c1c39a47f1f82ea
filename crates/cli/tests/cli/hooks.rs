//! What the hooks do in shells that are set up in unusual ways.

use std::process::Command;

use crate::{
    common::{ALICE_KEY, ALICE_SECRET, BOB_KEY, BOB_SECRET, Output, TestEnvironment, environment::path, programs},
    nushell,
    shells::{DEVELOPER, SHELLS, command, environment, run},
};

const SHOW: &str = "sh -c 'echo ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none}'";

/// A script as it is, without a hook before it.
fn plain(env: &TestEnvironment, shell: &str, script: &str) -> Output {
    let mut command = Command::new(shell);
    if shell == "zsh" {
        command.arg("-f");
    }
    command.args(["-c", script]);
    env.prepare(&mut command);
    env.run(command)
}

/// What evaluates the hook, with options of `init`.
fn init(shell: &str, options: &str) -> String {
    let program = programs::credstack();
    match shell {
        "fish" => format!("{} {options} init fish | source", program.display()),
        _ => format!("eval \"$({} {options} init {shell})\"", program.display()),
    }
}

#[test]
fn the_stack_and_the_place_that_init_was_given_are_followed() {
    for shell in SHELLS {
        let mut env = environment();
        let place = env.state();
        env.unset("CREDSTACK_STATE_DIR");
        env.set("CREDSTACK_STACK", "another");
        let options = format!("--stack work --state-dir '{}'", path(&place));
        let script = format!(
            "{}\ncredstack -q setup profile --name work; credstack -q push assume {DEVELOPER}; {SHOW}; credstack prompt --color never; \
             echo; credstack --stack default list --json; credstack list --json --stack default",
            init(shell, &options)
        );
        let output = plain(&env, shell, &script).ok();
        let shown = output.stdout;
        let lines: Vec<&str> = shown.lines().take(2).collect();
        assert_eq!(lines[0], "work none", "{shell}: {}", output.stderr);
        assert!(lines[1].starts_with("work 111122223333/Developer"), "{shell}: {shown}");
        assert_eq!(shown.matches(r#""stack": "default""#).count(), 2, "{shell}: what a person says comes after: {shown}");
    }
}

#[test]
fn an_alias_of_the_same_name_does_not_break_init() {
    for (shell, before) in [
        ("bash", "shopt -s expand_aliases\nalias credstack='credstack --quiet'"),
        ("zsh", "setopt ALIASES\nalias credstack='credstack --quiet'"),
    ] {
        let env = environment();
        // Aliases take effect with the next text that is read.
        let script = format!("{before}\n{}\neval 'credstack push assume {DEVELOPER}'\n{SHOW}", init(shell, ""));
        let output = plain(&env, shell, &script).ok();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("credstack none\n", ""), "{shell}");
    }
}

/// `set -k` takes `export A=b` apart, `set -a` exports what is kept, `set -x` prints what is run.
#[test]
fn options_of_the_shell_neither_break_the_hook_nor_show_a_secret() {
    for (shell, before) in [("bash", "set -k"), ("bash", "set -a"), ("zsh", "setopt ALL_EXPORT KSH_ARRAYS")] {
        let env = environment();
        let script = format!(
            "{before}\n{}\ncredstack -q push assume {DEVELOPER}; {SHOW}; env | grep -c -e '{}' -e ^__credstack; credstack -q pop; {SHOW}",
            init(shell, ""),
            &ALICE_SECRET[..12]
        );
        let output = plain(&env, shell, &script).ok();
        let own = format!("none {ALICE_KEY}");
        assert_eq!(
            output.stdout.lines().collect::<Vec<_>>(),
            ["credstack none", "0", &own],
            "{shell} {before}: {}",
            output.stderr
        );
    }
    // Secrets in a trace are found when the environment ends.
    for (shell, trace) in [("bash", "set -xv"), ("zsh", "setopt XTRACE VERBOSE")] {
        let env = environment();
        let script = format!("{trace}\ncredstack -q push assume {DEVELOPER}; credstack -q pop; {SHOW}");
        let output = env.run(command(&env, shell, "env", &script)).ok().says("push assume");
        assert_eq!(output.stdout, format!("none {ALICE_KEY}\n"));
    }
}

#[test]
fn what_is_readonly_is_said_once_and_the_shell_keeps_its_own_keys() {
    for (shell, name, other) in [("bash", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"), ("zsh", "AWS_REGION", "AWS_SESSION_TOKEN")] {
        let env = environment();
        let show = r#"sh -c 'echo ${AWS_PROFILE-none} $AWS_ACCESS_KEY_ID ${#AWS_SECRET_ACCESS_KEY} $AWS_REGION'"#;
        let script = format!(
            "readonly {name}\ncredstack -q push assume {DEVELOPER}; __credstack_prompt; {show}; credstack -q pop; {show}"
        );
        let output = run(&env, shell, &script).ok();
        let own = format!("none {ALICE_KEY} 40 eu-west-1");
        assert_eq!(output.stdout.lines().collect::<Vec<_>>(), [own.as_str(), own.as_str()], "{shell}: {}", output.stderr);
        let said = format!("warning: this shell cannot follow the stack: readonly: {name}; start one without\n");
        assert_eq!(output.stderr, said, "{shell}");
        // Made so while it is covered: what it follows stays, and its own keys are not lost.
        let script =
            format!("credstack -q push assume {DEVELOPER}; readonly {other}=; credstack -q pop; echo $__credstack_saved | wc -c");
        let output = run(&env, shell, &script).ok().says(&format!("readonly: {other}"));
        assert!(output.stdout.trim().parse::<usize>().unwrap() > 100, "{shell}: {}", output.stdout);
    }
}

/// What is changed in a function would be its own variable, and gone with it.
#[test]
fn what_is_local_to_a_function_is_said_and_the_shell_follows_after_it() {
    for shell in ["bash", "zsh"] {
        for (before, own) in [("unset AWS_PROFILE", "none"), ("export AWS_PROFILE=", "")] {
            let env = environment();
            let script = format!(
                "{before}\nf() {{ local AWS_PROFILE=default; credstack -q push assume {DEVELOPER} --from env; echo $AWS_PROFILE; }}\n\
                 g() {{ local other; credstack -q push assume {DEVELOPER}; echo $AWS_PROFILE; }}\n\
                 f; __credstack_prompt; {SHOW}; credstack -q pop; echo ${{AWS_PROFILE-none}}; g"
            );
            let output = run(&env, shell, &script).ok();
            let shown: Vec<_> = output.stdout.lines().collect();
            assert_eq!(shown, ["default", "credstack none", own, "credstack"], "{shell}: {}", output.stderr);
            let said = "warning: this shell cannot follow the stack: local to a function: AWS_PROFILE; it does after that\n";
            assert_eq!(output.stderr, said, "{shell}");
        }
    }
}

#[test]
fn a_command_can_be_signed_by_the_keys_that_the_shell_has_of_its_own() {
    for shell in SHELLS {
        for mode in ["profile", "env"] {
            for from in ["--from env", "--from=env"] {
                let env = environment();
                let script = format!(
                    "credstack -q push assume {DEVELOPER}; credstack -q push session {from}; credstack list --json | grep -e kind -e parent | head -2; \
                     sh -c 'echo ${{AWS_PROFILE-none}} ${{AWS_ACCESS_KEY_ID-none}}' | cut -c1-9; credstack -q pop --root; {SHOW}"
                );
                let output = env.run(command(&env, shell, mode, &script)).ok();
                let lines: Vec<_> = output.stdout.lines().collect();
                let during = if mode == "profile" { "credstack" } else { "none ASIA" };
                let own = format!("none {ALICE_KEY}");
                assert_eq!(
                    lines,
                    ["      \"kind\": \"session-token\",", "      \"parent\": \"c1\",", during, &own],
                    "{shell} {mode}: {}",
                    output.stderr
                );
            }
        }
    }
}

#[test]
fn an_exported_universal_variable_of_fish_is_said_and_nothing_is_taken_away() {
    let env = environment();
    let script = format!(
        "set -Ux AWS_ROLE_ARN arn:aws:iam::111122223333:role/Stale; credstack -q push assume {DEVELOPER}; __credstack_prompt; {SHOW}; \
         set -eU AWS_ROLE_ARN; __credstack_prompt; {SHOW}; credstack -q pop; {SHOW}"
    );
    let output = run(&env, "fish", &script).ok();
    let own = format!("none {ALICE_KEY}");
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), [own.as_str(), "credstack none", own.as_str()], "{}", output.stderr);
    assert_eq!(output.stderr, "warning: this shell cannot follow the stack: universal: AWS_ROLE_ARN; make them global\n");
    // One that is set again is hidden, and comes back.
    let script = format!("set -Ux AWS_PROFILE mine; credstack -q push assume {DEVELOPER}; {SHOW}; credstack -q pop; {SHOW}");
    env.aws_config(&format!("[profile mine]\n{}", std::fs::read_to_string(env.home().join(".aws/config")).unwrap()));
    let shown = run(&env, "fish", &script).ok().stdout;
    assert_eq!(shown.lines().collect::<Vec<_>>(), ["credstack none", &format!("mine {ALICE_KEY}")]);
}

/// The root's keys are alice's, from another terminal: a shell with bob's follows, one with alice's has its own.
#[test]
fn at_a_captured_root_a_shell_with_other_keys_follows_the_stack() {
    for shell in SHELLS {
        for mode in ["profile", "env"] {
            let mut env = environment();
            env.push_role(DEVELOPER);
            env.plain(["pop"]).ok();
            let script = format!("{SHOW}; __credstack_prompt; {SHOW}; __credstack_prompt; {SHOW}");
            let own = format!("none {ALICE_KEY}");
            let shown = env.run(command(&env, shell, mode, &script)).ok().stdout;
            assert_eq!(shown.lines().collect::<Vec<_>>(), [&own; 3], "{shell} {mode}");
            let stacks = if mode == "env" { own.as_str() } else { "credstack none" };
            env.use_keys(BOB_KEY, BOB_SECRET, None);
            let shown = env.run(command(&env, shell, mode, &script)).ok().stdout;
            let bobs = format!("none {BOB_KEY}");
            assert_eq!(shown.lines().collect::<Vec<_>>(), [&bobs, stacks, stacks], "{shell} {mode}: other keys");
            let clear = format!("{script}; credstack -q clear --yes; {SHOW}");
            let shown = env.run(command(&env, shell, mode, &clear)).ok().stdout;
            assert_eq!(shown.lines().last(), Some(bobs.as_str()), "{shell} {mode}: its own come back");
            env.use_keys(ALICE_KEY, ALICE_SECRET, None);
            env.push_role(DEVELOPER);
            env.plain(["pop"]).ok();
            env.no_keys();
            let shown = env.run(command(&env, shell, mode, &script)).ok().stdout;
            assert_eq!(shown.lines().collect::<Vec<_>>(), ["none none", stacks, stacks], "{shell} {mode}: no keys");
        }
    }
}

/// A region that no shell can be given safely is like a frame that cannot be followed.
#[test]
fn a_region_with_a_control_character_is_said_once_and_leaves_no_other_identity() {
    for shell in SHELLS {
        let mut env = environment();
        env.set("AWS_REGION", "eu-west-1\u{7}");
        env.plain(["save"]).ok();
        env.set("AWS_REGION", "eu-west-1");
        env.use_keys(BOB_KEY, BOB_SECRET, None);
        let output = run(&env, shell, &format!("__credstack_prompt; __credstack_prompt; {SHOW}")).ok();
        assert_eq!(output.stdout, "credstack-has-no-profile-yet none\n", "{shell}: {}", output.stderr);
        assert_eq!(output.stderr.matches("AWS_REGION would hold a control character").count(), 1, "{shell}: {}", output.stderr);
    }
}

/// What the shells themselves, and shellcheck, say of what `init` prints.
#[test]
fn the_hooks_are_sound_to_the_shells_own_checks() {
    let env = environment();
    let nu = nushell::program();
    for options in [&["--mode", "profile"][..], &["--mode", "env"], &["--per-shell"]] {
        for (shell, checker) in [
            ("nushell", &[path(&nu), "--no-config-file", "--ide-check", "100"][..]),
            ("bash", &["shellcheck", "--shell=bash", "--enable=quote-safe-variables,check-unassigned-uppercase"]),
            ("bash", &["bash", "-n"]),
            ("zsh", &["zsh", "-f", "-n"]),
            ("fish", &["fish", "--no-config", "--no-execute"]),
        ] {
            let file = env.scratch(shell);
            env.write(&file, &env.plain(["init", shell].iter().chain(options)).ok().stdout);
            let mut command = Command::new(checker[0]);
            command.args(&checker[1..]).arg(&file);
            env.prepare(&mut command);
            let output = env.run(command);
            // nushell's is made for an editor: it also gives hints, as JSON.
            let said: String = output.stdout.lines().filter(|line| !line.starts_with(r#"{"type":"hint""#)).collect();
            assert_eq!((output.code, said.as_str(), output.stderr.as_str()), (Some(0), "", ""), "{checker:?} {options:?}");
        }
    }
}
