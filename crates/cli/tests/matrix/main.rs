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
mod living;
mod packages;
mod rust;
#[allow(dead_code, reason = "the tests with servers use the rest of it")]
#[path = "../servers/server.rs"]
mod server;
mod ways;
mod witness;

use std::{
    collections::BTreeMap,
    io::Write,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use cell::{Cell, Frame};
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
fn matrix(
    env: &TestEnvironment,
    clients: &[Client],
    homes: &[&'static str],
    server: impl Fn(&Client) -> Option<SocketAddr>,
) -> Vec<String> {
    let frame = pushed(env);
    let homes: Vec<Home> = homes.iter().map(|name| home(env, name)).collect();
    let serving: BTreeMap<(&str, &str), Serving> = homes
        .iter()
        .flat_map(|home| ["serve", "serve --imds"].map(|way| ((home.name, way), Serving::start(env, home, way))))
        .collect();
    let in_homes = |client| homes.iter().flat_map(move |home| WAYS.map(|way| (client, way, home)));
    let cells = clients.iter().flat_map(in_homes);
    let cells: Vec<_> = cells.map(|(client, way, home)| Cell { client, way, home, server: server(client) }).collect();
    let outcomes = each(&cells, |cell| cell::run(env, &frame, cell, serving.get(&(cell.home.name, cell.way))));
    println!("{} cells of {} clients", cells.len(), clients.len());
    let faults = cells.iter().zip(&outcomes).filter_map(|(Cell { client, way, home, .. }, outcome)| {
        let fault = gaps::expected(client.name, way, home.name, outcome).err()?;
        Some(format!("{} by {way} in a home with {}: {fault}", client.name, home.name))
    });
    faults.collect()
}

/// Runs the clients on SDKs.
fn sdks(homes: &[&'static str]) {
    let left_out: Vec<_> = clients::NAMES.into_iter().filter(|name| clients::client(name).is_none()).collect();
    if !left_out.is_empty() {
        // Not by `eprintln!`, which the test runner shows of failed tests alone.
        let said = format!("left out, since scripts/clients made no program of it: {}\n", left_out.join(", "));
        std::io::stderr().write_all(said.as_bytes()).unwrap();
    }
    let env = TestEnvironment::new();
    let faults = matrix(&env, &clients::all(), homes, |_| Some(env.sandbox.address()));
    assert!(faults.is_empty(), "{} cells:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_client_is_the_frame_in_every_way_beside_another_identity() {
    sdks(&homes::BOUNDED);
}

#[test]
#[ignore = "scripts/nightly runs it: all homes"]
fn every_client_is_the_frame_in_every_way_in_every_home() {
    sdks(&homes::ALL);
}

/// OpenTofu's state is in a bucket of moto's; what the others ask is refused.
#[test]
#[ignore = "scripts/nightly runs it: programs of packages"]
fn every_program_of_a_package_is_the_frame_or_finds_nothing() {
    let env = TestEnvironment::new();
    let moto = server::Server::open_moto();
    let made = common::http::put(&format!("{}/state", moto.url()), "");
    assert_eq!(made.status, 200, "{}", made.body);
    let address = moto.url().strip_prefix("http://").unwrap().parse().unwrap();
    let faults = matrix(&env, &packages::all(&env), &homes::ALL, |client| (client.name == "OpenTofu").then_some(address));
    assert!(faults.is_empty(), "{} cells:\n{}", faults.len(), faults.join("\n"));
}
