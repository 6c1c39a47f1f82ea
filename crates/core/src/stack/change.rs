use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    Asked, Intents, Orphan, Secrets, StackError, StackView, StateDirectory,
    lock::{Lock, PATIENCE},
    record::{by, entry_about},
};
use crate::{
    database::{Database, credentials, events, stacks},
    secret_store::{SecretStore, SecretStoreError},
    values::{Actor, Credential, CredentialId, Entry, EventKind, Frames, StackName},
};

/// On what terms a change is made.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The time, UTC.
    pub now: Timestamp,
    /// Who makes it.
    pub actor: Actor,
    /// The command, for whoever waits for it. Nothing secret.
    pub command: String,
    /// The secret store, as the whole command has it.
    pub secrets: Secrets,
    /// The requests that the process has under way.
    pub intents: Intents,
    /// Which irreplaceable secrets may be erased.
    pub consent: Consent,
}

/// Which secrets that nothing can bring back may be erased.
#[derive(Clone, Debug)]
pub enum Consent {
    /// These. A person was asked about them.
    Only(BTreeSet<CredentialId>),
    /// Whatever the operation leaves over.
    Everything,
}

impl Consent {
    fn covers(&self, id: CredentialId) -> bool {
        match self {
            Consent::Everything => true,
            Consent::Only(ids) => ids.contains(&id),
        }
    }
}

/// One change under way: it holds the lock until it is dropped.
pub struct Change {
    _lock: Lock,
    pub(super) place: StateDirectory,
    pub(super) database: Database,
    pub(super) now: Timestamp,
    pub(super) actor: Actor,
    pub(super) secrets: Secrets,
    pub(super) intents: Intents,
    pub(super) notices: Vec<Notice>,
    consent: Consent,
}

/// Something a person should hear, whatever the command was about.
#[derive(Debug)]
pub enum Notice {
    /// A push was cut off after its secret had arrived; the credential set is held.
    CutOff(CredentialId),
    /// A process ended after STS had issued a session and before the session was recorded.
    Orphaned(Box<Orphan>),
    /// A process ended while STS was asked: whether a session was issued is not known.
    Interrupted(Asked),
    /// Some work could not be done yet, on all of these for the same reason; the next change tries again.
    Postponed {
        /// Which work.
        work: Work,
        /// On which credential sets.
        ids: Vec<CredentialId>,
        /// Why not.
        error: StackError,
    },
}

/// Work with the secret store that may have to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Erasing the secrets of what left the last stack.
    Erase,
    /// Finding out whether a push that was cut off or refused had stored its secret.
    Settle,
}

/// What an operation did to a stack.
#[derive(Debug)]
pub struct Moved {
    /// The stack as it is now.
    pub view: StackView,
    /// The credential sets whose secrets went, for no stack refers to them any more.
    pub left: Vec<Left>,
}

/// A credential set that left the last stack.
#[derive(Debug)]
pub struct Left {
    /// Which one. AWS goes on accepting a temporary one until it expires.
    pub credential: Credential,
    /// Whether its secret is erased already; else there is a [`Notice::Postponed`].
    pub erased: bool,
}

impl Change {
    /// Takes the lock, opens the database (making or migrating it) and settles what killed commands left.
    pub fn begin(place: &StateDirectory, terms: Terms) -> Result<Change, StackError> {
        Change::begin_within(PATIENCE, place, terms)
    }

    /// The same for what can be done another time: it waits for nobody.
    pub fn begin_unless_busy(place: &StateDirectory, terms: Terms) -> Result<Change, StackError> {
        Change::begin_within(Duration::ZERO, place, terms)
    }

    /// The same for one that erases everything: nothing is settled before, for the database may be one with which that cannot be
    /// done.
    pub fn begin_purge(place: &StateDirectory, terms: Terms) -> Result<Change, StackError> {
        Change::open(PATIENCE, place, terms)
    }

    fn begin_within(patience: Duration, place: &StateDirectory, terms: Terms) -> Result<Change, StackError> {
        let mut change = Change::open(patience, place, terms)?;
        change.recover()?;
        // A count that cannot be written is no reason not to do what was asked: the next change tries again.
        let _tried_again = change.settle_intents().and_then(|()| change.fold_uses());
        Ok(change)
    }

    fn open(patience: Duration, place: &StateDirectory, terms: Terms) -> Result<Change, StackError> {
        let lock = Lock::take(place, &terms.command, patience)?;
        Ok(Change {
            _lock: lock,
            place: place.clone(),
            database: Database::create(&place.database())?,
            now: terms.now,
            actor: terms.actor,
            secrets: terms.secrets,
            intents: terms.intents,
            notices: Vec::new(),
            consent: terms.consent,
        })
    }

    /// What a person should hear. Each is given once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The frames of a stack that exists.
    pub(super) fn frames(&self, stack: &StackName) -> Result<Frames, StackError> {
        let frames = self.database.read(|connection| stacks::frames(connection, stack))?;
        frames.ok_or_else(|| StackError::NoSuchStack(stack.clone()))
    }

    /// The frames of a stack, which is made if it does not exist.
    pub(super) fn frames_or_new(&self, stack: &StackName) -> Result<Frames, StackError> {
        Ok(self.database.read(|connection| stacks::frames(connection, stack))?.unwrap_or_default())
    }

    /// The secret store that was chosen.
    pub(super) fn store(&self) -> Result<Arc<SecretStore>, StackError> {
        self.secrets.chosen(&self.database, &self.place)
    }

