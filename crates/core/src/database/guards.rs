//! What guards the log in the database, and makes it findable: triggers, indexes, and the index of the notes. Who can write the
//! file can remove or change them.

use std::collections::BTreeMap;

use rusqlite::{Connection, ErrorCode};
use rusqlite_migration::Migrations;

use super::{DatabaseError, open::MIGRATIONS};

/// Made by what else is in the schema, and not by itself.
const SHADOW: &str = "table event_text_";

/// What the schema lacks, has too much or has otherwise than the migrations make it: a table that was dropped, a trigger
/// that no longer guards the log.
pub(super) fn schema_complaints(connection: &Connection) -> Result<Vec<String>, DatabaseError> {
    let (found, expected) = (schema(connection)?, schema(&fresh()?)?);
    let missing = expected.keys().filter(|name| !found.contains_key(*name)).map(|name| format!("{name} is missing"));
    let other = found.iter().filter(|(name, sql)| expected.get(*name) != Some(sql));
    Ok(missing.chain(other.map(|(name, _)| format!("{name} is not credstack's"))).collect())
}

/// What the indexes have otherwise than the tables. Reads everything: a minute for a million events.
pub(super) fn index_complaints(connection: &Connection) -> Result<Vec<String>, DatabaseError> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut complaints: Vec<_> = lines.into_iter().filter(|line| line != "ok").collect();
    // The check of an index that keeps no text of its own is not part of the other. It is written as an insertion and
    // changes nothing.
    let check = connection.execute("INSERT INTO event_text (event_text, rank) VALUES ('integrity-check', 1)", []);
    if check.is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)) {
        complaints.push("the index of the notes is not what the notes are".into());
    }
    Ok(complaints)
}

/// Makes all of it anew, from the migrations and the tables.
pub(super) fn mend(connection: &Connection) -> Result<(), DatabaseError> {
    let found = schema(connection)?;
    let drop = |connection: &Connection, name: &str| {
        let (kind, name) = name.split_once(' ').unwrap_or_default();
        connection.execute_batch(&format!("DROP {kind} IF EXISTS \"{}\"", name.replace('"', "\"\"")))
    };
    for kind in ["trigger ", "index ", "table event_text", "view "] {
        // With the index of the notes go the tables that are part of it, unless it was taken out from above them.
        for name in found.keys().filter(|name| name.starts_with(kind)) {
            if !name.starts_with(SHADOW) || !found.contains_key("table event_text") {
                drop(connection, name)?;
            }
        }
    }
    let fresh = fresh()?;
    let mut statement = fresh.prepare(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND (type <> 'table' OR sql GLOB 'CREATE VIRTUAL *') ORDER BY rowid",
    )?;
    let made: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    made.iter().try_for_each(|sql| connection.execute_batch(sql))?;
    Ok(connection.execute_batch("INSERT INTO event_text (event_text) VALUES ('rebuild')")?)
}

/// A database as the migrations make it.
fn fresh() -> Result<Connection, DatabaseError> {
    let mut fresh = Connection::open_in_memory()?;
    match Migrations::from_slice(MIGRATIONS).to_latest(&mut fresh) {
        Ok(()) => Ok(fresh),
        Err(rusqlite_migration::Error::RusqliteError { err, .. }) => Err(err.into()),
        Err(other) => Err(DatabaseError::Nonsense { what: "migration", value: other.to_string() }),
    }
}

/// By kind and name, the SQL that makes each table, index and trigger.
fn schema(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Option<String>>> {
    let mut statement =
        connection.prepare("SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
