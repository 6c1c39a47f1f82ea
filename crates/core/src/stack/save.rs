use super::{Change, Moved, Shell, StackError};
use crate::values::{EventKind, StackName};

impl Change {
    /// Puts a copy of the current frame on the saved ones.
    pub fn save(&mut self, stack: &StackName, shell: &Shell) -> Result<Moved, StackError> {
        let before = self.frames_or_new(stack)?;
        let cover = self.cover(&before, shell)?;
        let (captured, base) = self.covered(&before, cover)?;
        let after = base.save();
        let mut entries = self.captured_entry(captured)?;
        entries.push(self.entry_for_current(EventKind::Saved, stack, &after)?);
        self.commit(stack, &before, Some(&after), captured.as_slice(), entries)
    }
}
