//! One client in one way in one home: what came of it, and whether that is right.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    clients::Client,
    gaps,
    homes::Home,
    ways::{self, Serving},
    witness::Witness,
};
use crate::common::TestEnvironment;

/// The frame that was handed out.
pub struct Frame {
    pub arn: String,
    pub account: String,
    pub key: String,
    pub region: String,
    pub expires: Timestamp,
}

/// A client in a way in a home. What it asks goes to a server, or is refused where there is none.
pub struct Cell<'a> {
    pub client: &'a Client,
    pub way: &'static str,
    pub home: &'a Home,
    pub server: Option<SocketAddr>,
}

/// What came of a cell.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// The frame's identity, account and region; and its expiry, where the client tells one.
    Right,
    /// Nothing was signed: the client's words.
    Refused(String),
    /// Another identity, or the frame's with another account, region or expiry.
    Wrong(String),
}

/// Runs a cell. A client that asks an endpoint waits a second for an answer, which is little on a busy machine: a refusal that is
/// not listed has to come three times.
pub fn run(env: &TestEnvironment, frame: &Frame, cell: &Cell<'_>, serving: Option<&Serving>) -> Outcome {
    let asks_an_endpoint = cell.way.starts_with("serve") || cell.way == "exec --via endpoint";
    let mut outcome = once(env, frame, cell, serving);
    for _ in 0..if asks_an_endpoint { 2 } else { 0 } {
        let listed = gaps::expected(cell.client.name, cell.way, cell.home.name, &outcome).is_ok();
        if listed || !matches!(outcome, Outcome::Refused(_)) {
            break;
        }
        outcome = once(env, frame, cell, serving);
    }
    outcome
}

fn once(env: &TestEnvironment, frame: &Frame, cell: &Cell<'_>, serving: Option<&Serving>) -> Outcome {
    let Cell { client, way, home, server } = cell;
    let witness = Witness::start(*server);
    let mut command = ways::command(env, home, way, serving, client, &witness.url());
    // Kept by its name: a command line would show its variables.
    let output = env.keep(format!("{} by {way} in {}", client.name, home.name), command.output().unwrap());
    judge(frame, &witness, client, &output.stdout, &output.stderr)
}

/// Judges what a client printed, and what it signed.
fn judge(frame: &Frame, witness: &Witness, client: &Client, stdout: &str, stderr: &str) -> Outcome {
    let signatures = witness.signatures();
    let said = document(stdout);
    let text = |name: &str| said[name].as_str().or_else(|| said[capitalized(name).as_str()].as_str()).unwrap_or_default();
    if let Some((key, _)) = signatures.iter().find(|(key, _)| *key != frame.key) {
        return Outcome::Wrong(format!("signed with {key}, not {}; {said}", frame.key));
    }
    if signatures.is_empty() {
        assert_eq!(text("arn"), "", "an answer without a question: {stdout}");
        let error = said["error"].as_array().map(|words| words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(": "));
        let error = error.unwrap_or_else(|| text("error").to_owned());
        return Outcome::Refused(if error.is_empty() { stderr.trim().to_owned() } else { error });
    }
    let told = |name: &str, right: &str, needed: bool| {
        let value = text(name);
        (value != right && (needed || !value.is_empty())).then(|| format!("{name} {value:?}, not {right:?}"))
    };
    if !client.tells {
        return Outcome::Right;
    }
    // With an endpoint of its own, .NET 3 signs for us-east-1 whatever its region is.
    let tells_region = client.name != ".NET 3";
    let faults = [
        told("arn", &frame.arn, true),
        // The SDK for .NET prints none of the answer's.
        told("account", &frame.account, false),
        told("account_given", &frame.account, false),
        told("region", &frame.region, false),
        signatures
            .iter()
            .find(|(_, region)| tells_region && *region != frame.region)
            .map(|(_, region)| format!("signed for {region}")),
        expiry(frame, text("expires")),
    ];
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    if faults.is_empty() { Outcome::Right } else { Outcome::Wrong(format!("{}; {said} {stderr}", faults.join(", "))) }
}

/// Clients round it, and Go's v2 takes five minutes off an endpoint's at most.
fn expiry(frame: &Frame, told: &str) -> Option<String> {
    if told.is_empty() {
        return None;
    }
    let told: Timestamp = told.parse().unwrap_or_else(|error| panic!("{told}: {error}"));
    let off = frame.expires.as_second() - told.as_second();
    (!(-1..=300).contains(&off)).then(|| format!("expires {told}, not {}", frame.expires))
}

/// The JSON document that a client printed: on a line, or the whole of it.
fn document(stdout: &str) -> Value {
    let mut lines = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.rfind(Value::is_object).or_else(|| serde_json::from_str(stdout).ok()).unwrap_or(Value::Null)
}

fn capitalized(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}
