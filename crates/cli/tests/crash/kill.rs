//! The program is killed at every step of every change.
//!
//! A kill before a system call that changes nothing outside the process leaves what a kill before the next one that
//! does leaves. So the program is killed on entering each call that changes a file, a lock or another process: the
//! n-th of its kind, for every n. What follows the last one is the finished change.

use std::collections::{BTreeMap, BTreeSet};

use crate::machine::{Content, Machine, Store};

/// The calls that change something outside the process, or make it last.
pub const CALLS: &[&str] = &[
    "openat",
    "write",
    "pwrite64",
    "writev",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "ftruncate",
    "flock",
    "sendmsg",
    "sendto",
    "connect",
];

struct Operation {
    /// Brings the machine to where the change begins.
    before: &'static [&'static [&'static str]],
    /// The change.
    change: &'static [&'static str],
}

const DEVELOPER: &[&str] = &["push", "assume", "Developer"];
const READ_ONLY: &[&str] = &["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"];
const HELD: &[&str] = &["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly", "--no-use"];

fn kill_everywhere(store: Store, operation: &Operation) {
    let mut machine = Machine::new(store);
    for command in operation.before {
        machine.run(command).ok();
    }
    machine.keep();
    let before = machine.content();

    let (command, trace) = machine.traced(&["-e", &format!("trace={}", CALLS.join(","))], operation.change);
    machine.env.run(command).ok();
    let after = machine.content();
    assert_ne!(before, after);
    machine.assert_settled();
    let points = points(&std::fs::read_to_string(trace).unwrap());
    assert!(points.len() > 20, "only {} places to kill", points.len());

    let mut killed = 0;
    for (call, n) in &points {
        machine.put_back();
        let inject = format!("inject={call}:signal=KILL:when={n}");
        let (command, _) = machine.traced(&["-e", &format!("trace={call}"), "-e", &inject], operation.change);
        let earlier = issued(&machine);
        let output = machine.env.run(command);
        assert!(matches!(output.code, None | Some(0)), "{call} {n}: {}", output.stderr);
        killed += usize::from(output.code.is_none());
        let what = format!("{:?} killed at {call} {n}", operation.change);
        let issued = issued(&machine).difference(&earlier).cloned().collect();
        assert_before_or_after(&machine, &before, &after, &what);
        assert_recorded(&machine, &issued, &what);
    }
    println!("{store:?}: {:?}: {killed} kills at {} places", operation.change, points.len());
    assert!(killed * 10 >= points.len() * 9, "only {killed} of {} were killed", points.len());
}

fn assert_before_or_after(machine: &Machine, before: &Content, after: &Content, what: &str) {
    let arrived: BTreeSet<_> = machine.secrets();
    let pending = machine.rows("pending");
    let frames = machine.content().frames;
    assert!(frames == before.frames || frames == after.frames, "{what}: {frames:?} is neither {before:?} nor {after:?}");

    machine.assert_verifies();

    // The next change settles, and says once what was left.
    let first = machine.run(&["forget", "--expired"]).ok();
    let second = machine.run(&["forget", "--expired"]).ok();
    assert!(!second.stderr.contains("cut off"), "{what}: said twice: {}", second.stderr);
    let now = machine.content();
    assert_eq!(now.frames, frames, "{what}: settling moved the stack");
    let cut_off: BTreeSet<_> = pending.into_iter().filter(|(_, item)| arrived.contains(item)).map(|(id, _)| id).collect();
    for id in &cut_off {
        assert!(now.held.contains(id), "{what}: {id} had arrived and is not held");
        let said = first.stderr.matches(&format!("{id} was left by a push that was cut off")).count();
        assert_eq!(said, 1, "{what}: {}", first.stderr);
    }
    let otherwise: BTreeSet<_> = now.held.difference(&cut_off).cloned().collect();
    let either = [&before.held, &after.held];
    assert!(either.contains(&&otherwise), "{what}: held {otherwise:?}, before {:?}, after {:?}", before.held, after.held);
    machine.assert_settled();
}

/// The access keys that STS issued so far.
fn issued(machine: &Machine) -> BTreeSet<String> {
    machine.env.sandbox.issued().into_iter().map(|issued| issued.access_key_id).collect()
}

