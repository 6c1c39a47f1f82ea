//! Secrets that are lost or cannot be reached, and what is said of credential sets of which something is not known.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use serde_json::json;

use crate::common::{ALICE, ALICE_KEY, ALICE_SECRET, TestEnvironment};

const TRACED: &str = "arn:aws:iam::444455556666:role/Traced";

#[test]
fn a_lost_secret_is_told_once_and_nothing_is_forgotten() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    for file in env.vault_files().iter().filter(|name| *name != "key-check") {
        fs::remove_file(env.state().join("vault").join(file)).unwrap();
    }
    for _ in 0..2 {
        env.credstack(["whoami"]).exits(6).says("has no item");
    }
    assert_eq!(env.events(), ["store-changed", "captured", "acquired", "secret-lost"]);
    assert_eq!(env.frames(), ["c2", "c1"]);
}

#[test]
fn sts_is_not_asked_for_what_no_store_could_keep() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let (vault, events) = (env.state().join("vault"), env.events());
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o755)).unwrap();
    env.sandbox.forget_calls();
    for command in [&["push", "session", "--from", "env"][..], &["push", "import", "--env"]] {
        env.credstack(command).exits(6).says("is not safe to use");
    }
    assert_eq!(env.sandbox.calls().len(), 0);
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(env.events(), events);
}

/// The same keys, stored with an end of their own, are not what the environment holds.
#[test]
fn an_import_with_an_end_does_not_stand_for_the_keys_in_the_environment() {
    let env = TestEnvironment::new();
    let end = "2099-01-01T00:00:00Z";
    let keys = json!({"Version": 1, "AccessKeyId": ALICE_KEY, "SecretAccessKey": ALICE_SECRET, "Expiration": end});
    let mut import = env.command(["push", "import", "--no-use"]);
    import.arg("--yes");
    env.run_with_input(import, keys.to_string().as_bytes()).ok();
    env.push_role("Developer");
    assert_eq!(env.frames(), ["c3", "c2"]);
    let root = &env.list()["frames"][1];
    assert_eq!((&root["kind"], &root["expires_at"]), (&"ambient".into(), &serde_json::Value::Null));
    assert_eq!(env.json(["whoami", "env"])["credential"], "c2");
}

#[test]
fn keys_that_are_not_text_are_not_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    let env = TestEnvironment::new();
    let mut command = env.command(["whoami"]);
    command.env("AWS_ACCESS_KEY_ID", std::ffi::OsStr::from_bytes(b"AKIA\xff"));
    env.run(command).exits(2).says("AWS_ACCESS_KEY_ID is not text");
}

#[test]
fn a_store_that_cannot_be_reached_any_more_can_be_given_up() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    fs::remove_file(env.key_file()).unwrap();
    env.credstack(["push", "assume", "Developer"]).exits(6).says("does not exist");
    let other = ["setup", "--store", "vault", "--key-file", "other.key"];
    env.credstack(other).exits(6);
    assert!(!env.home().join("other.key").exists(), "a key that opens nothing is not left behind");
    env.credstack([&other[..], &["--abandon"]].concat()).ok().says("the secret of c1 is given up");
    env.learn(fs::read_to_string(env.home().join("other.key")).unwrap().trim());
    env.credstack(["whoami"]).exits(6).says("the secret of c2 was given up").says("credstack pop");
    for arguments in ["list", "stacks"] {
        assert!(env.plain([arguments]).ok().stdout.contains("secret given up"), "{arguments}");
    }
    assert_eq!(env.list()["frames"][0]["has_secret"], false);
    env.plain(["whoami", "--offline"]).ok().says("c2 cannot be used");
    env.plain(["setup", "--store", "vault", "--key-file", "~root/x"]).exits(2).says("write the whole path");
    let doctor = env.plain(["doctor"]).exits(6);
    assert!(doctor.stdout.contains("c1, c2 are on a stack, and their secrets were given up"), "{}", doctor.stdout);
    env.credstack(["swap"]).ok().says("the secret of c1 was given up: it cannot be used");
    env.credstack(["clear"]).ok();
    env.push_role("Developer");
    assert!(env.json(["whoami"])["arn"].as_str().unwrap().contains("assumed-role/Developer"));
}

