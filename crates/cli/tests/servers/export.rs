//! `audit export`: every kind of event is valid OCSF, and DuckDB reads what is written as it is.

use std::{
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
};

use credstack_core::{
    secret_store::Patience,
    stack::{self, Consent, Secrets, StateDirectory, Terms},
    values::{Actor, Entry, EventKind},
};
use serde_json::{Value, json};

use crate::{
    common::{TestEnvironment, environment::path},
    receivers::venv,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const NOBODY: &str = "arn:aws:iam::111122223333:role/Nobody";

/// A log: what the program writes by itself, and then one of every kind that there is.
pub fn told() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.plain(["push", "assume", DEVELOPER, "--note", "INC-7: \"zoë\" ] \\ of\ntwo lines"]).ok();
    env.push_role("arn:aws:iam::444455556666:role/ReadOnly");
    env.plain(["push", "assume", NOBODY]).exits(4);
    env.plain(["push", "assume", NOBODY]).exits(4);
    env.plain(["pop"]).ok();
    env.plain(["push", "session", "--from", "root", "--no-use"]).ok();
    env.plain(["forget", "c4"]).ok();
    env
}

/// Writes entries into the log, by way of the library.
pub fn record(env: &TestEnvironment, entries: impl IntoIterator<Item = Entry>) {
    let actor = Actor { user: "alice".into(), host: "laptop".into(), process: 7, version: "0".into(), ..Actor::default() };
    let terms = Terms {
        now: jiff::Timestamp::now(),
        actor,
        command: "test".into(),
        secrets: Secrets::new(Patience::NobodyCanAnswer),
        intents: Default::default(),
        consent: Consent::Only(Default::default()),
    };
    stack::record(&StateDirectory::new(env.state()), &terms, entries).unwrap();
}

const KINDS: [&str; 23] = [
    "acquired",
    "refused",
    "failed",
    "imported",
    "captured",
    "used",
    "saved",
    "restored",
    "swapped",
    "dropped",
    "cleared",
    "removed",
    "held",
    "forgotten",
    "renewed",
    "erased",
    "secret-lost",
    "store-changed",
    "used-by",
    "verified",
    "exported",
    "pruned",
    "resealed",
];

/// Runs Python of the test's environment, with something on stdin.
fn python(env: &TestEnvironment, script: &str, arguments: &[&str], input: &[u8]) -> Value {
    let mut command = Command::new(venv().join("bin/python3"));
    env.prepare(&mut command);
    command.args(["-c", script]).args(arguments);
    env.run_with_input(command, input).ok().json()
}

