use std::{fs, io, path::Path};

use super::{
    Change, StackError, StateDirectory,
    intents::remove_intents,
    lock::{Lock, PATIENCE},
    record::{by, entry_about},
    secret_stores::chosen,
    uses::remove_uses,
};
use crate::{
    database::{Database, DatabaseError, credentials, events},
    private_files::remove_if_there,
    secret_store::{SecretStore, StoreChoice},
    values::{Credential, EventKind, Item, State},
};

impl Change {
    /// The credential sets whose secrets a purge would erase.
    pub fn secrets_kept(&self) -> Result<Vec<Credential>, StackError> {
        let mut kept = Vec::new();
        for state in [State::Pending, State::Active, State::Leaving] {
            kept.extend(self.database.read(|connection| credentials::in_state(connection, state))?);
        }
        Ok(kept)
    }

    /// Where they are in the secret store, whatever else their rows say.
    fn items_kept(&self) -> Result<Vec<Item>, StackError> {
        Ok(self.database.read(credentials::items_kept)?)
    }

    /// Gives up every secret that is kept: the secret store cannot be reached any more. In a keyring they stay; a vault's
    /// files are removed. The log says that they are lost.
    pub fn abandon_secrets(&mut self) -> Result<Vec<Credential>, StackError> {
        let kept = self.secrets_kept()?;
        let (now, actor) = (self.now, self.actor_json());
        self.write(|transaction| -> Result<(), DatabaseError> {
            for credential in &kept {
                credentials::mark_leaving(transaction, credential.id)?;
                credentials::mark_erased(transaction, credential.id)?;
                events::append(transaction, now, &by(entry_about(EventKind::SecretLost, credential), &actor))?;
            }
            Ok(())
        })?;
        if let Some(StoreChoice::Vault { .. }) = chosen(&self.database)? {
            // What nobody can open is of no use to anybody.
            SecretStore::dissolve_vault(&self.place.vault())?;
        }
        self.notices.clear();
        Ok(kept)
    }

    /// Erases every secret and then everything else of ours in the state directory, the log included. What is not ours
    /// stays. If a secret, or the seal of the log, cannot be erased the database stays too, and knows which ones are left;
    /// `abandoned` is one whose secret store was given up.
    ///
    /// How many secrets were erased, or given up. Nothing is logged, for the log goes too: it may be one to which nothing can be added.
    pub fn purge(mut self, abandoned: bool) -> Result<usize, StackError> {
        if abandoned {
            let given_up = self.database.read(credentials::count_kept)?;
            if let Ok(Some(StoreChoice::Vault { .. })) = chosen(&self.database) {
                SecretStore::dissolve_vault(&self.place.vault())?;
            }
            remove_everything(&self.place)?;
            return Ok(given_up);
        }
        let kept = self.items_kept()?;
        // What a purge that is cut off has erased is settled by the next change.
        self.write(|transaction| credentials::mark_all_leaving(transaction))?;
        if !kept.is_empty() {
            let store = self.store()?;
            kept.iter().try_for_each(|item| store.erase(item))?;
        }
        if chosen(&self.database)? == Some(StoreChoice::Keyring) {
            self.store()?.erase_seal(self.place.path())?;
        }
        remove_everything(&self.place)?;
        Ok(kept.len())
    }
}

/// Removes everything of ours in the state directory, and the directory if nothing else is in it, without a look into the
/// database: it is damaged. Secrets in a keyring stay there.
pub fn abandon_everything(place: &StateDirectory) -> Result<(), StackError> {
    let _lock = Lock::take(place, "purge", PATIENCE)?;
    remove_everything(place)
}

/// The caller holds the lock.
fn remove_everything(place: &StateDirectory) -> Result<(), StackError> {
    // A keyring that was in use earlier may have a seal too. One that stays where it cannot be reached is of a log that is
    // gone: the next log here does not verify until it is accepted.
    let _unreachable = SecretStore::keyring().erase_seal(place.path());
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| StackError::Place { path, reason: error.to_string() }
    };
    SecretStore::dissolve_vault(&place.vault())?;
    Database::remove(&place.database())?;
    remove_uses(place)?;
    let questions = place.question_locks().map_err(unusable(place.path()))?;
    remove_intents(place)?;
    for path in questions.into_iter().chain([place.renewal_lock(), place.lock()]) {
        remove_if_there(&path).map_err(unusable(&path))?;
    }
    match fs::remove_dir(place.path()) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        removed => removed.map_err(unusable(place.path())),
    }
}
