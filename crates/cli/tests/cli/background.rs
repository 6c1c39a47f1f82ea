//! What needs a person, while others need none: a question holds no lock that they wait for, and one that can't be asked in
//! the background stops nothing.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    common::{ALICE_MFA, Output, TestEnvironment, environment::path, programs, terminal::Terminal},
    handout::handed_out,
    renewal::wait_until_expired,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// The default stack's frame needs a code, `other`'s frame has expired too and needs none.
fn environment() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.session_lifetime(Some(2));
    env.push_session();
    env.json(["--stack", "other", "push", "assume", DEVELOPER]);
    wait_until_expired(&env);
    let others = || env.json(["--stack", "other", "list"])["frames"][0]["expires_at"].as_str().unwrap().to_owned();
    while others().parse::<jiff::Timestamp>().unwrap() > jiff::Timestamp::now() {}
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    env
}

/// Renews what needs no person, within a bound: the lock of renewal would be waited for three minutes.
#[track_caller]
fn other_is_served(env: &TestEnvironment) {
    let begun = Instant::now();
    let who = env.json(["--stack", "other", "whoami"]);
    assert!(who["arn"].as_str().unwrap().contains("assumed-role/Developer"), "{who}");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_server_in_the_background_is_not_stopped_and_answers_with_the_way_out() {
    let env = environment();
    let (start_up, variables) = (env.scratch("bashrc"), env.scratch("variables"));
    env.write(&start_up, &format!("PS1='ready> '\nalias credstack='{}'\n", programs::credstack().display()));
    let mut shell = Terminal::bash(&env, &start_up, None);
    shell.expect("ready> ");
    shell.type_line(&format!("credstack serve > '{}' &", path(&variables)));
    let deadline = Instant::now() + Duration::from_secs(20);
    let text = loop {
        let text = std::fs::read_to_string(&variables).unwrap_or_default();
        if text.contains("AWS_CONTAINER_AUTHORIZATION_TOKEN") && text.ends_with('\n') {
            break text;
        }
        assert!(Instant::now() < deadline, "it serves");
    };
    other_is_served(&env);
    let script = format!(
        "{text}\ncurl -s --noproxy '*' -w '\\n%{{http_code}}' -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" \
         $AWS_CONTAINER_CREDENTIALS_FULL_URI"
    );
    let mut curl = std::process::Command::new("sh");
    curl.args(["-c", &script]);
    env.prepare(&mut curl);
    let answer = env.run(curl).ok().stdout;
    let (body, status) = answer.rsplit_once('\n').unwrap();
    assert_eq!(status, "403");
    let said = serde_json::from_str::<Value>(body).unwrap()["message"].as_str().unwrap().to_owned();
    assert!(said.contains("runs in the background") && said.contains("run `credstack refresh c2` in the foreground"), "{said}");
    other_is_served(&env);
    // Neither the first question nor this one has stopped it.
    shell.type_line("jobs -r; echo running-$(jobs -r | wc -l).").expect("running-1.");
    shell.type_line("kill %1; wait; exit 0");
    shell.finish();
}

#[test]
fn a_command_in_the_background_says_that_it_cannot_ask_there() {
    let env = environment();
    let credstack = programs::credstack();
    let script = format!("set -m; '{0}' whoami & wait %1; echo ended-$?.", path(&credstack));
    let (_, shown) = Terminal::program(&env, Path::new("/usr/bin/bash"), &["-c", &script]).finish();
    assert!(shown.contains("ended-5."), "{shown}");
    assert!(shown.contains("credstack runs in the background, where it can't ask on the terminal"), "{shown}");
    let script =
        format!("set -m; '{}' push session --from root --mfa-serial {ALICE_MFA} & wait %1; echo ended-$?.", path(&credstack));
    let (_, shown) = Terminal::program(&env, Path::new("/usr/bin/bash"), &["-c", &script]).finish();
    assert!(shown.contains("ended-2.") && shown.contains("run it in the foreground"), "{shown}");
}

#[test]
fn a_program_that_asks_on_the_terminal_in_the_background_is_given_up() {
    let env = TestEnvironment::new();
    let (key, asks) = (path(&env.key_file()).to_owned(), env.scratch("asks"));
    let command = format!("sh -c 'if [ -e {} ]; then read answer </dev/tty; fi; cat {key}'", path(&asks));
    env.plain(["setup", "--store", "vault", "--key-command", &command]).ok();
    env.push_role(DEVELOPER);
    env.write(&asks, "");
    let script = format!("set -m; '{}' whoami & wait %1; echo ended-$?.", path(&programs::credstack()));
    let (_, shown) = Terminal::program(&env, Path::new("/usr/bin/bash"), &["-c", &script]).finish();
    assert!(shown.contains("ended-6.") && shown.contains("did not finish"), "{shown}");
}

#[test]
fn a_question_that_is_moved_to_the_background_is_given_up_with_the_way_out() {
    let env = environment();
    let start_up = env.scratch("bashrc");
    env.write(&start_up, &format!("PS1='ready> '\nalias credstack='{}'\n", programs::credstack().display()));
    let mut shell = Terminal::bash(&env, &start_up, None);
    shell.expect("ready> ").type_line("credstack whoami").expect("MFA code for").type_control('z').expect("Stopped");
    // One that is stopped asks no one, and keeps none from asking.
    let mut other = Terminal::start(&env, &["whoami"]);
    other.expect("MFA code for").type_control('c');
    other.finish();
    shell.forget_what_was_shown().type_line("bg; wait %1; echo ended-$?.");
    shell.expect("run `credstack refresh c2` in the foreground").expect("ended-5.").type_line("exit 0");
    shell.finish();
}

#[test]
fn a_question_holds_no_lock_that_others_wait_for() {
    let env = environment();
    let mut terminal = Terminal::start(&env, &["whoami"]);
    terminal.expect("MFA code for");
    other_is_served(&env);
    let (status, shown) = terminal.type_line_and_finish(&env.sandbox.totp(ALICE_MFA));
    assert!(status.success(), "{shown}");
}

#[test]
fn ten_that_need_the_same_code_ask_once() {
    let env = environment();
    let script = format!("for i in 1 2 3 4 5 6 7 8 9 10; do '{}' whoami & done; wait", path(&programs::credstack()));
    let mut terminal = Terminal::program(&env, Path::new("/usr/bin/bash"), &["-c", &script]);
    terminal.expect("MFA code for");
    let (_, shown) = terminal.type_line_and_finish(&env.sandbox.totp(ALICE_MFA));
    assert_eq!(shown.matches("MFA code for").count(), 1, "{shown}");
    assert_eq!(shown.matches("arn:aws:iam::111122223333:user/alice").count(), 10, "{shown}");
    let asked = env.sandbox.actions().into_iter().filter(|action| action == "GetSessionToken").count();
    assert_eq!(asked, 1);
}

#[test]
fn a_renewal_asks_once_more_after_a_wrong_code() {
    let env = environment();
    let mut terminal = Terminal::start(&env, &["whoami"]);
    terminal.expect("MFA code for").type_line("000000");
    terminal.expect("next one\r\nMFA code for");
    other_is_served(&env);
    let (status, shown) = terminal.type_line_and_finish(&env.sandbox.totp(ALICE_MFA));
    assert!(status.success(), "{shown}");
    assert!(!env.state().read_dir().unwrap().any(|entry| path(&entry.unwrap().path()).contains(ALICE_MFA)));
}

/// A client asks at every request when less than 15 minutes are left.
#[test]
fn what_lives_is_handed_out_while_sts_hangs() {
    let env = TestEnvironment::new();
    env.session_lifetime(Some(900));
    env.push_role(DEVELOPER);
    env.sandbox.faults(json!({ "hang": true }));
    env.sandbox.forget_calls();
    let ask = || {
        let mut command = std::process::Command::new("setsid");
        command.args(["faketime", "-f", "+10m"]).arg(programs::credstack()).args(["env", "--format", "process"]);
        env.prepare(&mut command);
        let begun = Instant::now();
        let output = Output::new("faketime env".into(), command.output().unwrap()).ok();
        assert!(output.json()["SessionToken"].is_string());
        (output.stderr, begun.elapsed())
    };
    let (said, took) = ask();
    assert!(said.contains("could not be renewed") && said.contains("no answer from STS"), "{said}");
    assert_eq!(env.sandbox.actions(), ["AssumeRole"]);
    assert!(took < Duration::from_secs(15), "an answer is waited for 30 s where one is needed: {took:?}");
    // Not at the next request.
    assert_eq!(ask().0, "");
    assert_eq!(env.sandbox.actions(), ["AssumeRole"]);
    env.sandbox.faults(json!({}));
    handed_out(&env, &["credential-process"]).ok();
}
