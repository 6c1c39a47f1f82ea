//! `console`: the sign-in URL, from the sandbox's sign-in service.

use std::{os::unix::fs::PermissionsExt, time::Instant};

use url::Url;

use crate::{
    common::{ALICE, Output, TestEnvironment, answering::answering},
    handout::handed_out,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const ELSEWHERE: &str = "arn:aws:iam::444455556666:role/ReadOnly";

fn environment() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    let url = env.sandbox.url();
    env.set("CREDSTACK_SIGNIN_ENDPOINT", &format!("{url}/federation"));
    env
}

/// The URL is a secret, and is what was asked for: it is not kept for the scan.
fn console(env: &TestEnvironment, arguments: &[&str]) -> Output {
    handed_out(env, &[&["console"], arguments].concat())
}

#[track_caller]
fn pairs(output: Output) -> Vec<(String, String)> {
    let url = Url::parse(output.ok().stdout.trim()).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

#[test]
fn a_role_and_a_federated_user_sign_in() {
    let env = environment();
    env.push_role(DEVELOPER);
    let found = pairs(console(&env, &["--service", "s3", "--duration", "4h"]));
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Action", "Issuer", "Destination", "SigninToken"]);
    assert_eq!(found[0].1, "login");
    let page = "https://eu-west-1.console.aws.amazon.com/go/view?service=s3&region=eu-west-1&account=111122223333";
    assert_eq!(found[2].1, page);
    assert!(found[3].1.len() >= 600);
    let there = pairs(console(&env, &["--region", "us-west-2"]));
    assert_eq!(there[2].1, "https://us-west-2.console.aws.amazon.com/console/home?region=us-west-2&account=111122223333");
    let printed = handed_out(&env, &["--json", "console"]).ok().json();
    assert!(printed["url"].as_str().unwrap().contains("SigninToken=") && printed["destination"].as_str().is_some());
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let bob = env.json(["push", "federation", "bob", "--policy", policy, "--from", "root"])["credential"].clone();
    pairs(console(&env, &["--frame", bob.as_str().unwrap()]));
    console(&env, &["--duration", "1h"]).exits(2).says("a federated user lasts as long as its credentials");
}

#[test]
fn what_cannot_sign_in_is_told_what_can() {
    let env = environment();
    console(&env, &[]).exits(2).says("long-term keys cannot sign in").says("push a role on top of it");
    env.push_session();
    console(&env, &[]).exits(2).says("GetSessionToken").says("push federation NAME");
    console(&env, &["--frame", "root"]).exits(2).says("long-term keys cannot sign in");
    env.push_role(DEVELOPER);
    console(&env, &["--duration", "13h"]).exits(2).says("lasts 15m to 12h");
    console(&env, &["--duration", "14m"]).exits(2).says("lasts 15m to 12h");
    env.push_role(ELSEWHERE);
    console(&env, &["--duration", "2h"]).exits(2).says("for at most 1h").says("--from root");
    pairs(console(&env, &["--duration", "1h"]));
    console(&env, &["--region", "cn-north-1"]).exits(2).says("this identity is of partition aws");
    console(&env, &["--service", "s3?x=y"]).exits(2).says("expected a service's name");
    console(&env, &["--frame", "c99"]).exits(3);
    assert_eq!(env.json(["whoami", "root"])["arn"], ALICE);
}

#[test]
fn whatever_answers_is_an_error_with_an_exit_code() {
    let mut env = environment();
    env.push_role(DEVELOPER);
    env.sandbox.end_sessions();
    console(&env, &[]).exits(4).says("refused these credentials: HTTP 400");
    let sandbox = env.sandbox.url();
    for (endpoint, says) in [
        ("http://127.0.0.1:1/federation", "cannot be reached"),
        ("http://localhost.invalid:80/federation", "CREDSTACK_SIGNIN_ENDPOINT is not an https URL"),
        ("nonsense", "CREDSTACK_SIGNIN_ENDPOINT is not an https URL"),
        (&answering("200 OK", |_| "<html>".into()), "holds no sign-in token"),
        (&answering("200 OK", |_| r#"{"SigninToken":""}"#.into()), "holds no sign-in token"),
        (&answering("302 Found\r\nLocation: http://127.0.0.1:1/", |_| String::new()), "it answered HTTP 302"),
        (&answering("200 OK", |_| format!("\"{}\"", "x".repeat(2_000_000))), "cannot be reached"),
        (&format!("{sandbox}/nowhere"), "HTTP 404"),
    ] {
        env.set("CREDSTACK_SIGNIN_ENDPOINT", endpoint);
        let output = console(&env, &[]).says(says);
        let code = if says.contains("CREDSTACK") {
            2
        } else if says.contains("404") {
            4
        } else {
            7
        };
        output.exits(code);
    }
    // One that accepts and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    env.set("CREDSTACK_SIGNIN_ENDPOINT", &format!("http://{}/", silent.local_addr().unwrap()));
    let began = Instant::now();
    console(&env, &[]).exits(7).says("no answer from 127.0.0.1");
    assert!(began.elapsed().as_secs() < 40);
}

#[test]
fn the_keys_are_in_the_body_and_not_in_the_url() {
    let mut env = environment();
    env.push_role(DEVELOPER);
    let (hear, heard) = std::sync::mpsc::channel();
    let endpoint = answering("200 OK", move |request| {
        hear.send(request.to_owned()).unwrap();
        r#"{"SigninToken":"fake"}"#.into()
    });
    env.set("CREDSTACK_SIGNIN_ENDPOINT", &endpoint);
    console(&env, &["--duration", "1h"]).ok();
    let request = heard.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{}", head.lines().next().unwrap());
    assert!(!head.contains("sessionKey") && !head.contains("SessionToken"));
    assert!(body.starts_with("Action=getSigninToken&SessionDuration=3600&Session=%7B%22sessionId%22"));
}

#[test]
fn a_token_that_repeats_the_keys_is_none() {
    let mut env = environment();
    env.push_role(DEVELOPER);
    let endpoint = answering("200 OK", |request| {
        let form = request.split_once("\r\n\r\n").unwrap().1;
        let url = Url::parse(&format!("http://form/?{form}")).unwrap();
        let session = url.query_pairs().find(|(name, _)| name == "Session").unwrap().1.into_owned();
        let session: serde_json::Value = serde_json::from_str(&session).unwrap();
        serde_json::json!({ "SigninToken": session["sessionKey"] }).to_string()
    });
    env.set("CREDSTACK_SIGNIN_ENDPOINT", &endpoint);
    env.plain(["console"]).exits(7).says("holds no sign-in token");
}

#[test]
fn open_hands_the_url_to_the_browser() {
    let mut env = environment();
    env.push_role(DEVELOPER);
    let (bin, seen) = (env.scratch("bin"), env.scratch("seen"));
    let browser = bin.join("xdg-open");
    env.write(&browser, &format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", seen.display()));
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    env.set("PATH", &format!("{}:/usr/bin:/bin", bin.display()));
    let output = console(&env, &["--open"]).ok();
    assert_eq!(output.stdout, "", "it is not shown as well");
    assert!(std::fs::read_to_string(&seen).unwrap().contains("SigninToken="));
    env.write(&browser, "#!/bin/sh\nexit 3\n");
    env.set("PATH", bin.to_str().unwrap());
    let failed = console(&env, &["--open"]).exits(3).says("leave --open out");
    assert!(!failed.stderr.contains("SigninToken"), "{}", failed.stderr);
}
