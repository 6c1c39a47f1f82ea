//! Where the log and the secret store meet: what is added to the log is sealed in the store.

use std::time::Duration;

use rusqlite::{Connection, Transaction};
use serde_json::json;

use super::{Change, Reader, Secrets, StackError, StateDirectory, record::by};
use crate::{
    database::{BadLog, Database, DatabaseError, Head, InDatabase, Verified, Wrong, events, mend},
    secret_store::{BRIEFLY, Seal, SecretStore, StoreChoice},
    values::{Entry, EventKind},
};

/// The seals that can be found on a log. It must go through each of them: a store that was chosen earlier sealed an
/// earlier part of the same log.
#[derive(Debug, Default)]
pub struct Seals {
    /// That of the secret store in use.
    pub chosen: Option<Seal>,
    /// That of the keyring, where it is not the one in use. Whoever can write the database can name another store in it;
    /// a keyring that cannot be asked without a prompt is not asked.
    pub keyring: Option<Seal>,
    /// There is a seal in the vault, and nothing says what its key is.
    pub orphaned: bool,
    /// A log that was kept whole has a seal: a secret store was chosen, and that seals.
    pub expected: bool,
}

/// How far a log is sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// How many events; `None` where nothing ever was.
    pub count: Option<i64>,
    /// How many more the seal knows of, which the log has not: the command that wrote them was killed before it had
    /// committed, or somebody cut them off. Which of the two cannot be told.
    pub cut_off: i64,
}

impl Seals {
    /// Every head that a seal names, which are what the log is to be verified against.
    pub fn anchors(&self) -> Vec<Head> {
        self.found().flat_map(|seal| [seal.next, seal.previous]).collect()
    }

    /// How far the log is sealed. `verified` comes of [`Seals::anchors`], in their order. Every seal must know of the newest
    /// prune: whoever chose a store of their own could seal one there.
    pub fn sealed(&self, verified: &Verified) -> Result<Sealed, BadLog> {
        let unsealed_prune = |by| BadLog { event: Some(by), wrong: Wrong::PrunedUnsealed };
        let mut sealed = Sealed::default();
        for (seal, through) in self.found().zip(verified.through.chunks(2)) {
            let (count, cut_off) = match (through, verified.pruned_by) {
                ([true, _], _) => (seal.next.count, 0),
                ([_, true], _) => (seal.previous.count, seal.next.count.saturating_sub(seal.previous.count)),
                (_, Some(by)) if seal.next.count < verified.begin.count => return Err(unsealed_prune(by)),
                _ => {
                    let known = [seal.next, seal.previous].into_iter().find(|head| head.count <= verified.head.count);
                    return Err(verified.misses(&known.unwrap_or(seal.previous)));
                }
            };
            if let Some(by) = verified.pruned_by.filter(|by| count < *by) {
                return Err(unsealed_prune(by));
            }
            if sealed.count.is_none_or(|known| known < count) {
                sealed = Sealed { count: Some(count), cut_off };
            }
        }
        match (self.chosen, verified.pruned_by) {
            (_, Some(by)) if sealed.count.is_none() => Err(unsealed_prune(by)),
            (None, _) if self.orphaned => Err(BadLog { event: None, wrong: Wrong::Replaced }),
            (None, _) if self.expected => Err(BadLog { event: None, wrong: Wrong::Unsealed }),
            _ => Ok(sealed),
        }
    }

    fn found(&self) -> impl Iterator<Item = Seal> {
        [self.chosen, self.keyring].into_iter().flatten()
    }
}

