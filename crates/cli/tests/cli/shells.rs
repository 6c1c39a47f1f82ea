//! Real shells that follow the stack.

use std::{collections::BTreeMap, ffi::OsStr, fs, os::unix::ffi::OsStrExt, process::Command};

use proptest::prelude::*;

use crate::common::{ALICE_KEY, Output, TestEnvironment, programs};

pub const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
pub const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// A script in a shell that follows the stack. It prints no secret, unless it is told to.
pub fn command(env: &TestEnvironment, shell: &str, mode: &str, script: &str) -> Command {
    let program = programs::credstack();
    let begin = match shell {
        "fish" => format!("{} init fish --mode {mode} | source", program.display()),
        _ => format!("eval \"$({} init {shell} --mode {mode})\"", program.display()),
    };
    let mut command = Command::new(shell);
    if shell == "zsh" {
        command.arg("-f");
    }
    command.args(["-c", &format!("{begin}\n{script}")]);
    env.prepare(&mut command);
    command
}

pub fn run(env: &TestEnvironment, shell: &str, script: &str) -> Output {
    env.run(command(env, shell, "profile", script))
}

pub fn environment() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.plain(["setup", "profile"]).ok();
    env
}

#[test]
fn a_push_takes_effect_at_once_and_a_pop_takes_it_back() {
    for shell in SHELLS {
        let env = environment();
        let show = "sh -c 'echo ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none} ${AWS_REGION-none}'";
        let script = format!(
            "{show}; credstack -q push assume {DEVELOPER} --region us-west-2; {show}; credstack -q push assume {READ_ONLY} --region eu-north-1; \
             {show}; credstack -q pop; {show}; credstack -q pop; {show}"
        );
        let own = format!("none {ALICE_KEY} eu-west-1");
        let shown = run(&env, shell, &script).ok().stdout;
        let expected = [&own, "credstack none us-west-2", "credstack none eu-north-1", "credstack none us-west-2", &own];
        assert_eq!(shown.lines().collect::<Vec<_>>(), expected, "{shell}");
    }
}

#[test]
fn with_mode_env_the_shell_has_the_keys() {
    for shell in SHELLS {
        let env = environment();
        let script = format!(
            "credstack -q push assume {DEVELOPER}; sh -c 'echo ${{#AWS_SECRET_ACCESS_KEY}} ${{AWS_PROFILE-none}}'; env | grep -c ^AWS_SESSION_TOKEN=; \
             credstack -q pop; sh -c 'echo ${{AWS_SESSION_TOKEN-none}}'"
        );
        let shown = env.run(command(&env, shell, "env", &script)).ok().stdout;
        assert_eq!(shown.lines().collect::<Vec<_>>(), ["40 none", "1", "none"], "{shell}");
    }
}

#[test]
fn the_exit_status_is_the_commands_own() {
    for shell in SHELLS {
        let env = environment();
        let status = if shell == "fish" { "$status" } else { "$?" };
        assert_eq!(run(&env, shell, &format!("credstack -q pop 2>/dev/null; echo {status}")).ok().stdout, "3\n", "{shell}");
    }
}

#[test]
fn another_shell_follows_at_its_next_prompt() {
    for shell in SHELLS {
        let env = environment();
        env.push_role(DEVELOPER);
        let show = "sh -c 'echo ${AWS_PROFILE-none}'";
        let pop = format!("{} -q pop", programs::credstack().display());
        let script = format!("{show}; __credstack_prompt; {show}; {pop}; {show}; __credstack_prompt; {show}");
        let shown = run(&env, shell, &script).ok().stdout;
        assert_eq!(shown.lines().collect::<Vec<_>>(), ["none", "credstack", "credstack", "none"], "{shell}");
    }
}

