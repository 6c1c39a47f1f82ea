use super::{Change, Moved, StackError};
use crate::values::{Entry, EventKind, Frames, StackName};

impl Change {
    /// Takes a stack back to one ambient frame.
    pub fn clear(&mut self, stack: &StackName) -> Result<Moved, StackError> {
        let before = self.frames(stack)?;
        let after = Frames::default();
        let entry = super::record::with_frames(Entry::new(EventKind::Cleared), stack, &after);
        self.commit(stack, &before, Some(&after), &[], vec![entry])
    }

    /// Removes a stack. The one named `default` is always there: it is cleared.
    pub fn remove_stack(&mut self, stack: &StackName) -> Result<Moved, StackError> {
        if stack.is_default() {
            return self.clear(stack);
        }
        let before = self.frames(stack)?;
        let entry = Entry { stack: Some(stack.clone()), ..Entry::new(EventKind::Removed) };
        self.commit(stack, &before, None, &[], vec![entry])
    }
}
