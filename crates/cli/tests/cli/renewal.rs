//! Renewal by lineage: what has expired is asked for again from what was recorded of it.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    common::{ALICE_MFA, Output, TestEnvironment, programs},
    handout::{handed_out, keys},
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
const REPORTER: &str = "arn:aws:iam::777788889999:role/Reporter";

/// A chain of three roles on alice's captured keys; their ids.
fn chain(env: &TestEnvironment) -> Vec<String> {
    [DEVELOPER, READ_ONLY, REPORTER].iter().map(|role| env.push_role(role)).collect()
}

/// Ends what there is, here and at the sandbox.
pub fn wait_until_expired(env: &TestEnvironment) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let lives = |frame: &Value| {
        let at = frame["expires_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        at.is_some_and(|at| at > jiff::Timestamp::now())
    };
    while env.list()["frames"].as_array().unwrap().iter().any(lives) {
        assert!(Instant::now() < deadline);
    }
}

#[test]
fn an_expired_chain_is_asked_for_again_link_by_link() {
    let mut env = TestEnvironment::new();
    env.session_lifetime(Some(3));
    assert_eq!(chain(&env), ["c2", "c3", "c4"]);
    env.no_keys();
    let who = env.list()["frames"][0]["arn"].clone();
    wait_until_expired(&env);
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    let got = keys(&env, &[]);
    assert_eq!(env.sandbox.actions(), ["AssumeRole"; 3]);
    assert_eq!(env.frames(), ["c7", "c6", "c5", "c1"]);
    assert_eq!((&env.list()["frames"][0]["access_key_id"], &env.list()["frames"][0]["arn"]), (&got["AccessKeyId"], &who));
    assert_eq!(env.json(["whoami"])["arn"], who);
    let events = env.events();
    assert_eq!(events[events.len() - 9..], ["acquired", "renewed", "erased"].repeat(3));
    let newest = env.json(["history", "--limit", "2"])["events"][1].clone();
    assert_eq!((&newest["event"], &newest["credential"]), (&json!("renewed"), &json!("c7")));
    assert_eq!((&newest["detail"]["replaces"], &newest["detail"]["stacks"]), (&json!("c4"), &json!(["default"])));
    assert_eq!(env.list()["frames"][0]["parent"], "c6");
    // Nothing is asked while it lives, and an old id leads to the new one.
    env.sandbox.forget_calls();
    assert_eq!(keys(&env, &["--frame", "c4"]), got);
    assert_eq!(env.sandbox.actions(), [""; 0]);
    env.plain(["pop"]).ok();
    assert_eq!(env.frames(), ["c6", "c5", "c1"]);
}

#[test]
fn every_frame_on_every_stack_has_the_new_one_in_one_step() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.plain(["--stack", "work", "use", "c2"]).ok();
    env.plain(["save"]).ok();
    env.json(["refresh"]);
    assert_eq!(env.frames(), ["c3", "c3", "c1"]);
    assert_eq!(env.json(["--stack", "work", "list"])["frames"][0]["credential"], "c3");
    assert_eq!(env.vault_files().len(), 3, "the key check, c1 and c3");
    let held = env.json(["push", "assume", DEVELOPER, "--from", "root", "--no-use", "--label", "kept"])["credential"].clone();
    env.json(["refresh", held.as_str().unwrap()]);
    assert_eq!(env.held(), ["c5"]);
    assert_eq!(env.list()["held"][0]["label"], "kept");
    let all = env.json(["refresh", "--all"]);
    assert_eq!(all["renewed"].as_array().unwrap().len(), 1, "one credential set, on two frames");
    env.plain(["refresh", "root"]).exits(5).says("was not asked of STS");
    env.plain(["--stack", "new", "refresh"]).exits(3);
}

#[test]
fn many_at_once_ask_once_for_each_link() {
    let mut env = TestEnvironment::new();
    env.session_lifetime(Some(3));
    chain(&env);
    env.no_keys();
    wait_until_expired(&env);
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    let answers = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..64).map(|_| scope.spawn(|| keys(&env, &[]))).collect();
        asking.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(env.sandbox.actions(), ["AssumeRole"; 3]);
    assert!(answers.iter().all(|answer| *answer == answers[0] && !answer["AccessKeyId"].is_null()));
}

