use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Change, StackError, StateDirectory, Terms, seal};
use crate::{
    database::{Database, DatabaseError, events},
    values::{Credential, CredentialId, Entry, EventKind, Frame, Frames, Identity, StackName},
};

/// A session that STS issued and that is neither kept nor handed out.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// Why not: `another-identity`, `suspect` or `interrupted`.
    pub reason: &'static str,
    /// Its access key id.
    pub access_key_id: String,
    /// When it expires, if STS said it.
    pub expires_at: Option<Timestamp>,
    /// The identity that STS named, if it named one.
    pub identity: Option<Identity>,
    /// The credential set that signed.
    pub parent: Option<CredentialId>,
    /// What else the log is to say of it, such as the operation and its target. Nothing secret.
    pub detail: Map<String, Value>,
}

impl Change {
    /// Writes down a session that is neither kept nor handed out: AWS accepts it until it expires.
    pub fn record_orphan(&mut self, stack: &StackName, orphan: Orphan) -> Result<(), StackError> {
        let Orphan { reason, access_key_id, expires_at, identity, parent, mut detail } = orphan;
        detail.insert("reason".into(), json!(reason));
        detail.insert("expires_at".into(), json!(expires_at));
        let (account, arn) = identity.map(|identity| (identity.account, identity.arn)).unzip();
        let key = Some(access_key_id.clone());
        let entry = Entry {
            stack: Some(stack.clone()),
            parent,
            access_key_id: key,
            account,
            arn,
            detail,
            ..Entry::new(EventKind::Orphaned)
        };
        self.append([entry])?;
        self.intents.settle(&access_key_id);
        Ok(())
    }

    /// Writes down that STS refused a request, or could not be reached. `detail` says what was asked, and nothing
    /// secret.
    pub fn record_failure(
        &mut self,
        event: EventKind,
        stack: &StackName,
        parent: Option<CredentialId>,
        detail: Map<String, Value>,
    ) -> Result<(), StackError> {
        let entry = Entry { stack: Some(stack.clone()), parent, detail, ..Entry::new(event) };
        self.append([entry])
    }

    /// Writes down, once, that the secret of a credential set is not where it should be. Its metadata stays.
    pub fn record_secret_lost(&mut self, id: CredentialId) -> Result<(), StackError> {
        if !self.credential(id)?.has_secret()
            || self.database.read(|connection| events::has(connection, EventKind::SecretLost, id))?
        {
            return Ok(());
        }
        let credential = self.credential(id)?;
        self.append([entry_about(EventKind::SecretLost, &credential)])
    }

    /// Appends entries in a transaction of their own.
    pub(super) fn append(&mut self, entries: impl IntoIterator<Item = Entry>) -> Result<(), StackError> {
        let (now, actor) = (self.now, self.actor_json());
        self.write(|transaction| -> Result<(), DatabaseError> {
            for entry in entries {
                events::append(transaction, now, &by(entry, &actor))?;
            }
            Ok(())
        })?;
        Ok(())
    }

    pub(super) fn actor_json(&self) -> Value {
        json!(self.actor)
    }
}

/// Appends entries that change nothing else, and waits for nobody who holds the lock: it may be held for minutes, by a
/// prompt. Where there is no database there is no log either.
pub fn record(place: &StateDirectory, terms: &Terms, entries: impl IntoIterator<Item = Entry>) -> Result<(), StackError> {
    let Some(mut database) = Database::open(&place.database())? else { return Ok(()) };
    let (now, actor) = (terms.now, json!(terms.actor));
    seal::write(&mut database, &terms.secrets, place, |transaction| -> Result<(), DatabaseError> {
        for entry in entries {
            events::append(transaction, now, &by(entry, &actor))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// The entry with the person and process behind it.
pub(super) fn by(mut entry: Entry, actor: &Value) -> Entry {
    entry.detail.insert("actor".into(), actor.clone());
    entry
}

/// An entry about one credential set.
pub fn entry_about(event: EventKind, credential: &Credential) -> Entry {
    Entry {
        credential: Some(credential.id),
        parent: credential.parent,
        access_key_id: Some(credential.access_key_id.clone()),
        account: credential.identity.as_ref().map(|identity| identity.account.clone()),
        arn: credential.identity.as_ref().map(|identity| identity.arn.clone()),
        ..Entry::new(event)
    }
}

/// Says in an entry how a stack stands after it: the frames, current first.
pub(super) fn with_frames(mut entry: Entry, stack: &StackName, frames: &Frames) -> Entry {
    let names = frames.from_current().map(|frame| match frame {
        Frame::Credential(id) => json!(id),
        Frame::Ambient(ambient) => json!({ "ambient": ambient }),
    });
    entry.detail.insert("frames".into(), names.collect());
    entry.stack = Some(stack.clone());
    entry
}
