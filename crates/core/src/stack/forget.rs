use super::{
    Change, Left, StackError,
    record::{by, entry_about},
};
use crate::{
    database::{credentials, events},
    values::{Credential, CredentialId, EventKind},
};

impl Change {
    /// Erases a held credential set.
    pub fn forget(&mut self, id: CredentialId) -> Result<Vec<Left>, StackError> {
        let id = self.newest(id)?;
        let credential = self.credential(id)?;
        if !credential.has_secret() {
            return Err(StackError::Erased(id));
        }
        if let Some(stack) = self.database.read(|connection| credentials::stacks_with(connection, id))?.into_iter().next() {
            return Err(StackError::OnStack { id, stack });
        }
        self.give_up(vec![credential])
    }

    /// Erases every held credential set that has expired.
    pub fn forget_expired(&mut self) -> Result<Vec<Left>, StackError> {
        let held = self.database.read(credentials::held)?;
        let expired: Vec<_> = held.into_iter().filter(|credential| credential.is_expired(self.now)).collect();
        self.give_up(expired)
    }

    fn give_up(&mut self, leaving: Vec<Credential>) -> Result<Vec<Left>, StackError> {
        self.require_consent(&leaving)?;
        let (now, actor) = (self.now, self.actor_json());
        self.write(|transaction| -> Result<(), StackError> {
            for credential in &leaving {
                credentials::mark_leaving(transaction, credential.id)?;
                events::append(transaction, now, &by(entry_about(EventKind::Forgotten, credential), &actor))?;
            }
            Ok(())
        })?;
        Ok(self.erase(leaving))
    }
}
