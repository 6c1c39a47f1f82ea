//! Four processes at a time change the same stacks, and many are killed on the way.

use std::{
    collections::BTreeSet,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    common::{ALICE_KEY, ALICE_SECRET},
    machine::{Machine, Store},
};

const WORKERS: u64 = 4;
const COMMANDS: usize = 150;
/// No command may wait that long for the others: then it would have given up.
const LONGEST_KILL_DELAY: u64 = 80_000;

#[test]
fn vault() {
    crowd(Store::Vault);
}

#[test]
fn keyring() {
    crowd(Store::Keyring);
}

fn crowd(store: Store) {
    let machine = Machine::new(store);
    let profile = format!("[alice]\naws_access_key_id = {ALICE_KEY}\naws_secret_access_key = {ALICE_SECRET}\n");
    machine.env.write(&machine.env.home().join(".aws/credentials"), &profile);
    let killed = AtomicUsize::new(0);
    let pushed: BTreeSet<String> = thread::scope(|scope| {
        let workers: Vec<_> = (1..=WORKERS)
            .map(|seed| {
                scope.spawn({
                    let (machine, killed) = (&machine, &killed);
                    move || work(machine, Random::new(seed), killed)
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    machine.run(&["forget", "--expired"]).ok();
    machine.assert_settled();
    assert_known(&machine, &pushed);
    let killed = killed.into_inner();
    println!("{store:?}: {} commands, {killed} killed, {} pushes finished", WORKERS as usize * COMMANDS, pushed.len());
    // How many depends on how fast the machine is: each command is killed at a random moment, and may be done by then.
    assert!(killed >= 5, "only {killed} were killed");
    assert!(pushed.len() >= 50, "only {} pushes finished", pushed.len());
}

/// Runs one command after the other; the ids that finished pushes told.
fn work(machine: &Machine, mut random: Random, killed: &AtomicUsize) -> Vec<String> {
    let mut pushed = Vec::new();
    for _ in 0..COMMANDS {
        let arguments = random.command();
        let mut command = machine.env.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if random.below(5) < 2 {
            thread::sleep(Duration::from_micros(random.below(LONGEST_KILL_DELAY)));
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            None => drop(killed.fetch_add(1, Ordering::Relaxed)),
            Some(0) if arguments.contains(&"push".to_owned()) => {
                let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
                pushed.push(shown["credential"].as_str().unwrap().to_owned());
            }
            // Nothing saved, nothing to find, or in use: the others were there before.
            Some(0 | 2 | 3) => {}
            Some(code) => panic!("{arguments:?} ended with {code}: {stderr}"),
        }
    }
    pushed
}

/// What a push reported as done is never forgotten: it is kept, or the log says that it was erased.
fn assert_known(machine: &Machine, pushed: &BTreeSet<String>) {
    let database = Connection::open(machine.env.database()).unwrap();
    let known = "SELECT 'c' || id FROM credential WHERE state = 'active' UNION
                 SELECT 'c' || credential FROM event WHERE event = 'erased'";
    let mut statement = database.prepare(known).unwrap();
    let known: BTreeSet<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(pushed.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "pushed, and gone without a trace");
}

/// Xorshift: the same commands in every run, if not in the same order.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn command(&mut self) -> Vec<String> {
        let stack = ["default", "other"][self.below(2) as usize];
        let id = format!("c{}", 1 + self.below(120));
        let change: &[&str] = match self.below(16) {
            0..4 => &["push", "assume", "Developer", "--profile", "alice", "--json", "--yes"],
            4 => &["push", "assume", "Developer", "--profile", "alice", "--json", "--yes", "--replace"],
            5..7 => &["push", "assume", "Developer", "--profile", "alice", "--json", "--yes", "--no-use"],
            7..9 => &["pop", "--yes"],
            9 => &["drop", "--yes"],
            10 => &["swap"],
            11 => &["save"],
            12..14 => &["use", &id, "--yes"],
            14 => &["forget", &id, "--yes"],
            _ => &["pop", "--root", "--yes"],
        };
        ["--stack", stack].iter().chain(change).map(|text| (*text).to_owned()).collect()
    }
}
