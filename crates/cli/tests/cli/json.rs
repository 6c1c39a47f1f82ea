//! The JSON shapes, pinned: `SNAPSHOTS=overwrite` accepts a change, and docs/json.md has to say the same.

use serde_json::Value;

use crate::{
    common::{ALICE_SECRET, TestEnvironment, environment::path},
    handout::handed_out,
};

/// What differs from run to run and from machine to machine, by the key it stands under.
fn redact(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                let stand_in = match (key.as_str(), &value) {
                    ("access_key_id", Value::String(text)) if text.starts_with("ASIA") => "<access key id>",
                    ("issued_at" | "expires_at" | "at", Value::String(_)) => "<time>",
                    ("request_id", Value::String(_)) => "<request id>",
                    ("hash", Value::String(_)) => "<hash>",
                    ("item", Value::String(_)) => "<item>",
                    ("nonce", Value::String(_)) => "<nonce>",
                    ("endpoint", Value::String(_)) => "<endpoint>",
                    ("host" | "user" | "parent_process" | "terminal" | "version", Value::String(_)) => "<of this machine>",
                    ("process", Value::Number(_)) => "<process id>",
                    ("duration_given", Value::Number(_)) => "<seconds>",
                    _ => {
                        redact(value);
                        continue;
                    }
                };
                *value = stand_in.into();
            }
            // Only where there is a terminal, or a parent that can be seen.
            members.retain(|key, _| key != "terminal" && key != "parent_process");
        }
        _ => {}
    }
}

#[track_caller]
fn pinned(env: &TestEnvironment, name: &str, mut value: Value) {
    redact(&mut value);
    let mut text = serde_json::to_string_pretty(&value).unwrap();
    let root = env.home().parent().unwrap().to_owned();
    text = text.replace(path(&root), "<directory>");
    let id = |text: &str| {
        let start = text.find(", request ")? + ", request ".len();
        Some(text[start..].split(')').next()?.to_owned())
    };
    if let Some(id) = id(&text) {
        text = text.replace(&id, "<request id>");
    }
    let file = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/snapshots/{name}.json"));
    let expected = snapbox::Data::read_from(&file, Some(snapbox::data::DataFormat::Text));
    snapbox::assert_data_eq!(text + "\n", expected.raw());
    documented(name, &value);
}

/// Every key that is shown is in the documentation.
#[track_caller]
fn documented(name: &str, value: &Value) {
    let documentation = include_str!("../../../../docs/json.md");
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => {
                for (key, value) in members {
                    assert!(documentation.contains(&format!("`{key}`")), "docs/json.md does not say what `{key}` of {name} is");
                    waiting.push(value);
                }
            }
            _ => {}
        }
    }
}

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

#[test]
fn list_whoami_stacks_and_push() {
    let env = TestEnvironment::new();
    pinned(&env, "list-new", env.list());
    pinned(&env, "whoami-offline-ambient", env.json(["whoami", "--offline"]));
    let session = env.json(["push", "session", "--label", "work"]);
    pinned(&env, "push-session", session);
    pinned(&env, "push-assume", env.json(["push", "assume", DEVELOPER, "--session-name", "me"]));
    let held = env.json(["push", "federation", "reporter", "--yes", "--from", "root", "--no-use"]);
    pinned(&env, "push-no-use", held);
    pinned(&env, "list", env.list());
    pinned(&env, "stacks", env.json(["stacks"]));
    let mut who = env.json(["whoami"]);
    let user_id = who["user_id"].as_str().unwrap().to_owned();
    assert!(user_id.starts_with("AROA") && user_id.ends_with(":me"), "{user_id}");
    who["user_id"] = "<user id>".into();
    pinned(&env, "whoami", who);
    pinned(&env, "pop", env.json(["pop"]));
    pinned(&env, "forget", env.json(["forget", "c4"]));
    pinned(&env, "clear", env.json(["clear", "--yes"]));
    pinned(&env, "purge", env.json(["purge", "--yes"]));
}

#[test]
fn plans_and_lookups() {
    let mut env = TestEnvironment::new();
    pinned(&env, "dry-run", env.json(["push", "assume", DEVELOPER, "--session-name", "me", "--dry-run"]));
    env.json(["push", "assume", DEVELOPER, "--session-name", "me"]);
    let role = "arn:aws:iam::444455556666:role/ReadOnly";
    let refused = env.plain(["--json", "push", "assume", role, "--session-name", "me", "--duration", "2h", "--dry-run"]).exits(2);
    pinned(&env, "dry-run-refused", refused.json());
    pinned(&env, "explain", env.json(["explain"]));
    let mut known = env.json(["key-info", crate::common::ALICE_KEY]);
    for time in ["first_seen_at", "last_seen_at"] {
        assert!(known["known"][0][time].as_str().unwrap().ends_with('Z'));
        known["known"][0][time] = "<time>".into();
    }
    pinned(&env, "key-info", known);
    env.no_keys();
    let url = env.sandbox.url();
    env.set("HTTP_PROXY", "http://127.0.0.1:1");
    env.set("NO_PROXY", "");
    env.set("AWS_MAX_ATTEMPTS", "1");
    let mut who = env.plain(["--json", "whoami", "--all"]).exits(7).json();
    for frame in who.as_array_mut().unwrap() {
        let message = frame["error"]["message"].as_str().unwrap().split(": ").next().unwrap().to_owned();
        frame["error"]["message"] = message.replace(&url, "http://127.0.0.1:1").into();
    }
    pinned(&env, "whoami-all", who);
    env.unset("HTTP_PROXY");
}

