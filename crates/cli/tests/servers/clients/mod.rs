//! Real clients under the identity that is current, in each way that it can be handed to them. What comes of it is the
//! tables of docs/clients.md.

mod client;
mod rust;
mod table;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use client::{CLIENTS, LIBRARIES, Running, Serving, WAYS, arn, run, run_under};

use crate::{
    common::{ALICE, TestEnvironment},
    learn,
    server::Server,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// Does something for each item, a few at a time; the results in the order of the items.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            // Where it is in the list: another worker may be ahead.
            let at = items.iter().position(|other| std::ptr::eq(other, item)).unwrap();
            done.push((at, work(item)));
        }
        done
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Every way of every client.
fn matrix() -> Vec<(&'static str, &'static str)> {
    WAYS.iter().flat_map(|way| CLIENTS.iter().map(move |client| (*way, *client))).collect()
}

/// Whether each client is the pushed role in each way, and who was before after a `pop`.
fn who_they_are(env: &TestEnvironment, role: &str, before: &str) -> Vec<bool> {
    env.plain(["setup", "profile"]).ok();
    env.plain(["push", "session"]).ok();
    let pushed = env.json(["push", "assume", role, "--session-name", "me"])["arn"].as_str().unwrap().to_owned();
    assert_ne!(pushed, before);
    let during = each(&matrix(), |(way, client)| arn(run(env, way, client)));
    env.plain(["pop"]).ok();
    let after = each(&matrix(), |(way, client)| arn(run(env, way, client)));
    for (cell, (during, after)) in matrix().iter().zip(during.iter().zip(&after)) {
        println!("{cell:?}: {during}, then {after}");
    }
    during.iter().zip(&after).map(|(during, after)| *during == pushed && after == before).collect()
}

#[test]
fn every_client_is_who_the_stack_says_in_every_way() {
    let sandbox = who_they_are(&TestEnvironment::new(), DEVELOPER, ALICE);
    let server = Server::ministack();
    let env = crate::environment(&server);
    let ministack = who_they_are(&env, &server.role("Plain"), &server.user);
    learn(&env, &server);
    let cell = |(sandbox, ministack): (&bool, &bool)| match (sandbox, ministack) {
        (true, true) => "yes".to_owned(),
        (true, false) => "sandbox only".to_owned(),
        (false, true) => "MiniStack only".to_owned(),
        (false, false) => "no".to_owned(),
    };
    let cells: Vec<String> = sandbox.iter().zip(&ministack).map(cell).collect();
    let rows = WAYS.iter().zip(cells.chunks(CLIENTS.len())).map(|(way, cells)| (name_of(way), cells.to_vec()));
    table::check("who they are", &table::table(&CLIENTS, rows));
    assert!(cells.iter().all(|cell| cell == "yes"), "{cells:?}");
}

/// A way as the document writes it.
fn name_of(way: &str) -> String {
    if way == "profile" { way.to_owned() } else { format!("`{way}`") }
}

/// One client object sees the `pop` when it asks for credentials again, which each does at a time of its own before they end.
#[test]
fn a_running_client_follows_a_pop_at_its_next_refresh() {
    const LIFETIME: u32 = 30;
    let ways = ["profile", "exec --via endpoint", "serve"];
    let env = TestEnvironment::new();
    env.plain(["setup", "profile"]).ok();
    env.plain(["push", "session"]).ok();
    env.session_lifetime(Some(LIFETIME));
    let pushed = Instant::now();
    let role = env.json(["push", "assume", DEVELOPER, "--session-name", "me"])["arn"].as_str().unwrap().to_owned();
    let serving = Serving::start(&env);
    let cells: Vec<_> = ways.iter().flat_map(|way| LIBRARIES.iter().map(move |client| (*way, *client))).collect();
    let mut running: Vec<_> = cells.iter().map(|(way, client)| Running::start(&env, way, &serving, client)).collect();
    for (client, cell) in running.iter_mut().zip(&cells) {
        assert_eq!(client.ask(), role, "{cell:?}");
    }
    env.plain(["pop"]).ok();
    let followed = running.iter_mut().zip(&cells).map(|(client, cell)| {
        // It may use what it has for as long as that is valid.
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut asked = 0;
        loop {
            asked += 1;
            let now = client.ask();
            if now == ALICE {
                break;
            }
            assert_eq!(now, role, "{cell:?}");
            assert!(Instant::now() < deadline, "{cell:?} does not follow");
            thread::sleep(Duration::from_millis(100));
        }
        println!("{cell:?}: asked {asked} times, {:?} after the push", pushed.elapsed());
        match asked {
            1 => "at its next request".to_owned(),
            _ => "when they end".to_owned(),
        }
    });
    let followed: Vec<_> = followed.collect();
    println!("{followed:?}");
    let rows = ways.iter().zip(followed.chunks(LIBRARIES.len())).map(|(way, cells)| (name_of(way), cells.to_vec()));
    table::check("when they follow", &table::table(&LIBRARIES, rows));
}

/// Each client fails, and says what it can: credstack's own words where it shows them.
#[test]
fn an_expired_frame_is_an_error_that_names_the_way_out() {
    let env = TestEnvironment::new();
    env.plain(["setup", "profile"]).ok();
    env.session_lifetime(Some(1));
    let id = env.push_role(DEVELOPER);
    let deadline = Instant::now() + Duration::from_secs(20);
    while env.plain(["whoami"]).code == Some(0) {
        assert!(Instant::now() < deadline);
    }
    let serving = Serving::start(&env);
    let outputs = each(&CLIENTS, |client| (run(&env, "profile", client), run_under(&env, &serving, client)));
    for (client, (profile, endpoint)) in CLIENTS.iter().zip(&outputs) {
        println!(
            "=== {client}\n--- profile {:?}\n{}\n--- endpoint {:?}\n{}",
            profile.code, profile.stderr, endpoint.code, endpoint.stderr
        );
    }
    let _ = id;
    for way in WAYS.iter().filter(|way| way.starts_with("exec") && **way != "exec --via profile") {
        run(&env, way, "boto3").exits(125).says("expired at");
    }
    run(&env, "env", "boto3").exits(5).says("expired at");
}
