//! The rules that hold for every command: what needs no secret, what expires, who is asked, old and broken databases.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::common::{ALICE_MFA, TestEnvironment, terminal::Terminal};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// Waits until the credentials of a frame have expired: a known time, not a guess.
fn wait_for_expiry(frame: &Value) {
    let at: Timestamp = frame["expires_at"].as_str().unwrap().parse().unwrap();
    while Timestamp::now() <= at {
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn rule_1_the_parent_is_the_one_that_signed() {
    let env = TestEnvironment::new();
    env.push_session();
    env.push_role(DEVELOPER);
    let read_only = "arn:aws:iam::444455556666:role/ReadOnly";
    let by = |role: &str, from: &[&str]| env.json([&["push", "assume", role], from].concat())["parent"].clone();
    assert_eq!(by(read_only, &[]), "c3");
    assert_eq!(by(DEVELOPER, &["--from", "root"]), "c1");
    assert_eq!(by(DEVELOPER, &["--from", "c2"]), "c2");
    assert_eq!(by(read_only, &["--from", "3"]), "c3");
    assert_eq!(by("arn:aws:iam::777788889999:role/Reporter", &["--from", "current"]), "c7");
}

#[test]
fn rule_2_a_secret_goes_when_the_last_frame_of_any_stack_goes() {
    let env = TestEnvironment::new();
    env.push_session();
    env.push_role(DEVELOPER);
    env.credstack(["--stack", "other", "use", "c2"]).ok();
    let kept = env.vault_files().len();
    env.credstack(["pop", "--root"]).ok().says("c3 left the last stack").says("stays valid at AWS until").says_not("c2 left");
    assert_eq!(env.vault_files().len(), kept - 1);
    env.credstack(["--stack", "other", "pop"]).ok().says("c2 left the last stack");
    assert_eq!(env.vault_files().len(), kept - 2);
    // Being somebody's parent is no reference, and an erased one is never usable again.
    env.credstack(["use", "c2"]).exits(3).says("the secret of c2 was erased");
    env.credstack(["whoami", "c2"]).exits(3);
    assert_eq!(env.json(["whoami", "c2", "--offline"])["credential"], "c2");
}

#[test]
fn rule_3_metadata_needs_neither_secret_store_nor_network() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.sandbox.forget_calls();
    std::fs::remove_file(env.key_file()).unwrap();
    std::fs::remove_dir_all(env.state().join("vault")).unwrap();
    env.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    for command in [
        &["list"][..],
        &["history"],
        &["stacks"],
        &["whoami", "--offline"],
        &["whoami", "root", "--offline"],
        &["setup"],
        &["completions", "bash"],
    ] {
        env.credstack(command).ok();
    }
    env.credstack(["whoami"]).exits(6);
    assert!(env.sandbox.calls().is_empty());
}

#[test]
fn rule_4_expired_is_said_and_is_exit_5_where_it_would_sign() {
    let env = TestEnvironment::new();
    env.session_lifetime(Some(1));
    env.push_session();
    env.json(["push", "session", "--from", "root", "--no-use"]);
    let expires = env.list()["held"][0].clone();
    env.session_lifetime(None);
    env.json(["push", "assume", DEVELOPER, "--from", "root"]);
    wait_for_expiry(&expires);
    env.sandbox.forget_calls();

    env.plain(["pop"])
        .ok()
        .says("expired at")
        .says("c2 has expired: go back with `credstack pop`, then acquire it again with `credstack push session");
    assert_eq!(env.frames(), ["c2", "c1"], "a pop onto an expired frame succeeds");
    for command in [&["whoami"][..], &["push", "assume", DEVELOPER], &["push", "assume", DEVELOPER, "--from", "c2"]] {
        let expired = env.credstack(command).exits(5);
        expired.says("c2 (arn:aws:iam::111122223333:user/alice) expired at").says("`credstack refresh`");
    }
    env.credstack(["use", "c3"]).exits(5).says("c3 expired at");
    assert!(env.sandbox.calls().is_empty(), "nothing of it needs the network");
    assert!(env.plain(["list"]).stdout.contains("expired at"));

    assert_eq!(env.json(["forget", "--expired"])["forgotten"], serde_json::json!(["c3"]));
    env.plain(["forget", "--expired"]).ok().says("no held credential set has expired");
}

#[test]
fn rule_5_only_data_is_on_stdout() {
    let env = TestEnvironment::new();
    for command in [
        &["push", "session"][..],
        &["save"],
        &["swap"],
        &["pop"],
        &["drop", "--yes"],
        &["push", "session", "--no-use", "--from", "current"],
        &["clear", "--yes"],
    ] {
        let output = env.credstack(command);
        assert_eq!(output.stdout, "", "{command:?}");
    }
    for command in [&["list"][..], &["history"], &["stacks"], &["whoami"], &["doctor"]] {
        let output = env.plain(command).ok();
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{command:?}: {}", output.stderr);
    }
}

#[test]
fn rule_5_durations_are_taken_as_people_write_them() {
    let env = TestEnvironment::new();
    for (given, seconds) in [("900", 900), ("15m", 900), ("1h30m", 5400), ("2h", 7200)] {
        let pushed = env.json(["push", "session", "--no-use", "--duration", given]);
        let time = |name: &str| pushed[name].as_str().unwrap().parse::<Timestamp>().unwrap().as_second();
        assert!((time("expires_at") - time("issued_at") - seconds).abs() <= 1, "{given}: {pushed}");
        assert!(pushed["expires_at"].as_str().unwrap().ends_with('Z'));
        let calls = env.sandbox.calls();
        let asked = calls.iter().rfind(|call| call["action"] == "GetSessionToken").unwrap();
        assert_eq!(asked["parameters"]["DurationSeconds"], seconds.to_string());
    }
    for given in ["1 fortnight", "-900", "", "1d"] {
        env.credstack(["push", "session", "--duration", given]).exits(2).says("--duration");
    }
}

#[test]
fn rule_6_every_failure_is_an_object_on_stderr_with_json() {
    let env = TestEnvironment::new();
    for (command, kind, code) in [
        (&["pop"][..], "nothing", 3),
        (&["nonsense"], "usage", 2),
        (&["--stack", "no such name", "list"], "usage", 2),
        (&["push", "assume", "arn:aws:iam::111122223333:role/Nobody"], "refused", 4),
    ] {
        let output = env.credstack([&["--json"], command].concat()).exits(code);
        let error = output.error();
        assert_eq!((&error["kind"], &error["exit_code"]), (&kind.into(), &code.into()), "{error}");
        assert!(!error["message"].as_str().unwrap().is_empty());
        assert_eq!(output.stdout, "");
    }
}

#[test]
fn rule_7_nobody_is_asked_without_a_terminal() {
    let env = TestEnvironment::without_store();
    // The keyring cannot be reached here, so a choice would have to be asked for.
    env.credstack(["push", "session"]).exits(6).says("credstack setup --store vault --key-file FILE");
    env.credstack(["setup", "--store", "vault", "--key-file", env.key_file().to_str().unwrap()]).ok();
    env.credstack(["push", "session", "--mfa-serial", ALICE_MFA]).exits(2).says("nobody is there to ask").says("--mfa-code");
    env.credstack(["push", "federation", "reporter"]).exits(2).says("no permissions").says("--yes");
    env.push_role(DEVELOPER);
    env.credstack(["clear"]).exits(2).says("nothing can bring back").says("--yes");
    env.credstack(["purge"]).exits(2).says("--yes");
}

#[test]
fn rule_7_no_input_asks_nobody_although_there_is_a_terminal() {
    let env = TestEnvironment::new();
    let terminal = Terminal::start(&env, &["--no-input", "push", "session", "--mfa-serial", ALICE_MFA]);
    let (status, shown) = terminal.finish();
    assert_eq!(status.code(), Some(2), "{shown}");
    assert!(shown.contains("nobody is there to ask") && !shown.contains("mfa/alice: "), "{shown}");
}

#[test]
fn rule_8_a_newer_database_is_refused_by_name() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let database = rusqlite::Connection::open(env.database()).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let before = std::fs::read(env.database()).unwrap();
    for command in [&["list"][..], &["pop"], &["push", "assume", DEVELOPER], &["history"], &["clear", "--yes"]] {
        let refused = env.credstack(command).exits(8);
        refused.says(env.database().to_str().unwrap()).says("99").says("install the version of credstack that wrote it");
    }
    let doctor = env.credstack(["doctor"]).exits(8);
    assert!(doctor.stdout.contains("PROBLEM") && doctor.stdout.contains("99"), "{}", doctor.stdout);
    assert_eq!(std::fs::read(env.database()).unwrap(), before);
}

