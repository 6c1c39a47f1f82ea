use std::fs;

use super::{Change, StackError};
use crate::{
    database::credentials,
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

    /// Erases every secret and then the state directory with the log. Stops at the first secret that cannot be
    /// erased, with the database still there.
    pub fn purge(mut self) -> Result<(), StackError> {
        for credential in self.secrets_kept()? {
            let item = self.database.read(|connection| credentials::item(connection, credential.id))?;
            if let Some(item) = item {
                self.secrets()?.erase(&item)?;
            }
        }
        let path = self.place.path().to_owned();
        fs::remove_dir_all(&path).map_err(|error| StackError::Place { path, reason: error.to_string() })
    }
}
