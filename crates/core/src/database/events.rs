use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};
use serde_json::{Map, Value};

use super::{Database, DatabaseError, EventFilter, Head, hash_of};
use crate::values::{Ambient, CredentialId, Entry, Event, EventKind};

/// The first and the last time that there is, in seconds. What a row has beyond them is none.
pub(super) fn times() -> (i64, i64) {
    (Timestamp::MIN.as_second(), Timestamp::MAX.as_second())
}

/// Appends an entry to the log, bound to the one before it.
pub(crate) fn append(connection: &Connection, at: Timestamp, entry: &Entry) -> Result<(), DatabaseError> {
    let Head { count: last, hash: previous } = head(connection)?;
    let sequence = last.checked_add(1).ok_or_else(|| no_number_left(last))?;
    let detail = Value::Object(entry.detail.clone()).to_string();
    let hash = hash_of(&previous, sequence, at, entry, &detail);
    connection
        .prepare(
            "INSERT INTO event (sequence, at, event, stack, credential, parent, access_key_id, account, arn, detail, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            sequence,
            at.as_second(),
            entry.event.as_str(),
            entry.stack.as_ref().map(|name| name.as_str()),
            entry.credential.map(|id| id.0),
            entry.parent.map(|id| id.0),
            entry.access_key_id,
            entry.account,
            entry.arn,
            detail,
            hash,
        ])?;
    Ok(())
}

/// No event can come after the last number that there is.
pub(super) fn no_number_left(last: i64) -> DatabaseError {
    DatabaseError::BadRow { table: "event", row: last, what: "no number is left for the next event".into() }
}

/// Where the log ends.
pub(crate) fn head(connection: &Connection) -> Result<Head, DatabaseError> {
    let head = connection
        .prepare("SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1")?
        .query_row([], |row| Ok(Head { count: row.get(0)?, hash: row.get(1)? }))
        .optional()?;
    Ok(head.unwrap_or_default())
}

/// The hash of an event, if it is there.
pub(crate) fn hash(connection: &Connection, sequence: i64) -> Result<Option<[u8; 32]>, DatabaseError> {
    let mut statement = connection.prepare("SELECT hash FROM event WHERE sequence = ?1")?;
    Ok(statement.query_row([sequence], |row| row.get(0)).optional()?)
}

/// The number of the oldest event that is there.
pub(crate) fn oldest(connection: &Connection) -> Result<Option<i64>, DatabaseError> {
    Ok(connection.query_row("SELECT min(sequence) FROM event", [], |row| row.get(0))?)
}

/// Whether something ever happened to a credential set.
pub(crate) fn has(connection: &Connection, event: EventKind, id: CredentialId) -> Result<bool, DatabaseError> {
    let mut statement = connection.prepare("SELECT 1 FROM event WHERE event = ?1 AND credential = ?2")?;
    Ok(statement.exists((event.as_str(), id.0))?)
}

/// What a frame is that names a profile or provider, and for which keys were handed out: as the newest use of them says. None where
/// the keys are of no such frame.
pub(crate) fn handed_out_as(connection: &Connection, access_key_id: &str) -> Result<Option<Ambient>, DatabaseError> {
    let mut statement = connection.prepare(
        "SELECT detail ->> '$.ambient' FROM event
         WHERE access_key_id = ?1 AND event = ?2 AND credential IS NULL AND json_valid(detail) ORDER BY sequence DESC LIMIT 1",
    )?;
    let found = statement.query_row((access_key_id, EventKind::UsedBy.as_str()), |row| row.get::<_, Option<String>>(0));
    // An event that somebody else wrote says nothing.
    Ok(found.optional()?.flatten().and_then(|reference| serde_json::from_str(&reference).ok()))
}

/// Whether something is in the log that is never written without a seal.
pub(crate) fn must_be_sealed(connection: &Connection) -> Result<bool, DatabaseError> {
    let mut statement = connection.prepare("SELECT 1 FROM event WHERE event IN (?1, ?2, ?3) LIMIT 1")?;
    let sealing = [EventKind::StoreChanged, EventKind::Resealed, EventKind::Pruned];
    Ok(statement.exists(sealing.map(EventKind::as_str))?)
}

/// Whether an event behind that one tells of a prune.
pub(crate) fn pruned_after(connection: &Connection, sequence: i64) -> Result<bool, DatabaseError> {
    let mut statement = connection.prepare("SELECT 1 FROM event WHERE event = ?1 AND sequence > ?2 LIMIT 1")?;
    Ok(statement.exists((EventKind::Pruned.as_str(), sequence))?)
}

