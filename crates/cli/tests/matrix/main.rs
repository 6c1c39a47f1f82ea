//! Never another identity: every client in every way, in homes in which another identity lies where a client could take it.
//! What comes of a cell is the frame's identity, or a refusal that is listed.
//!
//! A bounded part runs with the other tests; `scripts/nightly` runs all homes and the programs of packages.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is tests; Clippy's own exception ends at helper functions"
)]

#[path = "../common/mod.rs"]
mod common;

mod cell;
mod clients;
mod gaps;
mod homes;
mod rust;
mod ways;
mod witness;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use cell::Frame;
use clients::Client;
use common::TestEnvironment;
use homes::Home;
use ways::{Serving, WAYS};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// Does something for each item, a few at a time; the results in the order of the items.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((at, item)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
                {
                    let result = work(item);
                    done.lock().unwrap().insert(at, result);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
}

/// A stack with a role on it, and that frame.
fn pushed(env: &TestEnvironment) -> Frame {
    let key_of = |frame: &serde_json::Value, name: &str| frame[name].as_str().unwrap().to_owned();
    env.push_role(DEVELOPER);
    let frame = env.list()["frames"][0].clone();
    Frame {
        arn: key_of(&frame, "arn"),
        account: key_of(&frame, "account"),
        key: key_of(&frame, "access_key_id"),
        region: key_of(&frame, "region"),
        expires: key_of(&frame, "expires_at").parse().unwrap(),
    }
}

/// A home with the managed profile in it.
fn home(env: &TestEnvironment, name: &'static str) -> Home {
    let home = homes::make(env, name);
    let mut setup = env.command(["setup", "profile", "--region", "eu-west-1"]);
    ways::shell(env, &home, &mut setup);
    env.run(setup).ok();
    home
}

/// Runs clients in every way and in homes; every cell that is not as it must be.
fn matrix(clients: &[Client], homes: &[&'static str]) -> Vec<String> {
    let env = TestEnvironment::new();
    let frame = pushed(&env);
    let homes: Vec<Home> = homes.iter().map(|name| home(&env, name)).collect();
    let serving: BTreeMap<(&str, &str), Serving> = homes
        .iter()
        .flat_map(|home| ["serve", "serve --imds"].map(|way| ((home.name, way), Serving::start(&env, home, way))))
        .collect();
    let cells: Vec<(&Client, &str, &Home)> =
        clients.iter().flat_map(|client| homes.iter().flat_map(move |home| WAYS.map(|way| (client, way, home)))).collect();
    let outcomes =
        each(&cells, |(client, way, home)| cell::run(&env, &frame, home, way, serving.get(&(home.name, *way)), client));
    let faults = cells.iter().zip(&outcomes).filter_map(|((client, way, home), outcome)| {
        let fault = gaps::expected(client.name, way, home.name, outcome).err()?;
        Some(format!("{} by {way} in a home with {}: {fault}", client.name, home.name))
    });
    println!("{} cells of {} clients", cells.len(), clients.len());
    faults.collect()
}

#[test]
#[ignore = "scripts/nightly runs it: the most telling homes"]
fn every_client_is_the_frame_in_every_way_beside_another_identity() {
    let faults = matrix(&clients::all(), &homes::BOUNDED);
    assert!(faults.is_empty(), "{} cells:\n{}", faults.len(), faults.join("\n"));
}

#[test]
#[ignore = "scripts/nightly runs it: all homes"]
fn every_client_is_the_frame_in_every_way_in_every_home() {
    let faults = matrix(&clients::all(), &homes::ALL);
    assert!(faults.is_empty(), "{} cells:\n{}", faults.len(), faults.join("\n"));
}
