//! The credential sets beside what the log says of where they came from: most questions are answered from their table, and
//! the chain does not cover it.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
};

use jiff::Timestamp;
use rusqlite::{Connection, Row};
use serde::Deserialize;
use serde_json::Value;

use super::{BadLog, DatabaseError, Wrong, follow::ROWS};
use crate::values::{CredentialId, EventKind};

/// What an event that brought a credential set says of it, beside its columns.
#[derive(Deserialize)]
struct Brought<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    #[serde(flatten, borrow)]
    pins: Pins<'a>,
}

/// What pins a row to its secret and to what was asked for it. An event of an earlier version names no item, and compares no
/// more than its columns.
#[derive(Deserialize)]
struct Pins<'a> {
    #[serde(borrow)]
    item: Option<Cow<'a, str>>,
    #[serde(borrow)]
    nonce: Option<Cow<'a, str>>,
    #[serde(borrow)]
    region: Option<Cow<'a, str>>,
    #[serde(borrow)]
    profile: Option<Cow<'a, str>>,
    signed_by: Option<Value>,
    request: Option<Value>,
    way: Option<Value>,
}

/// The columns of a row that [`Facts`] hashes, and those that pin it.
const COLUMNS: &str = "id, parent, access_key_id, account, arn, kind, issued_at, expires_at, replaced_by, state = 'pending',
                       item, nonce, region, profile, signed_by, request, way";

#[derive(Deserialize)]
struct Renewed {
    replaces: CredentialId,
}

#[derive(Deserialize)]
struct Pruned {
    #[serde(default)]
    acquired_through: i64,
}

/// A credential set that has a row.
struct Known {
    /// What never changes of it, hashed: there may be a million.
    facts: u64,
    pins: u64,
    /// Whether the log need not say where it came from: an event did, or it is only announced.
    told: bool,
}

/// The comparison. It is given the events one after the other, oldest first.
pub(super) struct Agreement {
    facts: Facts,
    known: HashMap<i64, Known>,
    /// What stands in the place of others, as the rows have it and as the events do.
    replaced: HashMap<i64, i64>,
    renewed: HashMap<i64, i64>,
    /// Those that an event brought and that have no row, with that event.
    rowless: HashMap<i64, i64>,
    /// Up to which of them the events that brought them may have been pruned.
    pruned_through: i64,
    first: Option<BadLog>,
}

