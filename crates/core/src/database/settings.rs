use rusqlite::{Connection, OptionalExtension};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    DatabaseError,
    credentials::{from_json, to_json},
};

/// A setting, if it was ever made.
pub(crate) fn get<T: DeserializeOwned>(connection: &Connection, name: &'static str) -> Result<Option<T>, DatabaseError> {
    get_of(connection, name, name)
}

/// A setting of which there are several, and what they are called together.
pub(crate) fn get_of<T: DeserializeOwned>(
    connection: &Connection,
    name: &str,
    what: &'static str,
) -> Result<Option<T>, DatabaseError> {
    let value = connection.query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0)).optional()?;
    from_json(value, what)
}

/// Makes a setting, or makes it anew.
pub(crate) fn put<T: Serialize>(connection: &Connection, name: &str, value: &T) -> Result<(), DatabaseError> {
    let value = to_json(&Some(value))?;
    connection.execute("INSERT INTO setting VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))?;
    Ok(())
}

/// Takes a setting back.
pub(crate) fn remove(connection: &Connection, name: &str) -> Result<(), DatabaseError> {
    connection.execute("DELETE FROM setting WHERE name = ?1", [name])?;
    Ok(())
}
