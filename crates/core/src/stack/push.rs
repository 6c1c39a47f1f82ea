use serde_json::{Map, Value, json};

use super::{
    Chain, Change, Link, Moved, Shell, StackError,
    capture::Cover,
    record::{by, entry_about},
};
use crate::{
    database::{DatabaseError, credentials, events},
    values::{Acquired, Credential, CredentialId, Entry, EventKind, Frame, Frames, Item, Kind, StackName},
};

/// Where an acquired credential set goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// On top of the stack: the current frame is saved.
    Top,
    /// In the place of the current frame, which is not saved.
    Replace,
    /// On no stack: it is held until it is used or forgotten.
    Nowhere,
}

/// What a push did.
#[derive(Debug)]
pub struct Pushed {
    /// The new credential set.
    pub credential: Credential,
    /// The environment's keys, if this change captured them.
    pub captured: Option<CredentialId>,
    /// What it did to the stack; `None` with [`Landing::Nowhere`].
    pub moved: Option<Moved>,
}

impl Change {
    /// Stores an acquired credential set and makes it current, in one step. `detail` goes into the log and holds
    /// nothing secret.
    ///
    /// If another process changed the stack meanwhile, it still lands on top of the stack as it now is.
    pub fn push(
        &mut self,
        stack: &StackName,
        acquired: Acquired,
        landing: Landing,
        shell: &Shell,
        detail: Map<String, Value>,
    ) -> Result<Pushed, StackError> {
        match landing {
            Landing::Nowhere => self.hold(acquired, detail),
            Landing::Top | Landing::Replace => {
                let chain = Chain { behind: Vec::new(), last: Link { acquired, detail }, frames: true };
                self.push_chain(stack, chain, landing, shell)
            }
        }
    }

    /// Stores an acquired credential set on no stack.
    pub(super) fn hold(&mut self, acquired: Acquired, detail: Map<String, Value>) -> Result<Pushed, StackError> {
        let id = self.arrive(&acquired, &detail)?;
        let entry = self.acquired_entry(id)?;
        let held = entry_about(EventKind::Held, &self.credential(id)?);
        let (now, actor) = (self.now, self.actor_json());
        self.write(|transaction| -> Result<(), DatabaseError> {
            credentials::activate(transaction, id, true)?;
            events::append(transaction, now, &by(entry, &actor))?;
            events::append(transaction, now, &by(held, &actor))
        })?;
        Ok(Pushed { credential: self.credential(id)?, captured: None, moved: None })
    }

    /// Brings the frames to where their current one may be covered; stores what has to be captured for that.
    pub(super) fn covered(&mut self, frames: &Frames, cover: Cover) -> Result<(Option<CredentialId>, Frames), StackError> {
        Ok(match cover {
            Cover::AsItIs => (None, frames.clone()),
            Cover::Becomes(frame) => (None, frames.replace(frame)),
            Cover::Capture(keys) => {
                let id = self.arrive(&keys, &Map::new())?;
                (Some(id), frames.replace(Frame::Credential(id)))
            }
        })
    }

    /// Announces a credential set in the database, then puts its secret into the store, which reads it back.
    /// It is pending until the change is committed.
    pub(super) fn arrive(&mut self, acquired: &Acquired, detail: &Map<String, Value>) -> Result<CredentialId, StackError> {
        let store = self.store()?;
        let item = Item::new(self.now)?;
        let id = self.write(|transaction| credentials::insert_pending(transaction, acquired, &item, detail))?;
        self.intents.settle(&acquired.set.access_key_id);
        match store.put(&item, &acquired.set) {
            Ok(()) => Ok(id),
            Err(error) => {
                match error.is_before_writing() {
                    // What stays pending is settled by the next change.
                    true => drop(self.withdraw(id)),
                    false => self.take_back(id),
                }
                Err(error.into())
            }
        }
    }

