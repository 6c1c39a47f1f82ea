use std::{io, path::PathBuf, time::Duration};

use uuid::Uuid;

use crate::secret_command::CommandFailure;

/// Why a secret store did not do what it was asked. No variant carries secret bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretStoreError {
    /// There is no session bus to reach a keyring by.
    #[error("the keyring cannot be reached: this session has no D-Bus session bus")]
    NoBus,
    /// The bus did not let us in, or the keyring ended while it was asked.
    #[error("the session bus or the keyring on it closed the connection without an answer")]
    Closed,
    /// There is a session bus and nothing on it that keeps secrets.
    #[error("there is no keyring: the session bus has no Secret Service and none can be started")]
    NoProvider,
    /// The keyring answers and was never set up.
    #[error("the keyring is new: it answers but has no default collection to keep secrets in")]
    NoCollection,
    /// The keyring is locked, and nobody is there to unlock it.
    #[error("the keyring is locked, and nobody can be asked to unlock it")]
    Locked,
    /// The keyring asked and was not allowed.
    #[error("the keyring refused access: its prompt was dismissed, was not answered, or could not be shown")]
    Denied,
    /// The keyring, or the bus to it, does not answer.
    #[error("the keyring did not answer within {} s", waited.as_secs_f32().ceil())]
    Frozen {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The keyring failed in some other way.
    #[error("the keyring failed: {what}")]
    KeyringFailed {
        /// The name of its error, never its text.
        what: String,
    },
    /// The store works and has no such item.
    #[error("the {store} answers but has no item {id}: it is another {store}, a fresh one, or the item was removed")]
    NoEntry {
        /// `keyring` or `vault`.
        store: &'static str,
        /// The item.
        id: Uuid,
    },
    /// The item is not the one that the database knows.
    #[error("the stored item {id} is stale or was swapped: it is not the one that the database recorded")]
    Stale {
        /// The item.
        id: Uuid,
    },
    /// The item is that of another row.
    #[error("the stored item {id} belongs to another access key: the database was changed")]
    OtherKey {
        /// The item.
        id: Uuid,
    },
    /// What is stored cannot be read as a credential set.
    #[error("the stored item {id} is damaged")]
    DamagedItem {
        /// The item.
        id: Uuid,
    },
    /// What was read back is not what was written.
    #[error("the {store} did not keep item {id}: what was read back is not what was written")]
    NotKept {
        /// `keyring` or `vault`.
        store: &'static str,
        /// The item.
        id: Uuid,
    },
    /// The secrets are larger than any that AWS gives.
    #[error("item {id} is too large to be stored: {size} bytes of at most {limit}")]
    TooLarge {
        /// The item.
        id: Uuid,
        /// The size of its payload in bytes.
        size: usize,
        /// The largest payload in bytes.
        limit: usize,
    },
    /// This operating system has no such store.
    #[error("credstack has no {store} on this operating system")]
    Unsupported {
        /// `keyring` or `vault`.
        store: &'static str,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// The key file is not there.
    #[error("the vault's key file {} does not exist", path.display())]
    KeyMissing {
        /// The key file.
        path: PathBuf,
    },
    /// A new key was asked for where a file already is.
    #[error("the key file {} already exists and was not overwritten", path.display())]
    KeyExists {
        /// The key file.
        path: PathBuf,
    },
    /// The key is not 64 hexadecimal digits.
    #[error("the vault's key from {from} is not a key: expected 64 hexadecimal digits")]
    KeyMalformed {
        /// The file's path or the command's program.
        from: String,
    },
    /// The key command gave no key.
    #[error("the vault's key command {program} {failure}")]
    KeyCommand {
        /// The program that was run.
        program: String,
        /// What became of it.
        failure: CommandFailure,
    },
    /// The key is a good key of another vault.
    #[error("this key is not the key of the vault {}", directory.display())]
    WrongKey {
        /// The vault's directory.
        directory: PathBuf,
    },
    /// A file of the vault does not open with the vault's own key.
    #[error("the vault's file {} is damaged, or was put in the place of another", path.display())]
    DamagedFile {
        /// The file.
        path: PathBuf,
    },
    /// A file of the vault was written by a later credstack.
    #[error("the vault's file {} has format {version}, which this version of credstack does not know", path.display())]
    NewerFile {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: u8,
    },
    /// A file or directory is not safe to use.
    #[error("{} is not safe to use: {why}", path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Reading or writing failed.
    #[error("{} could not be {action}", path.display())]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl SecretStoreError {
    /// Whether the store was never so far as to write anything: what it was given is certainly not in it.
    pub fn is_before_writing(&self) -> bool {
        use SecretStoreError::*;
        matches!(self, NoBus | NoProvider | NoCollection | Locked | Denied | TooLarge { .. } | NoRandomness)
    }

    /// What to do next, in the style of every message: no capital, no full stop.
    pub fn hint(&self) -> &'static str {
        use SecretStoreError::*;
        match self {
            NoBus => {
                "run in a desktop session, under `dbus-run-session` with a keyring, or choose the vault with `credstack setup`"
            }
            Closed => "run as the user whose session it is (`sudo` makes you another), or restart the keyring",
            NoProvider => "install and start a keyring such as gnome-keyring, or choose the vault with `credstack setup`",
            NoCollection => {
                "create a default keyring in the desktop's password manager, or choose the vault with `credstack setup`"
            }
            Locked => "unlock the keyring in the desktop session, or run this in a terminal where it can ask",
            Denied => "run it again and allow the access when the keyring asks",
            Frozen { .. } => "restart the keyring (its daemon is stuck), then try again",
            KeyringFailed { .. } => "look at the keyring with the desktop's password manager, then run `credstack doctor`",
            NoEntry { .. } => "make sure that the keyring or vault is the one it was stored in; nothing was deleted",
            Stale { .. } | DamagedItem { .. } | DamagedFile { .. } => {
                "acquire the credentials again; `credstack doctor` says which"
            }
            OtherKey { .. } => {
                "keep a copy of the state directory; `credstack audit verify` finds what was changed, `credstack audit seal` puts it back"
            }
            NotKept { .. } => "try again, or choose the other secret store with `credstack setup`",
            TooLarge { .. } => "check that what was imported is an AWS credential",
            Unsupported { store: "vault" } => "choose the keyring with `credstack setup`",
            Unsupported { .. } => "choose the vault with `credstack setup`",
            NoRandomness => "try again once the system has finished starting",
            KeyMissing { .. } => "put the key file back (from your backup): without it the vault cannot be opened",
            KeyExists { .. } => "use that file, or name another",
            KeyMalformed { .. } => "check the key source that was recorded with `credstack setup`",
            KeyCommand { .. } => "run the key command by hand, and see why it prints no key",
            WrongKey { .. } => "give the key that this vault was made with",
            NewerFile { .. } => "install the version of credstack that wrote it",
            Unsafe { .. } => "make it yours alone: owned by you, mode 0600 for a file and 0700 for a directory, no link",
            Io { .. } => "check the path, its permissions and the space left",
        }
    }
}
