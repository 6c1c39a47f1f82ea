//! The same steps through the library. Long because each outcome is compared in all that can be seen of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use credstack_core::{
    secret_store::{KeySource, Patience, StoreChoice, Vault},
    stack::{Change, Consent, Landing, Pop, Reader, Secrets, Shell, ShellKeys, StackError, StateDirectory, Terms},
    values::{Acquired, Actor, Ambient, CredentialId, CredentialSet, Frame, FrameName, Identity, Kind, Signer, StackName},
};
use jiff::{Timestamp, ToSpan};
use rusqlite::Connection;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::plain::{DEFAULT, Environment, Made, Model, Number, REFERENCE, Refusal, Step, To, UNTOUCHED, Which};

type Checked = Result<(), String>;

macro_rules! same {
    ($what:expr, $real:expr, $model:expr) => {
        let (real, model) = ($real, $model);
        if real != model {
            return Err(format!("{}: the library has {real:?}, the model {model:?}", $what));
        }
    };
}

pub struct Real {
    directory: TempDir,
    /// A second connection, that looks at the rows.
    rows: Connection,
    /// Counts the sequences: each has access keys and stacks of its own, but for `default`.
    sequence: u32,
    /// The id of the last credential set of earlier sequences.
    base: i64,
    /// How many events the log had after the last step.
    events: i64,
    /// What is known to be readable, and the sealed bytes with which it was read; those that are gone have none.
    read: BTreeMap<Number, Option<Vec<u8>>>,
}

impl Real {
    pub fn new() -> Real {
        // In memory where that can be had: every commit is synced.
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let key = directory.path().join("key");
        Vault::create_key_file(&key).unwrap();
        let place = StateDirectory::new(directory.path().join("state"));
        let choice = StoreChoice::Vault { key: KeySource::File(key) };
        Change::begin(&place, terms(0, true)).unwrap().choose_store(&choice, false).unwrap();
        let rows = Connection::open(place.database()).unwrap();
        Real { directory, rows, sequence: 0, base: 0, events: 1, read: BTreeMap::new() }
    }

    pub fn database(&self) -> PathBuf {
        self.place().database()
    }

    /// Takes a step with the model and in the library, and compares everything.
    pub fn take(&mut self, step: Step, agreed: bool, model: &mut Model) -> Checked {
        let before = model.clone();
        let expected = model.take(step, agreed);
        let done = self.change(step, agreed, &before, model).map_err(|error| self.refusal(error));
        same!("outcome", &done, &expected.clone().map_err(Ok));
        let events = self.number("SELECT max(sequence) FROM event");
        let grew = events > self.events;
        // With nothing expired there is nothing to write down.
        if !matches!(step, Step::ForgetExpired) {
            same!("whether the log grew", grew, expected.is_ok());
        }
        if events < self.events {
            return Err("the log shrank".into());
        }
        self.events = events;
        self.compare(model)
    }

    /// Takes everything off the stacks again, and looks whether every secret is erased.
    pub fn finish(&mut self, model: &mut Model) -> Checked {
        let stacks: Vec<_> = model.stacks.keys().copied().collect();
        let held = model.held().into_iter().map(|number| Step::Forget(number as u8 - 1));
        let steps: Vec<_> = held.chain(stacks.into_iter().map(|stack| Step::Remove { stack })).collect();
        for step in steps {
            self.take(step, true, model)?;
        }
        same!("secrets at the end", self.files(), BTreeSet::new());
        self.check_seal()?;
        self.base += model.sets.len() as i64;
        self.sequence += 1;
        self.read.clear();
        Ok(())
    }

    /// No process was killed, so the log goes through the newer head of the seal.
    fn check_seal(&self) -> Checked {
        let seal = self.reader().unwrap().seals().unwrap().chosen.ok_or("the log has no seal")?;
        let sealed = self.rows.prepare("SELECT 1 FROM event WHERE sequence = ?1 AND hash = ?2").unwrap();
        let through = { sealed }.exists((seal.next.count, seal.next.hash)).unwrap();
        if through { Ok(()) } else { Err(format!("the log does not go through its seal: {seal:?}")) }
    }