impl Change {
    /// Every write of a change goes through here.
    pub(super) fn write<T, E: InDatabase>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        write(&mut self.database, &self.secrets, &self.place, work)
    }

    /// The same with these stores, whatever their seals say now; if one takes none, nothing is written.
    pub(super) fn write_sealed(
        &mut self,
        stores: &[&SecretStore],
        work: impl FnOnce(&Transaction<'_>) -> Result<(), DatabaseError>,
    ) -> Result<(), StackError> {
        let place = self.place.path();
        self.database.write(|transaction| -> Result<(), StackError> {
            let previous = events::head(transaction)?;
            work(transaction)?;
            let seal = Seal { previous, next: events::head(transaction)? };
            Ok(stores.iter().try_for_each(|store| store.put_seal(place, &seal))?)
        })
    }

    /// Accepts the log as it is: seals it, and writes down which seal it did not go through, if there was one. With `mended`
    /// it first puts back what guards the log, its indexes, and the rows of the credential sets as the log has them, and
    /// writes down why.
    pub fn reseal(&mut self, seals: &Seals, mended: Option<&Wrong>) -> Result<Head, StackError> {
        let store = self.store()?;
        store.ready()?;
        let mut entry = Entry::new(EventKind::Resealed);
        for (name, seal) in [("seal", &seals.chosen), ("keyring_seal", &seals.keyring)] {
            if let Some(seal) = seal {
                entry.detail.insert(name.into(), json!([seal.previous.to_string(), seal.next.to_string()]));
            }
        }
        if let Some(mended) = mended {
            entry.detail.insert("mended".into(), json!(mended.name()));
        }
        let (now, entry) = (self.now, by(entry, &self.actor_json()));
        self.write_sealed(&[&store], |transaction| {
            if mended.is_some() {
                mend(transaction)?;
            }
            events::append(transaction, now, &entry)
        })?;
        let head = self.database.read(events::head)?;
        if seals.keyring.is_some() {
            SecretStore::keyring().erase_seal(self.place.path())?;
        }
        Ok(head)
    }
}

/// Where the secret store is open already, what is added to the log is sealed there before it is committed. Else, and where
/// the store does not answer, it waits for the next seal: no change is lost, and nobody is asked for anything, because of it.
///
/// It is the one place where a transaction is open while the store works: only so is the seal of a head that is committed
/// next. The transaction is what keeps two of these apart, with the lock and without.
pub(super) fn write<T, E: InDatabase>(
    database: &mut Database,
    secrets: &Secrets,
    place: &StateDirectory,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let store = secrets.opened().filter(|store| store.is_open());
    let place = place.path();
    database.write(|transaction| {
        let previous = events::head(transaction)?;
        let done = work(transaction)?;
        let next = events::head(transaction)?;
        if let Some(store) = store.filter(|_| next != previous) {
            // A seal through which the log does not go is the proof that somebody touched it: it stays. So is one that is
            // gone, for choosing the store put the first: only a person knows why, and `audit seal` puts another.
            if let Ok(Some(seal)) = store.seal(BRIEFLY, place)
                && may_follow(transaction, &seal)?
            {
                let _waits_for_the_next = store.put_seal(place, &Seal { previous, next });
            }
        }
        Ok(done)
    })
}

/// Whether the log goes through the seal, and no prune is told of behind it: a prune is sealed, or was forged.
pub(super) fn may_follow(connection: &Connection, seal: &Seal) -> Result<bool, DatabaseError> {
    for head in [seal.next, seal.previous] {
        if head == Head::default() || events::hash(connection, head.count)? == Some(head.hash) {
            return Ok(!events::pruned_after(connection, head.count)?);
        }
    }
    Ok(false)
}

impl Reader {
    /// The seals on the log. To be read before the log is: a change that comes between has put its seal, and the log
    /// goes through the one that was read all the same.
    pub fn seals(&self) -> Result<Seals, StackError> {
        let place = &self.place;
        let choice = self.chosen_store()?;
        let vaulted = SecretStore::has_vault_seal(&place.vault())?;
        let (chosen, keyring) = match &choice {
            Some(choice) => {
                let seal = self.secrets.open(choice, place)?.seal(Duration::MAX, place.path())?;
                (seal, if *choice == StoreChoice::Keyring { None } else { keyring_seal(place) })
            }
            None => (None, keyring_seal(place)),
        };
        let logged = match &self.database {
            Some(database) => database.read(events::must_be_sealed)?,
            None => false,
        };
        Ok(Seals { chosen, keyring, orphaned: choice.is_none() && vaulted, expected: choice.is_some() || logged })
    }
}

/// The keyring's seal, if it can be had without a prompt.
pub(super) fn keyring_seal(place: &StateDirectory) -> Option<Seal> {
    SecretStore::keyring().seal(BRIEFLY, place.path()).ok().flatten()
}

#[cfg(unix)]
#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
