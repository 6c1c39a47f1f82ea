use serde_json::json;

use super::{Change, Moved, StackError};
use crate::values::{EventKind, StackName};

impl Change {
    /// Discards the newest saved frame, or all of them; the current one stays.
    pub fn drop(&mut self, stack: &StackName, all: bool) -> Result<Moved, StackError> {
        let before = self.frames(stack)?;
        let after = if all { before.drop_all() } else { before.drop_newest() };
        let after = after.map_err(|_| StackError::NothingSaved(stack.clone()))?;
        let count = before.by_height().len() - after.by_height().len();
        let mut entry = self.entry_for_current(EventKind::Dropped, stack, &after)?;
        entry.detail.insert("dropped".into(), before.from_current().skip(1).take(count).map(|f| json!(f.credential())).collect());
        self.commit(stack, &before, Some(&after), &[], vec![entry])
    }
}