    fn change(&self, step: Step, agreed: bool, before: &Model, after: &Model) -> Result<(), StackError> {
        let mut change = Change::begin(&self.place(), terms(after.clock, agreed))?;
        let shell_of = |environment| self.shell(environment, before);
        match step {
            Step::Push { stack, to, kind, shell } => {
                let landing = match to {
                    To::Top => Landing::Top,
                    To::Current => Landing::Replace,
                    To::NoStack => Landing::Nowhere,
                };
                // The model has made it already, as the last one; a refused push makes none.
                let made = after.sets.last().filter(|_| after.sets.len() > before.sets.len());
                let acquired = self.acquired(kind, made.map_or("refused", |set| &set.key), after.clock);
                change.push(&self.name(stack), acquired, landing, &shell_of(shell), Default::default())?;
            }
            Step::Use { stack, which, replace, shell } => {
                let stack = self.name(stack);
                let frame = match which {
                    Which::Set(which) => FrameName::Credential(self.id(before.choose(which))),
                    Which::Position(position) => FrameName::Position(position.into()),
                };
                let landing = if replace { Landing::Replace } else { Landing::Top };
                change.use_frame(&stack, frame, landing, &shell_of(shell))?;
            }
            Step::Save { stack, shell } => drop(change.save(&self.name(stack), &shell_of(shell))?),
            Step::Pop { stack, root, keep } => drop(change.pop(&self.name(stack), Pop { root, keep })?),
            Step::Drop { stack, all } => drop(change.drop(&self.name(stack), all)?),
            Step::Swap { stack, shell } => drop(change.swap(&self.name(stack), &shell_of(shell))?),
            Step::Clear { stack } => drop(change.clear(&self.name(stack))?),
            Step::Remove { stack } => drop(change.remove_stack(&self.name(stack))?),
            Step::Forget(which) => drop(change.forget(self.id(before.choose(which)))?),
            Step::ForgetExpired => drop(change.forget_expired()?),
            Step::Renew(which) => {
                let made = after.sets.last().filter(|_| after.sets.len() > before.sets.len());
                let acquired = self.acquired(Made::Session, made.map_or("refused", |set| &set.key), after.clock);
                change.renew(self.id(before.choose(which)), &acquired, Default::default())?;
            }
        }
        let notices = change.take_notices();
        assert!(notices.is_empty(), "{notices:?}");
        Ok(())
    }

    fn compare(&mut self, model: &Model) -> Checked {
        let reader = self.reader().map_err(|error| error.to_string())?;
        for stack in 0..3 {
            let name = self.name(stack);
            let view = match reader.stack(&name) {
                Ok(view) => view,
                Err(StackError::NoSuchStack(_)) if !model.stacks.contains_key(&stack) => continue,
                Err(error) => return Err(format!("stack {stack}: {error}")),
            };
            let frames: Vec<_> = view.frames.from_current().map(|frame| self.number_of(frame)).collect();
            same!(format!("stack {stack}"), Some(&frames), model.stacks.get(&stack));
            same!("current", view.current().map(|set| set.id.0 - self.base), frames.first().copied().filter(|n| *n > 0));
            same!("held", view.held.iter().map(|id| id.0 - self.base).collect::<Vec<_>>(), model.held());
            // Another position at each step.
            let position = model.clock as usize % frames.len();
            let frame = reader.frame(&name, FrameName::Position(position)).map_err(|error| error.to_string())?;
            same!(format!("position {position}"), self.number_of(&frame), frames[position]);
            let root = reader.frame(&name, FrameName::Root).map_err(|error| error.to_string())?;
            same!("root", Some(&self.number_of(&root)), frames.last());
        }
        self.compare_secrets(&reader, model)
    }

    /// The secrets that are there are exactly those of the credential sets on a stack or held.
    fn compare_secrets(&mut self, reader: &Reader, model: &Model) -> Checked {
        let mut statement = self.rows.prepare("SELECT id, item, state FROM credential WHERE id > ?1").unwrap();
        let rows = statement.query_map([self.base], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let rows: BTreeMap<i64, (String, String)> =
            rows.map(|row| row.map(|(id, item, state): (i64, _, _)| (id - self.base, (item, state))).unwrap()).collect();
        same!("credential sets", rows.keys().copied().collect::<Vec<_>>(), model.numbers().collect::<Vec<_>>());
        let active = |(item, state): &(String, String)| (state == "active").then(|| item.clone());
        same!("secrets", self.files(), rows.values().filter_map(active).collect());
        for number in model.numbers() {
            let set = model.set(number);
            let state = if set.alive { "active" } else { "erased" };
            same!(format!("state of {number}"), rows[&number].1.as_str(), state);
            // The same sealed bytes under the same key are read but once.
            let sealed = fs::read(self.place().vault().join(&rows[&number].0)).ok();
            if self.read.get(&number) == Some(&sealed) {
                continue;
            }
            match reader.secret(self.id(number)) {
                Ok(secret) => {
                    same!(format!("key of {number}"), &secret.access_key_id, &self.key(&set.key));
                    same!("secret", secret.secret_access_key.expose_secret(), secret_of(&secret.access_key_id));
                }
                Err(StackError::Erased(_)) if !set.alive => {}
                Err(error) => return Err(format!("secret of {number}: {error}")),
            }
            self.read.insert(number, sealed);
        }
        Ok(())
    }

    /// The names of the vault's files, without its key check.
    fn files(&self) -> BTreeSet<String> {
        let names = fs::read_dir(self.place().vault()).into_iter().flatten();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "key-check" && !name.ends_with("-000000000002")).collect()
    }

