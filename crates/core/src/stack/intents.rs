//! Requests for credentials that are under way.
//!
//! Between STS's answer and the row that records it a process can be killed, and the session would be known to AWS alone. So
//! before such a request leaves, a file beside the database says what is asked; the access key id is added as soon as the
//! answer is read, and the row takes the file's place. Its owner holds a lock on it: a file whose lock is free was left by a
//! process that has ended, and the next change, or `doctor`, writes down what is known of it.
//!
//! Nothing is synced: a power cut may lose what was asked in the seconds before it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    Change, Notice, StackError, StateDirectory,
    lock::is_still_at,
    record::{Orphan, by},
};
use crate::{
    database::{EventFilter, credentials, events},
    private_files::{left_private_file, new_private_file, remove_if_there},
    values::{Ambient, CredentialId, Entry, EventKind, Identity, Item},
};

/// How the names of the files begin. What follows is a UUID.
const PREFIX: &str = "asked.";
/// Of a file no more than this is read, in bytes.
const MOST: u64 = 64 << 10;

/// What is asked of STS. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// When, UTC.
    pub at: Timestamp,
    /// AWS's name of the operation.
    pub operation: String,
    /// The role, the federated user or the account, where the operation has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The stack of the command.
    pub stack: String,
    /// The credential set that signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<CredentialId>,
    /// The signer, where it is on no stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<Ambient>,
    /// When a session that STS issues has expired in any case, UTC.
    pub latest_expiry: Timestamp,
    /// The process that asks.
    pub process: u32,
}

/// What STS answered, as far as it is not secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    access_key_id: String,
    expires_at: Option<Timestamp>,
    identity: Option<Identity>,
}

/// Names one request that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IntentId(Uuid);

/// The requests that this process has under way, shared by all of its commands.
#[derive(Clone, Debug, Default)]
pub struct Intents {
    open: Arc<Mutex<BTreeMap<IntentId, Open>>>,
}

#[derive(Debug)]
struct Open {
    /// Locked as long as it is open.
    file: File,
    path: PathBuf,
    access_key_id: Option<String>,
}

impl Intents {
    /// Writes down what is going to be asked.
    ///
    /// # Errors
    ///
    /// [`StackError::Place`] where nothing can be written there: the request had better not be sent.
    pub fn begin(&self, place: &StateDirectory, asked: &Asked) -> Result<IntentId, StackError> {
        place.make()?;
        let id = IntentId(Item::new(asked.at)?.id);
        let path = place.path().join(format!("{PREFIX}{}", id.0));
        let line = format!("{}\n", json!(asked));
        let begin = || -> io::Result<File> {
            loop {
                let mut file = new_private_file(&path)?;
                // Another process may hold it for a moment, to see whether its owner has ended.
                file.lock()?;
                if is_still_at(&file, &path) {
                    file.write_all(line.as_bytes())?;
                    return Ok(file);
                }
            }
        };
        let file = begin().map_err(|error| {
            let _nothing_was_asked = remove_if_there(&path);
            StackError::Place { path: path.clone(), reason: error.to_string() }
        })?;
        self.open().insert(id, Open { file, path, access_key_id: None });
        Ok(id)
    }

    /// Adds what STS issued. Where that cannot be written, the row is still to come.
    pub fn answered(&self, id: IntentId, access_key_id: &str, expires_at: Option<Timestamp>, identity: Option<&Identity>) {
        let answer = Answer { access_key_id: access_key_id.to_owned(), expires_at, identity: identity.cloned() };
        if let Some(open) = self.open().get_mut(&id) {
            open.access_key_id = Some(answer.access_key_id.clone());
            let _row_to_come = open.file.write_all(format!("{}\n", json!(answer)).as_bytes());
        }
    }

    /// Removes what is written down of a request that issued nothing, or whose outcome the log has.
    pub fn dismiss(&self, id: IntentId) {
        if let Some(open) = self.open().remove(&id) {
            open.remove();
        }
    }

    /// The same of the request that issued this access key: the database has it now.
    pub(super) fn settle(&self, access_key_id: &str) {
        let mut open = self.open();
        let settled: Vec<_> =
            open.iter().filter(|(_, it)| it.access_key_id.as_deref() == Some(access_key_id)).map(|(id, _)| *id).collect();
        settled.iter().filter_map(|id| open.remove(id)).for_each(Open::remove);
    }

