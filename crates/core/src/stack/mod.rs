//! The stack: the only place where the database and the secret store meet.
//!
//! [`Reader`] shows what is there and takes no lock. [`Change`] holds the one lock and carries out one operation, each
//! in a file of its own. SQLite knows of every secret before the secret store does, and forgets it after.

mod capture;
mod chain;
mod change;
mod clear;
mod cursor;
mod drop;
mod error;
mod forget;
mod intents;
mod known_key;
mod lock;
mod mfa_devices;
mod past_keys;
mod place;
mod pop;
mod prune;
mod purge;
mod push;
mod reader;
mod record;
mod recover;
mod renew;
mod save;
mod seal;
mod secret_stores;
mod swap;
mod r#use;
mod uses;
#[cfg(test)]
mod uses_tests;

pub use capture::{KeyOwner, Shell, ShellKeys};
pub use chain::{Chain, Link};
pub use change::{Change, Consent, Left, Moved, Notice, Terms, Work};
pub use cursor::{Cursor, Standing, advance, forget_cursor};
pub use error::StackError;
pub use intents::{Asked, IntentId, Intents};
pub use known_key::{Family, KnownKey, SIGNER_KEY};
pub use mfa_devices::MfaDevice;
pub use past_keys::PastKey;
pub use place::StateDirectory;
pub use pop::Pop;
pub use prune::Oldest;
pub use purge::abandon_everything;
pub use push::{Landing, Pushed};
pub use reader::{FrameKeys, Reader, StackView};
pub use record::{Orphan, entry_about, record};
pub use renew::{Asking, FailedRenewal, Renewal, Renewed};
pub use seal::{Sealed, Seals};
pub use secret_stores::Secrets;