    /// Takes back a credential set that arrived in a change that cannot be completed. If even that fails, recovery
    /// does it later, and the log says at once what STS gave.
    pub(super) fn take_back(&mut self, id: CredentialId) {
        let mut undone = || -> Result<(), StackError> {
            let item = self.database.read(|connection| credentials::item(connection, id))?;
            if let Some(item) = item {
                self.store()?.erase(&item)?;
            }
            self.withdraw(id)
        };
        // The error that led here is the one to report; what stays is settled by the next change.
        if undone().is_err() {
            let _settled_later = self.unlogged_acquisition(id).and_then(|entries| self.append(entries));
        }
    }

    /// Removes a pending credential set whose secret is not stored. AWS may accept what STS gave all the same until it
    /// expires, so the log says that it was acquired, and lost.
    pub(super) fn withdraw(&mut self, id: CredentialId) -> Result<(), StackError> {
        let credential = self.credential(id)?;
        let entries = match credential.kind.is_irreplaceable() {
            true => Vec::new(),
            false => {
                let mut entries = self.unlogged_acquisition(id)?;
                entries.push(entry_about(EventKind::SecretLost, &credential));
                entries
            }
        };
        let (now, actor) = (self.now, self.actor_json());
        self.write(|transaction| {
            for entry in entries {
                events::append(transaction, now, &by(entry, &actor))?;
            }
            credentials::remove_pending(transaction, id)
        })?;
        Ok(())
    }

    /// One credential set's metadata.
    pub(super) fn credential(&self, id: CredentialId) -> Result<Credential, StackError> {
        let found = self.database.read(|connection| credentials::find(connection, id))?;
        found.ok_or(StackError::NoSuchCredential(id))
    }

    /// The credential set that this one was renewed to, or itself.
    pub(super) fn newest(&self, id: CredentialId) -> Result<CredentialId, StackError> {
        let found = self.database.read(|connection| credentials::newest(connection, id))?;
        found.map(|credential| credential.id).ok_or(StackError::NoSuchCredential(id))
    }

    /// The log's entry for keys that were captured.
    pub(super) fn captured_entry(&self, captured: Option<CredentialId>) -> Result<Vec<Entry>, StackError> {
        captured.map(|id| self.acquired_entry(id)).into_iter().collect()
    }

    /// The log's entry for a pending credential set, unless the log has it already.
    pub(super) fn unlogged_acquisition(&self, id: CredentialId) -> Result<Vec<Entry>, StackError> {
        let entry = self.acquired_entry(id)?;
        let logged = self.database.read(|connection| events::has(connection, entry.event, id))?;
        Ok(if logged { Vec::new() } else { vec![entry] })
    }

    /// The log's entry for a credential set that was acquired, imported or captured.
    pub(super) fn acquired_entry(&self, id: CredentialId) -> Result<Entry, StackError> {
        let credential = self.credential(id)?;
        let mut detail = self.database.read(|connection| credentials::detail(connection, id))?;
        let event = match credential.kind {
            Kind::Imported => EventKind::Imported,
            Kind::Ambient => EventKind::Captured,
            _ => EventKind::Acquired,
        };
        // What pins the row, so that whoever changes it is found: its item in the secret store, and below what was asked.
        if let Some(item) = self.database.read(|connection| credentials::item(connection, id))? {
            detail.insert("item".into(), json!(item.id.to_string()));
            detail.insert("nonce".into(), json!(item.nonce));
        }
        detail.insert("kind".into(), json!(credential.kind));
        detail.insert("issued_at".into(), json!(credential.issued_at));
        detail.insert("expires_at".into(), json!(credential.expires_at));
        if let Some(request) = &credential.request {
            detail.extend(request.told());
            let given = credential.expires_at.map(|at| at.as_second() - credential.issued_at.as_second());
            detail.insert("duration_given".into(), json!(given));
        }
        if let Some(signed_by) = &credential.signed_by {
            detail.insert("signed_by".into(), json!(signed_by));
        }
        if let Some(way) = &credential.way {
            detail.insert("way".into(), json!(way));
        }
        let texts = [
            ("label", &credential.label),
            ("note", &credential.note),
            ("region", &credential.region),
            ("profile", &credential.profile),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                detail.insert(name.into(), json!(value));
            }
        }
        let mut entry = entry_about(event, &credential);
        entry.detail = detail;
        Ok(entry)
    }
}
