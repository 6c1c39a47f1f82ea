use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use super::{Change, Reader, StackError, record::by, seal::keyring_seal};
use crate::{
    database::{DatabaseError, Head, events},
    secret_store::{SecretStore, StoreChoice},
    values::{Entry, EventKind},
};

/// The oldest events of the log, which a prune would remove or has removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oldest {
    /// How many they are.
    pub count: i64,
    /// The last of them, and its hash: from there on the chain is verified when they are gone.
    pub through: Head,
}

impl Reader {
    /// What [`Change::prune`] would remove.
    pub fn oldest(&self, before: Timestamp) -> Result<Option<Oldest>, StackError> {
        let Some(database) = &self.database else { return Ok(None) };
        Ok(database.read(|connection| oldest(connection, before))?)
    }
}

impl Change {
    /// Removes the oldest events, up to the first that is not before that time. An event says which they were and is the
    /// point from which the rest is verified; it counts only if it is sealed, so the secret store has to answer. A keyring that
    /// was in use earlier is told too: its seal may name what goes.
    pub fn prune(&mut self, before: Timestamp) -> Result<Option<Oldest>, StackError> {
        let Some(oldest) = self.database.read(|connection| oldest(connection, before))? else { return Ok(None) };
        let store = self.store()?;
        store.ready()?;
        let mut entry = Entry::new(EventKind::Pruned);
        entry.detail.insert("before".into(), json!(before));
        entry.detail.insert("removed".into(), json!(oldest.count));
        entry.detail.insert("through".into(), json!(oldest.through.to_string()));
        let acquired = self.database.read(|connection| events::acquired_through(connection, oldest.through.count))?;
        entry.detail.insert("acquired_through".into(), json!(acquired));
        let (now, entry) = (self.now, by(entry, &self.actor_json()));
        let in_use = self.chosen_store()? == Some(StoreChoice::Keyring);
        let earlier = (!in_use && keyring_seal(&self.place).is_some()).then(SecretStore::keyring);
        let stores: Vec<&SecretStore> = [Some(&*store), earlier.as_ref()].into_iter().flatten().collect();
        self.write_sealed(&stores, |transaction| {
            events::append(transaction, now, &entry)?;
            Ok(events::remove_through(transaction, oldest.through.count)?)
        })?;
        // What was removed is overwritten already; this makes the file smaller. Without it all is well too.
        let _as_large_as_before = self.database.vacuum();
        Ok(Some(oldest))
    }
}

fn oldest(connection: &Connection, before: Timestamp) -> Result<Option<Oldest>, DatabaseError> {
    let first: Option<i64> = connection.prepare("SELECT min(sequence) FROM event")?.query_row([], |row| row.get(0))?;
    let Some(first) = first else { return Ok(None) };
    let mut kept = connection.prepare("SELECT min(sequence) FROM event WHERE at >= ?1")?;
    let last = match kept.query_row([before.as_second()], |row| row.get::<_, Option<i64>>(0))? {
        Some(kept) => kept.saturating_sub(1),
        None => events::head(connection)?.count,
    };
    let hash =
        connection.prepare("SELECT hash FROM event WHERE sequence = ?1")?.query_row([last], |row| row.get(0)).optional()?;
    Ok(hash.map(|hash| Oldest { count: last.saturating_sub(first).saturating_add(1), through: Head { count: last, hash } }))
}