/// A renewal that takes longer than the old set lives hands nothing out that has ended.
#[test]
fn a_slow_renewal_hands_out_nothing_that_has_ended_meanwhile() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    let token = crate::common::http::get(&format!("{}/_sandbox/web-identity-token", env.sandbox.url())).body;
    env.learn(token.trim());
    env.write(&env.scratch("token"), &token);
    let slow = env.scratch("slow");
    let script =
        format!("#!/bin/sh\n[ -e {0} ] && {{ sleep 6; exit 1; }}\ncat {1}\n", slow.display(), env.scratch("token").display());
    let program = env.scratch("give");
    env.write(&program, &script);
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    env.session_lifetime(Some(6));
    let role = "arn:aws:iam::111122223333:role/Ci";
    env.json(["push", "web-identity", role, "--token-command", program.to_str().unwrap()]);
    env.write(&slow, "");
    let due = Instant::now() + Duration::from_secs(20);
    loop {
        let began = Instant::now();
        let output = handed_out(&env, &["credential-process"]);
        if output.code == Some(5) {
            output.says("could not be renewed");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "a warning comes while the old one lives");
        assert!(Instant::now() < due);
    }
}

#[test]
fn refresh_goes_on_after_a_frame_that_fails_and_leaves_alone_what_nobody_keeps() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.push_role(READ_ONLY);
    env.plain(["pop"]).ok();
    env.plain(["refresh", "c3"]).exits(3).says("is on no stack, and nobody holds it");
    env.plain(["refresh", "env"]).exits(3).says("this shell's keys");
    let token = env.scratch("token");
    env.write(&token, &crate::common::http::get(&format!("{}/_sandbox/web-identity-token", env.sandbox.url())).body);
    env.json(["push", "web-identity", "arn:aws:iam::111122223333:role/Ci", "--token-file", token.to_str().unwrap()]);
    env.plain(["use", "c2"]).ok();
    env.plain(["swap"]).ok();
    std::fs::remove_file(&token).unwrap();
    let output = env.plain(["--json", "refresh", "--all"]).exits(2).says("could not be renewed");
    let done: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((done["renewed"].as_array().unwrap().len(), done["failed"].as_array().unwrap().len()), (1, 1), "{done}");
    assert_eq!(done["failed"][0]["error"]["exit_code"], 2);
}

/// Whoever renews has a lock that ends with its process, however that ends.
#[test]
fn a_holder_that_dies_frees_the_others() {
    let mut env = TestEnvironment::new();
    env.session_lifetime(Some(3));
    chain(&env);
    env.no_keys();
    wait_until_expired(&env);
    env.sandbox.faults(json!({ "hang": true }));
    env.sandbox.forget_calls();
    let mut holder = env.command(["credential-process"]);
    let mut holder = holder.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while env.sandbox.actions().is_empty() {
        assert!(Instant::now() < deadline, "it asks STS, and gets no answer");
    }
    env.sandbox.faults(json!({}));
    std::thread::scope(|scope| {
        // One of them says that a process was killed.
        let ask = || handed_out(&env, &["credential-process"]).ok().json();
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        holder.kill().unwrap();
        holder.wait().unwrap();
        let answers: Vec<_> = waiting.into_iter().map(|it| it.join().unwrap()).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0] && !answer["AccessKeyId"].is_null()));
    });
    // The one that never was answered, and one for each link.
    assert_eq!(env.sandbox.actions(), ["AssumeRole"; 4]);
}

#[test]
fn what_needs_a_person_is_an_error_that_says_so() {
    let env = TestEnvironment::new();
    // Long enough for the role to be assumed with it on a busy machine.
    env.session_lifetime(Some(4));
    env.push_session();
    env.push_role(DEVELOPER);
    wait_until_expired(&env);
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    let said = handed_out(&env, &["credential-process"]).exits(5);
    said.says("could not be renewed").says(ALICE_MFA).says("run `credstack refresh c3` in a terminal");
    env.plain(["--no-input", "refresh"]).exits(5).says("run `credstack refresh c3` in a terminal");
    assert_eq!(env.sandbox.actions(), [""; 0]);
    // Asked for on a terminal.
    let mut terminal = crate::common::terminal::Terminal::start(&env, &["whoami"]);
    terminal.expect("MFA code for");
    let code = env.sandbox.totp(ALICE_MFA);
    let (status, shown) = terminal.type_line_and_finish(&code);
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(shown.contains("assumed-role/Developer"), "{shown}");
}

