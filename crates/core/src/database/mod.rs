//! The database: metadata, order and history in one SQLite file. No secret is ever in it.

mod agreement;
mod chain;
pub(crate) mod credentials;
mod error;
pub(crate) mod events;
mod examine;
mod filter;
mod follow;
mod guards;
mod head;
mod open;
pub(crate) mod settings;
pub(crate) mod stacks;
#[cfg(test)]
pub(crate) mod tampering;
mod verdict;
mod verify;

pub(crate) use agreement::agrees;
pub use chain::{GENESIS, hash_of};
pub use error::{DatabaseError, InDatabase};
pub use examine::Health;
pub use filter::EventFilter;
pub use head::Head;
pub use open::Database;
pub use verdict::{BadLog, Verified, Wrong};
#[cfg(test)]
pub(crate) use verify::chain as verify_chain;
pub(crate) use verify::mend;
