use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction};

use super::{
    Change, StackError, StateDirectory,
    record::by,
    seal::{keyring_seal, may_follow},
};
use crate::{
    database::{Database, DatabaseError, events, settings},
    secret_store::{BRIEFLY, Patience, SecretStore, StoreChoice},
    values::{Entry, EventKind},
};

const SETTING: &str = "secret_store";

/// The secret store that was chosen for this database.
pub(super) fn chosen(database: &Database) -> Result<Option<StoreChoice>, DatabaseError> {
    database.read(chosen_in)
}

/// The same within a read.
pub(super) fn chosen_in(connection: &Connection) -> Result<Option<StoreChoice>, DatabaseError> {
    settings::get(connection, SETTING)
}

/// The secret store as one command has it: opened when it is first needed, and then the same for all that the command
/// does. So it connects, or reads its key, once; and what it waits for in vain, it waits for once.
#[derive(Clone, Debug)]
pub struct Secrets {
    patience: Patience,
    opened: Arc<Mutex<Option<Opened>>>,
}

type Opened = (StoreChoice, Arc<SecretStore>);

impl Secrets {
    /// Nothing is opened yet.
    pub fn new(patience: Patience) -> Secrets {
        Secrets { patience, opened: Arc::default() }
    }

    /// The same on which nothing is opened: a connection may not last as long as a command that goes on for hours.
    #[must_use]
    pub fn unopened(&self) -> Secrets {
        Secrets::new(self.patience)
    }

    /// The store, if the command has opened one.
    pub(super) fn opened(&self) -> Option<Arc<SecretStore>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, store)| store.clone())
    }

    /// The store that `choice` names.
    pub(super) fn open(&self, choice: &StoreChoice, place: &StateDirectory) -> Result<Arc<SecretStore>, StackError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, store)) = opened.as_ref().filter(|(known, _)| known == choice) {
            return Ok(store.clone());
        }
        let store = Arc::new(SecretStore::open(choice, &place.vault(), self.patience)?);
        *opened = Some((choice.clone(), store.clone()));
        Ok(store)
    }

    /// The store that was chosen for this database.
    pub(super) fn chosen(&self, database: &Database, place: &StateDirectory) -> Result<Arc<SecretStore>, StackError> {
        self.open(&chosen(database)?.ok_or(StackError::NoStoreChosen)?, place)
    }
}

impl Change {
    /// The secret store that was chosen, if any was.
    pub fn chosen_store(&self) -> Result<Option<StoreChoice>, StackError> {
        Ok(chosen(&self.database)?)
    }

    /// Chooses the secret store after trying it out: a throw-away item is written, read and deleted.
    ///
    /// It is chosen once: while secrets are in one store, another is refused. The same vault may be given its key from
    /// elsewhere. One that was abandoned is chosen anew, even if it is the same: it may have nothing left, not even a seal.
    pub fn choose_store(&mut self, choice: &StoreChoice, abandoned: bool) -> Result<(), StackError> {
        let present = chosen(&self.database)?;
        let same_vault = matches!((&present, choice), (Some(StoreChoice::Vault { .. }), StoreChoice::Vault { .. }));
        if present.as_ref().is_some_and(|present| present != choice) {
            let kept = self.secrets_kept()?.len();
            if kept > 0 && !same_vault {
                return Err(StackError::StoreInUse(kept));
            }
            if kept == 0 {
                // An empty vault is nobody's, whatever key it had.
                SecretStore::release_vault(&self.place.vault())?;
            }
        }
        if present.as_ref() == Some(choice) && !abandoned {
            // The one that settling may have waited for in vain already: a command waits once.
            return Ok(self.store()?.probe()?);
        }
        let store = self.secrets.open(choice, &self.place)?;
        store.probe()?;
        store.sweep_temporary_files()?;
        let mut entry = Entry::new(EventKind::StoreChanged);
        entry.detail.insert("store".into(), serde_json::json!(choice));
        let (now, entry) = (self.now, by(entry, &self.actor_json()));
        let choose = |transaction: &Transaction<'_>| -> Result<(), DatabaseError> {
            settings::put(transaction, SETTING, choice)?;
            events::append(transaction, now, &entry)
        };
        match store.seal(BRIEFLY, self.place.path()) {
            // One that the new key does not open was another vault's.
            Ok(None) | Err(_) => self.write_sealed(&[&store], choose)?,
            Ok(Some(_)) => self.write(choose)?,
        }
        if present == Some(StoreChoice::Keyring) && *choice != StoreChoice::Keyring {
            self.leave_keyring()?;
        }
        Ok(())
    }

    /// Takes the keyring's seal along, if it can be had: it would be older and older. One through which the log does not go
    /// stays.
    fn leave_keyring(&self) -> Result<(), StackError> {
        if let Some(seal) = keyring_seal(&self.place)
            && self.database.read(|connection| may_follow(connection, &seal))?
        {
            let _older_and_older = SecretStore::keyring().erase_seal(self.place.path());
        }
        Ok(())
    }
}