#[test]
fn what_cannot_be_followed_is_said_once_and_leaves_no_other_identity() {
    for shell in SHELLS {
        let env = TestEnvironment::new();
        let script = format!(
            "credstack -q push assume {DEVELOPER}; __credstack_prompt; __credstack_prompt; \
             sh -c 'echo ${{AWS_PROFILE-none}} ${{AWS_ACCESS_KEY_ID-none}}'"
        );
        let output = run(&env, shell, &script).ok().says("this shell cannot follow stack default").says("setup profile");
        assert_eq!(output.stdout, "credstack-has-no-profile-yet none\n", "{shell}");
        assert_eq!(output.stderr.matches("cannot follow").count(), 1, "{shell}: {}", output.stderr);
    }
}

#[test]
fn a_chain_is_signed_by_what_was_there_before_the_shell_followed() {
    for shell in SHELLS {
        let mut env = environment();
        env.no_keys();
        let config = fs::read_to_string(env.home().join(".aws/config")).unwrap();
        let secret = crate::common::ALICE_SECRET;
        env.aws_config(&format!("[default]\naws_access_key_id = {ALICE_KEY}\naws_secret_access_key = {secret}\n{config}"));
        env.learn(secret);
        let script =
            format!("credstack -q push assume {DEVELOPER}; credstack -q push session --from root; credstack list --json");
        let list = run(&env, shell, &script).ok().json();
        assert_eq!(list["frames"][0]["kind"], "session-token", "{shell}: {list}");
    }
}

/// The `AWS_*` variables, and the companion of the region's, of an environment as `env -0` prints them.
pub fn aws(bytes: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let pairs = bytes.split(|byte| *byte == 0).filter(|pair| pair.starts_with(b"AWS_") || pair.starts_with(b"CREDSTACK_REGION="));
    let split = |pair: &[u8]| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap();
        (pair[..at].to_vec(), pair[at + 1..].to_vec())
    };
    pairs.map(split).collect()
}

/// Any bytes but NUL. Keys that credstack would capture are other tests' matter.
pub fn values() -> impl Strategy<Value = BTreeMap<&'static str, Vec<u8>>> {
    let name = prop::sample::select(vec![
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_ACCOUNT_ID",
        "AWS_SDK_LOAD_CONFIG",
        "CREDSTACK_REGION",
        "AWS_PAGER",
    ]);
    let value = prop_oneof![
        Just(Vec::new()),
        "[ -~\n\t'\"$`\\\\é\u{202e}]{0,12}".prop_map(String::into_bytes),
        prop::collection::vec(1..=255_u8, 0..12),
    ];
    prop::collection::btree_map(name, value, 0..9)
}

/// What says who signs, and where, has to be text; everything else may be anything.
fn usable(mut values: BTreeMap<&'static str, Vec<u8>>) -> BTreeMap<&'static str, Vec<u8>> {
    for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "CREDSTACK_REGION"] {
        if let Some(value) = values.get_mut(name) {
            value.retain(u8::is_ascii);
        }
    }
    values
}

/// Without keys in the environment, and with a credential set c1 that `use` pushes without asking anybody.
pub fn held_set() -> TestEnvironment {
    let mut env = environment();
    env.no_keys();
    env.unset("AWS_REGION");
    let keys = serde_json::json!({"Version": 1, "AccessKeyId": "ASIAFAKEFAKEFAKEFAKE",
        "SecretAccessKey": "fake-secret-of-a-held-set", "SessionToken": "fake-token-of-a-held-set"});
    env.learn("fake-secret-of-a-held-set");
    env.learn("fake-token-of-a-held-set");
    let mut import = env.command(["--stack", "other", "push", "import"]);
    import.env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1").env("AWS_MAX_ATTEMPTS", "1");
    env.run_with_input(import, keys.to_string().as_bytes()).ok();
    env
}