/// What STS issued to the killed process is in the history: by its key, or as a request of unknown outcome if the answer never
/// reached the process.
fn assert_recorded(machine: &Machine, issued: &BTreeSet<String>, what: &str) {
    let history = machine.run(&["history", "--json", "--limit", "100000"]).ok().json();
    let events = history["events"].as_array().unwrap();
    let keys: BTreeSet<_> = events.iter().filter_map(|event| event["access_key_id"].as_str()).collect();
    let unknown = events.iter().filter(|event| event["detail"]["code"] == "Interrupted").count();
    let missing = issued.iter().filter(|key| !keys.contains(key.as_str())).count();
    assert!(missing <= unknown, "{what}: {missing} of {issued:?} are not recorded, {unknown} requests have an unknown outcome");
    let left = std::fs::read_dir(machine.env.state()).unwrap().flatten();
    let left = left.filter(|file| file.file_name().to_string_lossy().starts_with("asked.")).count();
    assert_eq!(left, 0, "{what}: what was asked is still written down");
}

/// The n-th call of each kind that changes something; as `strace` counts them, in each thread for itself.
pub fn points(trace: &str) -> BTreeSet<(String, usize)> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut points = BTreeSet::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((call, arguments)) = rest.trim_start().split_once('(') else { continue };
        let Some(call) = CALLS.iter().find(|known| **known == call) else { continue };
        let count = counts.entry((thread, call)).or_default();
        *count += 1;
        if *call != "openat" || arguments.contains("O_CREAT") {
            points.insert(((*call).to_owned(), *count));
        }
    }
    points
}

/// The very first command makes the state directory, the database and the vault: whatever is left of it, the next one
/// begins as if there had been none, or goes on with a whole one.
#[test]
fn setup_on_a_new_machine() {
    let machine = Machine::new(Store::Vault);
    let key = machine.env.key_file();
    let setup = ["setup", "--store", "vault", "--key-file", key.to_str().unwrap()];
    let begin_anew = || {
        std::fs::remove_dir_all(machine.env.state()).unwrap();
        std::fs::remove_file(&key).ok();
    };
    begin_anew();
    let (command, trace) = machine.traced(&["-e", &format!("trace={}", CALLS.join(","))], &setup);
    machine.env.run(command).ok();
    let points = points(&std::fs::read_to_string(trace).unwrap());
    assert!(points.len() > 20, "only {} places to kill", points.len());
    for (call, n) in &points {
        begin_anew();
        let inject = format!("inject={call}:signal=KILL:when={n}");
        let (command, _) = machine.traced(&["-e", &format!("trace={call}"), "-e", &inject], &setup);
        let output = machine.env.run(command);
        assert!(matches!(output.code, None | Some(0)), "{call} {n}: {}", output.stderr);
        assert_eq!(machine.run(&["list"]).code, Some(0), "killed at {call} {n}");
        machine.run(&setup).ok();
        machine.run(DEVELOPER).ok();
        machine.assert_settled();
        let left = machine.env.database().with_extension("db.new");
        assert!(!left.exists(), "killed at {call} {n}: {} is left", left.display());
        machine.run(&["clear", "--yes"]).ok();
    }
}

#[test]
fn a_keyring_that_ended_is_started_again() {
    let machine = Machine::new(Store::Keyring);
    machine.run(&["push", "assume", "Developer"]).ok();
    let before = machine.secrets();
    machine.desktop.as_ref().unwrap().signal("KILL");
    assert_eq!(machine.secrets(), before);
    machine.run(&["pop"]).ok();
}

macro_rules! operations {
    ($($name:ident: [$($before:expr),*] => $change:expr;)*) => {
        mod vault {
            use super::*;
            $(#[test] fn $name() { kill_everywhere(Store::Vault, &Operation { before: &[$($before),*], change: &$change }); })*
        }
        mod keyring {
            use super::*;
            $(#[test] fn $name() { kill_everywhere(Store::Keyring, &Operation { before: &[$($before),*], change: &$change }); })*
        }
    };
}

operations! {
    push_over_ambient: [] => ["push", "assume", "Developer"];
    push_over_a_frame: [DEVELOPER] => ["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"];
    push_replace: [DEVELOPER] => ["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly", "--replace"];
    pop: [DEVELOPER, READ_ONLY] => ["pop"];
    drop: [DEVELOPER, READ_ONLY] => ["drop"];
    use_held: [DEVELOPER, HELD] => ["use", "c3"];
    use_replace: [DEVELOPER, HELD] => ["use", "c3", "--replace"];
    save: [] => ["save"];
    clear: [DEVELOPER, READ_ONLY] => ["clear", "--yes"];
    forget: [DEVELOPER, HELD] => ["forget", "c3"];
    refresh: [DEVELOPER] => ["refresh"];
}