    fn has(&self, path: &Path) -> bool {
        self.open().values().any(|open| open.path == path)
    }

    fn open(&self) -> std::sync::MutexGuard<'_, BTreeMap<IntentId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn remove(self) {
        // One that stays is found settled: the database has its access key, or the log its failure.
        let _found_settled = remove_if_there(&self.path);
    }
}

impl Change {
    /// Writes down what is known of the requests of processes that have ended.
    pub(super) fn settle_intents(&mut self) -> Result<(), StackError> {
        for path in files(&self.place)? {
            if self.intents.has(&path) {
                continue;
            }
            // One that cannot be opened is not credstack's, or is gone.
            let Ok(mut file) = left_private_file(&path) else { continue };
            if file.try_lock().is_err() || !is_still_at(&file, &path) {
                continue;
            }
            let mut text = String::new();
            let read = (&mut file).take(MOST).read_to_string(&mut text);
            if let (Ok(_), Some((asked, answer))) = (read, parsed(&text)) {
                self.settle_intent(asked, answer)?;
            }
            remove_if_there(&path).map_err(|error| StackError::Place { path, reason: error.to_string() })?;
        }
        Ok(())
    }

    fn settle_intent(&mut self, asked: Asked, answer: Option<Answer>) -> Result<(), StackError> {
        let stack = asked.stack.parse().unwrap_or_default();
        let mut detail = Map::new();
        for (name, value) in [("operation", json!(asked.operation)), ("target", json!(asked.target))] {
            detail.insert(name.into(), value);
        }
        detail.insert("asked_at".into(), json!(asked.at));
        detail.insert("latest_expiry".into(), json!(asked.latest_expiry));
        if let Some(signed_by) = &asked.signed_by {
            detail.insert("signed_by".into(), json!(signed_by));
        }
        let Some(Answer { access_key_id, expires_at, identity }) = answer else {
            detail.insert("code".into(), json!("Interrupted"));
            let (now, actor) = (self.now, self.actor_json());
            let entry = Entry { stack: Some(stack), parent: asked.parent, detail, ..Entry::new(EventKind::Failed) };
            self.write(|transaction| events::append(transaction, now, &by(entry, &actor)))?;
            self.notices.push(Notice::Interrupted(asked));
            return Ok(());
        };
        if self.is_known_key(&access_key_id)? {
            return Ok(());
        }
        let orphan = Orphan { reason: "interrupted", access_key_id, expires_at, identity, parent: asked.parent, detail };
        self.record_orphan(&stack, orphan.clone())?;
        self.notices.push(Notice::Orphaned(Box::new(orphan)));
        Ok(())
    }

    /// Whether the database tells of an access key already.
    fn is_known_key(&self, access_key_id: &str) -> Result<bool, StackError> {
        if !self.database.read(|connection| credentials::with_access_key(connection, access_key_id))?.is_empty() {
            return Ok(true);
        }
        let filter = EventFilter { access_key_id: Some(access_key_id.to_owned()), ..EventFilter::default() };
        Ok(!self.database.events(&filter, 1)?.is_empty())
    }
}

/// What a file says. Nothing, if its process was killed before all of it was written: it had asked nothing yet.
fn parsed(text: &str) -> Option<(Asked, Option<Answer>)> {
    let mut lines = text.lines();
    let asked = serde_json::from_str(lines.next()?).ok()?;
    Some((asked, lines.next().and_then(|line| serde_json::from_str(line).ok())))
}

/// The files there are, oldest first.
fn files(place: &StateDirectory) -> Result<Vec<PathBuf>, StackError> {
    let unusable = |error: io::Error| StackError::Place { path: place.path().to_owned(), reason: error.to_string() };
    let is_one = |name: &str| name.strip_prefix(PREFIX).is_some_and(|id| id.parse::<Uuid>().is_ok());
    let listed = fs::read_dir(place.path()).map_err(unusable)?.flatten();
    let mut found: Vec<_> = listed.filter(|file| file.file_name().to_str().is_some_and(is_one)).map(|file| file.path()).collect();
    found.sort_unstable();
    Ok(found)
}

/// Removes what is written down of requests, without a look at it. The caller holds the lock.
pub(super) fn remove_intents(place: &StateDirectory) -> Result<(), StackError> {
    for path in files(place)? {
        remove_if_there(&path).map_err(|error| StackError::Place { path, reason: error.to_string() })?;
    }
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
#[path = "intents_tests.rs"]
mod tests;
