//! Which events somebody asks for, as SQL. Migrations 0003 and 0004 have the indexes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::types::Value;

use crate::values::{Arn, CredentialId, Event, EventKind, StackName};

/// Which events of the log are asked for: those that are all of this. The newest come first, unless it says otherwise.
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
    /// Of one of those kinds, if there are any.
    pub events: Vec<EventKind>,
    /// Refused, or without an answer.
    pub failed: bool,
    /// With that text in the note, whatever the case of its letters.
    pub note: Option<String>,
    /// Behind that one: what follows a page that was read. Its time and its sequence.
    pub after: Option<(Timestamp, i64)>,
    /// The oldest come first, as the log has them.
    pub oldest_first: bool,
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
    /// clock was set back: that is what the index on them gives without sorting. Oldest first it is always that of the log.
    pub(super) fn sql(&self) -> (String, Vec<Value>) {
        let mut asked = Conditions::default();
        let text = |text: &str| Value::Text(text.to_owned());
        let time = |at: Timestamp| Value::Integer(at.as_second());
        let is_by_time = (self.since.is_some() || self.until.is_some()) && !self.oldest_first;
        let (behind, direction) = if self.oldest_first { (">", "ASC") } else { ("<", "DESC") };
        // Oldest first the log is read as it is: the index on the times would have to be sorted for every page.
        let at_column = if self.oldest_first { "+at" } else { "at" };
        // An event whose time makes no sense is at none.
        if self.since.is_some() || self.until.is_some() {
            asked.add(&format!("{at_column} >= ?"), time(self.since.unwrap_or(Timestamp::MIN)));
            match self.until {
                Some(at) => asked.add(&format!("{at_column} < ?"), time(at)),
                None => asked.add(&format!("{at_column} <= ?"), time(Timestamp::MAX)),
            }
        }
        if let Some(account) = &self.account {
            asked.add("of_account = ?", text(account));
        }
        match self.role.as_ref().map(|role| (role, role.parse::<Arn>())) {
            Some((_, Ok(arn))) => {
                asked.add("of_role = ?", text(arn.resource.rsplit('/').next().unwrap_or_default()));
                asked.add("of_account = ?", text(&arn.account));
            }
            Some((name, Err(_))) => asked.add("of_role = ?", text(name.rsplit('/').next().unwrap_or_default())),
            None => {}
        }
        if let Some(arn) = &self.arn {
            asked.add("of_arn = ?", text(arn));
        }
        if let Some(key) = &self.access_key_id {
            asked.add("access_key_id = ?", text(key));
        }
        if let Some(id) = self.credential {
            asked.add("of_credential = ?", Value::Integer(id.0));
        }
        if let Some(stack) = &self.stack {
            asked.add("stack = ?", text(stack.as_str()));
        }
        match &self.events[..] {
            [] => {}
            [event] => asked.add("event = ?", text(event.as_str())),
            // With the index, each page would sort what is of these kinds.
            [first, more @ ..] => {
                asked.add(&format!("+event IN (?{})", ", ?".repeat(more.len())), text(first.as_str()));
                asked.with.extend(more.iter().map(|event| text(event.as_str())));
            }
        }
        // Indexes have to be named where SQLite would rather read every event, or sort.
        let (mut source, mut sequence) = ("event", "sequence");
        let is_only_note = asked.terms.is_empty() && !self.failed;
        match &self.note {
            Some(note) if note.chars().count() < TRIGRAM => {
                let cases = cases(note);
                let is_like = vec!["note LIKE ? ESCAPE '\\'"; cases.len()].join(" OR ");
                asked.terms.push(format!("note IS NOT NULL AND ({is_like})"));
                asked.with.extend(cases.iter().map(|text| Value::Text(containing(text))));
                if is_only_note {
                    source = "event INDEXED BY event_note";
                }
            }
            // The newest come first out of this index, but only if it is the outermost.
            Some(note) if is_only_note => {
                asked.add("event_text MATCH ?", Value::Text(phrase(note)));
                (source, sequence) = ("event_text CROSS JOIN event ON event.sequence = event_text.rowid", "event_text.rowid");
            }
            Some(note) => {
                asked.add("sequence IN (SELECT rowid FROM event_text WHERE event_text MATCH ?)", Value::Text(phrase(note)));
            }
            None => {}
        }
        if let Some((at, last)) = self.after {
            if is_by_time {
                asked.terms.push("(at, sequence) < (?, ?)".to_owned());
                asked.with.extend([time(at), Value::Integer(last)]);
            } else {
                asked.add(&format!("{sequence} {behind} ?"), Value::Integer(last));
            }
        }
        if self.failed {
            // As the index says it: only so is it used.
            asked.terms.push("event IN ('refused', 'failed')".to_owned());
            source = "event INDEXED BY event_failed";
        }
        let condition = match &asked.terms[..] {
            [] => String::new(),
            terms => format!("WHERE {}", terms.join(" AND ")),
        };
        let order = if is_by_time { "at DESC, sequence DESC".to_owned() } else { format!("{sequence} {direction}") };
        (format!("FROM {source} {condition} ORDER BY {order}"), asked.with)
    }
}

