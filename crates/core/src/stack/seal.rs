//! Where the log and the secret store meet: what is added to the log is sealed in the store.

use std::time::Duration;

use rusqlite::{Connection, Transaction};
use serde_json::json;

use super::{Change, Reader, Secrets, StackError, StateDirectory, record::by};
use crate::{
    database::{BadLog, Database, DatabaseError, Head, InDatabase, Verified, Wrong, events},
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

impl Seals {
    /// Every head that a seal names, which are what the log is to be verified against.
    pub fn anchors(&self) -> Vec<Head> {
        self.found().flat_map(|seal| [seal.next, seal.previous]).collect()
    }

    /// How many events are sealed; `None` where nothing ever was. `verified` comes of [`Seals::anchors`], in their order.
    pub fn sealed(&self, verified: &Verified) -> Result<Option<i64>, BadLog> {
        let replaced = BadLog { event: None, wrong: Wrong::Replaced };
        let mut sealed = None;
        for (seal, through) in self.found().zip(verified.through.chunks(2)) {
            sealed = sealed.max(match through {
                [true, _] => Some(seal.next.count),
                // The change that put the seal was cut off before it was committed.
                [_, true] => Some(seal.previous.count),
                // A store that was in use before the prune.
                _ if seal.next.count < verified.begin.count && Some(seal) != self.chosen => None,
                _ => {
                    let known = [seal.next, seal.previous].into_iter().find(|head| head.count <= verified.head.count);
                    return Err(verified.misses(&known.unwrap_or(seal.previous)));
                }
            });
        }
        if let Some(pruned_by) = verified.pruned_by
            && sealed.is_none_or(|sealed| sealed < pruned_by)
        {
            return Err(BadLog { event: Some(pruned_by), wrong: Wrong::PrunedUnsealed });
        }
        match self.chosen {
            None if self.orphaned => Err(replaced),
            None if self.expected => Err(BadLog { event: None, wrong: Wrong::Unsealed }),
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

    /// The same with `store`, whatever its seal says now; if it takes none, nothing is written.
    pub(super) fn write_sealed(
        &mut self,
        store: &SecretStore,
        work: impl FnOnce(&Transaction<'_>) -> Result<(), DatabaseError>,
    ) -> Result<(), StackError> {
        let place = self.place.path();
        self.database.write(|transaction| -> Result<(), StackError> {
            let previous = events::head(transaction)?;
            work(transaction)?;
            Ok(store.put_seal(place, &Seal { previous, next: events::head(transaction)? })?)
        })
    }

    /// Accepts the log as it is: seals it, and writes down which seal it did not go through, if there was one.
    pub fn reseal(&mut self, seals: &Seals) -> Result<Head, StackError> {
        let store = self.store()?;
        store.ready()?;
        let mut entry = Entry::new(EventKind::Resealed);
        for (name, seal) in [("seal", &seals.chosen), ("keyring_seal", &seals.keyring)] {
            if let Some(seal) = seal {
                entry.detail.insert(name.into(), json!([seal.previous.to_string(), seal.next.to_string()]));
            }
        }
        let (now, entry) = (self.now, by(entry, &self.actor_json()));
        self.write_sealed(&store, |transaction| events::append(transaction, now, &entry))?;
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
            // A seal through which the log does not go is the proof that somebody touched it: it stays.
            match store.seal(BRIEFLY, place) {
                Ok(Some(seal)) if !goes_through(transaction, &seal)? => {}
                Ok(_) => drop(store.put_seal(place, &Seal { previous, next })),
                Err(_) => {}
            }
        }
        Ok(done)
    })
}

fn goes_through(connection: &Connection, seal: &Seal) -> Result<bool, DatabaseError> {
    let mut statement = connection.prepare("SELECT 1 FROM event WHERE sequence = ?1 AND hash = ?2")?;
    let mut through =
        |head: &Head| Ok::<_, rusqlite::Error>(*head == Head::default() || statement.exists((head.count, head.hash))?);
    Ok(through(&seal.next)? || through(&seal.previous)?)
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
fn keyring_seal(place: &StateDirectory) -> Option<Seal> {
    SecretStore::keyring().seal(BRIEFLY, place.path()).ok().flatten()
}
