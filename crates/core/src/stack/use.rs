use super::{Change, Landing, Moved, Shell, StackError, capture::Cover};
use crate::values::{EventKind, Frame, StackName};

impl Change {
    /// Makes a stored credential set, or another frame of the stack, current.
    pub fn use_frame(&mut self, stack: &StackName, frame: Frame, landing: Landing, shell: &Shell) -> Result<Moved, StackError> {
        if let Some(id) = frame.credential() {
            self.require_usable(id)?;
        }
        let before = self.frames_or_new(stack)?;
        let cover = if landing == Landing::Replace { Cover::AsItIs } else { self.cover(&before, shell)? };
        let (captured, base) = self.covered(&before, cover)?;
        let after = if landing == Landing::Replace { base.replace(frame) } else { base.push(frame) };
        let mut entries = self.captured_entry(captured)?;
        entries.push(self.entry_for_current(EventKind::Used, stack, &after)?);
        self.commit(stack, &before, &after, captured.as_slice(), entries)
    }

    fn require_usable(&self, id: crate::values::CredentialId) -> Result<(), StackError> {
        let credential = self.credential(id)?;
        match credential.expires_at {
            _ if !credential.has_secret() => Err(StackError::Erased(id)),
            Some(at) if credential.is_expired(self.now) => Err(StackError::Expired { id, at }),
            _ => Ok(()),
        }
    }
}