#[test]
fn a_profile_that_signs_does_not_become_the_root() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.aws_config(&format!("[profile dev]\naws_access_key_id = {ALICE_KEY}\naws_secret_access_key = {ALICE_SECRET}\n"));
    env.learn(ALICE_SECRET);
    env.credstack(["push", "assume", "Developer", "--profile", "dev"]).ok();
    env.credstack(["pop"]).ok();
    env.credstack(["whoami"]).exits(3).says("no AWS credentials were found");
    // The shell's own profile does.
    env.set("AWS_PROFILE", "dev");
    env.credstack(["push", "assume", "Developer"]).ok();
    env.unset("AWS_PROFILE");
    env.plain(["pop"]).ok().says("ambient (profile dev)");
    assert_eq!(env.json(["whoami"])["arn"], ALICE);
}

#[test]
fn a_stored_frame_signs_for_a_new_stack_whatever_the_shell_holds() {
    let env = TestEnvironment::new();
    let role = env.push_role("Developer");
    let pushed = env.json(["--stack", "other", "push", "assume", "arn:aws:iam::444455556666:role/ReadOnly", "--from", &role]);
    assert_eq!(pushed["parent"], role.as_str());
    env.credstack(["--stack", "third", "push", "assume", "Developer", "--from", "root"]).ok();
    env.credstack(["--stack", "fourth", "push", "assume", "Developer", "--from", "1"]).exits(3);
}

#[test]
fn an_expiry_that_nobody_told_is_not_taken_for_none() {
    let mut env = TestEnvironment::new();
    env.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let keys = json!({"Version": 1, "AccessKeyId": "ASIAFAKEFAKEFAKEFAKE", "SecretAccessKey": "fake-secret-of-import",
                      "SessionToken": "fake-token-of-import"});
    env.learn("fake-secret-of-import");
    env.learn("fake-token-of-import");
    env.run_with_input(env.command(["push", "import"]), keys.to_string().as_bytes()).ok().says("is not known");
    let list = env.plain(["list"]).ok().stdout;
    assert!(list.contains("expires at a time that is not known") && list.contains("does not expire"), "{list}");
    env.plain(["pop", "--yes"]).ok().says("stays valid at AWS until it expires");
}

#[test]
fn what_a_chain_inherits_cannot_be_said_otherwise() {
    let env = TestEnvironment::new();
    env.json(["push", "assume", TRACED, "--source-identity", "alice"]);
    let calls = env.sandbox.calls().len();
    let other = ["push", "assume", "arn:aws:iam::111122223333:role/Developer", "--source-identity", "bob"];
    env.credstack(other).exits(2).says("--source-identity bob").says("cannot be changed down the chain");
    assert_eq!(env.sandbox.calls().len(), calls, "STS was not asked");
}

/// Nothing is asked for of which nothing could tell.
#[test]
fn sts_is_not_asked_where_no_file_can_be_written() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let before = env.events().len();
    env.sandbox.forget_calls();
    // As on a full disk: no file may grow any more.
    let program = env.command(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]);
    let mut bash = Command::new("bash");
    bash.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    env.prepare(&mut bash);
    let output = env.run(bash);
    output.exits(8).says("cannot be used");
    assert!(!env.sandbox.actions().contains(&"AssumeRole".to_owned()));
    assert_eq!(env.events().len(), before);
    env.credstack(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]).ok();
    env.credstack(["audit", "verify"]).ok();
}

/// What STS gave works until it expires, whatever becomes of this machine's disk: its key stands in a file that was made before.
#[test]
fn what_was_given_and_cannot_be_stored_is_said_and_recorded_by_the_next_change() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    // The database is as large as it may be, and a small file still has room.
    let size = std::fs::metadata(env.database()).unwrap().len() / 1024;
    let program = env.command(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]);
    let mut bash = Command::new("bash");
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", size / 2);
    bash.args(["-c", &script]).arg(program.get_program()).args(program.get_args());
    env.prepare(&mut bash);
    let output = env.run(bash);
    assert!(output.code.is_some_and(|code| code > 4), "{:?} {}", output.code, output.stderr);
    let given = env.sandbox.issued().pop().unwrap().access_key_id;
    output.says(&given).says("left), which nobody has and AWS accepts").says("the history could not be told");
    env.credstack(["forget", "--expired"]).ok().says(&given).says("the history records it as orphaned");
    env.credstack(["audit", "verify"]).ok();
}

/// Nothing is asked for that could not be written down.
#[test]
fn sts_is_not_asked_while_the_database_is_locked() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let other = rusqlite::Connection::open(env.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    env.sandbox.forget_calls();
    env.credstack(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]).exits(8).says("busy");
    assert_eq!(env.sandbox.actions(), [] as [String; 0]);
}