impl Agreement {
    /// Reads the rows.
    pub fn new(connection: &Connection) -> Result<Agreement, DatabaseError> {
        let facts = Facts(RandomState::new());
        let (mut known, mut replaced) = (HashMap::new(), HashMap::new());
        let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM credential"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            known.insert(id, facts.known(row)?);
            if let Some(by) = row.get(8)? {
                replaced.insert(id, by);
            }
        }
        Ok(Agreement { facts, known, replaced, renewed: HashMap::new(), rowless: HashMap::new(), pruned_through: 0, first: None })
    }

    /// Compares one event, its columns as [`super::follow::ROWS`] has them.
    pub fn event(&mut self, row: &Row<'_>) -> Result<(), DatabaseError> {
        let Ok(Some(kind)) = row.get_ref(2)?.as_str().map(EventKind::from_text) else { return Ok(()) };
        let detail = || row.get_ref(9).map(|detail| detail.as_str().unwrap_or_default());
        match kind {
            EventKind::Acquired | EventKind::Imported | EventKind::Captured => {
                let (sequence, Ok(id)) = (row.get(0)?, row.get::<_, i64>(4)) else { return Ok(()) };
                let Ok(brought) = serde_json::from_str::<Brought<'_>>(detail()?) else { return Ok(()) };
                match self.known.get_mut(&id) {
                    Some(known) if self.facts.agree(known, row, &brought)? => known.told = true,
                    Some(_) => self.wrong(Some(sequence), id),
                    None => drop(self.rowless.insert(id, sequence)),
                }
            }
            // Its row went, or never was.
            EventKind::SecretLost => {
                if let Ok(id) = row.get(4) {
                    self.rowless.remove(&id);
                }
            }
            EventKind::Renewed => {
                if let (Ok(id), Ok(Renewed { replaces })) = (row.get(4), serde_json::from_str(detail()?)) {
                    self.renewed.insert(replaces.0, id);
                }
            }
            EventKind::Pruned => {
                if let Ok(Pruned { acquired_through }) = serde_json::from_str(detail()?) {
                    self.pruned_through = self.pruned_through.max(acquired_through);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The first disagreement, after all events.
    pub fn found(mut self) -> Option<BadLog> {
        let through = self.pruned_through;
        if let Some((id, event)) = self.rowless.iter().map(|(id, event)| (*id, *event)).min() {
            self.wrong(Some(event), id);
        }
        let untold = self.known.iter().filter(|(id, known)| !known.told && **id > through).map(|(id, _)| *id);
        self.renewed.retain(|old, by| self.replaced.remove(old) != Some(*by));
        let replaced = self.replaced.keys().filter(|id| **id > through);
        if let Some(id) = untold.chain(self.renewed.keys().copied()).chain(replaced.copied()).min() {
            self.wrong(None, id);
        }
        self.first
    }

    fn wrong(&mut self, event: Option<i64>, id: i64) {
        self.first.get_or_insert(BadLog { event, wrong: Wrong::Disagrees(CredentialId(id)) });
    }
}

/// The same for one credential set alone: whether the event that brought it, if one pins it, says what its row says.
pub(crate) fn agrees(connection: &Connection, id: CredentialId) -> Result<bool, DatabaseError> {
    let facts = Facts(RandomState::new());
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM credential WHERE id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    let Some(known) = rows.next()?.map(|row| facts.known(row)).transpose()? else { return Ok(true) };
    let brought = "WHERE credential = ?1 AND event IN ('acquired', 'imported', 'captured') ORDER";
    let mut statement = connection.prepare(&ROWS.replace("ORDER", brought))?;
    let mut rows = statement.query([id.0])?;
    while let Some(row) = rows.next()? {
        let detail = row.get_ref(9)?.as_str().unwrap_or_default();
        // An event of an earlier version pins nothing.
        let brought = serde_json::from_str::<Brought<'_>>(detail).ok().filter(|brought| brought.pins.item.is_some());
        let Some(brought) = brought else { continue };
        if !facts.agree(&known, row, &brought)? {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Facts(RandomState);

impl Facts {
    /// Of a row with [`COLUMNS`].
    fn known(&self, row: &Row<'_>) -> rusqlite::Result<Known> {
        let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str_or_null().ok().flatten());
        let kind = row.get_ref(5)?.as_str().unwrap_or_default();
        let facts = self.hash(row, 1, kind, row.get(6)?, row.get(7)?)?;
        let pins = self.0.hash_one([text(10)?, text(11)?, text(12)?, text(13)?, text(14)?, text(15)?, text(16)?]);
        Ok(Known { facts, pins, told: row.get(9)? })
    }

    /// Whether an event, its columns as [`ROWS`] has them, says what the row of the credential set that it brought says.
    fn agree(&self, known: &Known, event: &Row<'_>, brought: &Brought<'_>) -> rusqlite::Result<bool> {
        let Brought { kind, issued_at, expires_at, pins } = brought;
        let expires_at = expires_at.map(Timestamp::as_second);
        let facts = self.hash(event, 5, kind, issued_at.as_second(), expires_at)?;
        Ok(known.facts == facts && (pins.item.is_none() || known.pins == self.pins(pins)))
    }

    /// A value in the log is compact and in the order in which it was written, as it is in a row.
    fn pins(&self, pins: &Pins<'_>) -> u64 {
        let Pins { item, nonce, region, profile, signed_by, request, way } = pins;
        let json = [signed_by, request, way].map(|value| value.as_ref().map(Value::to_string));
        let [signed_by, request, way] = json.each_ref().map(Option::as_deref);
        self.0.hash_one([item.as_deref(), nonce.as_deref(), region.as_deref(), profile.as_deref(), signed_by, request, way])
    }

    /// From four columns that a credential set and an event both have, parent first, and what an event says elsewhere.
    fn hash(&self, row: &Row<'_>, from: usize, kind: &str, issued: i64, expires: Option<i64>) -> rusqlite::Result<u64> {
        let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str_or_null().ok().flatten());
        let parent: Option<i64> = row.get(from)?;
        Ok(self.0.hash_one((parent, text(from + 1)?, text(from + 2)?, text(from + 3)?, kind, issued, expires)))
    }
}

/// Makes the rows what the log says of them: the log is what is believed. A credential set that no event brought goes, unless
/// something refers to it.
pub(super) fn mend(connection: &Connection) -> Result<(), DatabaseError> {
    connection.execute_batch(
        "CREATE TEMP TABLE brought AS
            SELECT credential AS id, parent, access_key_id, account, arn, detail ->> '$.kind' AS kind,
                   unixepoch(detail ->> '$.issued_at') AS issued_at, unixepoch(detail ->> '$.expires_at') AS expires_at,
                   detail ->> '$.item' AS item, detail ->> '$.nonce' AS nonce, detail ->> '$.region' AS region,
                   detail ->> '$.profile' AS profile, detail ->> '$.signed_by' AS signed_by, detail ->> '$.request' AS request,
                   detail ->> '$.way' AS way
            FROM event NOT INDEXED
            WHERE event IN ('acquired', 'imported', 'captured') AND credential IS NOT NULL AND json_valid(detail);
         CREATE TEMP TABLE renewed AS
            SELECT CAST(substr(detail ->> '$.replaces', 2) AS INTEGER) AS id, credential AS by, max(sequence)
            FROM event NOT INDEXED WHERE event = 'renewed' AND json_valid(detail) GROUP BY 1;
         CREATE TEMP TABLE pruned AS
            SELECT coalesce(max(detail ->> '$.acquired_through'), 0) AS through
            FROM event NOT INDEXED WHERE event = 'pruned' AND json_valid(detail);
         CREATE INDEX temp.brought_id ON brought (id);
         CREATE INDEX temp.brought_item ON brought (item);
         CREATE INDEX temp.renewed_id ON renewed (id);",
    )?;
    for statement in [
        // An item belongs to one row: what has another's gives it up first.
        "UPDATE credential SET item = lower(hex(randomblob(16)))
         WHERE EXISTS (SELECT 1 FROM temp.brought b WHERE b.item = credential.item AND b.id <> credential.id)",
        "UPDATE credential SET item = b.item, nonce = b.nonce, region = b.region, profile = b.profile, signed_by = b.signed_by,
                request = b.request, way = b.way
         FROM temp.brought b WHERE b.id = credential.id AND b.item IS NOT NULL
         AND (credential.item, credential.nonce, credential.region, credential.profile, credential.signed_by, credential.request,
              credential.way)
         IS NOT (b.item, b.nonce, b.region, b.profile, b.signed_by, b.request, b.way)",
        "UPDATE credential SET parent = b.parent, access_key_id = b.access_key_id, account = b.account, arn = b.arn,
                kind = b.kind, issued_at = b.issued_at, expires_at = b.expires_at
         FROM temp.brought b WHERE b.id = credential.id
         AND (credential.parent, credential.access_key_id, credential.account, credential.arn, credential.kind,
              credential.issued_at, credential.expires_at)
         IS NOT (b.parent, b.access_key_id, b.account, b.arn, b.kind, b.issued_at, b.expires_at)",
        "INSERT INTO credential (id, item, nonce, state, kind, access_key_id, temporary, account, arn, issued_at, expires_at,
                                 region, profile, signed_by, request, way)
         SELECT id, coalesce(item, lower(hex(randomblob(16)))), coalesce(nonce, ''), 'erased', kind, access_key_id,
                access_key_id GLOB 'ASIA*', account, arn, issued_at, expires_at, region, profile,
                signed_by, request, way
         FROM temp.brought WHERE id NOT IN (SELECT id FROM credential)
         AND id NOT IN (SELECT credential FROM event NOT INDEXED WHERE event = 'secret-lost' AND credential IS NOT NULL)",
        // What was put in above has its parent from here, for the parent may have been put in after it.
        "UPDATE credential SET parent = b.parent FROM temp.brought b
         WHERE b.id = credential.id AND credential.parent IS NOT b.parent",
        "UPDATE credential SET replaced_by = NULL
         WHERE replaced_by IS NOT NULL AND id > (SELECT through FROM temp.pruned) AND id NOT IN (SELECT id FROM temp.renewed)",
        "UPDATE credential SET replaced_by = r.by FROM temp.renewed r
         WHERE r.id = credential.id AND credential.replaced_by IS NOT r.by",
        "DELETE FROM credential
         WHERE id > (SELECT through FROM temp.pruned) AND state <> 'pending' AND id NOT IN (SELECT id FROM temp.brought)
         AND id NOT IN (SELECT credential FROM frame WHERE credential IS NOT NULL)
         AND id NOT IN (SELECT parent FROM credential WHERE parent IS NOT NULL)
         AND id NOT IN (SELECT replaced_by FROM credential WHERE replaced_by IS NOT NULL)",
    ] {
        connection.execute(statement, [])?;
    }
    connection.execute_batch("DROP TABLE temp.brought; DROP TABLE temp.renewed; DROP TABLE temp.pruned")?;
    Ok(())
}
