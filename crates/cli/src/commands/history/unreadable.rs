use credstack_core::values::{Event, EventKind};

use crate::context::Context;

/// Events that are not as this program writes them. They are shown all the same, with what can be read.
#[derive(Debug, Default)]
pub struct Unreadable {
    first: Vec<i64>,
    more: u64,
}

/// How many are named.
const NAMED: usize = 5;

impl Unreadable {
    /// Notes which of these are.
    pub fn look(&mut self, events: &[Event]) {
        for event in events.iter().filter(|event| event.entry.event == EventKind::Unreadable) {
            match self.first.len() < NAMED {
                true => self.first.push(event.sequence),
                false => self.more += 1,
            }
        }
    }

    /// Says which they were.
    pub fn warn(&self, context: &Context) {
        let named: Vec<_> = self.first.iter().map(i64::to_string).collect();
        let which = match (&named[..], self.more) {
            ([], _) => return,
            ([one], _) => format!("event {one} is"),
            (several, 0) => format!("events {} are", several.join(", ")),
            (several, more) => format!("events {} and {more} more are", several.join(", ")),
        };
        context.output.warn(&format!("{which} not as this version writes them: `credstack audit verify` looks at the log"));
    }
}
