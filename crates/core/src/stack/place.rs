use std::{
    fs::{self, DirBuilder},
    io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::StackError;
use crate::private_files::fault;

/// How the lock files of questions begin.
const QUESTION: &str = "ask.";

/// The directory in which everything of ours lies: the database, the lock and the vault.
#[derive(Clone, Debug)]
pub struct StateDirectory {
    path: PathBuf,
}

impl StateDirectory {
    /// The state directory at `path`, whether it exists or not.
    pub fn new(path: PathBuf) -> StateDirectory {
        StateDirectory { path }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database file. SQLite is told to follow no link, and takes that for the whole path: the links on the way to
    /// the directory are the user's own and are followed here.
    pub fn database(&self) -> PathBuf {
        self.path.canonicalize().unwrap_or_else(|_| self.path.clone()).join("credstack.db")
    }

    /// The vault's directory.
    pub fn vault(&self) -> PathBuf {
        self.path.join("vault")
    }

    /// Whether anything of ours is in it.
    pub fn is_ours(&self) -> bool {
        let database = self.database();
        [database.with_extension("db.new"), database, self.vault().join("key-check")].iter().any(|path| path.exists())
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    pub(super) fn renewal_lock(&self) -> PathBuf {
        self.path.join("renewal.lock")
    }

    /// One for each device, whose name is in it as a hash: a person may use several at a time.
    pub(super) fn question_lock(&self, device: &str) -> PathBuf {
        self.path.join(format!("{QUESTION}{}", hex::encode(&Sha256::digest(device)[..8])))
    }

    /// Those that there are.
    pub(super) fn question_locks(&self) -> io::Result<Vec<PathBuf>> {
        let is_one =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(QUESTION.as_bytes()));
        let all = fs::read_dir(&self.path)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        Ok(all.into_iter().filter(is_one).collect())
    }

    /// Makes the directory, 0700 from the start, if it is not there.
    pub(super) fn make(&self) -> Result<(), StackError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path).map_err(|error| self.unusable(error.to_string()))?;
        self.check()
    }

    /// Refuses a directory that others could enter or that is somebody else's, and such files in it. What is not there is
    /// fine.
    pub fn check(&self) -> Result<(), StackError> {
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.unusable(error.to_string())),
        };
        if !metadata.is_dir() {
            return Err(self.unusable("it is not a directory".into()));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if metadata.uid() != rustix::process::geteuid().as_raw() {
                return Err(self.unusable("it belongs to another user".into()));
            }
            if metadata.mode() & 0o077 != 0 {
                return Err(self.unusable(format!("others may enter it (mode {:04o}, expected 0700)", metadata.mode() & 0o7777)));
            }
        }
        for path in [self.database(), self.lock(), self.renewal_lock()] {
            let fault = match fs::symlink_metadata(&path) {
                Ok(metadata) => fault(&metadata),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => Some(error.to_string()),
            };
            if let Some(reason) = fault {
                return Err(StackError::Place { path, reason });
            }
        }
        Ok(())
    }

    fn unusable(&self, reason: String) -> StackError {
        StackError::Place { path: self.path.clone(), reason }
    }
}
