use super::{Change, Moved, Shell, StackError};
use crate::values::{EventKind, StackName};

impl Change {
    /// The current and the newest saved frame change places.
    pub fn swap(&mut self, stack: &StackName, shell: &Shell) -> Result<Moved, StackError> {
        let before = self.frames(stack)?;
        let nothing_saved = |_| StackError::NothingSaved(stack.clone());
        before.swap().map_err(nothing_saved)?;
        let cover = self.cover(&before, shell)?;
        let (captured, base) = self.covered(&before, cover)?;
        let after = base.swap().map_err(nothing_saved)?;
        let mut entries = self.captured_entry(captured)?;
        entries.push(self.entry_for_current(EventKind::Swapped, stack, &after)?);
        self.commit(stack, &before, Some(&after), captured.as_slice(), entries)
    }
}
