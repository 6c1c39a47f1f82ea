use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use super::{DatabaseError, InDatabase, credentials, events};
use crate::private_files::{private_file, remove_if_there, sync_directory_of};

/// Migrations are numbered and never edited.
pub(super) const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("../../migrations/0001_stack.sql")),
    M::up(include_str!("../../migrations/0002_renewal.sql")),
    M::up(include_str!("../../migrations/0003_asking.sql")),
    M::up(include_str!("../../migrations/0004_notes.sql")),
    M::up(include_str!("../../migrations/0005_way.sql")),
];

/// Not read-only, even for a reader: it must be able to roll back what a killed writer left in the journal.
pub(super) const OPEN: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX).union(OpenFlags::SQLITE_OPEN_NOFOLLOW);

/// How long a statement waits for another process's transaction, which takes milliseconds.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// An open database.
#[derive(Debug)]
pub struct Database {
    pub(super) connection: Connection,
    path: PathBuf,
}

impl Database {
    /// Opens the database, if there is one that is up to date. `None`: there is none yet, or it has to be migrated,
    /// which takes [`Database::create`] under the lock.
    pub fn open(path: &Path) -> Result<Option<Database>, DatabaseError> {
        match path.symlink_metadata() {
            Ok(_) => Database::connect(path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DatabaseError::Unusable { path: path.into(), reason: error.to_string() }),
        }
    }

    /// Opens the database, making or migrating it where that is needed. The caller holds the lock.
    ///
    /// A new one is made under another name and takes its own when it is whole. So a file of that name that has no
    /// schema was emptied by somebody, and is never taken for a new one.
    pub fn create(path: &Path) -> Result<Database, DatabaseError> {
        if let Some(database) = Database::open(path)? {
            return Ok(database);
        }
        if path.symlink_metadata().is_ok() {
            return Database::migrate(path);
        }
        let unusable = |error: std::io::Error| DatabaseError::Unusable { path: path.into(), reason: error.to_string() };
        let new = Database::unfinished(path);
        remove_with_journal(&new).map_err(unusable)?;
        private_file(&new).map_err(unusable)?;
        drop(Database::migrate(&new)?);
        std::fs::rename(&new, path).map_err(unusable)?;
        sync_directory_of(path).map_err(unusable)?;
        Database::migrate(path)
    }

    /// Removes the database with whatever SQLite and [`Database::create`] may have left beside it. The caller holds the
    /// lock.
    pub fn remove(path: &Path) -> Result<(), DatabaseError> {
        let unusable = |error: std::io::Error| DatabaseError::Unusable { path: path.into(), reason: error.to_string() };
        remove_with_journal(&Database::unfinished(path)).and_then(|()| remove_with_journal(path)).map_err(unusable)
    }

    /// The name under which a new database is made.
    fn unfinished(path: &Path) -> PathBuf {
        path.with_extension("db.new")
    }

    fn migrate(path: &Path) -> Result<Database, DatabaseError> {
        let migrate = || {
            let mut connection = Connection::open_with_flags(path, OPEN)?;
            configure(&connection)?;
            Migrations::from_slice(MIGRATIONS).to_latest(&mut connection).map_err(|error| match error {
                rusqlite_migration::Error::RusqliteError { err, .. } => DatabaseError::Sql(err),
                other => DatabaseError::Unusable { path: path.into(), reason: other.to_string() },
            })?;
            Ok(Database { connection, path: path.into() })
        };
        migrate().map_err(|error: DatabaseError| error.at(path))
    }

    fn connect(path: &Path) -> Result<Option<Database>, DatabaseError> {
        let known = MIGRATIONS.len() as i64;
        let open = || {
            let connection = Connection::open_with_flags(path, OPEN)?;
            configure(&connection)?;
            let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok((connection, found))
        };
        let (connection, found) = open().map_err(|error: rusqlite::Error| DatabaseError::from(error).at(path))?;
        match found {
            0 => Err(DatabaseError::Damaged { path: path.into(), reason: "it is empty".into() }),
            found if found > known => Err(DatabaseError::Newer { path: path.into(), found, known }),
            found if found < known => Ok(None),
            _ => Ok(Some(Database { connection, path: path.into() })),
        }
    }

    /// Gives the file system back what is free in the file.
    pub(crate) fn vacuum(&self) -> Result<(), DatabaseError> {
        self.connection.execute_batch("VACUUM").map_err(|error| DatabaseError::from(error).at(&self.path))
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

    /// Takes the write lock and gives it back; fails too where no number is left for an event or a credential set.
    pub fn require_writable(&self) -> Result<(), DatabaseError> {
        let last = self.read(events::head)?.count;
        if last == i64::MAX {
            return Err(events::no_number_left(last));
        }
        self.read(credentials::require_number_left)?;
        let tried = self.connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK");
        tried.map_err(|error| DatabaseError::from(error).at(&self.path))
    }

    /// Does `work` in one transaction that only reads, so that everything it sees is of one moment.
    pub fn read<T, E: InDatabase>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let named = |error: rusqlite::Error| E::from(DatabaseError::from(error).at(&self.path));
        let transaction = self.connection.unchecked_transaction().map_err(named)?;
        let done = work(&transaction).map_err(|error| error.at(&self.path))?;
        transaction.finish().map_err(named)?;
        Ok(done)
    }
}

fn remove_with_journal(path: &Path) -> std::io::Result<()> {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    remove_if_there(path)?;
    remove_if_there(Path::new(&journal))
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
    use crate::database::EventFilter;

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
        let error = database.events(&EventFilter::default(), 1).unwrap_err();
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
