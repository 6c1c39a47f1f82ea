//! `history`: which events, in what form, and on a terminal by way of the pager.

use serde_json::{Value, json};

use crate::common::{ALICE_KEY, ALICE_MFA, TestEnvironment, terminal::Terminal};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
const NOBODY: &str = "arn:aws:iam::111122223333:role/Nobody";

/// A log: alice, her roles in two accounts, a refusal, two stacks.
fn told() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.plain(["push", "assume", DEVELOPER, "--note", "INC-7: 50% of the logs"]).ok();
    env.push_role(READ_ONLY);
    env.plain(["push", "assume", NOBODY, "--note", "inc-8"]).exits(4);
    env.plain(["pop"]).ok();
    env.plain(["--stack", "other", "push", "session"]).ok();
    env
}

/// What `history` tells with these options: event and credential set, newest first.
#[track_caller]
fn asked(env: &TestEnvironment, options: &[&str]) -> Vec<String> {
    let shown = env.json([&["history"], options].concat());
    let told = shown["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| format!("{} {}", event["event"].as_str().unwrap(), event["credential"].as_str().unwrap_or("-")));
    told.collect()
}

#[test]
fn every_filter_of_the_history_lets_through_what_it_says() {
    let env = told();
    let all = asked(&env, &[]);
    assert_eq!(
        all,
        ["acquired c4", "erased c3", "restored c2", "refused -", "acquired c3", "acquired c2", "captured c1", "store-changed -"]
    );
    let c2 = env.json(["key-info", "--offline", ALICE_KEY])["known"][0]["credential"].clone();
    assert_eq!(c2, "c1");
    let session = env.list()["frames"][0].clone();
    let (arn, key) = (session["arn"].as_str().unwrap(), session["access_key_id"].as_str().unwrap());
    for (options, expected) in [
        (&["--role", "Developer"][..], &["restored c2", "acquired c2"][..]),
        (&["--role", DEVELOPER], &["restored c2", "acquired c2"]),
        (&["--role", "arn:aws:iam::444455556666:role/Developer"], &[]),
        (&["--role", "Nobody"], &["refused -"]),
        (&["--role", NOBODY], &["refused -"]),
        (&["--arn", arn], &["restored c2", "acquired c2"]),
        (&["--arn", NOBODY], &["refused -"]),
        (&["--account", "444455556666"], &["erased c3", "acquired c3"]),
        (&["--account", "111122223333", "--event", "refused"], &["refused -"]),
        (&["--key", key], &["restored c2", "acquired c2"]),
        (&["--key", ALICE_KEY], &["captured c1"]),
        (&["--credential", "c3"], &["erased c3", "refused -", "acquired c3"]),
        (&["--stack", "other"], &["acquired c4"]),
        (&["--event", "acquired"], &["acquired c4", "acquired c3", "acquired c2"]),
        (&["--event", "acquired", "--limit", "2"], &["acquired c4", "acquired c3"]),
        (&["--failed"], &["refused -"]),
        (&["--note", "inc-"], &["refused -", "acquired c2"]),
        (&["--note", "50%"], &["acquired c2"]),
        (&["--note", "5_%"], &[]),
        (&["--since", "2h"], &all.iter().map(String::as_str).collect::<Vec<_>>()),
        (&["--since", "2h", "--role", "Developer"], &["restored c2", "acquired c2"]),
        (&["--until", "2h ago"], &[]),
        (&["--since", "2100-01-01"], &[]),
        (&["--until", "2100-01-01", "--limit", "1"], &["acquired c4"]),
        (&["--limit", "0"], &[]),
    ] {
        assert_eq!(asked(&env, options), expected, "{options:?}");
        let words: Vec<&str> = ["audit", "log"].iter().chain(options).copied().collect();
        let lines = env.plain(words.iter().copied().chain(["--jsonl"])).ok().stdout;
        assert_eq!(lines.lines().count(), expected.len(), "audit log {options:?}");
    }
    let instant = env.json(["history", "--limit", "1"])["events"][0]["at"].as_str().unwrap().to_owned();
    assert_eq!(asked(&env, &["--since", &instant, "--limit", "1"]), ["acquired c4"], "since is at or later");
    assert!(!asked(&env, &["--until", &instant]).contains(&all[0]), "until is before");
    // The variable says on which stack to work, and hides nothing of the log.
    let mut env = env;
    env.set("CREDSTACK_STACK", "other");
    assert_eq!(asked(&env, &[]), all);
}

#[test]
fn what_cannot_be_asked_of_the_history_is_a_usage_error() {
    let env = TestEnvironment::without_store();
    env.plain(["history", "--since", "tomorrow"]).exits(2).says("--since tomorrow: not a time").says("3 days");
    env.plain(["history", "--until", "22.11.2026"]).exits(2).says("--until");
    env.plain(["history", "--event", "stolen"]).exits(2).says("no such kind of event");
    env.plain(["history", "--credential", "7"]).exits(2).says("expected c and a number");
    for two in [["--json", "--csv"], ["--json", "--jsonl"], ["--csv", "--jsonl"]] {
        env.plain([&["history"], &two[..]].concat()).exits(2).says("cannot be used with");
    }
    assert_eq!(env.plain(["history", "--csv"]).ok().stdout.lines().count(), 1, "a header, where nothing was ever written");
    assert_eq!(env.plain(["history", "--jsonl"]).ok().stdout, "");
}

#[test]
fn the_history_is_the_same_in_every_form() {
    let env = told();
    env.plain(["push", "session", "--from", "root", "--no-use", "--note", "a \"quoted\", \u{202e}note\nof two lines"]).ok();
    let json = env.json(["history"])["events"].clone();
    let lines = env.plain(["history", "--jsonl"]).ok().stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json!(lines), json);
    let text = env.plain(["history", "--csv"]).ok().stdout;
    assert!(!text.contains('\u{202e}') && text.contains("\\u202e"), "{text}");
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let header = table.headers().unwrap().clone();
    let rows: Vec<_> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), lines.len());
    for (row, event) in rows.iter().zip(&lines) {
        let column = |name: &str| &row[header.iter().position(|it| it == name).unwrap()];
        for name in ["at", "event", "stack", "credential", "parent", "access_key_id", "account", "arn", "hash"] {
            assert_eq!(column(name), event[name].as_str().unwrap_or_default(), "{name}");
        }
        assert_eq!(column("sequence"), event["sequence"].to_string());
        assert_eq!(serde_json::from_str::<Value>(column("detail")).unwrap(), event["detail"]);
        assert_eq!(column("user"), event["detail"]["actor"]["user"]);
    }
    assert_eq!(&rows[1][header.iter().position(|it| it == "note").unwrap()], "a \"quoted\", \\u{202e}note\\u{a}of two lines");
}

