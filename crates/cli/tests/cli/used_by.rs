//! What the log says of keys that were handed out.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{
    common::{ALICE_KEY, TestEnvironment, http, programs, terminal::Terminal},
    handout::handed_out,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

/// The uses that the log tells of, oldest first: the credential set, the stack, and the detail without the actor.
fn uses(env: &TestEnvironment) -> Vec<Value> {
    let told = env.json(["history", "--event", "used-by", "--limit", "1000"]);
    let one = |event: &Value| {
        let mut detail = event["detail"].clone();
        let actor = detail.as_object_mut().unwrap().remove("actor").unwrap();
        for name in ["user", "host", "process", "parent_process", "version"] {
            assert!(!actor[name].is_null(), "{name}: {actor}");
        }
        json!([event["credential"], event["stack"], detail])
    };
    told["events"].as_array().unwrap().iter().rev().map(one).collect()
}

#[test]
fn every_way_of_handing_keys_out_is_in_the_log() {
    let mut env = TestEnvironment::new();
    let url = env.sandbox.url();
    env.set("CREDSTACK_SIGNIN_ENDPOINT", &format!("{url}/federation"));
    env.session_lifetime(Some(7200));
    env.push_role(DEVELOPER);
    env.plain(["setup", "profile"]).ok();
    handed_out(&env, &["env"]).ok();
    handed_out(&env, &["env", "--format", "fish", "--frame", "root"]).ok();
    handed_out(&env, &["env", "--format", "process", "--frame", "c2"]).ok();
    handed_out(&env, &["exec", "--", "sh", "-c", "exit 3 # an argument"]).exits(3);
    handed_out(&env, &["exec", "--via", "profile", "--", "/bin/true", "an argument"]).ok();
    handed_out(&env, &["console"]).ok();
    for at in ["", "default c2 eu-west-1"] {
        handed_out(&env, &["shell-sync", "bash", "--mode", "env", "--at", at]).ok();
        handed_out(&env, &["shell-sync", "zsh", "--mode", "profile", "--at", at]).ok();
    }
    let expected = [
        json!(["c2", "default", { "by": "env", "frame": "current", "format": "env" }]),
        json!(["c1", "default", { "by": "env", "frame": "root", "format": "fish" }]),
        json!(["c2", null, { "by": "env", "frame": "c2", "format": "process" }]),
        json!(["c2", "default", { "by": "exec", "frame": "current", "program": "sh", "mode": "env" }]),
        json!(["c2", "default", { "by": "exec", "frame": "current", "program": "true", "mode": "profile" }]),
        json!(["c2", "default", { "by": "console", "frame": "current", "mode": "url" }]),
        json!(["c2", "default", { "by": "env", "frame": "current", "mode": "hook", "format": "bash" }]),
    ];
    assert_eq!(uses(&env), expected);
    // Before it is handed out: the program finds it there.
    let itself = programs::credstack();
    let asks = ["exec", "--", itself.to_str().unwrap(), "history", "--limit", "1", "--json"];
    let found = handed_out(&env, &asks).ok().json()["events"][0]["detail"].clone();
    assert_eq!((&found["by"], &found["program"]), (&json!("exec"), &json!("credstack")));
    let event = env.json(["history", "--limit", "1"])["events"][0].clone();
    let current = env.list()["frames"][0].clone();
    for name in ["access_key_id", "account", "arn", "parent"] {
        assert_eq!(event[name], current[name], "{name}");
    }
    assert!(!env.plain(["history", "--jsonl"]).ok().stdout.contains("an argument"));
    env.plain(["audit", "verify"]).ok();
    // For people.
    let shown = env.plain(["history"]).ok().stdout;
    let who = current["arn"].as_str().unwrap();
    for words in [
        format!("{who}: env, printed (env)"),
        format!("{who}: exec sh (by env)"),
        format!("{who}: exec true (by profile)"),
        format!("{who}: console, as a URL"),
        format!("{who}: into a shell (bash)"),
        "user/alice: env, printed (fish)".to_owned(),
    ] {
        assert!(shown.contains(&words), "{words}\n{shown}");
    }
    assert_eq!(env.plain(["history", "--role", "Developer", "--event", "used-by", "--jsonl"]).ok().stdout.lines().count(), 7);
    assert!(env.plain(["history", "--graph", "--event", "used-by"]).ok().stdout.contains("c2 "));
}