    /// Refuses a change that would erase what nothing can bring back, unless a person agreed.
    pub(super) fn require_consent(&self, leaving: &[Credential]) -> Result<(), StackError> {
        let lost: Vec<_> = leaving
            .iter()
            .filter(|credential| credential.kind.is_irreplaceable() && !self.consent.covers(credential.id))
            .map(|credential| credential.id)
            .collect();
        if lost.is_empty() { Ok(()) } else { Err(StackError::WouldLose(lost)) }
    }

    /// Refuses a move of frames that would erase what nothing can bring back, before anything is written.
    pub(super) fn check_move(&self, stack: &StackName, before: &Frames, after: &Frames) -> Result<(), StackError> {
        let leaving = self.database.read(|connection| leaving(connection, stack, before, after))?;
        self.require_consent(&leaving)
    }

    /// Moves a stack from `before` to `after`, or removes it if that is `None`, and in the same transaction settles the
    /// credential sets that arrived, announces those that leave and writes the log. Then erases what left.
    pub(super) fn commit(
        &mut self,
        stack: &StackName,
        before: &Frames,
        after: Option<&Frames>,
        arrived: &[CredentialId],
        entries: Vec<Entry>,
    ) -> Result<Moved, StackError> {
        let frames = after.cloned().unwrap_or_default();
        self.check_move(stack, before, &frames)?;
        let (now, actor) = (self.now, self.actor_json());
        let leaving = self.write(|transaction| -> Result<_, StackError> {
            for id in arrived {
                credentials::activate(transaction, *id, false)?;
            }
            let leaving = leaving(transaction, stack, before, &frames)?;
            match after {
                Some(after) => stacks::put_frames(transaction, stack, after, now)?,
                None => stacks::remove(transaction, stack)?,
            }
            for id in frames.from_current().filter_map(|frame| frame.credential()) {
                credentials::release(transaction, id)?;
            }
            for credential in &leaving {
                credentials::mark_leaving(transaction, credential.id)?;
            }
            for entry in entries {
                events::append(transaction, now, &by(entry, &actor))?;
            }
            Ok(leaving)
        })?;
        let left = self.erase(leaving);
        let view = match after {
            Some(_) => self.database.read(|connection| StackView::of(connection, stack))?,
            None => StackView::new(stack.clone()),
        };
        Ok(Moved { view, left })
    }

    /// Erases the secrets of credential sets that are already marked as leaving. What cannot be erased now stays
    /// marked, and is a notice.
    pub(super) fn erase(&mut self, leaving: Vec<Credential>) -> Vec<Left> {
        let mut left = Vec::new();
        for credential in leaving {
            let erased = match self.erase_secret(credential.id) {
                Ok(()) => true,
                Err(error) => {
                    self.postpone(Work::Erase, credential.id, error);
                    false
                }
            };
            left.push(Left { credential, erased });
        }
        if let Err(error) = self.settle_erased(&left)
            && let Some(first) = left.first()
        {
            self.postpone(Work::Erase, first.credential.id, error);
        }
        left
    }

    /// Makes one notice of what waits for the same reason.
    pub(super) fn postpone(&mut self, work: Work, id: CredentialId, error: StackError) {
        let reason = error.to_string();
        for notice in &mut self.notices {
            match notice {
                Notice::Postponed { work: known, ids, error } if *known == work && error.to_string() == reason => {
                    return ids.push(id);
                }
                _ => {}
            }
        }
        self.notices.push(Notice::Postponed { work, ids: vec![id], error });
    }

    fn erase_secret(&mut self, id: CredentialId) -> Result<(), StackError> {
        let item = self.database.read(|connection| credentials::item(connection, id))?;
        let item = item.ok_or(StackError::NoSuchCredential(id))?;
        Ok(self.store()?.erase(&item)?)
    }

    fn settle_erased(&mut self, left: &[Left]) -> Result<(), StackError> {
        let erased: Vec<_> = left.iter().filter(|left| left.erased).map(|left| &left.credential).collect();
        if erased.is_empty() {
            return Ok(());
        }
        let (now, actor) = (self.now, self.actor_json());
        self.write(|transaction| {
            for credential in erased {
                credentials::mark_erased(transaction, credential.id)?;
                events::append(transaction, now, &by(entry_about(EventKind::Erased, credential), &actor))?;
            }
            Ok(())
        })
    }
}

/// The credential sets whose secrets go when a stack moves from `before` to `after`: no other frame of any stack
/// refers to them.
fn leaving(connection: &Connection, stack: &StackName, before: &Frames, after: &Frames) -> Result<Vec<Credential>, StackError> {
    let ids = |frames: &Frames| frames.from_current().filter_map(|frame| frame.credential()).collect::<BTreeSet<_>>();
    let stays = ids(after);
    let mut leaving = BTreeMap::new();
    for id in ids(before).difference(&stays) {
        let elsewhere = credentials::stacks_with(connection, *id)?.iter().any(|other| other != stack);
        match credentials::find(connection, *id)? {
            Some(credential) if !elsewhere && !credential.held && credential.has_secret() => leaving.insert(*id, credential),
            _ => None,
        };
    }
    Ok(leaving.into_values().collect())
}

/// Whether an error of the secret store says that the item is not there.
pub(super) fn is_missing(error: &StackError) -> bool {
    matches!(error, StackError::SecretStore(SecretStoreError::NoEntry { .. }))
}