#[test]
fn setup() {
    let env = TestEnvironment::without_store();
    pinned(&env, "setup-none", env.json(["setup"]));
    let key = env.scratch("key");
    env.write(&key, &"5a".repeat(32));
    env.learn(&"5a".repeat(32));
    let command = format!("cat {}", key.display());
    pinned(&env, "setup-vault-key-command", env.json(["setup", "--store", "vault", "--key-command", &command]));
    pinned(&env, "setup-vault-key-file", env.json(["setup", "--store", "vault", "--key-file", path(&env.key_file())]));
}

#[test]
fn doctor() {
    let env = TestEnvironment::new();
    env.json(["push", "assume", DEVELOPER, "--session-name", "me"]);
    pinned(&env, "doctor", env.json(["doctor"]));
    std::fs::rename(env.key_file(), env.scratch("away")).unwrap();
    let troubled = env.plain(["--json", "doctor"]).exits(6);
    pinned(&env, "doctor-trouble", troubled.json());
    pinned(&env, "doctor-trouble-error", troubled.error());
}

/// One event of each kind that this machine can bring about.
#[test]
fn history() {
    let mut env = TestEnvironment::new();
    env.json(["push", "assume", DEVELOPER, "--session-name", "me", "--tag", "team=blue", "--label", "work", "--note", "why"]);
    env.plain(["push", "assume", "arn:aws:iam::111122223333:role/Nobody", "--session-name", "me"]).exits(4);
    env.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    env.set("AWS_MAX_ATTEMPTS", "1");
    env.plain(["push", "assume", DEVELOPER, "--session-name", "me", "--from", "root"]).exits(7);
    env.unset("AWS_MAX_ATTEMPTS");
    let url = env.sandbox.url();
    env.set("AWS_ENDPOINT_URL_STS", &url);
    env.json(["push", "import", "--env"]);
    handed_out(&env, &["env"]).ok();
    env.json(["push", "session", "--from", "root", "--no-use"]);
    for command in [&["save"][..], &["swap"], &["use", "c2"], &["drop"], &["pop"], &["forget", "c4"], &["clear", "--yes"]] {
        env.plain(command).ok();
    }
    env.json(["--stack", "other", "push", "session"]);
    env.plain(["stacks", "remove", "other", "--yes"]).ok();
    let history = env.json(["history", "--limit", "1000"]);
    let mut events: Vec<Value> = history["events"].as_array().unwrap().clone();
    events.reverse();
    let mut seen = std::collections::BTreeSet::new();
    events.retain(|event| seen.insert(event["event"].as_str().unwrap().to_owned()));
    for kind in [
        "acquired",
        "captured",
        "cleared",
        "dropped",
        "erased",
        "failed",
        "forgotten",
        "held",
        "imported",
        "refused",
        "removed",
        "restored",
        "saved",
        "store-changed",
        "swapped",
        "used",
        "used-by",
    ] {
        assert!(seen.contains(kind), "no {kind} in {seen:?}");
    }
    pinned(&env, "history", serde_json::json!({ "events": events }));
    let numbers: Vec<i64> =
        history["events"].as_array().unwrap().iter().map(|event| event["sequence"].as_i64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] == pair[1] + 1), "newest first, without gaps: {numbers:?}");
    assert_eq!(env.json(["history", "--limit", "2"])["events"].as_array().unwrap().len(), 2);
    assert!(!history.to_string().contains(ALICE_SECRET));
}

#[test]
fn errors() {
    let mut env = TestEnvironment::new();
    let error = |env: &TestEnvironment, arguments: &[&str]| env.plain([&["--json"], arguments].concat()).error();
    pinned(&env, "error-nothing", error(&env, &["pop"]));
    pinned(&env, "error-usage", error(&env, &["push", "assume", DEVELOPER, "--duration", "13h"]));
    pinned(&env, "error-command-line", error(&env, &["push", "asume", DEVELOPER]));
    pinned(&env, "error-refused", error(&env, &["push", "assume", "arn:aws:iam::111122223333:role/Nobody"]));
    env.set("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z");
    pinned(&env, "error-expired", error(&env, &["whoami"]));
    env.unset("AWS_CREDENTIAL_EXPIRATION");
    env.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let mut network = error(&env, &["whoami"]);
    network["message"] = network["message"].as_str().unwrap().split(": ").next().unwrap().into();
    pinned(&env, "error-network", network);
    rusqlite::Connection::open(env.database()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    pinned(&env, "error-database", error(&env, &["list"]));
}
