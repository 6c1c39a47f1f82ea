use std::path::Path;

use rusqlite::Connection;

use super::{
    Database, DatabaseError, Head, InDatabase,
    events::{head, no_number_left, times},
    guards::{index_complaints, schema_complaints},
    open::{BUSY, OPEN},
};

/// What an examination of the database found.
#[derive(Debug)]
pub struct Health {
    /// What SQLite's integrity check complains about; empty when all is well.
    pub complaints: Vec<String>,
    /// Whether the tables are whole all the same: only guards of the log or indexes are not, which can be made anew.
    pub mendable: bool,
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
        let mut complaints = index_complaints(&connection)
            .and_then(|found| Ok([found, schema_complaints(&connection)?, dangling(&connection)?].concat()))
            .unwrap_or_else(|error| vec![error.to_string()]);
        // Where a table is missing, that was said.
        complaints.extend(impossible(&connection).unwrap_or_default());
        let mendable = tables_are_whole(&connection).unwrap_or(false);
        let tables = ["stack", "frame", "credential", "event"];
        let readable = tables.iter().map(|table| (table.to_string(), count_readable(&connection, table))).collect();
        Ok(Health { complaints, mendable, readable })
    }
}

fn tables_are_whole(connection: &Connection) -> Result<bool, DatabaseError> {
    let quick: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    let is_table = |what: &String| what.starts_with("table ") && !what.starts_with("table event_text");
    Ok(quick == "ok" && dangling(connection)?.is_empty() && !schema_complaints(connection)?.iter().any(is_table))
}

/// Rows that refer to others which are not there.
fn dangling(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT DISTINCT \"table\", parent FROM pragma_foreign_key_check")?;
    let complaint = |row: &rusqlite::Row<'_>| {
        Ok(format!("table {} refers to rows of {} that are missing", row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    };
    statement.query_map([], complaint)?.collect()
}

/// Rows with a number that credstack never writes.
fn impossible(connection: &Connection) -> Result<Vec<String>, DatabaseError> {
    let Head { count: last, .. } = head(connection)?;
    let mut complaints: Vec<_> = (last == i64::MAX).then(|| no_number_left(last).to_string()).into_iter().collect();
    let (from, to) = times();
    let mut statement = connection.prepare(
        "SELECT id FROM credential WHERE id < 1 OR issued_at NOT BETWEEN ?1 AND ?2 OR expires_at NOT BETWEEN ?1 AND ?2",
    )?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        complaints.push(format!("row {} of table credential has an id or a time that makes no sense", row.get::<_, i64>(0)?));
    }
    Ok(complaints)
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
