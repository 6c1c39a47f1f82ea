use credstack_core::{
    stack::{self, Consent},
    values::{Entry, Event, EventKind},
};
use serde_json::json;

use crate::context::Context;

/// Which events left the machine.
#[derive(Debug, Default)]
pub struct Exported {
    pub count: u64,
    /// The number of the first one.
    pub first: Option<i64>,
    /// The number of the last one.
    pub through: Option<i64>,
    /// Whether one of them tells something else than that events were exported.
    pub is_news: bool,
}

impl Exported {
    pub fn add(&mut self, event: &Event) {
        self.count += 1;
        self.first.get_or_insert(event.sequence);
        self.through = Some(event.sequence);
        self.is_news |= event.entry.event != EventKind::Exported;
    }

    /// Writes down that they did. The events are out all the same where that fails.
    pub fn record(&self, context: &Context, format: &str, to: &str) {
        if self.count == 0 {
            return;
        }
        let mut entry = Entry::new(EventKind::Exported);
        for (name, value) in [
            ("format", json!(format)),
            ("destination", json!(to)),
            ("count", json!(self.count)),
            ("first", json!(self.first)),
            ("through", json!(self.through)),
        ] {
            entry.detail.insert(name.into(), value);
        }
        let terms = context.terms("audit", Consent::Only(Default::default()));
        if let Err(error) = stack::record(&context.place, &terms, [entry]) {
            context.output.warn(&format!("that events were exported could not be written into the history: {error}"));
        }
    }
}
