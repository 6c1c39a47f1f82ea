//! Shells in shells that follow the stack, with something between the two that has an identity of its own.

use std::process::Command;

use crate::{
    common::{ALICE_KEY, BOB_KEY, BOB_SECRET, Output, TestEnvironment, programs},
    nushell, powershell,
    shells::{DEVELOPER, READ_ONLY, environment},
};

/// Shows what a program of the shell would be given.
pub(crate) const SHOW: &str = "sh -c 'echo ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none} ${AWS_REGION-none}'";

/// The shells that are here.
pub(crate) fn shells() -> Vec<&'static str> {
    let pwsh = powershell::program().map(|_| "powershell");
    ["bash", "zsh", "fish", "nushell"].into_iter().chain(pwsh).collect()
}

/// A line that is the same in every shell but for what it must be told: a program is `^` in nushell.
fn line(shell: &str, text: &str) -> String {
    match (shell, text) {
        ("powershell", "PROMPT") => "$null = prompt".to_owned(),
        (_, "PROMPT") => "__credstack_prompt".to_owned(),
        // As it is written in that shell.
        (_, text) if text.starts_with("RAW ") => text["RAW ".len()..].to_owned(),
        ("nushell", text) if !text.starts_with("credstack") => format!("^{text}"),
        (_, text) => text.to_owned(),
    }
}

/// A script that begins with the hook, and how it is run.
pub(crate) fn script(env: &TestEnvironment, shell: &str, name: &str, lines: &[&str]) -> String {
    let credstack = programs::credstack().display().to_string();
    let hook = match shell {
        "fish" => format!("{credstack} init fish | source"),
        "powershell" => format!("Invoke-Expression (& '{credstack}' init powershell | Out-String)"),
        "nushell" => {
            let hook = env.scratch(&format!("{name}-hook.nu"));
            env.write(&hook, &env.plain(["init", "nushell"]).ok().stdout);
            format!("source {}", hook.display())
        }
        _ => format!("eval \"$({credstack} init {shell})\""),
    };
    let extension = if shell == "powershell" { "ps1" } else { "script" };
    let file = env.scratch(&format!("{name}.{extension}"));
    let lines: Vec<String> = lines.iter().map(|text| line(shell, text)).collect();
    env.write(&file, &format!("{hook}\n{}\n", lines.join("\n")));
    let (program, options) = program(shell);
    format!("{program} {options} {}", file.display())
}

pub(crate) fn program(shell: &str) -> (String, &'static str) {
    match shell {
        "zsh" => ("zsh".to_owned(), "-f"),
        "fish" => ("fish".to_owned(), "--no-config"),
        "nushell" => (nushell::program().display().to_string(), "--no-config-file"),
        "powershell" => (powershell::program().unwrap().display().to_string(), "-NoProfile -NonInteractive -File"),
        _ => ("bash".to_owned(), "--noprofile"),
    }
}

/// Runs a script that `script` made.
pub(crate) fn run(env: &TestEnvironment, script: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    env.prepare(&mut command);
    env.run(command)
}

pub(crate) fn lines(output: &Output) -> Vec<&str> {
    output.stdout.lines().collect()
}

/// Case 4: the hook replaced them.
#[test]
fn a_subshell_with_another_tools_keys_keeps_them_until_a_command_that_changes_the_stack() {
    for shell in shells() {
        let env = environment();
        env.learn(BOB_SECRET);
        let credstack = programs::credstack();
        let pop = format!("sh -c '{} -q pop'", credstack.display());
        let inner = script(
            &env,
            shell,
            "inner",
            &[
                "PROMPT",
                SHOW,
                "PROMPT",
                SHOW,
                "credstack -q list",
                "PROMPT",
                SHOW, // nothing was changed
                &pop,
                "PROMPT",
                SHOW, // by another process
                &format!("credstack -q push assume {READ_ONLY} --dry-run"),
                SHOW, // not changed either
                &format!("credstack -q push assume {DEVELOPER} --from root --region us-west-2"),
                SHOW,
                "PROMPT",
                SHOW, // typed here
                "credstack -q pop",
                SHOW,
                "credstack -q clear --yes",
                SHOW, // its own come back
            ],
        );
        let with_keys = format!("env AWS_ACCESS_KEY_ID={BOB_KEY} AWS_SECRET_ACCESS_KEY={BOB_SECRET} {inner}");
        let outer =
            script(&env, shell, "outer", &[&format!("credstack -q push assume {DEVELOPER}"), SHOW, &with_keys, "PROMPT", SHOW]);
        let output = run(&env, &outer).ok();
        let shown: Vec<&str> = lines(&output).into_iter().filter(|line| line.split(' ').count() == 3).collect();
        let kept = format!("none {BOB_KEY} eu-west-1");
        let own = format!("none {ALICE_KEY} eu-west-1");
        let follows = "credstack none us-west-2";
        assert_eq!(
            shown,
            [
                "credstack none eu-west-1",
                &kept,
                &kept,
                &kept,
                &kept,
                &kept,
                follows,
                follows,
                "credstack none eu-west-1",
                &kept,
                &own
            ],
            "{shell}: {} {}",
            output.stdout,
            output.stderr
        );
        assert_eq!(output.stderr.matches("this shell keeps").count(), 1, "{shell}: {}", output.stderr);
    }
}

