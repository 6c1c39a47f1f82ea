//! `audit cloudtrail`: what the keys of real pushes did, by records as CloudTrail would write them.

use std::path::PathBuf;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::common::{ALICE_KEY, Output, TestEnvironment, environment::path, terminal::Terminal};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
const HOME: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.9";

/// A record of a call.
fn call(key: &str, at: Timestamp, address: &str, action: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": { "type": "AssumedRole", "accessKeyId": key, "arn": "arn:aws:sts::111122223333:assumed-role/X/y" },
        "eventTime": at.to_string(), "eventSource": "s3.amazonaws.com", "eventName": action, "awsRegion": "eu-west-1",
        "sourceIPAddress": address, "userAgent": "aws-cli/2", "requestParameters": null, "responseElements": null,
        "readOnly": action.starts_with("Get"), "eventID": format!("{key}-{at}-{address}-{action}"),
    })
}

/// A record of an AssumeRole that gave a key.
fn assume(key: &str, at: Timestamp, address: &str, gives: &str) -> Value {
    let mut record = call(key, at, address, "AssumeRole");
    record["eventSource"] = json!("sts.amazonaws.com");
    let expiration = (at + 60.minutes()).strftime("%b %d, %Y, %I:%M:%S %p").to_string();
    record["responseElements"] = json!({ "credentials": { "accessKeyId": gives, "expiration": expiration } });
    record
}

/// alice with a role and another one on top of it, popped again: their keys, and the time of the pop.
fn incident(env: &TestEnvironment) -> (String, String, Timestamp) {
    let key = |id: &str| env.json(["audit", "show", id])["access_key_id"].as_str().unwrap().to_owned();
    let (developer, reader) = (env.push_role(DEVELOPER), env.push_role(READ_ONLY));
    env.plain(["pop"]).ok();
    let erased = env.json(["history", "--event", "erased"])["events"][0]["at"].as_str().unwrap().parse().unwrap();
    (key(&developer), key(&reader), erased)
}

fn trail(env: &TestEnvironment, name: &str, records: &[Value]) -> PathBuf {
    let file = env.scratch(name);
    env.write(&file, &json!({ "Records": records }).to_string());
    file
}

#[track_caller]
fn asked(env: &TestEnvironment, arguments: &[&str]) -> Value {
    env.json([&["audit", "cloudtrail"], arguments].concat())
}

fn keys(activity: &Value) -> Vec<&str> {
    activity["keys"].as_array().unwrap().iter().map(|key| key["access_key_id"].as_str().unwrap()).collect()
}

fn misfits(key: &Value) -> Vec<(&str, &str, u64)> {
    let misfits = key["misfits"].as_array().unwrap().iter();
    misfits.map(|it| (it["why"].as_str().unwrap(), it["address"].as_str().unwrap(), it["calls"].as_u64().unwrap())).collect()
}

