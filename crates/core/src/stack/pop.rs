use super::{Change, Moved, StackError, record::with_frames};
use crate::values::{Entry, EventKind, Frames, StackName};

/// How a saved frame is restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pop {
    /// The lowest saved frame, not the newest.
    pub root: bool,
    /// The saved frames stay as they are; the current one is overwritten.
    pub keep: bool,
}

impl Change {
    /// Makes a saved frame current. It needs neither the network nor, beyond erasing what leaves, the secret store;
    /// the restored frame may have expired.
    pub fn pop(&mut self, stack: &StackName, how: Pop) -> Result<Moved, StackError> {
        let before = self.frames(stack)?;
        let restore = match how {
            Pop { root: false, keep: false } => Frames::pop,
            Pop { root: false, keep: true } => Frames::pop_keep,
            Pop { root: true, keep: false } => Frames::pop_root,
            Pop { root: true, keep: true } => Frames::pop_root_keep,
        };
        let after = restore(&before).map_err(|_| StackError::NothingSaved(stack.clone()))?;
        let mut entry = self.entry_for_current(EventKind::Restored, stack, &after)?;
        entry.detail.insert("root".into(), how.root.into());
        entry.detail.insert("keep".into(), how.keep.into());
        self.commit(stack, &before, Some(&after), &[], vec![entry])
    }

    /// The log's entry for a move, about the frame that is current after it.
    pub(super) fn entry_for_current(&self, event: EventKind, stack: &StackName, after: &Frames) -> Result<Entry, StackError> {
        let entry = match after.current().credential() {
            Some(id) => super::record::entry_about(event, &self.credential(id)?),
            None => Entry::new(event),
        };
        Ok(with_frames(entry, stack, after))
    }
}