#[test]
fn an_endpoint_is_in_the_log_from_beginning_to_end_with_what_it_gave() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let ask = "for i in 1 2 3; do curl -s -o /dev/null -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" \
               $AWS_CONTAINER_CREDENTIALS_FULL_URI || exit 9; done";
    handed_out(&env, &["exec", "--via", "endpoint", "--", "sh", "-c", ask]).ok();
    assert_eq!(
        uses(&env),
        [
            json!(["c2", "default", { "by": "exec", "frame": "current", "program": "sh", "mode": "endpoint" }]),
            json!(["c2", "default", { "by": "endpoint-start", "frame": "current", "mode": "container" }]),
            json!(["c2", "default", { "by": "endpoint-stop", "frame": "current", "mode": "container", "answers": 3 }]),
        ]
    );
    handed_out(&env, &["serve", "--imds", "--frame", "c2", "--ttl", "1"]).ok();
    assert_eq!(
        uses(&env)[3..],
        [
            json!(["c2", null, { "by": "endpoint-start", "frame": "c2", "mode": "metadata" }]),
            json!(["c2", null, { "by": "endpoint-stop", "frame": "c2", "mode": "metadata", "answers": 0 }]),
        ]
    );
    // What follows the stack gives the keys of many, and is ended by a signal.
    let mut command = Command::new(programs::credstack());
    command.args(["--json", "serve"]);
    env.prepare(&mut command);
    let mut serving = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(serving.stdout.as_mut().unwrap()), &mut line).unwrap();
    let set = serde_json::from_str::<Value>(&line).unwrap()["set"].clone();
    let uri = set["AWS_CONTAINER_CREDENTIALS_FULL_URI"].as_str().unwrap().to_owned();
    let token = set["AWS_CONTAINER_AUTHORIZATION_TOKEN"].as_str().unwrap().to_owned();
    let ask = || {
        let mut curl = Command::new("/usr/bin/curl");
        curl.args(["-s", "-f", "-o", "/dev/null", "-H", &format!("Authorization: {token}"), &uri]);
        assert!(curl.status().unwrap().success());
    };
    ask();
    env.push_role(READ_ONLY);
    ask();
    ask();
    let refused = Command::new("/usr/bin/curl").args(["-s", "-f", "-o", "/dev/null", &uri]).status().unwrap();
    assert!(!refused.success());
    let pid = serving.id().to_string();
    assert!(Command::new("/bin/kill").args(["-TERM", &pid]).status().unwrap().success());
    let status = serving.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15), "as if nobody had waited for it");
    let mut stops = uses(&env)[6..].to_vec();
    stops.sort_by_key(|stop| stop[0].as_str().map(str::to_owned));
    let stop = |id: &str, answers: u64| json!([id, "default", { "by": "endpoint-stop", "frame": "current", "mode": "container", "answers": answers }]);
    assert_eq!(stops, [stop("c2", 1), stop("c3", 2)]);
    let shown = env.plain(["history", "--event", "used-by"]).ok().stdout;
    assert!(shown.contains("an endpoint ended (container), answers: 3"), "{shown}");
    assert!(shown.contains("an endpoint begins (metadata)"), "{shown}");
}

#[test]
fn what_hands_nothing_out_is_not_in_the_log() {
    let mut env = TestEnvironment::new();
    // Nothing is stored, and there is no log to write to.
    handed_out(&env, &["--state-dir", "elsewhere", "env"]).ok();
    assert!(!env.home().join("elsewhere").exists());
    env.push_role(DEVELOPER);
    handed_out(&env, &["credential-process"]).ok();
    let (_, shown) = Terminal::start(&env, &["env"]).finish();
    assert!(shown.contains("--reveal"), "{shown}");
    handed_out(&env, &["env", "--frame", "c9"]).exits(3);
    handed_out(&env, &["console", "--frame", "root"]).exits(2);
    handed_out(&env, &["serve", "--frame", "root", "--ttl", "1"]).exits(2);
    handed_out(&env, &["exec", "--via", "endpoint", "--frame", "root", "--", "true"]).exits(125);
    // A mistake that may hold a secret, and no program.
    for program in ["TOKEN=of-mine", "./TOKEN=of-mine", "/nowhere/TOKEN=of-mine", ""] {
        handed_out(&env, &["exec", "--", program, "true"]).exits(127);
        handed_out(&env, &["exec", "--read-only", "--", program, "true"]).exits(127);
    }
    env.set("CREDSTACK_SIGNIN_ENDPOINT", "http://127.0.0.1:1/federation");
    handed_out(&env, &["console"]).exits(7);
    assert!(uses(&env).is_empty());
    assert_eq!(env.events(), ["store-changed", "captured", "acquired"]);
    assert!(!env.plain(["history", "--jsonl"]).ok().stdout.contains("of-mine"));
}

