use super::{Change, StackError, record::by};
use crate::{
    database::{Database, DatabaseError, events, settings},
    secret_store::{SecretStore, StoreChoice},
    values::{Entry, EventKind},
};

const SETTING: &str = "secret_store";

/// The secret store that was chosen for this database.
pub(super) fn chosen(database: &Database) -> Result<Option<StoreChoice>, DatabaseError> {
    database.read(|connection| settings::get(connection, SETTING))
}

impl Change {
    /// The secret store that was chosen, if any was.
    pub fn chosen_store(&self) -> Result<Option<StoreChoice>, StackError> {
        Ok(chosen(&self.database)?)
    }

    /// Chooses the secret store after trying it out: a throw-away item is written, read and deleted.
    ///
    /// It is chosen once: while secrets are in one store, another is refused. The same vault may be given its key from
    /// elsewhere.
    pub fn choose_store(&mut self, choice: &StoreChoice) -> Result<(), StackError> {
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
        if present.as_ref() == Some(choice) {
            // The one that settling may have waited for in vain already: a command waits once.
            return Ok(self.secrets()?.probe()?);
        }
        SecretStore::open(choice, &self.place.vault(), self.patience)?.probe()?;
        let mut entry = Entry::new(EventKind::StoreChanged);
        entry.detail.insert("store".into(), serde_json::json!(choice));
        let (now, entry) = (self.now, by(entry, &self.actor_json()));
        self.database.write(|transaction| -> Result<(), DatabaseError> {
            settings::put(transaction, SETTING, choice)?;
            events::append(transaction, now, &entry)
        })?;
        Ok(())
    }
}
