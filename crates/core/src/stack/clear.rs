use super::{Change, Moved, StackError};
use crate::{
    database::stacks,
    values::{Entry, EventKind, Frames, StackName},
};

impl Change {
    /// Takes a stack back to one ambient frame.
    pub fn clear(&mut self, stack: &StackName) -> Result<Moved, StackError> {
        let before = self.frames(stack)?;
        let after = Frames::default();
        let entry = super::record::with_frames(Entry::new(EventKind::Cleared), stack, &after);
        self.commit(stack, &before, &after, &[], vec![entry])
    }

    /// Removes a stack. The one named `default` is always there: it is cleared.
    pub fn remove_stack(&mut self, stack: &StackName) -> Result<Moved, StackError> {
        let moved = self.clear(stack)?;
        if !stack.is_default() {
            let now = self.now;
            let entry = Entry { stack: Some(stack.clone()), ..Entry::new(EventKind::Removed) };
            let entry = super::record::signed(entry, &self.actor_json());
            self.database.write(|transaction| {
                stacks::remove(transaction, stack)?;
                crate::database::events::append(transaction, now, &entry)
            })?;
        }
        Ok(moved)
    }
}
