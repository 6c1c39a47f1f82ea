//! Programs that go on running while the stack changes, and for longer than any credential set of it lives.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    clients::{self, Client},
    home,
    homes::Home,
    ways::{self, Serving},
};
use crate::common::{ALICE, TestEnvironment};

/// How long a session lives, in seconds.
const LIFETIME: u32 = 20;
const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
/// How long anything may take that is waited for: a bound, for a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(180);
/// Those that go on: every one but the AWS CLI.
const LIVING: [&str; 10] =
    ["boto3", "JavaScript v3", "JavaScript v2", "Rust", "Go v2", "Go v1", "Java v2", "Java v1", ".NET 4", ".NET 3"];
/// Neither reads the config file without a variable that `exec` sets.
const NOT_BY_PROFILE: [&str; 2] = ["JavaScript v2", "Go v1"];

/// One client object that lives on, and asks when it is told to; .NET's asks twice a second.
struct Running {
    name: String,
    child: Child,
    lines: Receiver<Value>,
    stderr: PathBuf,
}

impl Running {
    fn start(env: &TestEnvironment, home: &Home, way: &str, serving: Option<&Serving>, client: &Client) -> Running {
        let mut client = client.clone();
        if client.name.starts_with(".NET") {
            client.command.extend(["1000000".to_owned(), "0.5".to_owned()]);
        }
        let mut command = ways::command(env, home, way, serving, &client, &env.sandbox.url());
        command.env("TEST_CLIENT", "running").stdin(Stdio::piped()).stdout(Stdio::piped());
        let name = format!("{} by {way}", client.name);
        let stderr = env.scratch("running").join(name.replace(' ', "-"));
        env.write(&stderr, "");
        command.stderr(File::create(&stderr).unwrap());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            let documents = stdout.lines().map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
            documents.filter(Value::is_object).try_for_each(|document| sender.send(document))
        });
        Running { name, child, lines, stderr }
    }

    /// Lets it ask; the ARN that it is told, or its error.
    fn ask(&mut self) -> Result<String, String> {
        while self.lines.try_recv().is_ok() {}
        // One that asks by itself has no use for it.
        let _ = self.child.stdin.as_mut().unwrap().write_all(b"\n");
        let said = match self.lines.recv_timeout(PATIENCE) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => panic!("{} does not answer", self.name),
            // JavaScript v3 ends where nothing can be had any more: its refresh in the background has no handler.
            Err(RecvTimeoutError::Disconnected) => return Err(std::fs::read_to_string(&self.stderr).unwrap()),
        };
        match said["arn"].as_str() {
            Some(arn) => Ok(arn.to_owned()),
            None => Err(said["error"].to_string()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without stdin it ends; .NET's does when nobody reads.
        drop(self.child.stdin.take());
        if self.name.starts_with(".NET") {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// What the sandbox refused, and why.
fn refusals(env: &TestEnvironment) -> String {
    let calls = env.sandbox.calls();
    let refused = calls.iter().filter(|call| call["outcome"] != "ok");
    refused.map(|call| format!("\n{} {} {}: {}", call["time"], call["access_key_id"], call["outcome"], call["why"])).collect()
}

/// Asks all until each says what it must; until then each says one of what it may.
#[track_caller]
fn until(env: &TestEnvironment, running: &mut [Running], must: impl Fn(&Result<String, String>) -> bool, may: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    let mut waiting: Vec<_> = running.iter_mut().collect();
    while !waiting.is_empty() {
        waiting.retain_mut(|client| {
            let said = client.ask();
            if must(&said) {
                return false;
            }
            let as_before = said.as_ref().is_ok_and(|arn| may.contains(&arn.as_str()));
            assert!(as_before, "{}: {said:?}, not of {may:?}{}", client.name, refusals(env));
            assert!(Instant::now() < deadline, "{} still says {said:?}", client.name);
            true
        });
        thread::sleep(Duration::from_millis(200));
    }
}

/// Asks all for some lifetimes: each says the same throughout.
#[track_caller]
fn throughout(env: &TestEnvironment, running: &mut [Running], lifetimes: u32, arn: &str) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(u64::from(LIFETIME * lifetimes)) {
        for client in running.iter_mut() {
            let said = client.ask();
            assert_eq!(said, Ok(arn.to_owned()), "{}{}", client.name, refusals(env));
        }
        thread::sleep(Duration::from_millis(500));
    }
}

#[track_caller]
fn push(env: &TestEnvironment, session: &str) -> String {
    // Developer may not assume itself.
    let pushed = env.json(["push", "assume", DEVELOPER, "--session-name", session, "--from", "root"]);
    pushed["arn"].as_str().unwrap().to_owned()
}

fn start(env: &TestEnvironment, home: &Home, ways: &[&'static str], serving: &Serving) -> Vec<Running> {
    let cells = ways.iter().flat_map(|way| LIVING.iter().map(move |name| (*way, *name)));
    let cells = cells.filter(|(way, name)| *way != "profile" || !NOT_BY_PROFILE.contains(name));
    let clients = cells.filter_map(|(way, name)| Some((way, clients::client(name)?)));
    clients.map(|(way, client)| Running::start(env, home, way, (way == "serve").then_some(serving), &client)).collect()
}

/// By the profile and by an endpoint that follows the stack.
#[test]
#[ignore = "scripts/nightly runs it"]
fn programs_that_follow_the_stack_follow_a_pop_a_push_an_expiry_and_renewals() {
    let mut env = TestEnvironment::new();
    let home = home(&env, "empty");
    env.session_lifetime(Some(LIFETIME));
    env.plain(["push", "session"]).ok();
    env.no_keys();
    let first = push(&env, "first");
    let serving = Serving::start(&env, &home, "serve");
    let mut running = start(&env, &home, &["profile", "serve"], &serving);
    until(&env, &mut running, |said| *said == Ok(first.clone()), &[]);
    throughout(&env, &mut running, 2, &first);

    env.plain(["pop"]).ok();
    until(&env, &mut running, |said| *said == Ok(ALICE.to_owned()), &[&first]);
    let second = push(&env, "second");
    until(&env, &mut running, |said| *said == Ok(second.clone()), &[ALICE]);

    // What signed it is gone: it cannot be renewed, and nothing else may come in its place.
    env.plain(["drop", "--all", "--yes"]).ok();
    until(&env, &mut running, Result::is_err, &[&second]);
    for client in &mut running {
        assert!(client.ask().is_err(), "{}", client.name);
    }
}

/// Under `exec`, a program keeps the frame that it was started with.
#[test]
#[ignore = "scripts/nightly runs it"]
fn programs_under_exec_keep_their_frame_through_pushes_and_renewals_until_it_is_erased() {
    let mut env = TestEnvironment::new();
    let home = home(&env, "keys in both files");
    env.session_lifetime(Some(LIFETIME));
    env.plain(["push", "session"]).ok();
    env.no_keys();
    let first = push(&env, "first");
    let serving = Serving::start(&env, &home, "serve");
    let mut running = start(&env, &home, &["exec --via endpoint"], &serving);
    until(&env, &mut running, |said| *said == Ok(first.clone()), &[]);
    push(&env, "second");
    throughout(&env, &mut running, 2, &first);
    env.plain(["pop"]).ok();
    env.plain(["pop"]).ok();
    until(&env, &mut running, Result::is_err, &[&first]);
    for client in &mut running {
        assert!(client.ask().is_err(), "{}", client.name);
    }
}
