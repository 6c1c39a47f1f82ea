use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use super::{DatabaseError, InDatabase};

/// Migrations are numbered and never edited.
const MIGRATIONS: &[M<'static>] = &[M::up(include_str!("../../migrations/0001_stack.sql"))];

/// How long a statement waits for another process's transaction, which takes milliseconds.
const BUSY: Duration = Duration::from_secs(10);

/// An open database.
#[derive(Debug)]
pub struct Database {
    pub(super) connection: Connection,
    path: PathBuf,
}

/// What an examination of the database found.
#[derive(Debug)]
pub struct Health {
    /// What SQLite's integrity check complains about; empty when all is well.
    pub complaints: Vec<String>,
    /// For each table the number of rows that can still be read.
    pub readable: Vec<(String, u64)>,
}

impl Database {
    /// Opens the database, if there is one that is up to date. `None`: there is none yet, or it has to be migrated,
    /// which takes [`Database::create`] under the lock.
    pub fn open(path: &Path) -> Result<Option<Database>, DatabaseError> {
        // Not read-only: a reader must be able to roll back what a killed writer left in the journal.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        match path.symlink_metadata() {
            Ok(_) => Database::connect(path, flags),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DatabaseError::Unusable { path: path.into(), reason: error.to_string() }),
        }
    }

    /// Opens the database, making or migrating it where that is needed. The caller holds the lock.
    pub fn create(path: &Path) -> Result<Database, DatabaseError> {
        if let Some(database) = Database::open(path)? {
            return Ok(database);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let migrate = || {
            let mut connection = Connection::open_with_flags(path, flags)?;
            configure(&connection)?;
            Migrations::from_slice(MIGRATIONS).to_latest(&mut connection).map_err(|error| match error {
                rusqlite_migration::Error::RusqliteError { err, .. } => DatabaseError::Sql(err),
                other => DatabaseError::Unusable { path: path.into(), reason: other.to_string() },
            })?;
            Ok(Database { connection, path: path.into() })
        };
        migrate().map_err(|error: DatabaseError| error.at(path))
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Option<Database>, DatabaseError> {
        let known = MIGRATIONS.len() as i64;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            configure(&connection)?;
            let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok((connection, found))
        };
        let (connection, found) = open().map_err(|error: rusqlite::Error| DatabaseError::from(error).at(path))?;
        match found {
            found if found > known => Err(DatabaseError::Newer { path: path.into(), found, known }),
            found if found < known => Ok(None),
            _ => Ok(Some(Database { connection, path: path.into() })),
        }
    }

    /// Does `work` in one transaction that takes the write lock at its start, and commits it if `work` succeeds.
    pub fn write<T, E: InDatabase>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        let path = self.path.clone();
        let named = |error: rusqlite::Error| E::from(DatabaseError::from(error).at(&path));
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(named)?;
        let done = work(&transaction).map_err(|error| error.at(&path))?;
        transaction.commit().map_err(named)?;
        Ok(done)
    }

    /// Does `work` in one transaction that only reads, so that everything it sees is of one moment.
    pub fn read<T, E: InDatabase>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let named = |error: rusqlite::Error| E::from(DatabaseError::from(error).at(&self.path));
        let transaction = self.connection.unchecked_transaction().map_err(named)?;
        let done = work(&transaction).map_err(|error| error.at(&self.path))?;
        transaction.finish().map_err(named)?;
        Ok(done)
    }

    /// Examines a database file that may be damaged: what is wrong, and what can still be read.
    pub fn examine(path: &Path) -> Result<Health, DatabaseError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY)?;
            Ok(connection)
        };
        let connection = open().map_err(|error: rusqlite::Error| DatabaseError::from(error).at(path))?;
        let complaints = match complaints(&connection) {
            Ok(complaints) => complaints,
            Err(error) => vec![error.to_string()],
        };
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

/// The settings of every connection.
///
/// A rollback journal and not a write-ahead log: for processes that live for milliseconds it is as fast, and at rest
/// everything is in one file. `EXTRA`, because a commit that orders a write to the secret store must survive a power
/// cut: `FULL` does not sync the directory after the journal is unlinked. `secure_delete` overwrites freed pages.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = EXTRA; PRAGMA trusted_schema = OFF;",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_valid() {
        Migrations::from_slice(MIGRATIONS).validate().unwrap();
    }

    #[test]
    fn a_newer_database_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credstack.db");
        Database::create(&path).unwrap().connection.pragma_update(None, "user_version", 99).unwrap();
        let error = Database::open(&path).unwrap_err();
        assert!(matches!(error, DatabaseError::Newer { found: 99, .. }), "{error}");
        assert!(Database::create(&path).is_err());
    }

    #[test]
    fn a_damaged_database_is_reported_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credstack.db");
        std::fs::write(&path, "not a database at all, but long enough to be read as a header of one......").unwrap();
        assert!(matches!(Database::open(&path), Err(DatabaseError::Damaged { .. })));
        assert!(matches!(Database::create(&path), Err(DatabaseError::Damaged { .. })));
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a database"));
    }

    #[test]
    fn damage_inside_is_found_when_it_is_met() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credstack.db");
        // The schema fills more than the first page, and must stay readable for the database to open.
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'event'";
        let database = Database::create(&path).unwrap();
        let page: u32 = database.connection.query_row(root, [], |row| row.get(0)).unwrap();
        drop(database);
        let mut bytes = std::fs::read(&path).unwrap();
        let page = page as usize;
        bytes[(page - 1) * 4096..page * 4096].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        let database = Database::open(&path).unwrap().unwrap();
        let error = database.newest_events(1).unwrap_err();
        assert!(matches!(&error, DatabaseError::Damaged { path: named, .. } if *named == path), "{error}");
        assert!(!Database::examine(&path).unwrap().complaints.is_empty());
    }

    #[test]
    fn the_log_refuses_update_and_delete() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::create(&directory.path().join("credstack.db")).unwrap();
        let insert = "INSERT INTO event (sequence, at, event, detail, hash) VALUES (1, 0, 'saved', '{}', zeroblob(32))";
        database.connection.execute(insert, []).unwrap();
        for change in ["UPDATE event SET at = 1", "DELETE FROM event"] {
            let error = database.connection.execute(change, []).unwrap_err();
            assert!(error.to_string().contains("the log only grows"), "{error}");
        }
    }
}
