use rusqlite::{Connection, OptionalExtension, Row, types::ValueRef};
use serde::de::IgnoredAny;

use super::{
    BadLog, Database, DatabaseError, Head, Verified, Wrong,
    agreement::{self, Agreement},
    chain::hash_of_columns,
    follow::{self, Broken, ROWS},
    guards::{self, index_complaints, schema_complaints},
};
use crate::values::EventKind;

impl Database {
    /// Verifies the log from its first event to its newest, one row at a time, on the columns as they are stored. Says
    /// through which of `anchors` it goes.
    pub fn verify(&self, anchors: &[Head]) -> Result<Result<Verified, BadLog>, DatabaseError> {
        self.read(|connection| verify(connection, anchors))
    }

    /// Reads every index, by which questions are answered, beside the events. It takes a minute for a million of them.
    pub fn verify_indexes(&self) -> Result<Result<(), BadLog>, DatabaseError> {
        let complaint = self.read(index_complaints)?.into_iter().next();
        Ok(complaint.map_or(Ok(()), |what| Err(BadLog { event: None, wrong: Wrong::Misindexed(what) })))
    }
}

/// Puts back what guards the log and makes it findable, and makes the credential sets what the log says of them.
pub(crate) fn mend(connection: &Connection) -> Result<(), DatabaseError> {
    guards::mend(connection)?;
    agreement::mend(connection)
}

fn verify(connection: &Connection, anchors: &[Head]) -> Result<Result<Verified, BadLog>, DatabaseError> {
    let schema = schema_complaints(connection)?;
    if let Some(complaint) = schema.iter().find(|what| what.starts_with("table event ")) {
        return Ok(Err(BadLog { event: None, wrong: Wrong::Foreign(complaint.clone()) }));
    }
    let (mut agreement, mut nonsense) = (Agreement::new(connection)?, None);
    // What stands before an anchor is what this program wrote there.
    let anchored = anchors.iter().map(|anchor| anchor.count).max().unwrap_or(0);
    let look = |row: &Row<'_>| {
        let sequence: i64 = row.get(0)?;
        if sequence > anchored && !is_event(row)? {
            nonsense.get_or_insert(sequence);
        } else if row.get_ref(2)?.as_str().is_ok_and(|kind| kind == EventKind::Resealed.as_str()) {
            // A person accepted what there was before.
            nonsense = None;
        }
        agreement.event(row)
    };
    let followed = chain(connection, anchors, look)?;
    let nonsense = nonsense.map(|event| BadLog { event: Some(event), wrong: Wrong::Nonsense });
    // Last, for what is wrong says more than that somebody could make it so.
    let unguarded = schema.into_iter().next().map(|what| BadLog { event: None, wrong: Wrong::Unguarded(what) });
    Ok(followed.map(|verified| Verified { beside: nonsense.or_else(|| agreement.found()).or(unguarded), ..verified }))
}

/// Whether a row is an event as the log has them.
fn is_event(row: &Row<'_>) -> Result<bool, DatabaseError> {
    let known =
        row.get_ref(2)?.as_str().is_ok_and(|kind| EventKind::from_text(kind).is_some_and(|kind| kind != EventKind::Unreadable));
    let detail = row.get_ref(9)?.as_bytes().unwrap_or_default();
    let is_object = detail.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(detail).is_ok();
    Ok(known && is_object && jiff::Timestamp::from_second(row.get(1).unwrap_or(i64::MAX)).is_ok())
}

/// The chain alone. Each row is shown to `look`.
pub(crate) fn chain(
    connection: &Connection,
    anchors: &[Head],
    look: impl FnMut(&Row<'_>) -> Result<(), DatabaseError>,
) -> Result<Result<Verified, BadLog>, DatabaseError> {
    let (begin, pruned_by) = checkpoint(connection)?;
    match follow::chain(connection, begin, anchors, look)? {
        Ok((head, through)) => Ok(Ok(Verified { begin, pruned_by, head, through, beside: None })),
        Err(Broken { good, found }) => {
            let expected = good.count.saturating_add(1);
            let wrong = match found {
                found if found > expected => Wrong::Missing,
                found if found < expected => Wrong::Inserted,
                _ => diagnose(connection, &good)?,
            };
            Ok(Err(BadLog { event: Some(expected.min(found)), wrong }))
        }
    }
}

/// Where the newest prune lets the chain begin, and which event says so. Whether that event is to be believed is shown by the
/// chain, of which it is a part, and by the seal.
fn checkpoint(connection: &Connection) -> Result<(Head, Option<i64>), DatabaseError> {
    let newest = connection
        .prepare("SELECT sequence, detail ->> '$.through' FROM event WHERE event = 'pruned' AND json_valid(detail) ORDER BY sequence DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get_ref(1)?.as_str().ok().and_then(|head| head.parse().ok()))))
        .optional()?;
    Ok(match newest {
        Some((sequence, Some(begin))) => (begin, Some(sequence)),
        _ => (Head::default(), None),
    })
}

/// The hash of a row as if it had another sequence.
fn hash_as(row: &Row<'_>, previous: &[u8; 32], sequence: i64) -> rusqlite::Result<[u8; 32]> {
    let mut columns = [ValueRef::Integer(sequence); 10];
    for (index, column) in columns.iter_mut().enumerate().skip(1) {
        *column = row.get_ref(index)?;
    }
    Ok(hash_of_columns(previous, columns))
}

/// What happened to the event after `good`, which is there and does not verify. Where more was done than one of these, it
/// is one of them all the same.
fn diagnose(connection: &Connection, good: &Head) -> Result<Wrong, DatabaseError> {
    let bad = good.count.saturating_add(1);
    let mut first = connection.prepare("SELECT hash FROM event WHERE sequence = ?1")?;
    let stored: Vec<u8> = first.query_row([bad], |row| Ok(row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec()))?;
    let Ok(stored) = <[u8; 32]>::try_from(stored) else { return Ok(Wrong::Changed) };

    let mut statement = connection.prepare(&ROWS.replace("ORDER", "WHERE sequence > ?1 ORDER"))?;
    let mut rows = statement.query([bad])?;
    let (mut stands_at, mut renumbered) = (None, false);
    // The hashes of all that follow, to find what the bad event once came after; bounded, for this only finds a word.
    let mut others = Vec::new();
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(0)?;
        let Ok(hash) = row.get_ref(10)?.as_blob().unwrap_or_default().try_into() else { continue };
        let hash: [u8; 32] = hash;
        if stands_at.is_none() && hash_as(row, &good.hash, bad)? == hash {
            stands_at = Some(sequence);
        }
        renumbered |= Some(sequence) == bad.checked_add(1) && hash_as(row, &stored, sequence.wrapping_add(1))? == hash;
        if others.len() < 100_000 {
            others.push((sequence, hash));
        }
    }
    if stands_at.is_none() {
        return Ok(if renumbered { Wrong::Missing } else { Wrong::Changed });
    }
    let mut statement = connection.prepare(&ROWS.replace("ORDER", "WHERE sequence = ?1 ORDER"))?;
    let mut rows = statement.query([bad])?;
    let Some(row) = rows.next()? else { return Ok(Wrong::Changed) };
    for (sequence, hash) in others {
        for once in [sequence, sequence.wrapping_add(1), bad.wrapping_add(1)] {
            if hash_as(row, &hash, once)? == stored {
                return Ok(Wrong::Reordered);
            }
        }
    }
    Ok(Wrong::Inserted)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
