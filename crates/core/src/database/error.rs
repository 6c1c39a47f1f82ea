use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The database could not be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// It was written by a newer version.
    #[error("the database {path} has schema {found}, this version knows {known}")]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The schema it has.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// It is not a database, or parts of it are unreadable.
    #[error("the database {path} is damaged: {reason}")]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// Another process kept it locked.
    #[error("the database {path} is busy: another process has kept it locked for too long")]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("the database {path} cannot be used: {reason}")]
    Unusable {
        /// The database file.
        path: PathBuf,
        /// What the system or SQLite says.
        reason: String,
    },
    /// A row holds what no version of this program writes.
    #[error("the database holds a {what} that makes no sense: {value:?}")]
    Nonsense {
        /// Which column.
        what: &'static str,
        /// What it holds.
        value: String,
    },
    /// A row holds a number that credstack never writes, and with which nothing can be done.
    #[error("row {row} of table {table} makes no sense: {what}")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The row.
        row: i64,
        /// What is wrong with it.
        what: String,
    },
    /// Anything else SQLite says.
    #[error("the database refused: {0}")]
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        DatabaseError::Sql(error)
    }
}

/// An error that work on the database can end in: where SQLite gave it without the file's name, that can be added.
pub trait InDatabase: From<DatabaseError> {
    /// Names the file.
    fn at(self, path: &Path) -> Self;
}

impl InDatabase for DatabaseError {
    fn at(self, path: &Path) -> DatabaseError {
        let DatabaseError::Sql(error) = self else { return self };
        let (path, reason) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => DatabaseError::Damaged { path, reason },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DatabaseError::Busy { path },
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure,
            ) => DatabaseError::Unusable { path, reason },
            _ => DatabaseError::Sql(error),
        }
    }
}
