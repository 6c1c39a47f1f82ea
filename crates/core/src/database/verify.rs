use std::{fmt, str::FromStr};

use rusqlite::{Connection, OptionalExtension, Row, types::ValueRef};
use serde::de::IgnoredAny;

use super::{
    Database, DatabaseError, GENESIS,
    agreement::{self, Agreement},
    chain::hash_of_columns,
    follow::{self, Broken},
    guards::{self, index_complaints, schema_complaints},
};
use crate::values::{CredentialId, EventKind};

/// Where a log ends, or ended: how many events there are and the hash of the newest. Written `COUNT:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The sequence of the newest event; 0 before the first.
    pub count: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Default for Head {
    fn default() -> Head {
        Head { count: 0, hash: GENESIS }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.count, hex::encode(self.hash))
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Head, Self::Err> {
        let form = "a head is COUNT:HASH, as `credstack audit head` prints it";
        let (count, hash) = text.trim().split_once(':').ok_or(form)?;
        let mut head = Head { count: count.parse().map_err(|_| form)?, hash: GENESIS };
        hex::decode_to_slice(hash, &mut head.hash).map_err(|_| form)?;
        let is_head = head.count > 0 || (head.count == 0 && head.hash == GENESIS);
        if is_head { Ok(head) } else { Err(form) }
    }
}

/// A log that verifies.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Where it begins: after the last event that was pruned, if any was.
    pub begin: Head,
    /// The event that says so, which has to be sealed.
    pub pruned_by: Option<i64>,
    /// Where it ends.
    pub head: Head,
    /// Which of the anchors the chain goes through, in their order.
    pub through: Vec<bool>,
    /// What is wrong although the chain is whole. It says less than an anchor that is missed.
    pub beside: Option<BadLog>,
}

/// The first thing that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLog {
    /// The first bad event; `None` where it is not about one.
    pub event: Option<i64>,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A column of the event is not what was hashed, or the hash is not.
    Changed,
    /// The event that belongs here is gone.
    Missing,
    /// The event was put in.
    Inserted,
    /// The event belongs elsewhere.
    Reordered,
    /// This event and those after it are gone: the log once went further.
    CutOff,
    /// The chain is whole, but it is not the one that this event was part of.
    Replaced,
    /// This event was pruned: whether the log ever went through it cannot be said any more.
    Pruned,
    /// This event says that those before it were pruned, and no seal covers it.
    PrunedUnsealed,
    /// The secret store has no seal, and a log that was kept whole has one.
    Unsealed,
    /// The table of the events is not the one that credstack makes.
    Foreign(String),
    /// The event verifies, and is nothing that credstack writes.
    Nonsense,
    /// The row of a credential set is missing, was put in, or says other than the event that brought it.
    Disagrees(CredentialId),
    /// What guards the log in the database, or makes it findable, is missing or not credstack's.
    Unguarded(String),
    /// An index has otherwise than the events.
    Misindexed(String),
}

impl Wrong {
    /// Its name, in JSON too.
    pub fn name(&self) -> &'static str {
        match self {
            Wrong::Changed => "changed",
            Wrong::Missing => "missing",
            Wrong::Inserted => "inserted",
            Wrong::Reordered => "reordered",
            Wrong::CutOff => "cut-off",
            Wrong::Replaced => "replaced",
            Wrong::Pruned => "pruned",
            Wrong::PrunedUnsealed => "pruned-unsealed",
            Wrong::Unsealed => "unsealed",
            Wrong::Foreign(_) => "foreign",
            Wrong::Nonsense => "nonsense",
            Wrong::Disagrees(_) => "disagrees",
            Wrong::Unguarded(_) => "unguarded",
            Wrong::Misindexed(_) => "misindexed",
        }
    }
}

impl Verified {
    /// What there is to say of a log that has no event.
    pub(crate) fn nothing(anchors: &[Head]) -> Result<Verified, BadLog> {
        Ok(Verified {
            begin: Head::default(),
            pruned_by: None,
            head: Head::default(),
            through: anchors.iter().map(|anchor| anchor.count == 0).collect(),
            beside: None,
        })
    }

    /// What is wrong with a log that does not go through `anchor`.
    pub fn misses(&self, anchor: &Head) -> BadLog {
        match anchor.count {
            past if past < self.begin.count => BadLog { event: Some(past), wrong: Wrong::Pruned },
            past if past > self.head.count => BadLog { event: Some(self.head.count + 1), wrong: Wrong::CutOff },
            past => BadLog { event: Some(past), wrong: Wrong::Replaced },
        }
    }
}

pub(super) const ROWS: &str = "SELECT sequence, at, event, stack, credential, parent, access_key_id, account, arn, detail, hash
     FROM event ORDER BY sequence";

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
    let look = |row: &Row<'_>| {
        if !is_event(row)? {
            nonsense.get_or_insert(row.get(0)?);
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
            let expected = good.count + 1;
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
    let bad = good.count + 1;
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
        renumbered |= sequence == bad + 1 && hash_as(row, &stored, sequence + 1)? == hash;
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
        for once in [sequence, sequence + 1, bad + 1] {
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
