//! A signal does what it does to any program, before, at and after a question on the terminal.

use std::{
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;

use crate::common::{ALICE_MFA, TestEnvironment, programs, terminal::Terminal};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const PUSH: [&str; 4] = ["push", "session", "--mfa-serial", ALICE_MFA];

/// Waits until STS was asked, which says nothing.
#[track_caller]
pub fn wait_until_asked(env: &TestEnvironment, action: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !env.sandbox.actions().iter().any(|asked| asked == action) {
        assert!(Instant::now() < deadline, "{action} is not asked: {:?}", env.sandbox.actions());
    }
}

#[test]
fn a_signal_after_a_prompt_ends_the_program_at_once() {
    let env = TestEnvironment::new();
    for signal in [None, Some(Signal::TERM), Some(Signal::HUP), Some(Signal::QUIT)] {
        let code = env.sandbox.totp(ALICE_MFA);
        env.sandbox.faults(json!({ "hang": true }));
        env.sandbox.forget_calls();
        let mut terminal = Terminal::start(&env, &PUSH);
        terminal.expect("MFA code for").type_line(&code);
        wait_until_asked(&env, "GetSessionToken");
        let begun = Instant::now();
        match signal {
            Some(signal) => terminal.signal(signal),
            None => drop(terminal.type_control('c')),
        }
        let (status, shown) = terminal.finish();
        assert_eq!(status.signal(), Some(signal.unwrap_or(Signal::INT).as_raw()), "{shown}");
        assert!(begun.elapsed() < Duration::from_secs(15), "STS is waited for until 30 s are over");
        env.sandbox.faults(json!({}));
    }
}

#[test]
fn a_signal_at_a_prompt_of_exec_ends_it_and_gives_the_echo_back() {
    let env = TestEnvironment::new();
    let code = env.sandbox.totp(ALICE_MFA);
    env.plain(["push", "assume", DEVELOPER, "--mfa-serial", ALICE_MFA, "--mfa-code", &code]).ok();
    for signal in [Signal::INT, Signal::TERM] {
        let mut terminal = Terminal::start(&env, &["exec", "--read-only", "--", "true"]);
        terminal.expect("MFA code for");
        assert!(!terminal.echoes());
        terminal.signal(signal);
        assert!(terminal.echoes_in_the_end());
        let (status, shown) = terminal.finish();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{shown}");
    }
}

/// A shell with job control.
fn shell(env: &TestEnvironment) -> Terminal<'_> {
    let start_up = env.scratch("bashrc");
    env.write(&start_up, &format!("PS1='ready> '\nalias credstack='{}'\n", programs::credstack().display()));
    let mut shell = Terminal::bash(env, &start_up, None);
    shell.expect("ready> ");
    shell
}

#[test]
fn a_prompt_that_is_stopped_asks_again_in_the_foreground_and_is_given_up_in_the_background() {
    let env = TestEnvironment::new();
    let push = format!("credstack push session --mfa-serial {ALICE_MFA}");
    let mut shell = shell(&env);
    shell.type_line(&push).expect("MFA code for").type_control('z').expect("Stopped");
    shell.forget_what_was_shown().type_line("fg").expect("MFA code for");
    assert!(!shell.echoes());
    let code = env.sandbox.totp(ALICE_MFA);
    shell.type_line(&code).type_line("echo ended-$?.").expect("ended-0.");
    assert_eq!(env.frames(), ["c2", "c1"]);

    shell
        .forget_what_was_shown()
        .type_line(&format!("{push} --from root"))
        .expect("MFA code for")
        .type_control('z')
        .expect("Stopped");
    shell.forget_what_was_shown().type_line("bg; wait %1; echo ended-$?.").expect("runs in the background").expect("ended-2.");
    shell.type_line("exit 0");
    let (_, shown) = shell.finish();
    assert!(!shown.contains("Stopped"), "{shown}");
}
