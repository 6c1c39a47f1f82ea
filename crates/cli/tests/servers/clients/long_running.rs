//! Clients that go on for longer than any credential set of their chain lives, without a person.

use std::time::{Duration, Instant};

use super::client::{LIBRARIES, Running, Serving};
use crate::common::TestEnvironment;

/// How long each link lives, in seconds: it is renewed at half of that.
const LIFETIME: u32 = 6;
/// How many lifetimes the clients go on for.
const LIFETIMES: u32 = 5;

#[test]
fn clients_work_across_many_expiries_of_a_chain_of_three() {
    let mut env = TestEnvironment::new();
    env.plain(["setup", "profile"]).ok();
    env.session_lifetime(Some(LIFETIME));
    env.push_role("arn:aws:iam::111122223333:role/Developer");
    env.push_role("arn:aws:iam::444455556666:role/ReadOnly");
    let reporter = env.json(["push", "assume", "arn:aws:iam::777788889999:role/Reporter"])["arn"].as_str().unwrap().to_owned();
    env.no_keys();
    let serving = Serving::start(&env);
    let ways = ["profile", "exec --via endpoint", "serve"];
    let cells: Vec<_> = ways.iter().flat_map(|way| LIBRARIES.iter().map(move |client| (*way, *client))).collect();
    let mut running: Vec<_> = cells.iter().map(|(way, client)| Running::start(&env, way, &serving, client)).collect();
    let renewals = |env: &TestEnvironment| env.events().iter().filter(|event| *event == "renewed").count();
    let (begun, mut rounds) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(u64::from(LIFETIME * LIFETIMES)) {
        for (client, cell) in running.iter_mut().zip(&cells) {
            assert_eq!(client.ask(), reporter, "{cell:?} after {rounds} rounds");
        }
        rounds += 1;
    }
    assert!(renewals(&env) >= LIFETIMES as usize, "{} renewals in {rounds} rounds", renewals(&env));
    // What was asked for was asked once: each call gave a set that took the place of another.
    let calls = env.sandbox.calls();
    let assumed = calls.iter().filter(|call| call["action"] == "AssumeRole" && call["outcome"] == "ok").count();
    assert_eq!(assumed, 3 + renewals(&env));
    assert!(calls.iter().all(|call| call["outcome"] == "ok"), "nothing was refused");
}
