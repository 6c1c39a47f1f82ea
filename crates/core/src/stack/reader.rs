use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    KeyOwner, Secrets, StackError, StateDirectory,
    capture::key_owner,
    lock::{Lock, PATIENCE},
    secret_stores,
    secret_stores::chosen,
};
use crate::{
    database::{BadLog, Database, DatabaseError, EventFilter, Head, Verified, agrees, credentials, events, stacks},
    secret_store::{SecretStore, SecretStoreError, StoreChoice},
    values::{Credential, CredentialId, CredentialSet, Event, Frame, FrameName, Frames, StackName, State},
};

/// Shows what is there. It takes no lock and changes nothing.
pub struct Reader {
    /// `None`: nothing was ever written.
    pub(super) database: Option<Database>,
    pub(super) place: StateDirectory,
    pub(super) secrets: Secrets,
}

/// What a frame holds, with its secret.
pub enum FrameKeys {
    /// Nothing of its own: it has to be found.
    Ambient(Frame),
    /// A credential set.
    Stored(Box<Credential>, CredentialSet),
}

/// A stack, with what is known of the credential sets on it.
#[derive(Clone, Debug)]
pub struct StackView {
    /// Its name.
    pub name: StackName,
    /// Its frames.
    pub frames: Frames,
    /// The credential sets on it, and the held ones.
    pub credentials: BTreeMap<CredentialId, Credential>,
    /// The credential sets that keep a secret on no stack, oldest first.
    pub held: Vec<CredentialId>,
}

impl StackView {
    /// A stack of which nothing is written: one ambient frame.
    pub(super) fn new(name: StackName) -> StackView {
        StackView { name, frames: Frames::default(), credentials: BTreeMap::new(), held: Vec::new() }
    }

    pub(super) fn of(connection: &Connection, name: &StackName) -> Result<StackView, StackError> {
        let frames = stacks::frames(connection, name)?.ok_or_else(|| StackError::NoSuchStack(name.clone()))?;
        let mut known = BTreeMap::new();
        for id in frames.from_current().filter_map(Frame::credential) {
            let credential = credentials::find(connection, id)?;
            known.insert(id, credential.ok_or(StackError::NoSuchCredential(id))?);
        }
        let held = credentials::held(connection)?;
        let ids = held.iter().map(|credential| credential.id).collect();
        known.extend(held.into_iter().map(|credential| (credential.id, credential)));
        Ok(StackView { name: name.clone(), frames, credentials: known, held: ids })
    }

    /// The credential set of the current frame; `None` when it is ambient.
    pub fn current(&self) -> Option<&Credential> {
        self.credentials.get(&self.frames.current().credential()?)
    }
}

impl Reader {
    /// Opens the database, if there is one. An older one is migrated first, under the lock.
    pub fn open(place: &StateDirectory, secrets: Secrets) -> Result<Reader, StackError> {
        place.check()?;
        let path = place.database();
        let mut database = Database::open(&path)?;
        if database.is_none() && path.symlink_metadata().is_ok() {
            let _lock = Lock::take(place, "(migrating the database)", PATIENCE)?;
            database = Some(Database::create(&path)?);
        }
        Ok(Reader { database, place: place.clone(), secrets })
    }

    /// A stack with everything `list` shows of it.
    pub fn stack(&self, name: &StackName) -> Result<StackView, StackError> {
        let Some(database) = &self.database else { return unwritten(name) };
        database.read(|connection| StackView::of(connection, name))
    }

    /// The names of all stacks, `default` first.
    pub fn stack_names(&self) -> Result<Vec<StackName>, StackError> {
        match &self.database {
            Some(database) => Ok(database.read(stacks::names)?),
            None => Ok(vec![StackName::default()]),
        }
    }

    /// The frame that a person means. [`FrameName::Environment`] is no frame of a stack and is refused as unknown
    /// here: the caller knows the environment.
    pub fn frame(&self, stack: &StackName, name: FrameName) -> Result<Frame, StackError> {
        if let FrameName::Credential(id) = name {
            return self.newest(id).map(|credential| Frame::Credential(credential.id));
        }
        let frames = self.stack(stack)?.frames;
        frames.named(name).ok_or_else(|| StackError::no_such_frame(stack, name, &frames))
    }

    /// One credential set's metadata.
    pub fn credential(&self, id: CredentialId) -> Result<Credential, StackError> {
        let found = match &self.database {
            Some(database) => database.read(|connection| credentials::find(connection, id))?,
            None => None,
        };
        found.ok_or(StackError::NoSuchCredential(id))
    }

