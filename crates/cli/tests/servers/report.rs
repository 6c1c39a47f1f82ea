//! The page of `audit report` in a real browser: Chromium, with axe. Pictures of it are left in the target directory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::common::{Output, TestEnvironment};

/// Writes the page, opens it, and requires what holds for every page. What the browser found.
fn opened(env: &TestEnvironment, name: &str, options: &[&str]) -> Value {
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    fs::create_dir_all(&pictures).unwrap();
    let page = pictures.join("report.html");
    let arguments = [&["audit", "report", "--html", page.to_str().unwrap()], options].concat();
    env.credstack(arguments).ok();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/report.mjs");
    let mut command = Command::new("timeout");
    command.args(["300", "node"]).arg(script).arg(node_modules()).arg(&page).arg(&pictures);
    let output = Output::new(format!("{command:?}"), command.output().unwrap()).ok();
    let found = output.json();
    assert_eq!(found["requests"], Value::Array(Vec::new()), "{name}: it went to the network");
    assert_eq!(found["complaints"], Value::Array(Vec::new()), "{name}");
    assert_eq!(found["overflow"], Value::Array(Vec::new()), "{name}: it scrolls sideways");
    assert_eq!((&found["styled"], &found["scripts"]), (&"solid".into(), &0.into()), "{name}");
    let bad: Vec<_> = found["violations"].as_array().unwrap().iter().filter(|it| it["impact"] != "minor").collect();
    assert!(bad.is_empty(), "{name}: axe found {bad:#?}");
    for picture in found["pictures"].as_array().unwrap() {
        // A page of one colour is packed into a few kilobytes.
        assert!(fs::metadata(picture.as_str().unwrap()).unwrap().len() > 15_000, "{picture} is blank");
    }
    found
}

fn node_modules() -> PathBuf {
    let node = std::env::var_os("CREDSTACK_TEST_NODE").filter(|path| !path.is_empty());
    PathBuf::from(node.expect("CREDSTACK_TEST_NODE names the npm packages: scripts/install")).join("node_modules")
}

#[track_caller]
fn tells(found: &Value, words: &[&str]) {
    let text = found["text"].as_str().unwrap();
    for words in words {
        assert!(text.contains(words), "the page does not say {words:?}: {text}");
    }
}

#[test]
fn a_short_log_is_a_page_that_anybody_can_read() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    env.credstack(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly", "--note", "INC-7"]).ok();
    env.credstack(["push", "assume", "Nobody"]).exits(4);
    env.credstack(["exec", "--", "true"]).ok();
    env.credstack(["pop"]).ok();
    let key = env.json(["history", "--credential", "c3", "--event", "acquired"])["events"][0]["access_key_id"].clone();
    let trail = env.scratch("trail.json");
    let call = serde_json::json!({
        "eventTime": "2035-01-01T00:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": "DeleteBucket",
        "sourceIPAddress": "203.0.113.9", "eventID": "e1", "userIdentity": { "accessKeyId": key },
    });
    fs::write(&trail, call.to_string()).unwrap();
    let found = opened(&env, "short", &["--cloudtrail", trail.to_str().unwrap()]);
    let head = env.plain(["audit", "head"]).ok().stdout;
    tells(&found, &["The log verifies", head.trim(), "AccessDenied", "role/Nobody", "INC-7", "Alive now", "after it expired"]);
    tells(&found, &["s3.amazonaws.com DeleteBucket", "arn:aws:sts::444455556666:assumed-role/ReadOnly/"]);
}

#[test]
fn a_log_that_somebody_touched_is_said_to_be() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let database = rusqlite::Connection::open(env.database()).unwrap();
    let guard = "SELECT sql FROM sqlite_schema WHERE name = 'event_is_never_updated'";
    let guard: String = database.query_row(guard, [], |row| row.get(0)).unwrap();
    let touch = "DROP TRIGGER event_is_never_updated; UPDATE event SET detail = '{}' WHERE sequence = 2;";
    database.execute_batch(&format!("{touch}{guard}")).unwrap();
    drop(database);
    tells(&opened(&env, "touched", &[]), &["The log does not verify", "event 2 was changed"]);
}

#[test]
fn ten_thousand_events_are_a_page_too() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let generator = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/python/generated_log.py");
    let mut grow = Command::new("python3");
    grow.arg(generator).arg(env.database()).arg("10000");
    Output::new("generated_log.py".to_owned(), grow.output().unwrap()).ok();
    let found = opened(&env, "long", &[]);
    tells(&found, &["The last 10000 events came after the seal", "the newest 200 of", "Role7"]);
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report/long/report.html");
    assert!(fs::metadata(page).unwrap().len() < 3_000_000);
}

#[test]
fn what_others_wrote_stays_text() {
    let env = TestEnvironment::new();
    let long = "x".repeat(240);
    for note in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</title><svg onload=alert(1)>",
        "\u{202e}txt.exe",
        &long,
    ] {
        env.credstack(["push", "assume", "Developer", "--from", "root", "--note", note]).ok();
    }
    let found = opened(&env, "hostile", &[]);
    tells(&found, &["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", r"\u{202e}txt.exe"]);
}

#[test]
fn who_was_current_before_the_time_that_is_asked_for_is_on_the_page() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let pushed = env.json(["history", "--event", "acquired"])["events"][0]["at"].clone();
    let since: jiff::Timestamp = pushed.as_str().unwrap().parse().unwrap();
    let since = (since + jiff::ToSpan::seconds(1)).to_string();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while env.json(["history", "--since", &since])["events"] == Value::Array(Vec::new()) {
        assert!(std::time::Instant::now() < deadline, "a second goes by");
        env.credstack(["exec", "--", "true"]).ok();
    }
    let page = env.plain(["audit", "report", "--html", "-", "--since", &since]).ok().stdout;
    let timeline = &page[page.find("<svg").expect("a timeline")..page.find("</svg>").unwrap()];
    assert!(timeline.contains(">Developer · 111122223333</text>"), "{timeline}");
    let nobody = env.plain(["audit", "report", "--html", "-", "--until", "2020-01-01"]).ok().stdout;
    assert!(nobody.contains("No stack moved.") && nobody.contains("nothing happened"), "{nobody}");
}
