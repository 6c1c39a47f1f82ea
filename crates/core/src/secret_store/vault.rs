mod file;
mod key;
mod sealed;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use super::{KeySource, Patience, Result, SecretStoreError, payload::Payload, seal::IN_VAULT};
use file::Directory;
use key::Key;
use sealed::Sealed;

/// Sealed under the vault's key when its first secret is: tells another key from a damaged file.
const KEY_CHECK: &str = "key-check";

/// A directory of files, one for each secret, sealed under one key that lies elsewhere.
#[derive(Debug)]
pub struct Vault {
    directory: Directory,
    source: KeySource,
    patience: Patience,
    /// Read by the first call that needs it: `erase` does not, and a key command may ask a person.
    key: Mutex<Option<Key>>,
}

impl Vault {
    /// A vault in `directory`, which is made when something is written to it.
    pub fn new(directory: &Path, source: KeySource, patience: Patience) -> Vault {
        Vault { directory: Directory::new(directory), source, patience, key: Mutex::default() }
    }

    /// Makes a key file with a new random key. A file that exists is never overwritten.
    pub fn create_key_file(path: &Path) -> Result<()> {
        key::create_file(path)
    }

    pub(super) fn ready(&self) -> Result<()> {
        self.directory.create()?;
        self.with_key(|key| self.establish(key))
    }

    pub(super) fn put(&self, id: Uuid, payload: &Payload) -> Result<()> {
        self.directory.create()?;
        self.with_key(|key| {
            self.establish(key)?;
            let path = self.directory.path_of(&id.to_string());
            self.directory.write(&path, &Sealed::seal(key, id, &payload.0)?.0)?;
            let kept = Sealed(self.directory.read(&path)?.unwrap_or_default()).open(key, id, &path)?;
            if kept == payload.0 { Ok(()) } else { Err(SecretStoreError::NotKept { store: "vault", id }) }
        })
    }

    pub(super) fn get(&self, id: Uuid) -> Result<Payload> {
        let path = self.directory.path_of(&id.to_string());
        let none = SecretStoreError::NoEntry { store: "vault", id };
        if !self.directory.exists()? {
            return Err(none);
        }
        let Some(sealed) = self.directory.read(&path)? else { return Err(none) };
        self.with_key(|key| {
            self.check(key)?;
            Ok(Payload(Sealed(sealed).open(key, id, &path)?))
        })
    }

    pub(super) fn erase(&self, id: Uuid) -> Result<()> {
        if !self.directory.exists()? {
            return Ok(());
        }
        self.directory.remove(&self.directory.path_of(&id.to_string()))
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.source, KeySource::File(_)) || self.key.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn sweep_temporary_files(&self) -> Result<()> {
        if !self.directory.exists()? {
            return Ok(());
        }
        self.directory.sweep()
    }

    /// Lets another key be chosen for a vault in `directory` that holds no secret. One that does keeps its key.
    pub(super) fn release(directory: &Path) -> Result<()> {
        let vault = Directory::new(directory);
        if !vault.exists()? || !Vault::items(directory)?.is_empty() {
            return Ok(());
        }
        vault.remove(&vault.path_of(KEY_CHECK))
    }

    pub(super) fn has_seal(directory: &Path) -> Result<bool> {
        let vault = Directory::new(directory);
        Ok(vault.exists()? && vault.read(&vault.path_of(&IN_VAULT.to_string()))?.is_some())
    }

    /// The names of the secrets in `directory`.
    pub(super) fn items(directory: &Path) -> Result<Vec<String>> {
        let vault = Directory::new(directory);
        if !vault.exists()? {
            return Ok(Vec::new());
        }
        let is_secret = |name: &String| Uuid::try_parse(name).is_ok_and(|id| id != IN_VAULT);
        Ok(vault.names()?.into_iter().filter(is_secret).collect())
    }

    /// Removes a vault's own files, and `directory` itself if nothing else is in it.
    pub(super) fn dissolve(directory: &Path) -> Result<()> {
        let vault = Directory::new(directory);
        if !vault.exists()? {
            return Ok(());
        }
        vault.sweep()?;
        for name in vault.names()?.iter().filter(|name| *name == KEY_CHECK || Uuid::try_parse(name).is_ok()) {
            vault.remove(&vault.path_of(name))?;
        }
        match fs::remove_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed.map_err(io_error("removed", directory)),
        }
    }

    fn with_key<T>(&self, job: impl FnOnce(&Key) -> Result<T>) -> Result<T> {
        let mut held = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match held.take() {
            Some(key) => key,
            None => key::read(&self.source, self.patience.bound())?,
        };
        job(held.insert(key))
    }

    /// Whether `key` is the vault's, as far as the key check says: `false` where there is none.
    fn check(&self, key: &Key) -> Result<bool> {
        let path = self.directory.path_of(KEY_CHECK);
        let Some(sealed) = self.directory.read(&path)? else { return Ok(false) };
        match Sealed(sealed).open(key, Uuid::nil(), &path) {
            Ok(_) => Ok(true),
            Err(SecretStoreError::DamagedFile { .. }) => Err(self.wrong_key()),
            Err(error) => Err(error),
        }
    }

    /// Makes `key` the vault's key if it has none yet.
    fn establish(&self, key: &Key) -> Result<()> {
        if self.check(key)? {
            return Ok(());
        }
        // Without its key check a vault that holds secrets still belongs to the key that sealed them.
        for (id, path) in self.secrets()? {
            match self.directory.read(&path)?.map(|sealed| Sealed(sealed).open(key, id, &path)) {
                Some(Err(SecretStoreError::DamagedFile { .. })) => return Err(self.wrong_key()),
                Some(Err(error)) => return Err(error),
                Some(Ok(_)) | None => {}
            }
        }
        let check = Sealed::seal(key, Uuid::nil(), b"")?;
        if self.directory.write_new(&self.directory.path_of(KEY_CHECK), &check.0)? {
            return Ok(());
        }
        // Another process was first, perhaps with another key.
        self.check(key).map(drop)
    }

    fn secrets(&self) -> Result<Vec<(Uuid, PathBuf)>> {
        let mut secrets = Vec::new();
        for name in self.directory.names()? {
            if let Ok(id) = name.parse()
                && id != IN_VAULT
            {
                secrets.push((id, self.directory.path_of(&name)));
            }
        }
        Ok(secrets)
    }

    fn wrong_key(&self) -> SecretStoreError {
        SecretStoreError::WrongKey { directory: self.directory.path().to_owned() }
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SecretStoreError {
    move |source| SecretStoreError::Io { action, path: path.to_owned(), source }
}

/// A new name in a directory is kept only once the directory is.
fn sync_directory(path: &Path) -> Result<()> {
    fs::File::open(path).and_then(|directory| directory.sync_all()).map_err(io_error("synced", path))
}