    /// The credential set that is in the place of this one now: what it was renewed to, or itself.
    pub fn newest(&self, id: CredentialId) -> Result<Credential, StackError> {
        let found = match &self.database {
            Some(database) => database.read(|connection| credentials::newest(connection, id))?,
            None => None,
        };
        found.ok_or(StackError::NoSuchCredential(id))
    }

    /// Whether a credential set is on a stack, or held.
    pub fn is_kept(&self, credential: &Credential) -> Result<bool, StackError> {
        let Some(database) = &self.database else { return Ok(false) };
        Ok(credential.held || !database.read(|connection| credentials::stacks_with(connection, credential.id))?.is_empty())
    }

    /// The credential sets in a state, oldest first.
    pub fn credentials_in(&self, state: State) -> Result<Vec<Credential>, StackError> {
        match &self.database {
            Some(database) => Ok(database.read(|connection| credentials::in_state(connection, state))?),
            None => Ok(Vec::new()),
        }
    }

    /// The credential sets that keep a secret although they are on no stack and nobody holds them. There are some only in
    /// a database that somebody else has changed.
    pub fn strays(&self) -> Result<Vec<Credential>, StackError> {
        match &self.database {
            Some(database) => Ok(database.read(credentials::stray)?),
            None => Ok(Vec::new()),
        }
    }

    /// How many files the vault in the state directory has that this database never knew of: another one was in its
    /// place when they were written.
    pub fn unknown_vault_files(&self) -> Result<usize, StackError> {
        let mut unknown = 0;
        for item in SecretStore::vault_items(&self.place.vault())? {
            let known = |database: &Database| database.read(|connection| credentials::has_item(connection, &item));
            if !self.database.as_ref().map(known).transpose()?.unwrap_or_default() {
                unknown += 1;
            }
        }
        Ok(unknown)
    }

    /// Whose the keys with this access key id are.
    pub fn key_owner(&self, access_key_id: &str) -> Result<KeyOwner, StackError> {
        match &self.database {
            Some(database) => Ok(database.read(|connection| key_owner(connection, access_key_id))?),
            None => Ok(KeyOwner::Unknown),
        }
    }

    /// The earliest and the latest time of the events that a filter lets through.
    pub fn span(&self, filter: &EventFilter) -> Result<Option<(Timestamp, Timestamp)>, StackError> {
        match &self.database {
            Some(database) => Ok(database.span(filter)?),
            None => Ok(None),
        }
    }

    /// The newest events of the log that a filter lets through, newest first.
    pub fn events(&self, filter: &EventFilter, limit: u64) -> Result<Vec<Event>, StackError> {
        match &self.database {
            Some(database) => Ok(database.events(filter, limit)?),
            None => Ok(Vec::new()),
        }
    }

    /// Where the log ends.
    pub fn head(&self) -> Result<Head, StackError> {
        match &self.database {
            Some(database) => Ok(database.read(events::head)?),
            None => Ok(Head::default()),
        }
    }

    /// Verifies the log: the whole chain, and that it goes through each of `anchors`.
    pub fn verify(&self, anchors: &[Head]) -> Result<Result<Verified, BadLog>, StackError> {
        match &self.database {
            Some(database) => Ok(database.verify(anchors)?),
            None => Ok(Verified::nothing(anchors)),
        }
    }

    /// Fails if nothing can be written into the database, now or because another process keeps it locked. It writes nothing.
    pub fn require_writable(&self) -> Result<(), StackError> {
        Ok(self.database.as_ref().map_or(Ok(()), Database::require_writable)?)
    }

    /// Verifies the indexes of the log, by which questions are answered.
    pub fn verify_indexes(&self) -> Result<Result<(), BadLog>, StackError> {
        match &self.database {
            Some(database) => Ok(database.verify_indexes()?),
            None => Ok(Ok(())),
        }
    }

    /// The secret store that was chosen, if any was.
    pub fn chosen_store(&self) -> Result<Option<StoreChoice>, StackError> {
        match &self.database {
            Some(database) => Ok(chosen(database)?),
            None => Ok(None),
        }
    }

    /// Whether the secret store that was chosen could take a secret now. Asked before STS is: what STS gives and no store
    /// takes is lost, and goes on to be valid at AWS.
    pub fn require_store(&self) -> Result<(), StackError> {
        let database = self.database.as_ref().ok_or(StackError::NoStoreChosen)?;
        Ok(self.secrets.chosen(database, &self.place)?.ready()?)
    }

