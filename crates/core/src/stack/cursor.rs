use serde::{Deserialize, Serialize};

use super::{Reader, StackError, StateDirectory};
use crate::{
    database::{Database, events, settings},
    values::Event,
};

/// How much of the log a destination has: all events up to this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Its number.
    pub sequence: i64,
    /// Its hash, in hexadecimal: another log has another one there.
    pub hash: String,
}

impl Cursor {
    /// At an event.
    pub fn at(event: &Event) -> Cursor {
        Cursor { sequence: event.sequence, hash: hex::encode(event.hash) }
    }
}

/// Where a cursor is, seen from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// What comes behind it is there.
    Whole,
    /// Events behind it were pruned; this is the oldest one that is left.
    Pruned(i64),
    /// It is not of this log, or that was cut off before it.
    Replaced,
}

impl Reader {
    /// How much of the log a destination has; `None` if nothing was ever sent there.
    pub fn cursor(&self, destination: &str) -> Result<Option<Cursor>, StackError> {
        match &self.database {
            Some(database) => Ok(database.read(|connection| settings::get_of(connection, &setting(destination), SHIPPED))?),
            None => Ok(None),
        }
    }

    /// Whether the log goes on from a cursor.
    pub fn standing(&self, cursor: &Cursor) -> Result<Standing, StackError> {
        let Some(database) = &self.database else { return Ok(Standing::Replaced) };
        let (found, oldest) = database.read(|connection| -> Result<_, StackError> {
            Ok((events::hash(connection, cursor.sequence)?, events::oldest(connection)?))
        })?;
        Ok(match (found, oldest) {
            (Some(hash), _) if hex::encode(hash) == cursor.hash => Standing::Whole,
            // Nothing is missing behind it.
            (None, Some(oldest)) if Some(oldest) == cursor.sequence.checked_add(1) => Standing::Whole,
            (None, Some(oldest)) if oldest > cursor.sequence => Standing::Pruned(oldest),
            _ => Standing::Replaced,
        })
    }
}

/// Moves the cursor of a destination on. It never moves back, so that of two who send at the same time none undoes what the
/// other did.
pub fn advance(place: &StateDirectory, destination: &str, to: &Cursor) -> Result<(), StackError> {
    write(place, |transaction| {
        let name = setting(destination);
        let before: Option<Cursor> = settings::get_of(transaction, &name, SHIPPED)?;
        if before.is_none_or(|before| before.sequence < to.sequence) {
            settings::put(transaction, &name, to)?;
        }
        Ok(())
    })
}

/// Forgets what a destination has.
pub fn forget_cursor(place: &StateDirectory, destination: &str) -> Result<(), StackError> {
    write(place, |transaction| Ok(settings::remove(transaction, &setting(destination))?))
}

fn write(
    place: &StateDirectory,
    work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<(), StackError>,
) -> Result<(), StackError> {
    match Database::open(&place.database())? {
        Some(mut database) => database.write(work),
        None => Ok(()),
    }
}

/// The settings in which they are kept, one for each destination.
const SHIPPED: &str = "shipped";

fn setting(destination: &str) -> String {
    format!("{SHIPPED} {destination}")
}