#[test]
fn while_the_old_one_lives_a_failing_renewal_is_a_warning() {
    let mut env = TestEnvironment::new();
    env.session_lifetime(Some(900));
    env.push_role(DEVELOPER);
    env.sandbox.faults(json!({ "internal_error": true }));
    env.set("AWS_MAX_ATTEMPTS", "1");
    // More than half of its life is over, as the clock of this process goes.
    let ask = || {
        let mut command = Command::new("faketime");
        command.args(["-f", "+10m"]).arg(programs::credstack()).args(["env", "--format", "process"]);
        env.prepare(&mut command);
        let output = Output::new("faketime env".into(), command.output().unwrap()).ok();
        assert!(output.json()["SessionToken"].as_str().is_some());
        output.stderr
    };
    let said = ask();
    assert!(said.contains("could not be renewed") && said.contains("InternalFailure"), "{said}");
    let refused = || env.events().into_iter().filter(|event| event == "refused").count();
    assert_eq!(refused(), 1);
    // Not tried again at once: a client may ask at every request.
    assert_eq!((ask().as_str(), refused()), ("", 1));
}

/// A program's own session is renewed like any other while it runs, unless it was to last no longer; in the end nothing is left.
#[test]
fn a_narrowed_session_is_renewed_unless_its_time_was_named() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.session_lifetime(Some(2));
    let ask =
        "curl -s --noproxy '*' -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" $AWS_CONTAINER_CREDENTIALS_FULL_URI";
    let key = |text: &str| serde_json::from_str::<Value>(text).unwrap()["AccessKeyId"].clone();
    let script =
        format!("first=$({ask}); while now=$({ask}); [ \"$now\" = \"$first\" ]; do sleep 0.05; done; echo $first; echo $now");
    let exec = |options: &[&str]| {
        handed_out(
            &env,
            &[&["exec", "--via", "endpoint", "--read-only"], options, &["--", "timeout", "20", "sh", "-c", &script]].concat(),
        )
    };
    let renewed = exec(&[]).ok().stdout;
    let lines: Vec<_> = renewed.lines().map(key).collect();
    assert!(lines[0].is_string() && lines[1].is_string() && lines[0] != lines[1]);
    let limited = exec(&["--ttl", "15m"]).ok().stdout;
    let lines: Vec<_> = limited.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect();
    assert_eq!(lines[1]["code"], "expired");
    assert_eq!(env.held(), [""; 0]);
}

/// Takes back what the later migrations made, the newest first.
const BACK_TO_THE_FIRST_VERSION: &str = "
    DROP TRIGGER event_text_follows_insert; DROP TRIGGER event_text_follows_delete; DROP TABLE event_text; DROP VIEW event_noted;
    DROP INDEX event_at; DROP INDEX event_kind; DROP INDEX event_failed; DROP INDEX event_stack; DROP INDEX event_access_key_id;
    DROP INDEX event_of_arn; DROP INDEX event_of_account; DROP INDEX event_of_role; DROP INDEX event_of_credential;
    DROP INDEX event_note;
    DROP INDEX credential_expires_at; DROP INDEX credential_parent; DROP INDEX credential_replaced_by;
    ALTER TABLE event DROP COLUMN note; ALTER TABLE event DROP COLUMN of_credential; ALTER TABLE event DROP COLUMN of_role;
    ALTER TABLE event DROP COLUMN of_account; ALTER TABLE event DROP COLUMN of_arn;
    ALTER TABLE credential DROP COLUMN replaced_by; ALTER TABLE credential DROP COLUMN profile;
    ALTER TABLE credential DROP COLUMN way;
    PRAGMA user_version = 1";

/// A database of the first version is migrated by whatever comes first, and keeps what it has.
#[test]
fn a_database_of_the_first_version_is_taken_over() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let database = rusqlite::Connection::open(env.database()).unwrap();
    database.execute_batch(BACK_TO_THE_FIRST_VERSION).unwrap();
    // Nor did its events say so much.
    crate::common::forget_what_pins(&database);
    drop(database);
    assert_eq!(env.frames(), ["c2", "c1"]);
    env.json(["refresh"]);
    assert_eq!(env.frames(), ["c3", "c1"]);
    assert_eq!(env.json(["history", "--role", "Developer", "--event", "acquired"])["events"].as_array().unwrap().len(), 2);
    env.plain(["doctor"]).ok();
}

#[test]
fn an_ancestor_that_is_gone_is_asked_for_and_not_kept() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.push_role(READ_ONLY);
    env.plain(["swap"]).ok();
    env.plain(["pop"]).ok();
    assert_eq!(env.frames(), ["c3", "c1"]);
    env.sandbox.forget_calls();
    env.json(["refresh"]);
    assert_eq!(env.sandbox.actions(), ["AssumeRole"; 2]);
    assert_eq!(env.frames(), ["c5", "c1"]);
    assert_eq!(env.vault_files().len(), 3, "the key check, c1 and c5");
    // What signed for it in the end cannot be had again.
    env.plain(["drop", "--yes"]).ok();
    env.plain(["refresh"]).exits(5).says("was not asked of STS");
}
