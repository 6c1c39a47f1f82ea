use std::{collections::BTreeMap, path::Path};

use rusqlite::Connection;
use rusqlite_migration::Migrations;

use super::{
    Database, DatabaseError, InDatabase,
    open::{BUSY, MIGRATIONS, OPEN},
};

/// What an examination of the database found.
#[derive(Debug)]
pub struct Health {
    /// What SQLite's integrity check complains about; empty when all is well.
    pub complaints: Vec<String>,
    /// For each table the number of rows that can still be read.
    pub readable: Vec<(String, u64)>,
}

impl Database {
    /// Examines a database file that may be damaged: what is wrong, and what can still be read.
    pub fn examine(path: &Path) -> Result<Health, DatabaseError> {
        let open = || {
            let connection = Connection::open_with_flags(path, OPEN)?;
            connection.busy_timeout(BUSY)?;
            Ok(connection)
        };
        let connection = open().map_err(|error: rusqlite::Error| DatabaseError::from(error).at(path))?;
        let complaints = complaints(&connection)
            .and_then(|found| Ok([found, schema_complaints(&connection)?, dangling(&connection)?].concat()))
            .unwrap_or_else(|error| vec![error.to_string()]);
        let tables = ["stack", "frame", "credential", "event"];
        let readable = tables.iter().map(|table| (table.to_string(), count_readable(&connection, table))).collect();
        Ok(Health { complaints, readable })
    }
}

fn complaints(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// What the schema lacks, has too much or has otherwise than the migrations make it: a table that was dropped, a trigger
/// that no longer guards the log.
pub(super) fn schema_complaints(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut fresh = Connection::open_in_memory()?;
    if Migrations::from_slice(MIGRATIONS).to_latest(&mut fresh).is_err() {
        return Ok(Vec::new());
    }
    let (found, expected) = (schema(connection)?, schema(&fresh)?);
    let missing = expected.iter().filter(|(name, _)| !found.contains_key(*name)).map(|(name, _)| format!("{name} is missing"));
    let other = found.iter().filter(|(name, sql)| expected.get(*name) != Some(sql));
    Ok(missing.chain(other.map(|(name, _)| format!("{name} is not credstack's"))).collect())
}

/// By kind and name, the SQL that makes each table, index and trigger.
fn schema(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Option<String>>> {
    let mut statement =
        connection.prepare("SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Rows that refer to others which are not there.
fn dangling(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT DISTINCT \"table\", parent FROM pragma_foreign_key_check")?;
    let complaint = |row: &rusqlite::Row<'_>| {
        Ok(format!("table {} refers to rows of {} that are missing", row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    };
    statement.query_map([], complaint)?.collect()
}

/// Counts rows by reading each one whole, up to the first that cannot be read.
fn count_readable(connection: &Connection, table: &str) -> u64 {
    let Ok(mut statement) = connection.prepare(&format!("SELECT * FROM {table}")) else { return 0 };
    let Ok(mut rows) = statement.query([]) else { return 0 };
    let mut count = 0;
    while let Ok(Some(_)) = rows.next() {
        count += 1;
    }
    count
}