#[test]
fn what_each_credential_did_is_told_from_a_trail() {
    let env = TestEnvironment::new();
    let (developer, reader, popped) = incident(&env);
    let made = "ASIAFAKEELSEWHERE001";
    let at = |minutes: i64| popped + minutes.minutes();
    let records = [
        assume(ALICE_KEY, at(0), HOME, &developer),
        assume(&developer, at(0), HOME, &reader),
        call(&developer, at(1), HOME, "GetObject"),
        call(&developer, at(2), "s3.amazonaws.com", "GetObject"),
        call(&developer, at(3), ELSEWHERE, "PutObject"),
        call(&developer, at(90), HOME, "GetObject"),
        call(&reader, at(10), HOME, "GetObject"),
        assume(&developer, at(4), ELSEWHERE, made),
        call(made, at(5), ELSEWHERE, "DeleteObject"),
        call("AKIAFAKESOMEBODY0001", at(5), HOME, "GetObject"),
    ];
    let file = trail(&env, "trail.json", &records);
    let activity = asked(&env, &[path(&file)]);
    assert_eq!(keys(&activity), [ALICE_KEY, &developer, made, &reader], "each followed by what was made from it elsewhere");
    let of = |index: usize| &activity["keys"][index];
    assert_eq!((&activity["records"], &activity["others"]), (&json!(10), &json!(1)));
    assert_eq!((&of(1)["credentials"], &of(1)["calls"], &of(1)["address"]), (&json!(["c2"]), &json!(6), &json!(HOME)));
    assert_eq!(of(1)["erased_at"], Value::Null, "it is still here");
    let actions: Vec<_> = of(1)["actions"]["seen"].as_array().unwrap().iter().map(|it| it["what"]["action"].clone()).collect();
    assert_eq!(actions, ["GetObject", "AssumeRole", "PutObject"]);
    assert_eq!(misfits(of(1)), [("other-address", ELSEWHERE, 2), ("after-expiry", HOME, 1)]);
    assert_eq!(misfits(of(3)), [("after-erased", HOME, 1)]);
    assert_eq!((&of(2)["made"]["ours"], &of(2)["made"]["by"]), (&json!("c2"), &json!(developer)));
    assert_eq!((misfits(of(2)), &of(2)["writes"]), (vec![], &json!(1)));
    // The same calls, twice, the newest first, as `lookup-events` tells them, through stdin.
    let event = |record: &Value| json!({ "CloudTrailEvent": record.to_string() });
    let events: Vec<_> = records.iter().rev().map(event).collect();
    let mut command = env.command(["--json", "audit", "cloudtrail", "-", path(&file)]);
    command.arg("--quiet");
    let again = env.run_with_input(command, json!({ "Events": events }).to_string().as_bytes()).ok().json();
    assert_eq!((&again["keys"], &again["duplicates"]), (&activity["keys"], &json!(9)));
    // A pipe gives everything once, and a session before its making has all of it read again.
    let turned = trail(&env, "turned.json", &records.iter().rev().cloned().collect::<Vec<_>>());
    let mut bash = std::process::Command::new("/bin/bash");
    env.prepare(&mut bash);
    let program = crate::common::programs::credstack();
    bash.args(["-c", "exec \"$0\" --json audit cloudtrail <(cat \"$1\")", path(&program), path(&turned)]);
    assert_eq!(env.run(bash).ok().json()["keys"], activity["keys"]);
    // What is asked for.
    assert_eq!(keys(&asked(&env, &["--credential", "c2", path(&file)])), [&*developer, made]);
    assert_eq!(keys(&asked(&env, &["--key", made, path(&file)])), [made]);
    let since = at(5).to_string();
    let some = asked(&env, &["--since", &since, "--until", &at(11).to_string(), path(&file)]);
    assert_eq!((&some["outside"], &some["keys"][2]["calls"]), (&json!(7), &json!(1)));
    env.plain(["audit", "cloudtrail", "--credential", "c99", path(&file)]).exits(3);
    env.plain(["audit", "cloudtrail", "--since", "soon", path(&file)]).exits(2).says("--since soon: not a time");
    let shown = env.plain(["audit", "cloudtrail", path(&file)]).ok().stdout;
    for part in [
        "10 records in 1 file: 9 calls with these keys, 1 with others",
        "elsewhere",
        "after it was erased here",
        "AssumeRole from c2",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn what_stands_in_a_record_controls_no_terminal() {
    let env = TestEnvironment::new();
    incident(&env);
    let mut record = call(ALICE_KEY, Timestamp::UNIX_EPOCH, "\u{1b}]0;evil\u{7}", "Get\u{202e}Object");
    record["userAgent"] = json!("\u{9b}31m");
    let file = trail(&env, "trail.json", &[record]);
    for arguments in [&["audit", "cloudtrail"][..], &["--json", "audit", "cloudtrail"]] {
        let shown = env.plain([arguments, &[path(&file)]].concat()).ok();
        assert!(!shown.stdout.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{:?}", shown.stdout);
        assert!(shown.stdout.contains("evil"), "{}", shown.stdout);
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_shown() {
    let env = TestEnvironment::new();
    let (developer, _, popped) = incident(&env);
    let good = trail(&env, "good.json", &[call(&developer, popped, HOME, "GetObject")]);
    let cut = env.scratch("cut.json");
    let text = std::fs::read_to_string(&good).unwrap();
    env.write(&cut, &text[..text.len() - 20]);
    let none = env.scratch("package.json");
    env.write(&none, "{\"name\": \"x\"}");
    let cloudtrail = |files: &[&PathBuf]| -> Output {
        let files: Vec<_> = files.iter().map(|file| path(file)).collect();
        env.plain([&["audit", "cloudtrail"], &files[..]].concat())
    };
    let shown = cloudtrail(&[&good, &cut]).exits(2).says("cut.json at byte 12: it ends in the middle").says("could not be read");
    assert!(shown.stdout.contains(&developer), "{}", shown.stdout);
    cloudtrail(&[&good, &none]).exits(2).says("package.json: there is no CloudTrail in it");
    let shown = cloudtrail(&[&none]).exits(2).says("package.json: there is no CloudTrail in it").says("lookup-events");
    assert_eq!(shown.stdout, "");
    cloudtrail(&[&env.scratch("nowhere")]).exits(2).says("nowhere cannot be read: No such file");
    cloudtrail(&[&env.home().join(".aws-none"), &good]).exits(2);
    std::fs::create_dir(env.scratch("empty")).unwrap();
    cloudtrail(&[&env.scratch("empty")]).exits(2).says("there is no CloudTrail in");
    env.plain(["audit", "cloudtrail"]).exits(2);
}

/// stdout is data: a bar is for a person at a terminal.
#[test]
fn a_bar_is_shown_on_a_terminal_only() {
    let env = TestEnvironment::new();
    incident(&env);
    let records: Vec<_> = (0..20_000).map(|_| call(ALICE_KEY, Timestamp::UNIX_EPOCH, HOME, "GetObject")).collect();
    let file = trail(&env, "trail.json", &records);
    let bar = "iB/s, ";
    let shown = Terminal::start(&env, &["--json", "audit", "cloudtrail", path(&file)]).finish();
    assert!(shown.0.success() && shown.1.contains(bar), "{}", shown.1);
    let shown = Terminal::start(&env, &["--json", "--quiet", "audit", "cloudtrail", path(&file)]).finish();
    assert!(shown.0.success() && !shown.1.contains(bar), "{}", shown.1);
    assert_eq!(env.plain(["--json", "audit", "cloudtrail", path(&file)]).ok().stderr, "");
}