#[test]
fn rule_8_a_damaged_database_is_reported_with_what_can_be_read_and_left_alone() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    for _ in 0..20 {
        env.credstack(["save"]).ok();
    }
    let whole = std::fs::read(env.database()).unwrap();
    let page = u16::from_be_bytes([whole[16], whole[17]]) as usize;
    // The last pages are the log's; the first one is the schema.
    let mut log_gone = whole.clone();
    let from = whole.len() - page;
    log_gone[from..].fill(0xa5);
    std::fs::write(env.database(), &log_gone).unwrap();
    let doctor = env.credstack(["doctor"]).exits(8);
    assert!(doctor.stdout.contains("still readable: stack: 1 row, frame: 22 rows"), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("copy the file away"), "{}", doctor.stdout);
    assert_eq!(std::fs::read(env.database()).unwrap(), log_gone);

    let no_header = [b"not a database, but as long as the header of one is".repeat(3), whole[page..].to_vec()].concat();
    std::fs::write(env.database(), &no_header).unwrap();
    for command in [&["list"][..], &["pop"], &["push", "assume", DEVELOPER]] {
        env.credstack(command).exits(8).says(env.database().to_str().unwrap()).says("credstack doctor");
    }
    env.credstack(["doctor"]).exits(8);
    assert_eq!(std::fs::read(env.database()).unwrap(), no_header, "it is never silently replaced");
}

