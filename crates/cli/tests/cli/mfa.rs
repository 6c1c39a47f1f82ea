//! Where the code of an MFA device is from: a program, or a person who may slip once.

use crate::{
    common::{ALICE, ALICE_MFA, Output, TestEnvironment, environment::path, programs, terminal::Terminal},
    handout::handed_out,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

fn push_session(env: &TestEnvironment, command: &str) -> Output {
    env.plain(["push", "session", "--mfa-serial", ALICE_MFA, "--mfa-command", command])
}

#[test]
fn a_program_gives_the_code() {
    let env = TestEnvironment::new();
    let device = format!("'{}' totp {ALICE_MFA}", path(&programs::sandbox()));
    push_session(&env, &device).ok();
    assert_eq!(env.json(["whoami"])["arn"], ALICE);
    env.plain(["pop"]).ok();
    for (command, says) in [
        ("no-such-program", "no-such-program could not be run"),
        ("sh -c 'exit 3'", "the MFA command sh failed"),
        ("sh -c 'yes'", "printed too much"),
        (r"printf '\377'", "printed what is no text"),
        ("echo", "must be six digits"),
        ("echo 12345", "must be six digits"),
        ("echo '", "a quote without an end"),
    ] {
        env.sandbox.forget_calls();
        let said = push_session(&env, command).exits(2);
        assert!(said.stderr.contains(says), "{command}: {}", said.stderr);
        assert!(!env.sandbox.actions().contains(&"GetSessionToken".to_owned()), "{command}");
    }
    env.plain(["push", "session", "--mfa-command", "true"]).exits(2);
    assert_eq!(env.frames(), ["c1"]);
}

#[test]
fn with_a_configured_program_a_chain_on_mfa_is_renewed_with_nobody_there() {
    let env = TestEnvironment::new();
    // The sandbox shows a code that was not used yet.
    let device = format!("{}/_sandbox/totp?serial={ALICE_MFA}", env.sandbox.url());
    env.configuration(&format!("[mfa]\ncommand = [\"curl\", \"-sf\", \"--noproxy\", \"*\", \"{device}\"]\n"));
    env.session_lifetime(Some(1));
    env.plain(["push", "session", "--mfa-serial", ALICE_MFA]).ok();
    env.push_role(DEVELOPER);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !env.plain(["list"]).ok().stdout.lines().take(3).skip(1).all(|line| line.contains("expired")) {
        assert!(std::time::Instant::now() < deadline);
    }
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    handed_out(&env, &["credential-process"]).ok();
    assert_eq!(env.sandbox.actions(), ["GetSessionToken", "AssumeRole"]);
    assert_eq!(env.frames(), ["c5", "c4", "c1"]);
}

#[test]
fn a_wrong_code_is_asked_for_once_more() {
    let env = TestEnvironment::new();
    let mut terminal = Terminal::start(&env, &["push", "session", "--mfa-serial", ALICE_MFA]);
    terminal.expect("MFA code for").type_line("000000");
    terminal.expect("next one\r\nMFA code for");
    let code = env.sandbox.totp(ALICE_MFA);
    let (status, shown) = terminal.type_line_and_finish(&code);
    assert_eq!(status.code(), Some(0), "{shown}");
    let mut terminal = Terminal::start(&env, &["push", "session", "--from", "root", "--mfa-serial", ALICE_MFA]);
    terminal.expect("MFA code for").type_line("000000");
    terminal.expect("next one\r\nMFA code for");
    let (status, shown) = terminal.type_line_and_finish("000001");
    assert_eq!(status.code(), Some(4), "{shown}");
    env.plain(["push", "session", "--from", "root", "--mfa-serial", ALICE_MFA, "--mfa-code", "000000"]).exits(4);
}
