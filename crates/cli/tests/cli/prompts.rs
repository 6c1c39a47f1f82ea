//! What is asked on the terminal, and how the terminal is left.

use std::{fs, os::unix::fs::PermissionsExt};

use rustix::process::Signal;

use crate::common::{ALICE_MFA, TestEnvironment, terminal::Terminal};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

#[test]
fn an_mfa_code_is_asked_for_on_the_terminal_and_not_shown() {
    let env = TestEnvironment::new();
    let code = env.sandbox.totp(ALICE_MFA);
    let mut terminal = Terminal::start(&env, &["push", "session", "--mfa-serial", ALICE_MFA]);
    terminal.expect(&format!("MFA code for {ALICE_MFA}: ")).type_line(&code);
    let (status, shown) = terminal.finish();
    assert!(status.success(), "{shown}");
    assert!(!shown.contains(&code), "the code was echoed: {shown}");
    assert_eq!(env.frames(), ["c2", "c1"]);
}

#[test]
fn an_mfa_code_is_asked_for_after_everything_else_was_checked() {
    let env = TestEnvironment::new();
    let terminal = Terminal::start(&env, &["push", "session", "--mfa-serial", ALICE_MFA, "--duration", "37h"]);
    let (status, shown) = terminal.finish();
    assert_eq!(status.code(), Some(2), "{shown}");
    assert!(shown.contains("--duration") && !shown.contains("mfa/alice: "), "{shown}");
}

#[test]
fn the_question_goes_to_the_terminal_when_stdin_is_something_else() {
    let env = TestEnvironment::new();
    let code = env.sandbox.totp(ALICE_MFA);
    let arguments = ["push", "session", "--mfa-serial", ALICE_MFA];
    let mut terminal = Terminal::start_with(&env, &arguments, Some(std::process::Stdio::null()));
    terminal.expect("MFA code for").type_line(&code);
    let (status, shown) = terminal.finish();
    assert!(status.success(), "{shown}");
}

#[test]
fn a_question_is_answered_by_yes_and_by_nothing_else() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    for (answer, code) in [("n", 2), ("", 2), ("maybe", 2), ("yes", 0)] {
        assert_eq!(env.frames(), ["c2", "c1"]);
        let mut terminal = Terminal::start(&env, &["clear"]);
        terminal.expect("this would erase c1, which nothing can bring back. Go on? [y/N]").type_line(answer);
        let (status, shown) = terminal.finish();
        assert_eq!(status.code(), Some(code), "{answer}: {shown}");
        assert_eq!(shown.contains("stopped: nothing was changed"), code == 2, "{shown}");
    }
    assert_eq!(env.frames(), ["ambient"]);
}

#[test]
fn the_first_write_asks_for_a_store_where_there_is_no_keyring() {
    let env = TestEnvironment::without_store();
    let mut terminal = Terminal::start(&env, &["push", "session"]);
    terminal.expect("Keep secrets in a vault, with a key file at:").type_line("vault.key");
    let (status, shown) = terminal.finish();
    assert!(status.success(), "{shown}");
    assert_eq!(env.json(["setup"])["secret_store"]["store"], "vault");
    assert!(env.key_file().exists());
}

#[test]
fn whoever_ends_the_program_at_its_question_gets_the_echo_back() {
    let env = TestEnvironment::new();
    let start = || {
        let mut terminal = Terminal::start(&env, &["push", "session", "--mfa-serial", ALICE_MFA]);
        terminal.expect("MFA code for");
        assert!(!terminal.echoes());
        terminal
    };
    let mut interrupted = start();
    interrupted.type_control('c');
    assert!(interrupted.echoes_in_the_end());
    for signal in [Signal::TERM, Signal::HUP, Signal::QUIT] {
        let mut ended = start();
        ended.signal(signal);
        assert!(ended.echoes_in_the_end(), "{signal:?}");
    }
    assert_eq!(env.frames(), ["ambient"]);
}

/// A store that fails after STS has given something: the secret is lost, what is known of it is not.
#[test]
fn what_sts_gave_and_no_store_kept_is_in_the_history() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let vault = env.state().join("vault");
    let code = env.sandbox.totp(ALICE_MFA);
    let arguments = ["push", "session", "--from", "root", "--mfa-serial", ALICE_MFA, "--note", "in vain"];
    let mut terminal = Terminal::start(&env, &arguments);
    terminal.expect("MFA code for");
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o755)).unwrap();
    let (status, shown) = terminal.type_line_and_finish(&code);
    assert_eq!(status.code(), Some(6), "{shown}");
    assert!(shown.contains("is not safe to use"), "{shown}");
    let told = env.events();
    assert_eq!(told.last().unwrap(), "acquired", "what STS gave is told at once: {told:?}");
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o700)).unwrap();
    env.credstack(["save"]).ok();
    assert_eq!(env.frames(), ["c2", "c2", "c1"]);
    assert!(env.held().is_empty());
    let history = env.json(["history"]);
    let events = |kind: &str| {
        let all = history["events"].as_array().unwrap().iter();
        all.filter(|it| it["event"] == kind && it["credential"] == "c3").cloned().collect::<Vec<_>>()
    };
    let (acquired, lost) = (events("acquired"), events("secret-lost"));
    assert_eq!((acquired.len(), lost.len()), (1, 1), "{history}");
    assert_eq!(acquired[0]["access_key_id"], lost[0]["access_key_id"]);
    assert_eq!(acquired[0]["detail"]["note"], "in vain");
    assert!(acquired[0]["detail"]["request_id"].is_string());
}

#[test]
fn a_key_file_under_home_is_found_there_and_said() {
    let env = TestEnvironment::without_store();
    let mut terminal = Terminal::start(&env, &["push", "session"]);
    terminal.expect("with a key file at:").type_line("~/vault.key");
    let (status, shown) = terminal.finish();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("secrets go into the vault, opened by the key file"), "{shown}");
    assert!(env.key_file().exists() && !env.home().join("~").exists());
    let env = TestEnvironment::without_store();
    env.credstack(["setup", "--store", "vault", "--key-file", "~/vault.key"]).ok();
    assert!(env.key_file().exists() && !env.home().join("~").exists());
}