#[test]
fn every_kind_of_event_is_valid_ocsf() {
    let env = told();
    let bare = KINDS.map(|kind| Entry::new(EventKind::from_text(kind).expect(kind)));
    let mut refused = Entry::new(EventKind::Refused);
    refused.detail = serde_json::from_value(json!({"operation": "GetSessionToken", "target": null, "code": "X"})).unwrap();
    record(&env, bare.into_iter().chain([refused]));
    let lines = env.plain(["audit", "export"]).ok().stdout;
    let seen = python(&env, include_str!("validate_ocsf.py"), &[], lines.as_bytes());
    let seen: Vec<(String, u32, u32, u32)> = serde_json::from_value(seen).unwrap();
    for kind in KINDS {
        assert!(seen.iter().any(|(seen, ..)| seen == kind), "{kind}: {seen:?}");
    }
    for expected in [("acquired", 3002, 1, 1), ("refused", 3002, 1, 2), ("erased", 6003, 4, 1), ("restored", 6003, 3, 1)] {
        assert!(seen.iter().any(|(kind, class, activity, status)| (kind.as_str(), *class, *activity, *status) == expected));
    }
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<i64> = events.iter().map(|event| event["metadata"]["sequence"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "all of them, the oldest first");
    let of = |code: &str| events.iter().find(|event| event["metadata"]["event_code"] == code).unwrap();
    let acquired = of("acquired");
    assert_eq!(acquired["api"]["operation"], "AssumeRole");
    assert_eq!(acquired["cloud"]["account"]["uid"], "111122223333");
    assert_eq!(acquired["unmapped"]["credential"], "c2");
    assert!(acquired["user"]["credential_uid"].as_str().unwrap().starts_with("ASIA"));
    assert!(acquired["api"]["request"]["uid"].is_string() && acquired["session"]["expiration_time"].is_i64());
    let refused = of("refused");
    assert_eq!((&refused["status_code"], &refused["user"]["uid"]), (&json!("AccessDenied"), &json!(NOBODY)));
    // The id is the event's hash: the same again, and the log's own.
    let history = env.json(["history", "--limit", "100000"]);
    let hashes: Vec<&Value> = history["events"].as_array().unwrap().iter().rev().map(|event| &event["hash"]).collect();
    assert_eq!(events.iter().map(|event| &event["metadata"]["uid"]).collect::<Vec<_>>(), hashes[..events.len()]);
    let again = env.plain(["audit", "export"]).ok().stdout;
    assert!(again.starts_with(&lines), "the same bytes, and what has happened since");
}

#[test]
fn duckdb_reads_an_export_as_it_is() {
    let env = told();
    let (events, table) = (env.scratch("events.jsonl"), env.scratch("events.csv"));
    env.plain(["audit", "export", "--output", path(&events)]).ok().says("written to");
    let done = env.json(["audit", "export", "--format", "csv", "--output", path(&table)]);
    assert_eq!((&done["format"], &done["first"], &done["events"]), (&json!("csv"), &json!(1), &done["through"]));
    for file in [&events, &table] {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let script = "import duckdb, json, sys\n\
        db = duckdb.connect(config={'autoinstall_known_extensions': False, 'autoload_known_extensions': False})\n\
        print(json.dumps([db.sql(query).fetchall() for query in sys.argv[1:]]))";
    let of_json = |query: &str| query.replace("EVENTS", &format!("read_json_auto('{}')", path(&events)));
    let of_csv = |query: &str| query.replace("EVENTS", &format!("read_csv_auto('{}')", path(&table)));
    let answers = python(
        &env,
        script,
        &[
            &of_json("SELECT \"user\".uid, status_code, count(*) FROM EVENTS WHERE status_id = 2 GROUP BY ALL"),
            &of_json(
                "SELECT cloud.account.uid, count(*) FROM EVENTS WHERE class_uid = 3002 AND status_id = 1 GROUP BY ALL ORDER BY 1",
            ),
            &of_csv("SELECT target, code, count(*) FROM EVENTS WHERE event = 'refused' GROUP BY ALL"),
            &of_csv("SELECT account, count(*) FROM EVENTS WHERE event = 'acquired' GROUP BY ALL ORDER BY 1"),
            &of_csv("SELECT count(*), max(sequence) FROM EVENTS"),
        ],
        &[],
    );
    let sessions = json!([["111122223333", 2], ["444455556666", 1]]);
    assert_eq!(answers[0], json!([[NOBODY, "AccessDenied", 2]]));
    assert_eq!(answers[1], sessions);
    assert_eq!(answers[2], answers[0]);
    assert_eq!(answers[3].to_string().replace('"', ""), sessions.to_string().replace('"', ""));
    assert_eq!(answers[4], json!([[done["events"], done["events"]]]));
}

#[test]
fn an_export_is_of_what_was_asked_for_and_is_an_event_itself() {
    let env = told();
    let before = env.events().len();
    let lines = |arguments: &[&str]| env.plain([&["audit", "export"], arguments].concat()).ok().stdout.lines().count();
    assert_eq!(lines(&["--failed", "--since", "yesterday"]), 2);
    let history = env.json(["history", "--event", "exported"]);
    let detail = &history["events"][0]["detail"];
    assert_eq!((&detail["format"], &detail["destination"], &detail["count"]), (&json!("ocsf"), &json!("stdout"), &json!(2)));
    assert_eq!(lines(&["--since-event", &(before + 1).to_string()]), 1, "the event of the first export");
    assert_eq!(lines(&["--role", "ReadOnly", "--until", "2h ago"]), 0);
    assert_eq!(env.events().len(), before + 2, "nothing was exported the last time, and nothing is said");
    // What is no file is not replaced by one, and an old file stays where a new one cannot be written.
    let link = env.scratch("link");
    symlink("/dev/null", &link).unwrap();
    for no_file in ["/dev/null", path(&link), "/nowhere/at/all", path(&env.home())] {
        env.plain(["audit", "export", "--output", no_file]).exits(2).says("cannot be written");
    }
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    // Nothing was ever written.
    let empty = TestEnvironment::without_store();
    assert_eq!(empty.plain(["audit", "export"]).ok().stdout, "");
}

#[test]
fn an_export_that_is_not_read_to_its_end_is_none() {
    let env = told();
    record(&env, (0..3000).map(|_| Entry::new(EventKind::Saved)));
    let mut command = Command::new("/bin/sh");
    env.prepare(&mut command);
    let program = crate::common::programs::credstack();
    command.args(["-c", "\"$0\" audit export | head -n 1"]).arg(program);
    assert_eq!(env.run(command).ok().stdout.lines().count(), 1);
    assert!(!env.events().contains(&"exported".to_owned()));
}
