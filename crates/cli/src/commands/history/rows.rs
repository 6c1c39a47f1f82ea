//! An event as a row: of the table, and of the CSV.

use comfy_table::Cell;
use credstack_core::values::{CredentialId, Entry, Event, EventKind};
use serde_json::{Map, Value};

use crate::{
    output::{escape, escape_json, table},
    words,
};

/// The events as a table.
pub fn table_of(events: &[Event]) -> String {
    let mut rows = table(&["", "time (UTC)", "event", "stack", "id", "parent", "identity", "note"]);
    for event in events {
        rows.add_row(cells(event));
    }
    rows.trim_fmt()
}

/// Whom an event is about, as a person reads it; of a refusal, what was asked for and why not.
pub fn identity(event: &Event) -> String {
    let (entry, text) = (&event.entry, |name| text(&event.entry.detail, name));
    match entry.event {
        // Not every operation has a target.
        EventKind::Refused | EventKind::Failed => {
            format!("{}: {}", format!("{} {}", text("operation"), text("target")).trim_end(), text("code"))
        }
        EventKind::Unreadable => {
            let what = entry.detail.get("unreadable").and_then(Value::as_object);
            format!("{} {}", whose(entry), what.map(|what| Value::Object(what.clone()).to_string()).unwrap_or_default())
                .trim()
                .to_owned()
        }
        EventKind::Orphaned => format!("{}: {}", whose(entry), text("reason")),
        EventKind::UsedBy => format!("{}: {}", whose(entry), use_of(&entry.detail)),
        _ => whose(entry),
    }
}

fn whose(entry: &Entry) -> String {
    let reference = || Some(words::ambient(&serde_json::from_value(entry.detail.get("ambient")?.clone()).ok()?));
    entry.arn.clone().or_else(|| entry.access_key_id.clone()).or_else(reference).unwrap_or_default()
}

/// What keys were handed out to.
fn use_of(detail: &Map<String, Value>) -> String {
    let text = |name| text(detail, name);
    let number = |name: &str| detail.get(name).and_then(Value::as_u64).unwrap_or_default();
    match (text("by").as_str(), text("mode").as_str()) {
        ("exec", mode) => format!("exec {} (by {mode})", text("program")),
        ("console", "browser") => "console, opened in the browser".to_owned(),
        ("console", _) => "console, as a URL".to_owned(),
        ("env", "hook") => format!("into a shell ({})", text("format")),
        ("env", _) => format!("env, printed ({})", text("format")),
        ("endpoint-start", mode) => format!("an endpoint begins ({mode})"),
        ("endpoint-stop", mode) => format!("an endpoint ended ({mode}), answers: {}", number("answers")),
        ("credential-process", _) => format!("credential-process, {}× in the hour from {}", number("count"), text("hour")),
        (by, _) => by.to_owned(),
    }
}

fn cells(event: &Event) -> Vec<Cell> {
    let entry = &event.entry;
    let texts = [
        event.sequence.to_string(),
        event.at.to_string(),
        entry.event.to_string(),
        entry.stack.as_ref().map(|name| name.to_string()).unwrap_or_default(),
        id(entry.credential),
        id(entry.parent),
        identity(event),
        text(&entry.detail, "note"),
    ];
    texts.iter().map(|text| Cell::new(escape(text))).collect()
}

/// The header of the CSV.
pub const CSV: [&str; 17] = [
    "sequence",
    "at",
    "event",
    "stack",
    "credential",
    "parent",
    "access_key_id",
    "account",
    "arn",
    "operation",
    "target",
    "code",
    "note",
    "user",
    "host",
    "detail",
    "hash",
];

/// An event as a row of it. Control characters are shown as in the table: a row is a line.
pub fn csv(event: &Event) -> [String; 17] {
    let entry = &event.entry;
    let (detail, nothing) = (&entry.detail, Map::new());
    let actor = detail.get("actor").and_then(Value::as_object).unwrap_or(&nothing);
    let row = [
        event.sequence.to_string(),
        event.at.to_string(),
        entry.event.to_string(),
        entry.stack.as_ref().map(|name| name.to_string()).unwrap_or_default(),
        id(entry.credential),
        id(entry.parent),
        entry.access_key_id.clone().unwrap_or_default(),
        entry.account.clone().unwrap_or_default(),
        entry.arn.clone().unwrap_or_default(),
        text(detail, "operation"),
        text(detail, "target"),
        text(detail, "code"),
        text(detail, "note"),
        text(actor, "user"),
        text(actor, "host"),
        String::new(),
        hex::encode(event.hash),
    ];
    let mut row = row.map(|text| escape(&text));
    row[15] = escape_json(&Value::Object(detail.clone()).to_string());
    row
}

fn id(id: Option<CredentialId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn text(map: &Map<String, Value>, name: &str) -> String {
    map.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