/// The newest credential set of which an event up to that one, or one that was pruned earlier, told where it came from: `c7`
/// is 7, none is 0.
pub(crate) fn acquired_through(connection: &Connection, last: i64) -> Result<i64, DatabaseError> {
    let brought = "SELECT credential FROM event WHERE sequence <= ?1 AND event IN ('acquired', 'imported', 'captured')";
    let earlier = "SELECT detail ->> '$.acquired_through' FROM event WHERE event = 'pruned'";
    let newest = format!("SELECT coalesce(max(credential), 0) FROM ({brought} UNION ALL {earlier})");
    Ok(connection.query_row(&newest, [last], |row| row.get(0))?)
}

/// Removes the events up to that one. The trigger that refuses it is lifted, and put back as it was.
pub(crate) fn remove_through(transaction: &Transaction<'_>, last: i64) -> Result<(), rusqlite::Error> {
    const GUARD: &str = "event_is_never_deleted";
    let guard: String = transaction
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?1")?
        .query_row([GUARD], |row| row.get(0))?;
    transaction.execute_batch(&format!("DROP TRIGGER {GUARD}"))?;
    transaction.execute("DELETE FROM event WHERE sequence <= ?1", [last])?;
    transaction.execute_batch(&guard)
}

/// When the log first and last tells something of a credential set.
pub(crate) fn seen(connection: &Connection, id: CredentialId) -> Result<Option<(Timestamp, Timestamp)>, DatabaseError> {
    let mut statement =
        connection.prepare("SELECT min(at), max(at) FROM event WHERE credential = ?1 AND at BETWEEN ?2 AND ?3")?;
    let (from, to) = times();
    let span: (Option<i64>, Option<i64>) = statement.query_row([id.0, from, to], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = span else { return Ok(None) };
    Ok(Some((super::credentials::time(first)?, super::credentials::time(last)?)))
}

impl Database {
    /// The earliest and the latest time of the events that a filter lets through. They need not be those of the first and
    /// the last event: clocks are set back.
    pub fn span(&self, filter: &EventFilter) -> Result<Option<(Timestamp, Timestamp)>, DatabaseError> {
        let (question, with) = filter.sql();
        let (from, to) = times();
        self.read(|connection| {
            let ends: (Option<i64>, Option<i64>) = connection
                .prepare(&format!(
                    "SELECT min(time), max(time) FROM (SELECT iif(at BETWEEN {from} AND {to}, at, NULL) AS time {question})"
                ))?
                .query_row(params_from_iter(&with), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (Some(first), Some(last)) = ends else { return Ok(None) };
            Ok(Some((super::credentials::time(first)?, super::credentials::time(last)?)))
        })
    }

    /// The newest events that a filter lets through, newest first; or the oldest, if it says so.
    pub fn events(&self, filter: &EventFilter, limit: u64) -> Result<Vec<Event>, DatabaseError> {
        let (question, with) = filter.sql();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut statement = connection.prepare(&format!(
                "SELECT sequence, at, event, stack, credential, parent, access_key_id, account, arn, detail, hash
                 {question} LIMIT {limit}"
            ))?;
            let mut rows = statement.query(params_from_iter(&with))?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(event(row)?);
            }
            Ok(events)
        })
    }
}

/// A row as an event. Whoever else wrote it may have written anything: what makes no sense goes into its detail, and one row
/// hides no other.
fn event(row: &Row<'_>) -> Result<Event, DatabaseError> {
    let text = |column: usize| -> Result<Option<String>, rusqlite::Error> {
        let bytes = row.get_ref(column)?.as_bytes_or_null().unwrap_or_default();
        Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    };
    let mut unreadable = Map::new();
    let name = text(2)?.unwrap_or_default();
    let known = EventKind::from_text(&name);
    if known.is_none() {
        unreadable.insert("event".into(), name.into());
    }
    let seconds: i64 = row.get(1)?;
    let at = Timestamp::from_second(seconds).unwrap_or_else(|_| {
        unreadable.insert("at".into(), seconds.into());
        Timestamp::UNIX_EPOCH
    });
    let detail = text(9)?.unwrap_or_default();
    let mut detail: Map<String, Value> = serde_json::from_str(&detail).unwrap_or_else(|_| {
        unreadable.insert("detail".into(), detail.into());
        Map::new()
    });
    let event = known.filter(|_| unreadable.is_empty()).unwrap_or(EventKind::Unreadable);
    if !unreadable.is_empty() {
        // What it would have been is told too.
        unreadable.extend(known.map(|known| ("event".to_owned(), known.as_str().into())));
        detail.insert("unreadable".into(), unreadable.into());
    }
    let entry = Entry {
        event,
        stack: text(3)?.and_then(|name| name.parse().ok()),
        credential: row.get::<_, Option<i64>>(4)?.map(CredentialId),
        parent: row.get::<_, Option<i64>>(5)?.map(CredentialId),
        access_key_id: text(6)?,
        account: text(7)?,
        arn: text(8)?,
        detail,
    };
    Ok(Event { sequence: row.get(0)?, at, entry, hash: row.get(10)? })
}