#[test]
fn a_change_waits_for_another_one_and_then_names_it() {
    let env = TestEnvironment::new();
    let lock = std::fs::File::options().read(true).write(true).open(env.state().join("lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(env.state().join("lock"), "process 1, `credstack pop`\n").unwrap();
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| env.credstack(["save"]));
        // Who only reads does not wait.
        env.credstack(["list"]).ok();
        waiting.join().unwrap()
    });
    waiting.exits(8).says("another credstack command is at work: process 1, `credstack pop`").says("try again");
    lock.unlock().unwrap();
    env.credstack(["save"]).ok();
}

#[test]
fn held_sets_say_what_can_be_done_with_them() {
    let env = TestEnvironment::new();
    let held = env.plain(["push", "session", "--no-use"]).ok();
    held.says("held: arn:aws:iam::111122223333:user/alice (c1), until").says("`credstack use c1` makes it current");
    assert!(env.plain(["list"]).stdout.contains("held  c1"), "{}", env.plain(["list"]).stdout);
    env.plain(["forget", "c1"]).ok().says("c1 is forgotten; its secret is erased here and stays valid at AWS until");
}

#[test]
fn a_secret_left_by_a_push_that_was_cut_off_is_held_and_said_once() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    // As a kill between storing the secret and the last commit leaves it.
    let database = rusqlite::Connection::open(env.database()).unwrap();
    database.execute("UPDATE credential SET state = 'pending' WHERE id = 2", []).unwrap();
    database.execute("DELETE FROM frame WHERE credential = 2", []).unwrap();
    drop(database);
    let said = "c2 was left by a push that was cut off: `credstack use c2` or `credstack forget c2`";
    env.plain(["save"]).ok().says(said);
    env.plain(["pop"]).ok().says_not(said);
    assert_eq!(env.held(), ["c2"]);
    assert_eq!(env.events().iter().filter(|event| *event == "held").count(), 1);
    env.credstack(["use", "c2"]).ok();
    env.credstack(["whoami"]).ok();
}