#[test]
fn pop_undoes_a_push_byte_for_byte_in_any_environment() {
    for shell in SHELLS {
        let env = held_set();
        let (dir, script) = (env.scratch(shell), "env -0 > 1; credstack -q use c1; env -0 > 2; credstack -q pop; env -0 > 3");
        fs::create_dir(&dir).unwrap();
        let config = crate::common::seeded::seeded(40);
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let outcome = runner.run(&values().prop_map(usable), |values| {
            let mut command = command(&env, shell, "profile", script);
            command.current_dir(&dir).envs(values.iter().map(|(name, value)| (name, OsStr::from_bytes(value))));
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let [before, during, after] = ["1", "2", "3"].map(|name| aws(&fs::read(dir.join(name)).unwrap()));
            prop_assert_eq!(during.get(&b"AWS_PROFILE"[..]).map(Vec::as_slice), Some(&b"credstack"[..]), "{}: {}", shell, said);
            prop_assert!(!during.contains_key(&b"AWS_SESSION_TOKEN"[..]));
            prop_assert!(!during.contains_key(&b"AWS_ACCOUNT_ID"[..]), "an account that is another identity's");
            prop_assert_eq!(during.get(&b"AWS_SDK_LOAD_CONFIG"[..]).map(Vec::as_slice), Some(&b"1"[..]));
            prop_assert_eq!(during.get(&b"AWS_PAGER"[..]), before.get(&b"AWS_PAGER"[..]), "not ours");
            prop_assert_eq!(after, before, "{}: {}", shell, said);
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{shell}: {failure}"));
    }
}

/// A shell in a shell that follows, and a second `init`, do not take the stack's identity for their own.
#[test]
fn a_shell_in_a_following_shell_has_nothing_of_its_own_to_bring_back() {
    for shell in SHELLS {
        for mode in ["profile", "env"] {
            let env = environment();
            let credstack = programs::credstack();
            let init = match shell {
                "fish" => format!("{} init fish --mode {mode} | source", credstack.display()),
                _ => format!("eval \"$({} init {shell} --mode {mode})\"", credstack.display()),
            };
            let show = "sh -c 'echo ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none}'";
            let inner = format!("{init}; credstack -q pop; {show}");
            let quoted = shell_words::quote(&inner).into_owned();
            let plain = if shell == "zsh" { "zsh -f" } else { shell };
            let script = format!("credstack -q push assume {DEVELOPER}; {plain} -c {quoted}; __credstack_prompt; {show}");
            let shown = env.run(command(&env, shell, mode, &script)).ok().stdout;
            let own = format!("none {ALICE_KEY}");
            // The inner one is at a root that it did not bring: it follows the stack there.
            let inner = if mode == "env" { own.as_str() } else { "credstack none" };
            assert_eq!(shown.lines().collect::<Vec<_>>(), [inner, own.as_str()], "{shell} {mode}");
            let again = format!("credstack -q push assume {DEVELOPER}; {init}; credstack -q pop; {show}");
            let shown = env.run(command(&env, shell, mode, &again)).ok().stdout;
            assert_eq!(shown.trim(), own, "{shell} {mode}: evaluated twice");
        }
    }
}

/// Options that change what an assignment or a status does to the shell.
#[test]
fn strict_shells_live_on_and_export_nothing_more() {
    for (shell, options) in [("bash", "set -euo pipefail; set -a"), ("zsh", "setopt ERR_EXIT NO_UNSET ALL_EXPORT")] {
        let env = environment();
        let secret = crate::common::ALICE_SECRET;
        let script = format!(
            "{options}\ncredstack -q push assume {DEVELOPER}\n! true; __credstack_prompt\nenv | grep -c '{secret}' || :\n\
             credstack -q pop; __credstack_prompt; echo alive"
        );
        let shown = run(&env, shell, &script).ok().stdout;
        assert_eq!(shown.lines().collect::<Vec<_>>(), ["0", "alive"], "{shell}");
    }
}

#[test]
fn what_is_mended_is_followed_at_the_next_prompt() {
    for shell in SHELLS {
        let env = TestEnvironment::new();
        let script = format!(
            "credstack -q push assume {DEVELOPER}; __credstack_prompt; credstack -q setup profile; __credstack_prompt; \
             sh -c 'echo $AWS_PROFILE'"
        );
        let output = run(&env, shell, &script).ok();
        assert_eq!(output.stdout, "credstack\n", "{shell}: {}", output.stderr);
        assert_eq!(output.stderr.matches("cannot follow").count(), 1, "{shell}: {}", output.stderr);
    }
}