#[derive(Default)]
struct Conditions {
    terms: Vec<String>,
    /// What stands for their question marks.
    with: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, term: &str, value: Value) {
        self.terms.push(term.to_owned());
        self.with.push(value);
    }
}

/// How many characters the index of the notes takes together: a shorter text is not found by it.
const TRIGRAM: usize = 3;

/// A question to FTS5 for a text that stands anywhere.
fn phrase(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A short text with each of its letters large and small: SQL's LIKE knows that of ASCII only.
fn cases(text: &str) -> BTreeSet<String> {
    let mut cases = BTreeSet::from([String::new()]);
    for c in text.chars() {
        let forms = [c.to_string(), c.to_lowercase().to_string(), c.to_uppercase().to_string()];
        cases = cases.iter().flat_map(|before| forms.iter().map(move |form| format!("{before}{form}"))).collect();
    }
    cases
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
    use crate::{
        database::{Database, DatabaseError, events},
        values::Entry,
    };

    fn plan_of(database: &Database, question: &str, with: &[Value]) -> String {
        let plan = database.read(|connection| -> Result<Vec<String>, DatabaseError> {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN SELECT sequence, detail {question} LIMIT 50"))?;
            let steps = plan.query_map(rusqlite::params_from_iter(with), |row| row.get(3))?;
            Ok(steps.collect::<Result<_, _>>()?)
        });
        plan.unwrap().join("; ")
    }

    /// What one filter costs must not grow with the log: nothing is sorted, and an index is used.
    #[test]
    fn every_filter_has_its_index() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::create(&directory.path().join("credstack.db")).unwrap();
        let some = EventFilter::default;
        let x = || Some("x".to_owned());
        for (filter, index) in [
            (EventFilter { since: Some(Timestamp::UNIX_EPOCH), ..some() }, "INDEX event_at"),
            (EventFilter { until: Some(Timestamp::UNIX_EPOCH), ..some() }, "INDEX event_at"),
            (EventFilter { account: x(), ..some() }, "INDEX event_of_account"),
            (EventFilter { role: x(), ..some() }, "INDEX event_of_role"),
            (EventFilter { arn: x(), ..some() }, "INDEX event_of_arn"),
            (EventFilter { access_key_id: x(), ..some() }, "INDEX event_access_key_id"),
            (EventFilter { credential: Some(CredentialId(7)), ..some() }, "INDEX event_of_credential"),
            (EventFilter { stack: Some(StackName::default()), ..some() }, "INDEX event_stack"),
            (EventFilter { events: vec![EventKind::Saved], ..some() }, "INDEX event_kind"),
            (EventFilter { failed: true, ..some() }, "INDEX event_failed"),
            (EventFilter { note: x(), ..some() }, "INDEX event_note"),
            (
                EventFilter { note: Some("INC-7".into()), ..some() },
                "SCAN event_text VIRTUAL TABLE INDEX 192:M1; SEARCH event USING INTEGER PRIMARY KEY",
            ),
        ] {
            let (question, with) = filter.sql();
            let plan = plan_of(&database, &question, &with);
            assert!(plan.contains(index), "{question}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{question}: {plan}");
            // Oldest first it need not be found at once, but no page of it may be sorted.
            let (question, _) = EventFilter { oldest_first: true, ..filter }.sql();
            let plan = plan_of(&database, &question, &with);
            assert!(!plan.contains("TEMP B-TREE"), "{question}: {plan}");
        }
    }

    #[test]
    fn a_note_is_found_as_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let mut database = Database::create(&directory.path().join("credstack.db")).unwrap();
        let notes = [r#"50%_\ of "all" ÄRGER's"#, "x", "ab*c OR d"];
        let appended = database.write(|transaction| -> Result<(), DatabaseError> {
            for note in notes {
                let mut entry = Entry::new(EventKind::Saved);
                entry.detail.insert("note".into(), note.into());
                events::append(transaction, Timestamp::UNIX_EPOCH, &entry)?;
            }
            events::append(transaction, Timestamp::UNIX_EPOCH, &Entry::new(EventKind::Saved))
        });
        appended.unwrap();
        for (text, found) in [
            (r#"50%_\ OF "All""#, vec![1]),
            ("ärger's", vec![1]),
            ("är", vec![1]),
            ("Ä", vec![1]),
            ("äR", vec![1]),
            (r"%_\", vec![1]),
            ("b*C o", vec![3]),
            ("all OR", vec![]),
            ("X", vec![2]),
            ("%", vec![1]),
            (r#"""#, vec![1]),
            ("", vec![3, 2, 1]),
        ] {
            for kind in [vec![], vec![EventKind::Saved], vec![EventKind::Saved, EventKind::Used]] {
                let filter = EventFilter { note: Some(text.to_owned()), events: kind.clone(), ..EventFilter::default() };
                let sequences: Vec<i64> = database.events(&filter, 9).unwrap().iter().map(|event| event.sequence).collect();
                assert_eq!(sequences, found, "{text} {kind:?}");
            }
        }
    }
}