    /// What a frame holds, ready to be handed out: one read of the database and one of the secret store. An expired
    /// credential set is [`StackError::Expired`], without a look into the store.
    pub fn keys(&self, stack: &StackName, name: FrameName, now: Timestamp) -> Result<FrameKeys, StackError> {
        let Some(database) = &self.database else { return Ok(FrameKeys::Ambient(self.frame(stack, name)?)) };
        let found = database.read(|connection| -> Result<_, StackError> {
            let frame = match name {
                FrameName::Credential(id) => Frame::Credential(id),
                name => {
                    let frames = stacks::frames(connection, stack)?.ok_or_else(|| StackError::NoSuchStack(stack.clone()))?;
                    frames.named(name).ok_or_else(|| StackError::no_such_frame(stack, name, &frames))?
                }
            };
            let Some(id) = frame.credential() else { return Ok(Err(frame)) };
            let credential = credentials::newest(connection, id)?.ok_or(StackError::NoSuchCredential(id))?;
            let item = credentials::item(connection, credential.id)?.ok_or(StackError::NoSuchCredential(id))?;
            let choice: Option<StoreChoice> = secret_stores::chosen_in(connection)?;
            Ok(Ok((credential, item, choice)))
        })?;
        let (credential, item, choice) = match found {
            Ok(found) => found,
            Err(ambient) => return Ok(FrameKeys::Ambient(ambient)),
        };
        let id = credential.id;
        match credential.expires_at {
            _ if !credential.has_secret() => return Err(self.gone(id)),
            Some(at) if credential.is_expired(now) => return Err(StackError::Expired { id, at }),
            _ => {}
        }
        let store = self.secrets.open(&choice.ok_or(StackError::NoStoreChosen)?, &self.place)?;
        let set = store.get_of(&item, &credential.access_key_id).map_err(|error| self.not_there(id, error))?;
        Ok(FrameKeys::Stored(Box::new(credential), set))
    }

    /// The secret of a credential set, from the secret store.
    pub fn secret(&self, id: CredentialId) -> Result<CredentialSet, StackError> {
        let database = self.database.as_ref().ok_or(StackError::NoSuchCredential(id))?;
        let found = database.read(|connection| -> Result<_, DatabaseError> {
            Ok((credentials::find(connection, id)?, credentials::item(connection, id)?))
        })?;
        let (Some(credential), Some(item)) = found else { return Err(StackError::NoSuchCredential(id)) };
        if !credential.has_secret() {
            return Err(self.gone(id));
        }
        let store = self.secrets.chosen(database, &self.place)?;
        store.get_of(&item, &credential.access_key_id).map_err(|error| self.not_there(id, error))
    }

    /// Fails if the row of a credential set says other than the event that brought it. Where there is no such event any more, or
    /// an earlier version wrote it, nothing can be compared.
    pub fn require_unaltered(&self, id: CredentialId) -> Result<(), StackError> {
        let agrees = |database: &Database| database.read(|connection| agrees(connection, id));
        match self.database.as_ref().map(agrees).transpose()? {
            Some(false) => Err(StackError::Altered(id)),
            _ => Ok(()),
        }
    }

    /// Why a credential set has no secret any more. What is erased is on no stack.
    fn gone(&self, id: CredentialId) -> StackError {
        let on_a_stack = |database: &Database| database.read(|connection| credentials::stacks_with(connection, id));
        match self.database.as_ref().map(on_a_stack) {
            Some(Ok(stacks)) if !stacks.is_empty() => StackError::GivenUp(id),
            _ => StackError::Erased(id),
        }
    }

    /// The credential sets on stacks whose secrets were given up.
    pub fn given_up(&self) -> Result<Vec<Credential>, StackError> {
        match &self.database {
            Some(database) => Ok(database.read(credentials::given_up)?),
            None => Ok(Vec::new()),
        }
    }

    /// Another process may have erased a secret just now, as it should.
    fn not_there(&self, id: CredentialId, error: SecretStoreError) -> StackError {
        match error {
            SecretStoreError::NoEntry { .. } if !self.credential(id).is_ok_and(|it| it.has_secret()) => StackError::Erased(id),
            error => error.into(),
        }
    }
}

fn unwritten(name: &StackName) -> Result<StackView, StackError> {
    if name.is_there_unwritten() { Ok(StackView::new(name.clone())) } else { Err(StackError::NoSuchStack(name.clone())) }
}
