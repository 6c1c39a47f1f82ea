//! Where secrets lie: the operating system's keyring, or a vault of sealed files for machines without one.
//!
//! Which of the two is decided once and recorded ([`StoreChoice`]). A store that cannot be used is an error with a
//! name of its own ([`SecretStoreError`]); nothing here falls back to another store.
//!
//! Calls block, for minutes if a person is asked for something: never make one inside an async runtime.

mod error;
mod keyring;
mod payload;
mod seal;
#[cfg(unix)]
mod vault;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::values::{CredentialSet, Item};
use payload::Payload;

pub use error::SecretStoreError;
pub use keyring::Keyring;
pub(crate) use seal::BRIEFLY;
pub use seal::Seal;
#[cfg(unix)]
pub use vault::Vault;

type Result<T> = std::result::Result<T, SecretStoreError>;

impl Item {
    /// A new name, in the order of `now`, with a new nonce.
    pub fn new(now: jiff::Timestamp) -> Result<Item> {
        let mut random = [0; 26];
        getrandom::fill(&mut random).map_err(|_| SecretStoreError::NoRandomness)?;
        let (for_id, nonce) = random.split_at(10);
        let mut counter = [0; 10];
        counter.copy_from_slice(for_id);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        Ok(Item { id: uuid::Builder::from_unix_timestamp_millis(millis, &counter).into_uuid(), nonce: hex::encode(nonce) })
    }
}

/// What the database records about the store that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "snake_case")]
pub enum StoreChoice {
    /// The operating system's keyring.
    Keyring,
    /// A directory of sealed files.
    Vault {
        /// Where its key comes from.
        key: KeySource,
    },
}

/// Where the vault's key comes from: 64 hexadecimal digits, and a newline if you like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// A file that only its owner can read. It protects a copied database, not a stolen home directory.
    File(PathBuf),
    /// A program and its arguments, run without a shell, that prints the key.
    Command(Vec<String>),
}

impl KeySource {
    /// Makes a key file that is not there yet, and says whether it did; one that is there stays as it is, and so does a
    /// key that a command prints.
    pub fn prepare(&self) -> Result<bool> {
        match self {
            #[cfg(unix)]
            KeySource::File(path) => match Vault::create_key_file(path) {
                Err(SecretStoreError::KeyExists { .. }) => Ok(false),
                made => made.map(|()| true),
            },
            _ => Ok(false),
        }
    }
}

/// How long a call may take: it depends on whether somebody can answer a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// No prompt is ever shown, and a call ends within 3 seconds.
    NobodyCanAnswer,
    /// Somebody is at a terminal, where a key command can ask. A keyring's prompt has nowhere to appear.
    PersonAtTerminal,
    /// A prompt may be shown, and a call ends within 5 minutes.
    PersonPresent,
}

impl Patience {
    /// The longest that one call takes.
    pub fn bound(self) -> Duration {
        match self {
            // The rest of the 3 seconds is for the program around the call.
            Patience::NobodyCanAnswer => Duration::from_millis(2_800),
            Patience::PersonAtTerminal | Patience::PersonPresent => Duration::from_secs(300),
        }
    }
}

/// The store that was chosen, opened. Opening touches nothing: the first call connects or reads the key.
#[derive(Debug)]
#[non_exhaustive]
pub enum SecretStore {
    /// The operating system's keyring.
    Keyring(Keyring),
    /// A directory of sealed files. Unix only: it rests on file ownership and modes.
    #[cfg(unix)]
    Vault(Vault),
}

impl SecretStore {
    /// Opens the store `choice` names. `vault_dir` is where a vault has its files.
    pub fn open(choice: &StoreChoice, vault_dir: &Path, patience: Patience) -> Result<SecretStore> {
        match choice {
            StoreChoice::Keyring => {
                let desktop = patience == Patience::PersonPresent;
                let patience = if desktop { patience } else { Patience::NobodyCanAnswer };
                Ok(SecretStore::Keyring(Keyring::new(patience)))
            }
            #[cfg(unix)]
            StoreChoice::Vault { key } => Ok(SecretStore::Vault(Vault::new(vault_dir, key.clone(), patience))),
            #[cfg(not(unix))]
            StoreChoice::Vault { .. } => {
                let _ = vault_dir;
                Err(SecretStoreError::Unsupported { store: "vault" })
            }
        }
    }

    /// Writes `set` under the name `item`, reads it back and compares.
    pub fn put(&self, item: &Item, set: &CredentialSet) -> Result<()> {
        self.put_within(Duration::MAX, item, set)
    }

    /// The same, bounded in time by `most` where its own patience is greater.
    fn put_within(&self, most: Duration, item: &Item, set: &CredentialSet) -> Result<()> {
        let payload = Payload::encode(&item.nonce, set);
        let size = payload.0.len();
        if size > payload::LIMIT {
            return Err(SecretStoreError::TooLarge { id: item.id, size, limit: payload::LIMIT });
        }
        match self {
            SecretStore::Keyring(keyring) => keyring.put(most, item.id, payload),
            #[cfg(unix)]
            SecretStore::Vault(vault) => vault.put(item.id, &payload),
        }
    }

