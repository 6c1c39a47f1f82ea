//! The chain, followed from row to row: one thread reads while another hashes, since each takes about as long.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use rusqlite::{Connection, Row};

use super::{
    DatabaseError, Head,
    chain::{encode, hash_of_encoded},
};

/// The log, oldest first, as it is stored.
pub(super) const ROWS: &str = "SELECT sequence, at, event, stack, credential, parent, access_key_id, account, arn, detail, hash
     FROM event ORDER BY sequence";

/// How many rows are handed over at a time, and how many such parts may wait.
const PART: usize = 512;
const PARTS: usize = 4;

/// Rows, encoded one after the other.
#[derive(Default)]
struct Part {
    bytes: Vec<u8>,
    rows: Vec<Stored>,
}

/// What a row says of itself.
struct Stored {
    sequence: i64,
    /// `None`: it is no hash.
    hash: Option<[u8; 32]>,
    /// Where its columns end.
    end: usize,
}

/// Where the chain does not go on.
pub(super) struct Broken {
    /// The last event that verifies.
    pub good: Head,
    /// The sequence of the row that is found behind it.
    pub found: i64,
}

/// Where the chain leads from `begin`, and through which of `anchors`.
type Followed = Result<(Head, Vec<bool>), Broken>;

/// Follows the chain through all rows, and shows each to `look`.
pub(super) fn chain(
    connection: &Connection,
    begin: Head,
    anchors: &[Head],
    look: impl FnMut(&Row<'_>) -> Result<(), DatabaseError>,
) -> Result<Followed, DatabaseError> {
    thread::scope(|scope| {
        let (send, receive) = sync_channel(PARTS);
        let hashing = scope.spawn(|| follow(begin, anchors, receive));
        let read = read(connection, send, look);
        let followed = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        read.map(|()| followed)
    })
}

/// Reads every row, as long as somebody hashes them.
fn read(
    connection: &Connection,
    send: SyncSender<Part>,
    mut look: impl FnMut(&Row<'_>) -> Result<(), DatabaseError>,
) -> Result<(), DatabaseError> {
    let mut statement = connection.prepare(ROWS)?;
    let mut rows = statement.query([])?;
    let mut part = Part::default();
    while let Some(row) = rows.next()? {
        look(row)?;
        for column in 0..10 {
            encode(row.get_ref(column)?, &mut part.bytes);
        }
        let hash = row.get_ref(10)?.as_blob().ok().and_then(|hash| hash.try_into().ok());
        part.rows.push(Stored { sequence: row.get(0)?, hash, end: part.bytes.len() });
        if part.rows.len() == PART && send.send(std::mem::take(&mut part)).is_err() {
            return Ok(());
        }
    }
    // Nobody listens any more where the chain is broken.
    let _ended_early = send.send(part);
    Ok(())
}

fn follow(begin: Head, anchors: &[Head], receive: Receiver<Part>) -> Followed {
    let mut head = begin;
    let mut through: Vec<bool> = anchors.iter().map(|anchor| *anchor == head).collect();
    for Part { bytes, rows } in receive {
        let mut start = 0;
        for Stored { sequence, hash, end } in rows {
            let expected = hash_of_encoded(&head.hash, &bytes[start..end]);
            if Some(sequence) != head.count.checked_add(1) || hash != Some(expected) {
                return Err(Broken { good: head, found: sequence });
            }
            (head, start) = (Head { count: sequence, hash: expected }, end);
            for (anchor, through) in anchors.iter().zip(&mut through) {
                *through |= *anchor == head;
            }
        }
    }
    Ok((head, through))
}
