//! Where the code of an MFA device is from: a program, or a person who may slip once.

use std::{path::Path, process::Command};

use serde_json::json;

use crate::{
    common::{ALICE, ALICE_MFA, Output, TestEnvironment, environment::path, programs, terminal::Terminal},
    renewal::wait_until_expired,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// A program that prints a code that was not used yet.
fn device(env: &TestEnvironment) -> [String; 5] {
    let url = format!("{}/_sandbox/totp?serial={ALICE_MFA}", env.sandbox.url());
    ["curl".into(), "-sf".into(), "--noproxy".into(), "*".into(), url]
}

/// The same as a line.
fn device_line(env: &TestEnvironment) -> String {
    shell_words::join(device(env))
}

/// The program at a time that stands still, a second before every device shows another code; or `seconds` from now.
fn at(env: &TestEnvironment, clock: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("setsid");
    command.args(["faketime", "-f", clock]).arg(programs::credstack()).args(arguments);
    env.prepare(&mut command);
    env.run(command)
}

/// For `at`: the last second of the present half minute.
fn last_second() -> String {
    let second = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(second - second % 30 + 29).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

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
    // As `ykman oath accounts code` has it, with the account's name before it.
    env.plain(["push", "session", "--from", "root", "--mfa-serial", "GAHT12345678", "--mfa-command", "echo 'aws:alice  271828'"])
        .exits(4)
        .says("list-mfa-devices");
    for (command, says) in [
        ("no-such-program", "no-such-program could not be run"),
        ("sh -c 'exit 3'", "the MFA command sh failed"),
        ("sh -c 'yes'", "printed too much"),
        (r"printf '\377'", "printed what is no text"),
        ("echo", "printed no code"),
        ("echo 12345", "printed no code"),
        ("echo 271828 314159", "printed several codes"),
        ("", "a program and its arguments"),
        ("echo '", "a quote without an end"),
    ] {
        env.sandbox.forget_calls();
        // Of a device whose present code was not used yet.
        let said =
            env.plain(["push", "session", "--from", "root", "--mfa-serial", "GAHT12345678", "--mfa-command", command]).exits(2);
        assert!(said.stderr.contains(says), "{command}: {}", said.stderr);
        assert!(!env.sandbox.actions().contains(&"GetSessionToken".to_owned()), "{command}");
    }
    env.plain(["push", "session", "--mfa-command", "true"]).exits(2);
    assert_eq!(env.frames(), ["c1"]);
}

/// A session with MFA and a role on it, which expire, and are renewed with nobody there.
fn is_renewed_by_itself(env: &TestEnvironment, options: &[&str]) {
    env.session_lifetime(Some(1));
    env.plain([&["push", "session", "--mfa-serial", ALICE_MFA], options].concat()).ok();
    env.push_role(DEVELOPER);
    wait_until_expired(env);
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    // Half a minute later, when the device shows another code.
    at(env, "+30s", &["whoami"]).ok();
    assert_eq!(env.sandbox.actions()[..2], ["GetSessionToken", "AssumeRole"]);
    assert_eq!(env.frames(), ["c5", "c4", "c1"]);
}

#[test]
fn with_a_configured_program_a_chain_on_mfa_is_renewed_with_nobody_there() {
    let env = TestEnvironment::new();
    env.configuration(&format!("[mfa]\ncommand = {}\n", json!(device(&env))));
    is_renewed_by_itself(&env, &[]);
    let events = env.json(["history", "--limit", "100"])["events"].as_array().unwrap().clone();
    assert!(events.iter().all(|event| event["detail"]["request"]["mfa_command"].is_null()), "it is looked up each time");
}

#[test]
fn the_program_of_a_push_is_recorded_and_gives_the_codes_for_its_renewals() {
    let env = TestEnvironment::new();
    env.configuration("[mfa]\ncommand = [\"false\"]\n");
    is_renewed_by_itself(&env, &["--mfa-command", &device_line(&env)]);
    let acquired = env.json(["history", "--limit", "100"])["events"].as_array().unwrap().clone();
    let acquired: Vec<_> = acquired.iter().map(|event| &event["detail"]["request"]["mfa_command"]).collect();
    assert_eq!(acquired.iter().filter(|command| ***command == json!(device(&env))).count(), 2, "{acquired:?}");
    let plan = env.json(["explain", "1"]);
    assert_eq!(plan["calls"][0]["asks"], format!("a code of {ALICE_MFA}, from the program curl"));
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

#[test]
fn a_program_is_asked_for_the_next_code_where_the_present_one_was_used() {
    let mut env = TestEnvironment::new();
    env.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let clock = last_second();
    let line = device_line(&env);
    let push = ["push", "session", "--from", "root", "--no-use", "--mfa-serial", ALICE_MFA];
    let by_program = [&push[..], &["--mfa-command", &line]].concat();
    env.plain(["save"]).ok();
    let said = at(&env, &clock, &by_program).ok().stderr;
    assert!(!said.contains("waiting"), "{said}");
    let begun = std::time::Instant::now();
    at(&env, &clock, &[&["--no-input"], &by_program[..]].concat())
        .ok()
        .says(&format!("waiting 1 s for the next code of {ALICE_MFA}"));
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1));
    // A person is told.
    let credstack = programs::credstack();
    let words = [&["-f", &clock, path(&credstack)], &push[..]].concat();
    let mut terminal = Terminal::program(&env, Path::new("/usr/bin/faketime"), &words);
    terminal.expect(&format!("MFA code for {ALICE_MFA} (the next one, in 1 s): ")).type_control('c');
    terminal.finish();
    // Nothing is kept of a code but when.
    let database = rusqlite::Connection::open(env.database()).unwrap();
    let kept: String = database.query_row("SELECT value FROM setting WHERE name = 'mfa_devices'", [], |row| row.get(0)).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept, json!({ ALICE_MFA: { "used_at": format!("{}Z", clock.replace(' ', "T")) } }));
}

#[test]
fn a_program_is_asked_once_more_when_somebody_else_used_the_code() {
    let mut env = TestEnvironment::new();
    env.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let (clock, script) = (last_second(), env.scratch("device"));
    let push = |env: &TestEnvironment| {
        let line = format!("sh '{}'", path(&script));
        at(env, &clock, &["push", "session", "--mfa-serial", ALICE_MFA, "--mfa-command", &line])
    };
    env.write(&script, "echo 000000\n");
    push(&env).exits(4).says("waiting 1 s for the next code").says("invalid MFA one time pass code");
    let given = env.sandbox.actions().into_iter().filter(|action| action == "GetSessionToken").count();
    assert_eq!(given, 1, "the same code is not given twice");
    let next = device_line(&env);
    env.write(&script, &format!("if [ -e asked ]; then {next}; else >asked; echo 000000; fi\n"));
    push(&env).ok().says("waiting 1 s for the next code").says("a code counts once");
    assert_eq!(env.json(["whoami"])["arn"], ALICE);
    assert_eq!(env.events()[1..], ["refused", "refused", "captured", "acquired"]);
}
