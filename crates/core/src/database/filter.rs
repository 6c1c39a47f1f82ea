//! Which events somebody asks for, as SQL. Migration 0003 has the indexes.

use jiff::Timestamp;
use rusqlite::types::Value;

use crate::values::{Arn, CredentialId, Event, EventKind, StackName};

/// Which events of the log are asked for: those that are all of this. The newest come first.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// At that time or later.
    pub since: Option<Timestamp>,
    /// Before that time.
    pub until: Option<Timestamp>,
    /// In that account: of the identity, or of the role that was refused.
    pub account: Option<String>,
    /// A session of that role, or its refusal: the name of the role or its ARN.
    pub role: Option<String>,
    /// That very ARN: of the identity, or of the role that was refused.
    pub arn: Option<String>,
    /// That access key id.
    pub access_key_id: Option<String>,
    /// About that credential set, or refused to it.
    pub credential: Option<CredentialId>,
    /// On that stack.
    pub stack: Option<StackName>,
    /// Of that kind.
    pub event: Option<EventKind>,
    /// Refused, or without an answer.
    pub failed: bool,
    /// With that text in the note, whatever the case of its letters.
    pub note: Option<String>,
    /// Older than that one: what follows a page that was read. Its time and its sequence.
    pub after: Option<(Timestamp, i64)>,
}

impl EventFilter {
    /// The same, from behind an event on.
    pub fn behind(mut self, event: &Event) -> EventFilter {
        self.after = Some((event.at, event.sequence));
        self
    }

    /// The words from `FROM` on, with the order, and what stands for their question marks.
    ///
    /// The order is that of the log. Who asks for a time gets the order of the times, which is another one only where a
    /// clock was set back: that is what the index on them gives without sorting.
    pub(super) fn sql(&self) -> (String, Vec<Value>) {
        let (mut terms, mut with) = (Vec::new(), Vec::new());
        let mut add = |term: &'static str, value: Value| {
            terms.push(term);
            with.push(value);
        };
        let text = |text: &str| Value::Text(text.to_owned());
        let time = |at: Timestamp| Value::Integer(at.as_second());
        let is_by_time = self.since.is_some() || self.until.is_some();
        if let Some(at) = self.since {
            add("at >= ?", time(at));
        }
        if let Some(at) = self.until {
            add("at < ?", time(at));
        }
        if let Some(account) = &self.account {
            add("of_account = ?", text(account));
        }
        match self.role.as_ref().map(|role| (role, role.parse::<Arn>())) {
            Some((_, Ok(arn))) => {
                add("of_role = ?", text(arn.resource.rsplit('/').next().unwrap_or_default()));
                add("of_account = ?", text(&arn.account));
            }
            Some((name, Err(_))) => add("of_role = ?", text(name.rsplit('/').next().unwrap_or_default())),
            None => {}
        }
        if let Some(arn) = &self.arn {
            add("of_arn = ?", text(arn));
        }
        if let Some(key) = &self.access_key_id {
            add("access_key_id = ?", text(key));
        }
        if let Some(id) = self.credential {
            add("of_credential = ?", Value::Integer(id.0));
        }
        if let Some(stack) = &self.stack {
            add("stack = ?", text(stack.as_str()));
        }
        if let Some(event) = self.event {
            add("event = ?", text(event.as_str()));
        }
        if let Some(note) = &self.note {
            add("note IS NOT NULL AND note LIKE ? ESCAPE '\\'", Value::Text(containing(note)));
        }
        if let Some((at, sequence)) = self.after {
            if is_by_time {
                add("(at, sequence) < (?, ?)", time(at));
                with.push(Value::Integer(sequence));
            } else {
                add("sequence < ?", Value::Integer(sequence));
            }
        }
        // Two indexes have to be named: SQLite would rather read every event, or sort.
        let mut source = "event";
        if self.note.is_some() && terms.len() == 1 + usize::from(self.after.is_some()) {
            source = "event INDEXED BY event_note";
        }
        if self.failed {
            // As the index says it: only so is it used.
            terms.push("event IN ('refused', 'failed')");
            source = "event INDEXED BY event_failed";
        }
        let condition = if terms.is_empty() { String::new() } else { format!("WHERE {}", terms.join(" AND ")) };
        let order = if is_by_time { "at DESC, sequence DESC" } else { "sequence DESC" };
        (format!("FROM {source} {condition} ORDER BY {order}"), with)
    }
}

/// A pattern of SQL for a text that stands anywhere.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Database, DatabaseError};

    /// What one filter costs must not grow with the log: nothing is sorted, and an index is used.
    #[test]
    fn every_filter_has_its_index() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::create(&directory.path().join("credstack.db")).unwrap();
        let some = EventFilter::default;
        let x = || Some("x".to_owned());
        for (filter, index) in [
            (EventFilter { since: Some(Timestamp::UNIX_EPOCH), ..some() }, "event_at"),
            (EventFilter { until: Some(Timestamp::UNIX_EPOCH), ..some() }, "event_at"),
            (EventFilter { account: x(), ..some() }, "event_of_account"),
            (EventFilter { role: x(), ..some() }, "event_of_role"),
            (EventFilter { arn: x(), ..some() }, "event_of_arn"),
            (EventFilter { access_key_id: x(), ..some() }, "event_access_key_id"),
            (EventFilter { credential: Some(CredentialId(7)), ..some() }, "event_of_credential"),
            (EventFilter { stack: Some(StackName::default()), ..some() }, "event_stack"),
            (EventFilter { event: Some(EventKind::Saved), ..some() }, "event_kind"),
            (EventFilter { failed: true, ..some() }, "event_failed"),
            (EventFilter { note: x(), ..some() }, "event_note"),
        ] {
            let (question, with) = filter.sql();
            let plan = database.read(|connection| -> Result<Vec<String>, DatabaseError> {
                let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN SELECT sequence, detail {question} LIMIT 50"))?;
                let steps = plan.query_map(rusqlite::params_from_iter(&with), |row| row.get(3))?;
                Ok(steps.collect::<Result<_, _>>()?)
            });
            let plan = plan.unwrap().join("; ");
            assert!(plan.contains(&format!("INDEX {index}")), "{question}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{question}: {plan}");
        }
    }

    #[test]
    fn a_note_is_found_as_it_is_written() {
        assert_eq!(containing(r"50%_\"), r"%50\%\_\\%");
    }
}
