use comfy_table::Cell;
use credstack_core::values::{Event, EventKind};
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::Failure,
    output::{escape, table},
    shapes::EventShape,
};

/// Show what happened, newest first
///
/// Every acquisition, refusal, restore and removal. The log only grows, and each event carries the
/// hash of the one before it.
///
/// Examples:
///   credstack history
///   credstack history --limit 5 --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct History {
    /// How many events at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
}

impl History {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let events = context.reader()?.newest_events(self.limit)?;
        if context.output.json() {
            let shapes: Vec<EventShape> = events.into_iter().map(EventShape::from).collect();
            return context.output.print_json(&json!({ "events": shapes }));
        }
        let mut rows = table(&["", "time (UTC)", "event", "stack", "id", "parent", "identity", "note"]);
        for event in &events {
            rows.add_row(cells(event));
        }
        context.output.print(&rows.trim_fmt())
    }
}

fn cells(event: &Event) -> Vec<Cell> {
    let entry = &event.entry;
    let id = |id: Option<credstack_core::values::CredentialId>| id.map(|id| id.to_string()).unwrap_or_default();
    let text = |name: &str| entry.detail.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let what = match entry.event {
        EventKind::Refused | EventKind::Failed => format!("{} {}: {}", text("operation"), text("target"), text("code")),
        _ => entry.arn.clone().or_else(|| entry.access_key_id.clone()).unwrap_or_default(),
    };
    let texts = [
        event.sequence.to_string(),
        event.at.to_string(),
        entry.event.to_string(),
        entry.stack.as_ref().map(|name| name.to_string()).unwrap_or_default(),
        id(entry.credential),
        id(entry.parent),
        what,
        text("note"),
    ];
    texts.iter().map(|text| Cell::new(escape(text))).collect()
}