#[test]
fn on_a_terminal_the_history_is_paged() {
    let mut env = told();
    let pager = env.scratch("pager");
    env.write(&pager, "#!/bin/sh\necho \"paged by $1 with LESS=$LESS\"\ncat\n");
    std::fs::set_permissions(&pager, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    env.set("PAGER", &format!("'{}' me", pager.display()));
    let shown = |env: &TestEnvironment, arguments: &[&str]| {
        let (status, text) = Terminal::start(env, arguments).finish();
        assert!(status.success(), "{text}");
        text
    };
    let text = shown(&env, &["history"]);
    assert!(text.contains("paged by me with LESS=FRX") && text.contains("Nobody: AccessDenied"), "{text}");
    assert!(shown(&env, &["audit", "show", "c2"]).contains("paged by me"), "as the history is");
    // Not what a program reads, and not into a pipe.
    for form in ["--json", "--jsonl", "--csv"] {
        assert!(!shown(&env, &["history", form]).contains("paged by"), "{form}");
    }
    assert!(!env.plain(["history"]).ok().stdout.contains("paged by"));
    for pager in ["", "cat", "/nowhere/pager", "'"] {
        env.set("PAGER", pager);
        let text = shown(&env, &["history"]);
        assert!(text.contains("Nobody: AccessDenied") && !text.contains("paged by"), "{pager}: {text}");
    }
    env.unset("PAGER");
    assert!(shown(&env, &["history"]).contains("Nobody: AccessDenied"), "less ends at once where all fits");
}

/// Somebody who can write the database appends what makes no sense; one row hides no other.
#[test]
fn an_event_that_makes_no_sense_hides_no_other() {
    let env = told();
    let before = env.events().len();
    let database = rusqlite::Connection::open(env.database()).unwrap();
    for (kind, at, detail) in [("saved", 1, "[]"), ("saved", i64::MIN, "{}"), ("stolen", 1, "{\"note\": \"x\"}")] {
        let append =
            "INSERT INTO event (sequence, at, event, detail, hash) SELECT max(sequence) + 1, ?1, ?2, ?3, zeroblob(32) FROM event";
        database.execute(append, (at, kind, detail)).unwrap();
    }
    drop(database);
    let shown = env.plain(["--json", "history"]).ok().says("are not as this version writes them").json();
    let events = shown["events"].as_array().unwrap();
    assert_eq!(events.len(), before + 3);
    let unreadable: Vec<_> = events.iter().take(3).map(|event| (&event["event"], &event["detail"]["unreadable"])).collect();
    let is = json!("unreadable");
    assert_eq!(unreadable[0], (&is, &json!({ "event": "stolen" })));
    assert_eq!(unreadable[1], (&is, &json!({ "event": "saved", "at": i64::MIN })));
    assert_eq!(unreadable[2], (&is, &json!({ "event": "saved", "detail": "[]" })));
    for form in [
        &["history"][..],
        &["history", "--graph"],
        &["history", "--csv"],
        &["history", "--until", "2100-01-01"],
        &["audit", "export"],
    ] {
        env.plain(form).ok().says("not as this version writes them");
    }
    let page = env.scratch("page.html");
    env.plain(["audit", "report", "--html", crate::common::environment::path(&page)])
        .ok()
        .says("not as this version writes them");
}

#[test]
fn what_people_paste_is_taken() {
    let env = told();
    let session = "arn:aws:sts::444455556666:assumed-role/ReadOnly/me";
    for (options, expected) in [
        (&["--role", session][..], &["erased c3", "acquired c3"][..]),
        (&["--role", "assumed-role/ReadOnly/me"], &["erased c3", "acquired c3"]),
        (&["--account", "4444-5555-6666"], &["erased c3", "acquired c3"]),
        (&["--event", "erased,Refused"], &["erased c3", "refused -"]),
        (&["--since", "9999-12-31"], &[]),
        (&["--until", "Yesterday"], &[]),
    ] {
        assert_eq!(asked(&env, options), expected, "{options:?}");
    }
    env.plain(["history", "--account", "alice"]).exits(2).says("12 digits");
    env.plain(["history", "--role", "arn:aws:iam::111122223333:user/alice"]).exits(2).says("not a role");
    env.plain(["history", "--event", "stolen"]).exits(2).says("acquired, refused, failed");
    env.plain(["--stack", "other", "audit", "show", "c1"]).exits(2).says("every stack");
    env.plain(["--stack", "other", "audit", "report", "--html", "-"]).exits(2).says("all stacks");
    assert_eq!(env.plain(["audit", "export", "--output", "-"]).ok().stdout.lines().count(), env.events().len() - 1);
}

#[test]
fn a_refusal_says_what_was_asked_of_whom_and_why_not() {
    let env = TestEnvironment::new();
    env.plain(["push", "assume", NOBODY]).exits(4);
    env.plain(["push", "session", "--mfa-serial", ALICE_MFA, "--mfa-code", "000000"]).exits(4);
    let shown = env.plain(["history", "--failed"]).ok().stdout;
    for said in [&format!("AssumeRole {NOBODY}: AccessDenied"), "GetSessionToken: AccessDenied"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}