/// In a shell that has only its own, and where only the subshell's are changed.
#[test]
fn a_subshell_of_a_shell_that_covers_nothing_keeps_what_another_tool_gave_it() {
    for shell in shells() {
        let env = environment();
        let push = format!("sh -c '{} -q push assume {DEVELOPER}'", programs::credstack().display());
        let inner = script(&env, shell, "inner", &["PROMPT", SHOW, &push, "PROMPT", SHOW]);
        let outer = script(&env, shell, "outer", &["PROMPT", SHOW, &format!("env AWS_PROFILE=prod {inner}"), "PROMPT", SHOW]);
        let output = run(&env, &outer).ok().says("this shell keeps the credentials that it was started with");
        let own = format!("none {ALICE_KEY} eu-west-1");
        let kept = format!("prod {ALICE_KEY} eu-west-1");
        assert_eq!(lines(&output), [&own, &kept, &kept, "credstack none eu-west-1"], "{shell}: {}", output.stderr);
    }
}

/// A start-up file that sets what the person has anyway is no other tool.
#[test]
fn a_subshell_whose_start_up_file_sets_the_same_again_follows() {
    for shell in shells() {
        let env = environment();
        let inner = script(&env, shell, "inner", &["PROMPT", SHOW]);
        let again = format!("env AWS_ACCESS_KEY_ID={ALICE_KEY} {inner}");
        let outer = script(&env, shell, "outer", &[&format!("credstack -q push assume {DEVELOPER}"), &again, &inner]);
        let output = run(&env, &outer).ok();
        assert_eq!(lines(&output), ["credstack none eu-west-1"; 2], "{shell}: {}", output.stderr);
        assert_eq!(output.stderr, "", "{shell}");
    }
}

/// With the keys in the environment they are in the way of a tool that sets a profile.
#[test]
fn another_tools_profile_is_kept_without_the_keys_of_the_outer_shells_stack() {
    let env = environment();
    env.push_role(DEVELOPER);
    let init = format!("eval \"$({} init bash --mode env)\"; __credstack_prompt", programs::credstack().display());
    let show = "sh -c 'env | grep ^AWS_ | cut -d= -f1 | grep -v -e ENDPOINT -e METADATA'";
    let inner = env.scratch("inner.sh");
    env.write(&inner, &format!("{init}\necho in $AWS_PROFILE; {show}\n"));
    let outer = format!("{init}; {show}; AWS_PROFILE=prod bash {}", inner.display());
    let mut command = Command::new("bash");
    env.prepare(command.args(["-c", &outer]));
    let output = env.run(command).ok().says("this shell keeps the credentials that it was started with");
    let mut shown: Vec<&str> = lines(&output);
    let at = shown.iter().position(|line| *line == "in prod").unwrap();
    let mut kept = shown.split_off(at);
    kept.sort_unstable();
    assert!(shown.contains(&"AWS_SESSION_TOKEN"), "{shown:?}");
    assert_eq!(kept, ["AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_REGION", "in prod"]);
}

/// The region that the hook exports is the frame's, and not the person's wish; one that is set for a command is.
#[test]
fn a_region_set_for_one_command_is_the_users_and_the_hooks_is_not() {
    for shell in ["bash", "zsh", "fish"] {
        let env = environment();
        let region =
            "credstack exec --via env -- sh -c 'echo ${AWS_REGION-none} ${AWS_DEFAULT_REGION-none} ${CREDSTACK_REGION-none}'";
        let script = script(
            &env,
            shell,
            "region",
            &[
                &format!("credstack -q push assume {DEVELOPER} --region us-west-2"),
                SHOW,
                region,
                &format!("AWS_REGION=ap-south-1 {region}"),
                &format!("AWS_DEFAULT_REGION=ap-south-1 {region}"),
                &format!("credstack -q push session --from root; {SHOW}"),
                "credstack -q pop --root",
                SHOW,
                region,
            ],
        );
        let output = run(&env, &script).ok();
        let own = format!("none {ALICE_KEY} eu-west-1");
        assert_eq!(
            lines(&output),
            [
                "credstack none us-west-2",
                "us-west-2 us-west-2 us-west-2",
                "ap-south-1 ap-south-1 none",
                "ap-south-1 ap-south-1 none",
                "credstack none eu-west-1",
                &own,
                "eu-west-1 eu-west-1 none",
            ],
            "{shell}: {}",
            output.stderr
        );
    }
}

/// Case 5, in a shell with the hook: the keys that `credstack env` gave are that frame, and sign as it.
#[test]
fn keys_that_a_shell_took_by_env_sign_as_their_frame() {
    for shell in ["bash", "zsh"] {
        let env = environment();
        env.push_role(DEVELOPER);
        env.learn(BOB_SECRET);
        let config = std::fs::read_to_string(env.home().join(".aws/config")).unwrap();
        env.aws_config(&format!("[default]\naws_access_key_id = {BOB_KEY}\naws_secret_access_key = {BOB_SECRET}\n{config}"));
        let env_line = format!("eval \"$({} env)\"", programs::credstack().display());
        let script = script(
            &env,
            shell,
            "signs",
            &[
                "PROMPT",
                SHOW,
                &env_line,
                &format!("credstack -q --stack two push assume {READ_ONLY}"),
                "credstack --stack two whoami --offline --json",
                "credstack history --limit 1 --json",
            ],
        );
        let output = run(&env, &script).ok();
        assert!(output.stdout.contains("assumed-role/ReadOnly"), "{shell}: {} {}", output.stdout, output.stderr);
        assert!(output.stdout.contains(r#""parent": "c2""#), "{shell}: {}", output.stdout);
    }
}