    /// Reads what was put under the name `item`.
    ///
    /// [`SecretStoreError::NoEntry`] is no proof that the secret is gone (another keyring may be in place): never
    /// delete metadata because of it.
    pub fn get(&self, item: &Item) -> Result<CredentialSet> {
        self.get_within(Duration::MAX, item)
    }

    /// The same for the row that has this access key id.
    ///
    /// # Errors
    ///
    /// [`SecretStoreError::OtherKey`] where the item has the secret of another one: whoever exchanges the items of two rows
    /// has the keys of neither.
    pub fn get_of(&self, item: &Item, access_key_id: &str) -> Result<CredentialSet> {
        let set = self.get(item)?;
        if set.access_key_id == access_key_id { Ok(set) } else { Err(SecretStoreError::OtherKey { id: item.id }) }
    }

    fn get_within(&self, most: Duration, item: &Item) -> Result<CredentialSet> {
        let payload = match self {
            SecretStore::Keyring(keyring) => keyring.get(most, item.id)?,
            #[cfg(unix)]
            SecretStore::Vault(vault) => vault.get(item.id)?,
        };
        payload.decode(item)
    }

    /// Removes what was put under the name `item`. Nothing there is fine.
    pub fn erase(&self, item: &Item) -> Result<()> {
        match self {
            SecretStore::Keyring(keyring) => keyring.erase(item.id),
            #[cfg(unix)]
            SecretStore::Vault(vault) => vault.erase(item.id),
        }
    }

    /// Whether it could take a secret now: a keyring that is there, set up and open; a vault whose key fits. Nothing is
    /// written, but for a new vault's directory and key check.
    pub fn ready(&self) -> Result<()> {
        match self {
            SecretStore::Keyring(keyring) => keyring.ready(),
            #[cfg(unix)]
            SecretStore::Vault(vault) => vault.ready(),
        }
    }

    /// The operating system's keyring, whatever store is in use. It never prompts.
    pub(crate) fn keyring() -> SecretStore {
        SecretStore::Keyring(Keyring::new(Patience::NobodyCanAnswer))
    }

    /// Whether something can be put into it at once, and nobody is asked: a keyring that gave its last answer, a vault
    /// whose key was read or lies in a file.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            SecretStore::Keyring(keyring) => keyring.is_open(),
            #[cfg(unix)]
            SecretStore::Vault(vault) => vault.is_open(),
        }
    }

    /// Writes, reads and removes a throw-away item: whether this store can be chosen. It is always the same one, so that
    /// what a killed probe left goes with the next.
    pub fn probe(&self) -> Result<()> {
        let item = Item { id: uuid::Uuid::from_u128(1), ..Item::new(jiff::Timestamp::UNIX_EPOCH)? };
        let set = CredentialSet {
            access_key_id: "credstack-probe".into(),
            secret_access_key: "not-a-secret".into(),
            session_token: None,
        };
        match self.put(&item, &set) {
            // It may be there, in whatever form.
            Err(error @ SecretStoreError::NotKept { .. }) => self.erase(&item).and(Err(error)),
            // It is not: erasing it would only ask a person again.
            Err(error) => Err(error),
            Ok(()) => self.get(&item).and(self.erase(&item)),
        }
    }

    /// Lets another key be chosen for the vault in `directory`, if it holds no secret.
    pub fn release_vault(directory: &Path) -> Result<()> {
        #[cfg(unix)]
        Vault::release(directory)?;
        #[cfg(not(unix))]
        let _no_vault = directory;
        Ok(())
    }

    /// Removes the vault in `directory` with whatever is sealed in it. Files that are not the vault's stay.
    pub fn dissolve_vault(directory: &Path) -> Result<()> {
        #[cfg(unix)]
        Vault::dissolve(directory)?;
        #[cfg(not(unix))]
        let _no_vault = directory;
        Ok(())
    }

    /// The names of the items in the vault in `directory`; there need not be one.
    pub fn vault_items(directory: &Path) -> Result<Vec<String>> {
        #[cfg(unix)]
        return Vault::items(directory);
        #[cfg(not(unix))]
        {
            let _no_vault = directory;
            Ok(Vec::new())
        }
    }

    /// Whether there is a seal in the vault in `directory`, which need not be there.
    pub(crate) fn has_vault_seal(directory: &Path) -> Result<bool> {
        #[cfg(unix)]
        return Vault::has_seal(directory);
        #[cfg(not(unix))]
        {
            let _no_vault = directory;
            Ok(false)
        }
    }

    /// Removes what a killed write left in the vault's directory. Call it under the lock that writers hold.
    pub fn sweep_temporary_files(&self) -> Result<()> {
        match self {
            SecretStore::Keyring(_) => Ok(()),
            #[cfg(unix)]
            SecretStore::Vault(vault) => vault.sweep_temporary_files(),
        }
    }
}

impl fmt::Display for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SecretStore::Keyring(_) => "keyring",
            #[cfg(unix)]
            SecretStore::Vault(_) => "vault",
        })
    }
}
