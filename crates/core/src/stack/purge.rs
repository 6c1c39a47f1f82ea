use std::{fs, io, path::Path};

use super::{Change, StackError};
use crate::{
    database::credentials,
    secret_store::SecretStore,
    values::{Credential, State},
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

    /// Erases every secret and then everything else of ours in the state directory, the log included. What is not ours
    /// stays. Stops at the first secret that cannot be erased, with the database still there.
    pub fn purge(mut self) -> Result<(), StackError> {
        for credential in self.secrets_kept()? {
            let item = self.database.read(|connection| credentials::item(connection, credential.id))?;
            if let Some(item) = item {
                self.secrets()?.erase(&item)?;
            }
        }
        SecretStore::dissolve_vault(&self.place.vault())?;
        let database = self.place.database();
        let journal = database.with_extension("db-journal");
        for path in [database, journal, self.place.lock()] {
            settled(fs::remove_file(&path), &path, io::ErrorKind::NotFound)?;
        }
        let path = self.place.path();
        settled(fs::remove_dir(path), path, io::ErrorKind::DirectoryNotEmpty)
    }
}

/// A removal that was done, or that `fine` says need not be.
fn settled(removal: io::Result<()>, path: &Path, fine: io::ErrorKind) -> Result<(), StackError> {
    match removal {
        Err(error) if error.kind() != fine => Err(StackError::Place { path: path.to_owned(), reason: error.to_string() }),
        _ => Ok(()),
    }
}
