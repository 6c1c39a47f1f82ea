use jiff::Timestamp;
use rusqlite::Connection;

use super::{Change, StackError};
use crate::{
    database::{DatabaseError, credentials},
    values::{Acquired, Ambient, Credential, CredentialSet, Frame, Frames, Identity, Kind, Signer, State},
};

/// What ambient is in the shell that runs a command.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// The keys in its environment, if there are any and they are not ours ([`KeyOwner::Ours`]).
    pub keys: Option<ShellKeys>,
    /// What else is known of it: the profile and region in force, and the provider if it was asked.
    pub reference: Ambient,
}

/// Keys in an environment.
#[derive(Clone, Debug)]
pub struct ShellKeys {
    /// The keys.
    pub set: CredentialSet,
    /// When they expire, if the environment says so.
    pub expires_at: Option<Timestamp>,
    /// Who they are, if STS was asked.
    pub identity: Option<Identity>,
}

/// Whose the keys in an environment are, going by their access key id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// Nobody's here: they are the shell's own.
    Unknown,
    /// The shell's own, and already stored, because they were captured or imported.
    Stored(Box<Credential>),
    /// A credential set that STS gave us: credstack exported it, and it is not ambient.
    Ours(Box<Credential>),
}

pub(super) fn key_owner(connection: &Connection, access_key_id: &str) -> Result<KeyOwner, DatabaseError> {
    let known = credentials::with_access_key(connection, access_key_id)?;
    if let Some(credential) = known.iter().find(|known| is_shells_own(known)) {
        return Ok(KeyOwner::Stored(Box::new(credential.clone())));
    }
    let ours = known.into_iter().find(|credential| !credential.kind.is_irreplaceable());
    Ok(ours.map_or(KeyOwner::Unknown, |credential| KeyOwner::Ours(Box::new(credential))))
}

fn is_shells_own(credential: &Credential) -> bool {
    credential.kind.is_irreplaceable() && credential.state == State::Active
}

/// What has to be done so that the current frame can be covered and come back exactly.
pub(super) enum Cover {
    /// Nothing: it says for itself what it is.
    AsItIs,
    /// It becomes this frame.
    Becomes(Frame),
    /// It becomes a credential set that is stored in the same change.
    Capture(Box<Acquired>),
}

impl Change {
    /// Decides how an untouched ambient frame is kept when it is covered: nothing else could give environment keys
    /// back, so they are captured; a profile or role is kept as a reference and resolved again at every use.
    pub(super) fn cover(&self, frames: &Frames, shell: &Shell) -> Result<Cover, StackError> {
        if !frames.current().is_untouched() {
            return Ok(Cover::AsItIs);
        }
        let Some(keys) = &shell.keys else { return Ok(Cover::Becomes(Frame::Ambient(shell.reference.clone()))) };
        let known = self.database.read(|connection| credentials::with_access_key(connection, &keys.set.access_key_id))?;
        let ends = |at: Option<Timestamp>| at.map(Timestamp::as_second);
        // One that is stored with another end, as an import may be, would not come back as these keys are.
        let same = known.iter().find(|known| is_shells_own(known) && ends(known.expires_at) == ends(keys.expires_at));
        Ok(match same {
            Some(credential) => Cover::Becomes(Frame::Credential(credential.id)),
            None if known.iter().any(|known| !known.kind.is_irreplaceable()) => {
                Cover::Becomes(Frame::Ambient(shell.reference.clone()))
            }
            None => Cover::Capture(Box::new(Acquired {
                set: keys.set.clone(),
                kind: Kind::Ambient,
                identity: keys.identity.clone(),
                region: shell.reference.region.clone(),
                issued_at: self.now,
                expires_at: keys.expires_at,
                signer: Signer::None,
                request: None,
                label: None,
                note: None,
                profile: None,
                way: None,
            })),
        })
    }
}
