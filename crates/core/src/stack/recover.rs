use super::{
    Change, Notice, StackError,
    change::{Work, is_missing},
    record::{by, entry_about},
};
use crate::{
    database::{DatabaseError, credentials, events},
    values::{Credential, EventKind, State},
};

impl Change {
    /// Settles what killed commands left. A pending credential set whose secret arrived is held, for the secret may
    /// exist nowhere else; one whose secret did not arrive is taken back; one that was leaving is erased.
    ///
    /// What cannot be settled now, because the secret store does not answer, stays and is a notice.
    pub(super) fn recover(&mut self) -> Result<(), StackError> {
        let pending = self.database.read(|connection| credentials::in_state(connection, State::Pending))?;
        for credential in &pending {
            match self.settle_pending(credential) {
                Ok(Some(notice)) => self.notices.push(notice),
                Ok(None) => {}
                Err(error) => self.postpone(Work::Settle, credential.id, error),
            }
        }
        let leaving = self.database.read(|connection| credentials::in_state(connection, State::Leaving))?;
        let left = self.erase(leaving);
        if !(pending.is_empty() && left.is_empty()) {
            self.store().map(|store| store.sweep_temporary_files()).ok();
        }
        Ok(())
    }

    fn settle_pending(&mut self, credential: &Credential) -> Result<Option<Notice>, StackError> {
        let id = credential.id;
        let item = self.database.read(|connection| credentials::item(connection, id))?;
        let item = item.ok_or(StackError::NoSuchCredential(id))?;
        match self.store()?.get_of(&item, &credential.access_key_id).map_err(StackError::from) {
            Ok(_) => {
                let (now, actor) = (self.now, self.actor_json());
                let mut entries = self.unlogged_acquisition(id)?;
                entries.push(entry_about(EventKind::Held, credential));
                self.write(|transaction| -> Result<(), DatabaseError> {
                    credentials::activate(transaction, id, true)?;
                    for entry in entries {
                        events::append(transaction, now, &by(entry, &actor))?;
                    }
                    Ok(())
                })?;
                Ok(Some(Notice::CutOff(id)))
            }
            Err(error) if is_missing(&error) => {
                self.withdraw(id)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