#[test]
fn a_use_of_an_ambient_identity_says_which() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.plain(["pop"]).ok();
    env.plain(["clear", "--yes"]).ok();
    // Keys that are stored no longer are the shell's own.
    handed_out(&env, &["env"]).ok();
    env.no_keys();
    env.aws_config(&format!(
        "[profile dev]\naws_access_key_id = {ALICE_KEY}\naws_secret_access_key = {}\n",
        crate::common::ALICE_SECRET
    ));
    env.plain(["push", "profile", "dev"]).ok();
    handed_out(&env, &["exec", "--", "true"]).ok();
    let events = env.json(["history", "--event", "used-by"])["events"].clone();
    for (event, expected) in events.as_array().unwrap().iter().zip([
        json!({ "profile": "dev", "region": "eu-west-1", "provider": "ProfileFile" }),
        json!({ "provider": "Environment" }),
    ]) {
        assert_eq!((&event["credential"], &event["access_key_id"]), (&Value::Null, &json!(ALICE_KEY)));
        assert_eq!(event["detail"]["ambient"], expected);
    }
    assert_eq!(events.as_array().unwrap().len(), 2);
    assert_eq!(env.json(["history", "--key", ALICE_KEY, "--event", "used-by"])["events"], events);
}

#[test]
fn keys_are_handed_out_where_the_log_cannot_be_written() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let database = rusqlite::Connection::open(env.database()).unwrap();
    // As on a full disk.
    let full = "CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
    database.execute_batch(full).unwrap();
    let output = handed_out(&env, &["env"]).ok().says("this use could not be written into the history").says("disk is full");
    assert!(output.stdout.contains("AWS_SESSION_TOKEN="));
    handed_out(&env, &["exec", "--", "sh", "-c", "exit 3"]).exits(3).says("could not be written");
    database.execute_batch("DROP TRIGGER full; BEGIN IMMEDIATE").unwrap();
    // Somebody else writes, and does not end.
    handed_out(&env, &["exec", "--via", "env", "--", "sh", "-c", "exit 3"]).exits(3).says("could not be written");
    database.execute_batch("ROLLBACK").unwrap();
    assert!(uses(&env).is_empty());
}

