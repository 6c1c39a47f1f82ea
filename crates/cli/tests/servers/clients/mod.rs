//! Real clients under the identity that is current, in each way that it can be handed to them. What comes of it is the
//! tables of docs/clients.md.

mod client;
mod long_running;
mod rust;
mod table;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use client::{CLIENTS, LIBRARIES, Running, Serving, WAYS, arn, run, run_under};

use crate::{
    common::{ALICE, Output, TestEnvironment},
    learn,
    server::Server,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// Does something for each item, a few at a time; the results in the order of the items.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    let result = work(item);
                    done.lock().unwrap().insert(at, result);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
}

/// Every way of every client.
fn matrix() -> Vec<(&'static str, &'static str)> {
    WAYS.iter().flat_map(|way| CLIENTS.iter().map(move |client| (*way, *client))).collect()
}

/// Whether every cell of the matrix is right: each client is the pushed role in each way, and who was before after a `pop`.
fn who_they_are(env: &TestEnvironment, role: &str, before: &str) -> Vec<bool> {
    env.plain(["setup", "profile"]).ok();
    env.plain(["push", "session"]).ok();
    let pushed = env.json(["push", "assume", role, "--session-name", "me"])["arn"].as_str().unwrap().to_owned();
    assert_ne!(pushed, before);
    let during = each(&matrix(), |(way, client)| arn(run(env, way, client)));
    env.plain(["pop"]).ok();
    let after = each(&matrix(), |(way, client)| arn(run(env, way, client)));
    during.iter().zip(&after).map(|(during, after)| *during == pushed && after == before).collect()
}

#[test]
fn every_client_is_who_the_stack_says_in_every_way() {
    let sandbox = who_they_are(&TestEnvironment::new(), DEVELOPER, ALICE);
    let server = Server::ministack();
    let env = crate::environment(&server);
    let ministack = who_they_are(&env, &server.role("Plain"), &server.user);
    learn(&env, &server);
    let yes = |right: bool| if right { "yes" } else { "no" }.to_owned();
    let cells: Vec<String> = sandbox.iter().zip(&ministack).map(|(here, there)| yes(*here && *there)).collect();
    let rows = WAYS.iter().zip(cells.chunks(CLIENTS.len())).map(|(way, cells)| (name_of(way), cells.to_vec()));
    // No run may write down that a client is somebody else, as if that were how it should be.
    assert!(cells.iter().all(|cell| cell == "yes"), "{cells:?}");
    table::check("who they are", &table::table(&CLIENTS, rows));
}

/// A way as the document writes it.
fn name_of(way: &str) -> String {
    if way == "profile" { way.to_owned() } else { format!("`{way}`") }
}

/// One client object sees the `pop` when it asks for credentials again, which each does at a time of its own before they end.
#[test]
fn a_running_client_follows_a_pop_at_its_next_refresh() {
    const LIFETIME: u32 = 60;
    let ways = ["profile", "exec --follow --via profile", "exec --follow --via endpoint", "serve"];
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
    // Each may use what it has until that ends.
    let mut followed = vec![None; cells.len()];
    while let Some(waiting) = followed.iter().position(Option::is_none) {
        assert!(pushed.elapsed().as_secs() < 60 + u64::from(LIFETIME), "{:?} does not follow", cells[waiting]);
        for ((client, cell), followed) in running.iter_mut().zip(&cells).zip(&mut followed).filter(|(_, it)| it.is_none()) {
            match client.ask() {
                now if now == ALICE => *followed = Some(pushed.elapsed()),
                now => assert_eq!(now, role, "{cell:?}"),
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
    // The Rust SDK asks 10 seconds before they end: far enough from here for any machine.
    let when = |after: &Option<Duration>| match after.unwrap().as_secs() < u64::from(LIFETIME) - 20 {
        true => "with its next requests".to_owned(),
        false => "in the last 20 seconds".to_owned(),
    };
    let rows = ways.iter().zip(followed.chunks(LIBRARIES.len()));
    let rows = rows.map(|(way, cells)| (name_of(way), cells.iter().map(when).collect()));
    table::check("when they follow", &table::table(&LIBRARIES, rows));
}

/// Each client fails, and says what it can: credstack's own words where it shows them.
#[test]
fn an_expired_frame_is_an_error_that_names_the_way_out() {
    let env = TestEnvironment::new();
    env.plain(["setup", "profile"]).ok();
    env.session_lifetime(Some(1));
    let id = env.push_role(DEVELOPER);
    // Without what signed it, it cannot be renewed.
    env.plain(["drop", "--yes"]).ok();
    let deadline = Instant::now() + Duration::from_secs(20);
    while env.plain(["whoami"]).code == Some(0) {
        assert!(Instant::now() < deadline);
    }
    let serving = Serving::start(&env);
    let says = |client: &&str, output: Output| {
        assert_ne!(output.code, Some(0), "{client}: {}", output.stdout);
        if [id.as_str(), "expired at", "push assume"].iter().all(|text| output.stderr.contains(text)) {
            return "credstack's words".to_owned();
        }
        let own = OWN_WORDS.iter().find(|text| output.stderr.contains(**text));
        format!("“{}”", own.unwrap_or_else(|| panic!("{client} says something else: {}", output.stderr)))
    };
    let cells = each(&CLIENTS, |client| {
        vec![says(client, run(&env, "profile", client)), says(client, run_under(&env, &serving, client))]
    });
    let rows = CLIENTS.iter().zip(cells).map(|(client, cells)| ((*client).to_owned(), cells));
    table::check("what they say of an expired frame", &table::table(&["profile", "endpoint"], rows));
    // Here credstack says it itself, and no client is started.
    for way in ["exec --via env", "exec --via endpoint"] {
        run(&env, way, "Rust").exits(125).says("expired at").says("credstack push assume");
    }
    run(&env, "env", "Rust").exits(5).says("expired at").says("credstack push assume");
}

/// What clients say that do not show what they are told.
const OWN_WORDS: [&str; 2] =
    ["Could not load credentials from any providers", "Non-success status from HTTP credential provider: StatusCode(403)"];
