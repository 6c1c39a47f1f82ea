use serde_json::json;

use super::{Change, Landing, Moved, Shell, StackError, capture::Cover};
use crate::values::{Ambient, CredentialId, EventKind, Frame, FrameName, Frames, StackName};

impl Change {
    /// Makes a stored credential set, or another frame of the stack, current.
    pub fn use_frame(
        &mut self,
        stack: &StackName,
        name: FrameName,
        landing: Landing,
        shell: &Shell,
    ) -> Result<Moved, StackError> {
        let before = self.frames_or_new(stack)?;
        let name = match name {
            FrameName::Credential(id) => FrameName::Credential(self.newest(id)?),
            name => name,
        };
        let named = |frames: &Frames| frames.named(name).ok_or_else(|| StackError::no_such_frame(stack, name, frames));
        if let Some(id) = named(&before)?.credential() {
            self.require_usable(id)?;
        }
        let cover = if landing == Landing::Replace { Cover::AsItIs } else { self.cover(&before, shell)? };
        let (captured, base) = self.covered(&before, cover)?;
        // Named again: the frame may be the one that was covered.
        let frame = named(&base)?;
        let after = if landing == Landing::Replace { base.replace(frame) } else { base.push(frame) };
        let mut entries = self.captured_entry(captured)?;
        entries.push(self.entry_for_current(EventKind::Used, stack, &after)?);
        self.commit(stack, &before, Some(&after), captured.as_slice(), entries)
    }

    /// Makes a reference to an ambient identity current, such as a profile: it is found again at every use. `note` goes into the
    /// log.
    pub fn use_ambient(
        &mut self,
        stack: &StackName,
        reference: Ambient,
        landing: Landing,
        shell: &Shell,
        note: Option<&str>,
    ) -> Result<Moved, StackError> {
        let before = self.frames_or_new(stack)?;
        let cover = if landing == Landing::Replace { Cover::AsItIs } else { self.cover(&before, shell)? };
        let (captured, base) = self.covered(&before, cover)?;
        let frame = Frame::Ambient(reference);
        let after = if landing == Landing::Replace { base.replace(frame) } else { base.push(frame) };
        let mut entries = self.captured_entry(captured)?;
        let mut used = self.entry_for_current(EventKind::Used, stack, &after)?;
        if let Some(note) = note {
            used.detail.insert("note".into(), json!(note));
        }
        entries.push(used);
        self.commit(stack, &before, Some(&after), captured.as_slice(), entries)
    }

    fn require_usable(&self, id: CredentialId) -> Result<(), StackError> {
        let credential = self.credential(id)?;
        match credential.expires_at {
            _ if !credential.has_secret() => Err(StackError::Erased(id)),
            Some(at) if credential.is_expired(self.now) => Err(StackError::Expired { id, at }),
            _ => Ok(()),
        }
    }
}
