use std::{fs::File, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Change, Left, Reader, StackError, StateDirectory,
    lock::{Lock, RENEWAL_PATIENCE},
    record::{by, entry_about},
};
use crate::{
    database::{credentials, events, settings, stacks},
    values::{Acquired, Credential, CredentialId, EventKind, Frame},
};

/// The right to renew: one process has it at a time, so that nothing is asked for twice. It lasts until it is dropped, or
/// its process ends.
pub struct Renewal {
    _lock: Lock,
}

impl Renewal {
    /// Waits for whoever renews now. What there is to renew is to be looked up after that: it may be done.
    ///
    /// # Errors
    ///
    /// [`StackError::Busy`] after three minutes.
    pub fn begin(place: &StateDirectory, command: &str) -> Result<Renewal, StackError> {
        Ok(Renewal { _lock: Lock::take_for_renewal(place, command, RENEWAL_PATIENCE)? })
    }
}

impl Renewal {
    /// The same where it can be done later as well: `None` if somebody renews now.
    pub fn begin_unless_busy(place: &StateDirectory, command: &str) -> Result<Option<Renewal>, StackError> {
        match Lock::take_for_renewal(place, command, Duration::ZERO) {
            Ok(lock) => Ok(Some(Renewal { _lock: lock })),
            Err(StackError::Busy { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The right to ask for something that is given once, such as a code of an MFA device: one process has it at a time for each
/// device, so that a person is not asked by several for the same. It lasts until it is dropped.
pub struct Asking {
    lock: Lock,
}

impl Asking {
    /// Begins to ask, if no other process does.
    ///
    /// # Errors
    ///
    /// [`StackError::Busy`] with the process that asks now.
    pub fn begin(place: &StateDirectory, device: &str, command: &str) -> Result<Asking, StackError> {
        Ok(Asking { lock: Lock::take_for_question(place, device, command)? })
    }

    /// The file that is locked, for a process that is stopped to unlock it meanwhile.
    pub fn file(&self) -> Arc<File> {
        self.lock.file()
    }
}

/// The newest renewal that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRenewal {
    /// Of which credential set.
    pub credential: CredentialId,
    /// When, UTC.
    pub at: Timestamp,
}

/// The setting in which it is kept.
const FAILED: &str = "failed_renewal";

impl Reader {
    /// The newest renewal that failed, so that not every command tries again at once.
    pub fn failed_renewal(&self) -> Result<Option<FailedRenewal>, StackError> {
        match &self.database {
            Some(database) => Ok(database.read(|connection| settings::get(connection, FAILED))?),
            None => Ok(None),
        }
    }
}

/// What a renewal did.
#[derive(Debug)]
pub struct Renewed {
    /// The new credential set.
    pub credential: Credential,
    /// The old one, if its secret was still kept.
    pub left: Vec<Left>,
}

impl Change {
    /// Puts a credential set into the place of the one that was asked for by the same request before: on every stack, in one
    /// step, or among the held ones. Where the old one is nowhere any more the new one is only written down: it signs
    /// what comes next, and its secret is not kept.
    ///
    /// # Errors
    ///
    /// [`StackError::Irreplaceable`] for what no STS call gave: nothing that STS gives is the same.
    pub fn renew(&mut self, old: CredentialId, acquired: &Acquired, detail: Map<String, Value>) -> Result<Renewed, StackError> {
        let before = self.credential(old)?;
        if before.kind.is_irreplaceable() {
            return Err(StackError::Irreplaceable(old));
        }
        let stacks = self.database.read(|connection| credentials::stacks_with(connection, old))?;
        let is_kept = before.held || !stacks.is_empty();
        let id = if is_kept { self.arrive(acquired, &detail)? } else { self.announce(acquired, &detail)? };
        let mut renewed = entry_about(EventKind::Renewed, &self.credential(id)?);
        renewed.detail.insert("replaces".into(), json!(old));
        renewed.detail.insert("stacks".into(), json!(stacks.iter().map(ToString::to_string).collect::<Vec<_>>()));
        let entries = [self.acquired_entry(id)?, renewed];
        let (now, actor) = (self.now, self.actor_json());
        let leaving: Vec<_> = Some(before).filter(Credential::has_secret).into_iter().collect();
        self.write(|transaction| -> Result<(), StackError> {
            match is_kept {
                true => credentials::activate(transaction, id, stacks.is_empty())?,
                false => {
                    credentials::mark_leaving(transaction, id)?;
                    credentials::mark_erased(transaction, id)?;
                }
            }
            for stack in &stacks {
                let frames = stacks::frames(transaction, stack)?.unwrap_or_default();
                let frames = frames.substitute(&Frame::Credential(old), &Frame::Credential(id));
                stacks::put_frames(transaction, stack, &frames, now)?;
            }
            credentials::replace(transaction, old, id)?;
            for credential in &leaving {
                credentials::mark_leaving(transaction, credential.id)?;
            }
            for entry in entries {
                events::append(transaction, now, &by(entry, &actor))?;
            }
            Ok(())
        })?;
        let left = self.erase(leaving);
        Ok(Renewed { credential: self.credential(id)?, left })
    }

    /// Remembers that a renewal failed now.
    pub fn note_failed_renewal(&mut self, credential: CredentialId) -> Result<(), StackError> {
        let failed = FailedRenewal { credential, at: self.now };
        Ok(self.write(|transaction| settings::put(transaction, FAILED, &failed))?)
    }
}