#[test]
fn a_policy_is_known_by_its_hash_and_a_session_by_what_was_given() {
    use sha2::{Digest, Sha256};
    let mut env = TestEnvironment::new();
    let policy = r#"{ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:*", "Resource": "*" }] }"#;
    let hash = hex::encode(Sha256::digest(policy));
    let token = http::get(&format!("{}/_sandbox/web-identity-token?subject=repo:example/app", env.sandbox.url())).body;
    env.learn(token.trim());
    env.write(&env.scratch("token"), &token);
    let token = env.scratch("token").to_str().unwrap().to_owned();
    let inline = ["--policy", policy, "--duration", "20m"];
    let check = |options: &[&str], hash: Option<&str>, given: i64| {
        env.json([&["push"], options].concat());
        let detail = env.json(["history", "--event", "acquired", "--limit", "1"])["events"][0]["detail"].clone();
        assert_eq!(detail["policy_sha256"].as_str(), hash, "{options:?}");
        let found = detail["duration_given"].as_i64().unwrap();
        assert!((given - 5..=given).contains(&found), "{options:?}: {found}");
        for name in ["endpoint", "sts_region", "request_id"] {
            assert!(!detail[name].is_null(), "{name} of {options:?}");
        }
        detail
    };
    let first = check(&[&["assume", DEVELOPER], &inline[..]].concat(), Some(&hash), 1200);
    assert_eq!((&first["request"]["policy"], &first["request"]["duration_seconds"]), (&json!(policy), &json!(1200)));
    check(&["assume", READ_ONLY, "--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"], None, 3600);
    check(&["session", "--from", "root"], None, 43_200);
    check(&[&["federation", "bob", "--from", "root"], &inline[..]].concat(), Some(&hash), 1200);
    let ci = ["web-identity", "arn:aws:iam::111122223333:role/Ci", "--token-file", &token];
    check(&[&ci[..], &inline[..]].concat(), Some(&hash), 1200);
    let query = "_sandbox/saml-assertion?role=arn:aws:iam::111122223333:role/sso/Staff&session_name=zoe";
    let assertion = http::get(&format!("{}/{query}", env.sandbox.url())).body;
    env.learn(assertion.trim());
    env.write(&env.scratch("assertion"), &assertion);
    let saml = ["saml", "--assertion-file", env.scratch("assertion").to_str().unwrap()].map(str::to_owned);
    check(&[&saml.each_ref().map(String::as_str)[..], &inline[..]].concat(), Some(&hash), 1200);
    let root = ["root", "444455556666", "--task-policy", "IAMAuditRootUserCredentials", "--from", "root"];
    assert_eq!(check(&root, None, 900)["request"]["target_principal"], "444455556666");
    // Each role of a profile's chain.
    env.aws_config(&format!(
        "[profile alice]\naws_access_key_id = {ALICE_KEY}\naws_secret_access_key = {}\n\
         [profile dev]\nrole_arn = {DEVELOPER}\nsource_profile = alice\nduration_seconds = 1800\n\
         [profile prod]\nrole_arn = {READ_ONLY}\nsource_profile = dev\n",
        crate::common::ALICE_SECRET
    ));
    check(&["profile", "prod", "--policy", policy], Some(&hash), 3600);
    let behind = env.json(["history", "--event", "acquired", "--limit", "2"])["events"][1]["detail"].clone();
    assert_eq!((&behind["request"]["duration_seconds"], &behind["signed_by"]["profile"]), (&json!(1800), &json!("alice")));
    assert!((1795..=1800).contains(&behind["duration_given"].as_i64().unwrap()) && !behind["request_id"].is_null());
    // A renewal asks for the same, and what is refused says where it was.
    env.plain(["refresh", "c2"]).ok();
    let renewed = env.json(["history", "--event", "acquired", "--limit", "1"])["events"][0]["detail"].clone();
    assert_eq!((&renewed["policy_sha256"], &renewed["request"]), (&json!(hash), &first["request"]));
    let refused = |env: &TestEnvironment| env.json(["history", "--failed", "--limit", "1"])["events"][0].clone();
    let nobody = ["push", "assume", "arn:aws:iam::111122223333:role/Nobody", "--policy", policy];
    env.plain([&nobody[..], &["--from", "root"]].concat()).exits(4);
    let event = refused(&env);
    let detail = &event["detail"];
    assert_eq!((&event["parent"], &detail["policy_sha256"], &detail["signed_by"]), (&json!("c1"), &json!(hash), &Value::Null));
    assert_eq!((&detail["endpoint"], &detail["sts_region"]), (&json!(env.sandbox.url()), &json!("eu-west-1")));
    env.plain([&nobody[..], &["--stack", "new", "--from", "env"]].concat()).exits(4);
    assert_eq!(refused(&env)["parent"], "c1");
    env.use_keys(crate::common::BOB_KEY, crate::common::BOB_SECRET, None);
    env.plain([&nobody[..], &["--from", "env"]].concat()).exits(4);
    assert_eq!(refused(&env)["detail"]["signed_by"], json!({ "provider": "Environment" }));
    env.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    env.plain([&nobody[..], &["--from", "env"]].concat()).exits(7);
    let detail = refused(&env)["detail"].clone();
    assert_eq!((&detail["endpoint"], &detail["code"]), (&json!("http://127.0.0.1:1"), &json!("Unreachable")));
}
