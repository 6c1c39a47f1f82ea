use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::{
    database::{DatabaseError, InDatabase},
    secret_store::SecretStoreError,
    values::{CredentialId, FrameName, Frames, StackName},
};

/// An operation on the stack could not be done. Nothing was changed, unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// There is no saved frame.
    #[error("nothing is saved on stack {0}")]
    NothingSaved(StackName),
    /// There is no such stack.
    #[error("there is no stack {0}")]
    NoSuchStack(StackName),
    /// The stack has no frame at that position.
    #[error("stack {stack} has no frame at position {position}: it has {depth}, counted from 0")]
    NoSuchPosition {
        /// Which stack.
        stack: StackName,
        /// The position asked for.
        position: usize,
        /// How many frames there are.
        depth: usize,
    },
    /// No credential set ever had that id.
    #[error("there is no credential set {0}")]
    NoSuchCredential(CredentialId),
    /// The secret of that credential set is gone.
    #[error("the secret of {0} was erased when it left the last stack")]
    Erased(CredentialId),
    /// The secret of a credential set that is still on a stack is gone: its store was given up.
    #[error("the secret of {0} was given up with the store that it was in")]
    GivenUp(CredentialId),
    /// The row of a credential set is not what the event that brought it says of it.
    #[error("{0} is not what the history says of it: the database was changed")]
    Altered(CredentialId),
    /// The credential set has expired.
    #[error("{id} expired at {at}")]
    Expired {
        /// Which credential set.
        id: CredentialId,
        /// When, UTC.
        at: Timestamp,
    },
    /// No STS call gave it, so that none gives it again.
    #[error("{0} was not asked of STS by credstack, and nothing can take its place")]
    Irreplaceable(CredentialId),
    /// The credential set is in use and cannot be forgotten.
    #[error("{id} is on stack {stack}")]
    OnStack {
        /// Which credential set.
        id: CredentialId,
        /// One stack that refers to it.
        stack: StackName,
    },
    /// The operation would erase secrets that nothing can bring back, and nobody agreed to it.
    #[error("this would erase {}, which nothing can bring back", list(.0))]
    WouldLose(Vec<CredentialId>),
    /// No secret store was chosen yet.
    #[error("no secret store is chosen yet")]
    NoStoreChosen,
    /// The secret store cannot be changed while secrets are in it.
    #[error("{0} credential sets keep their secrets in the present secret store")]
    StoreInUse(usize),
    /// Another command holds the lock.
    #[error("another credstack command is at work: {holder}")]
    Busy {
        /// Its process id and command, as far as they are known.
        holder: String,
    },
    /// The state directory or the lock cannot be used.
    #[error("{path} cannot be used: {reason}")]
    Place {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The database could not be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The secret store could not be used.
    #[error(transparent)]
    SecretStore(#[from] SecretStoreError),
}

impl StackError {
    pub(super) fn no_such_frame(stack: &StackName, name: FrameName, frames: &Frames) -> StackError {
        let position = match name {
            FrameName::Position(position) => position,
            _ => 0,
        };
        StackError::NoSuchPosition { stack: stack.clone(), position, depth: frames.by_height().len() }
    }
}

impl InDatabase for StackError {
    fn at(self, path: &Path) -> StackError {
        match self {
            StackError::Database(error) => StackError::Database(error.at(path)),
            other => other,
        }
    }
}

fn list(ids: &[CredentialId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
