//! A scratch machine with one of the two secret stores, whose state can be put back, and what must hold of it after
//! anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    common::{Output, TestEnvironment},
    desktop::{Desktop, copy},
    log,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    Vault,
    Keyring,
}

pub struct Machine {
    pub env: TestEnvironment,
    pub desktop: Option<Desktop>,
    /// The secrets that were in the keyring when the state was kept.
    kept: BTreeMap<String, Vec<u8>>,
}

/// What is on a machine: the frames of the default stack, current first, and what is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub frames: Vec<Option<String>>,
    pub held: BTreeSet<String>,
}

impl Machine {
    pub fn new(store: Store) -> Machine {
        match store {
            Store::Vault => Machine { env: TestEnvironment::new(), desktop: None, kept: BTreeMap::new() },
            Store::Keyring => {
                let mut env = TestEnvironment::without_store();
                let desktop = Desktop::new(env.scratch("desktop"));
                env.set("DBUS_SESSION_BUS_ADDRESS", &desktop.address);
                env.credstack(["setup", "--store", "keyring"]).ok();
                Machine { env, desktop: Some(desktop), kept: BTreeMap::new() }
            }
        }
    }

    /// Keeps the state as it is now.
    pub fn keep(&mut self) {
        copy(&self.env.state(), &self.env.scratch("kept-state"));
        self.kept = self.desktop.as_ref().map(Desktop::secrets).unwrap_or_default();
    }

    /// Puts the state back to what was kept.
    pub fn put_back(&self) {
        fs::remove_dir_all(self.env.state()).unwrap();
        copy(&self.env.scratch("kept-state"), &self.env.state());
        if let Some(desktop) = &self.desktop {
            // The name of a secret never stands for another one; that of the seal does.
            let is_kept = |name: &String| !is_seal(name) && self.kept.contains_key(name);
            let (stay, leave): (BTreeSet<_>, BTreeSet<_>) = desktop.items().into_iter().partition(is_kept);
            leave.iter().for_each(|name| desktop.forget(name));
            self.kept.iter().filter(|(name, _)| !stay.contains(*name)).for_each(|(name, secret)| desktop.put(name, secret));
        }
    }

    /// Runs a command without keeping what it prints: it is one of thousands.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.env.command(arguments);
        Output::new(format!("credstack {arguments:?}"), command.output().unwrap())
    }

    /// What a command that only reads says. A keyring may be late where a dozen of them share a processor, or end because of
    /// whom we killed; one that is stuck is stuck every time.
    fn read(&self, arguments: &[&str]) -> Value {
        let answers = (0..5).map(|_| {
            let output = self.run(arguments);
            if output.code == Some(6) {
                self.secrets();
            }
            output
        });
        let answer = answers.enumerate().find(|(attempt, output)| *attempt == 4 || output.code != Some(6));
        serde_json::from_str(&answer.unwrap().1.ok().stdout).unwrap()
    }

    pub fn content(&self) -> Content {
        let list = self.read(&["list", "--json"]);
        let ids = |name: &str| -> Vec<Option<String>> {
            list[name].as_array().unwrap().iter().map(|frame| frame["credential"].as_str().map(str::to_owned)).collect()
        };
        Content { frames: ids("frames"), held: ids("held").into_iter().flatten().collect() }
    }

    /// The names of the secrets that are in the store, whatever the database says. Half-written ones count.
    pub fn secrets(&self) -> BTreeSet<String> {
        match &self.desktop {
            Some(_) => self.secrets_in_keyring(),
            None => self.env.vault_files().into_iter().filter(|name| name != "key-check").collect(),
        }
    }

    fn secrets_in_keyring(&self) -> BTreeSet<String> {
        let items = self.desktop.as_ref().map_or(Vec::new(), Desktop::items);
        let mut names: BTreeSet<_> = items.iter().cloned().collect();
        assert_eq!(items.len(), names.len(), "two items of one name: {items:?}");
        names.retain(|name| !is_seal(name));
        names
    }

    /// The credential sets in a state: their ids, and the names of their secrets.
    pub fn rows(&self, state: &str) -> Vec<(String, String)> {
        let database = Connection::open(self.env.database()).unwrap();
        let mut statement = database.prepare("SELECT 'c' || id, item FROM credential WHERE state = ?1").unwrap();
        let rows = statement.query_map([state], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// After the first change since a command was killed: nothing is unsettled, nothing is in the store that no row
    /// knows, every credential set on a stack or held works, no other has a secret, and the log verifies.
    pub fn assert_settled(&self) {
        assert_eq!(self.rows("pending"), [], "pending");
        assert_eq!(self.rows("leaving"), [], "leaving");
        let active = self.rows("active");
        let names: BTreeSet<_> = active.iter().map(|(_, item)| item.clone()).collect();
        assert_eq!(self.secrets(), names, "what the store has, and what the database knows");
        let database = Connection::open(self.env.database()).unwrap();
        let kept = "SELECT 'c' || id FROM credential WHERE held = 1 OR id IN (SELECT credential FROM frame)";
        let mut statement = database.prepare(kept).unwrap();
        let kept: BTreeSet<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(active.iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>(), kept, "kept without reason, or lost");
        for id in kept {
            let whoami = self.read(&["whoami", "--json", &id]);
            assert_eq!(whoami["credential"], Value::from(id));
            assert!(whoami["arn"].is_string());
        }
        drop(statement);
        log::verify(&self.env.database());
        self.assert_verifies();
    }

    /// At any time, whatever was killed: the log goes through the seal that the store has of it.
    pub fn assert_verifies(&self) {
        let verified = self.read(&["audit", "verify", "--json"]);
        assert!(verified["sealed"].as_i64().unwrap() > 0, "{verified}");
    }

    /// The program under `strace`, which writes what it saw into the file that is returned.
    pub fn traced(&self, options: &[&str], arguments: &[&str]) -> (Command, std::path::PathBuf) {
        let trace = self.env.scratch("trace");
        let program = self.env.command(arguments);
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o"]).arg(&trace).args(options).arg("--");
        command.arg(program.get_program()).args(program.get_args());
        self.env.prepare(&mut command);
        (command, trace)
    }
}

/// Whether an item is the seal of the log: its name is no UUID of version 7.
fn is_seal(name: &str) -> bool {
    name.as_bytes()[14] != b'7'
}