    fn number_of(&self, frame: &Frame) -> Number {
        match frame {
            Frame::Credential(id) => id.0 - self.base,
            Frame::Ambient(ambient) if *ambient == Ambient::default() => UNTOUCHED,
            Frame::Ambient(_) => REFERENCE,
        }
    }

    fn refusal(&self, error: StackError) -> Result<Refusal, String> {
        Ok(match error {
            StackError::NothingSaved(_) => Refusal::NothingSaved,
            StackError::NoSuchStack(_) => Refusal::NoSuchStack,
            StackError::NoSuchPosition { .. } => Refusal::NoSuchPosition,
            StackError::NoSuchCredential(_) => Refusal::NoSuchSet,
            StackError::Erased(_) => Refusal::Erased,
            StackError::Expired { .. } => Refusal::Expired,
            StackError::OnStack { .. } => Refusal::OnStack,
            StackError::Irreplaceable(_) => Refusal::Irreplaceable,
            StackError::WouldLose(ids) => Refusal::WouldLose(ids.into_iter().map(|id| id.0 - self.base).collect()),
            error => return Err(error.to_string()),
        })
    }

    fn acquired(&self, kind: Made, key: &str, clock: u32) -> Acquired {
        let imported = kind == Made::Imported;
        Acquired {
            set: set(&self.key(key), !imported),
            kind: if imported { Kind::Imported } else { Kind::AssumeRole },
            identity: Some(Identity {
                account: "111122223333".into(),
                arn: "arn:aws:sts::111122223333:assumed-role/Fake/model".into(),
                user_id: "AROAFAKE:model".into(),
            }),
            region: None,
            issued_at: time(clock),
            expires_at: match kind {
                Made::Session => Some(time(1_000)),
                Made::Brief => Some(time(clock + 2)),
                Made::Imported => None,
            },
            signer: Signer::None,
            request: None,
            label: None,
            note: None,
            profile: None,
            way: None,
        }
    }

    fn shell(&self, environment: Environment, model: &Model) -> Shell {
        let profile = (environment == Environment::Profile).then(|| "fake".to_owned());
        let keys =
            model.key_in(environment).map(|key| ShellKeys { set: set(&self.key(&key), false), expires_at: None, identity: None });
        Shell { keys, reference: Ambient { profile, ..Ambient::default() }, credential: None }
    }

    fn key(&self, key: &str) -> String {
        format!("FAKE-{}-{key}", self.sequence)
    }

    fn name(&self, stack: usize) -> StackName {
        if stack == DEFAULT { StackName::default() } else { format!("s{}-{stack}", self.sequence).parse().unwrap() }
    }

    fn id(&self, number: Number) -> CredentialId {
        CredentialId(self.base + number)
    }

    fn number(&self, query: &str) -> i64 {
        self.rows.prepare(query).unwrap().query_row([], |row| row.get(0)).unwrap()
    }

    fn place(&self) -> StateDirectory {
        StateDirectory::new(self.directory.path().join("state"))
    }

    fn reader(&self) -> Result<Reader, StackError> {
        Reader::open(&self.place(), secrets())
    }
}

fn set(key: &str, temporary: bool) -> CredentialSet {
    CredentialSet {
        access_key_id: key.into(),
        secret_access_key: secret_of(key).into(),
        session_token: temporary.then(|| format!("fake token of {key}").into()),
    }
}

fn secret_of(key: &str) -> String {
    format!("fake secret of {key}")
}

fn time(clock: u32) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + (i64::from(clock) * 60).seconds()
}

fn terms(clock: u32, agreed: bool) -> Terms {
    Terms {
        now: time(clock),
        actor: Actor::default(),
        command: "model".into(),
        secrets: secrets(),
        intents: Default::default(),
        consent: if agreed { Consent::Everything } else { Consent::Only(BTreeSet::new()) },
    }
}

fn secrets() -> Secrets {
    Secrets::new(Patience::NobodyCanAnswer)
}
