use jiff::Timestamp;
use rusqlite::Connection;

use super::{Change, StackError};
use crate::{
    database::{DatabaseError, credentials, events},
    values::{Acquired, Ambient, Credential, CredentialId, CredentialSet, Frame, Frames, Identity, Kind, Signer, State},
};

/// What ambient is in the shell that runs a command.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// The keys in its environment, if there are any. None as well where they are those of a reference
    /// ([`KeyOwner::Reference`]) that still gives them, which is then below.
    pub keys: Option<ShellKeys>,
    /// What else is known of it: the profile and region in force, and the provider if it was asked.
    pub reference: Ambient,
    /// The credential set that its program was given in another way than by keys, if it was.
    pub credential: Option<CredentialId>,
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

impl ShellKeys {
    /// Whether they have expired at `now`, as the environment says, or as is recorded of the credential set that they are of.
    pub fn is_expired(&self, owner: &Credential, now: Timestamp) -> bool {
        self.expires_at.or(owner.expires_at).is_some_and(|at| at <= now)
    }
}

/// Whose the keys in an environment are, going by their access key id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// Not known here: they are the shell's own.
    Unknown,
    /// The shell's own, and already stored, because they were captured or imported.
    Stored(Box<Credential>),
    /// A credential set that STS gave us: credstack handed it out.
    Ours {
        /// The one that has these keys.
        credential: Box<Credential>,
        /// What it was renewed to, or itself.
        newest: Box<Credential>,
    },
    /// What a frame is that names a profile or provider: credstack handed its keys out.
    Reference(Ambient),
}

pub(super) fn key_owner(connection: &Connection, access_key_id: &str) -> Result<KeyOwner, DatabaseError> {
    let known = credentials::with_access_key(connection, access_key_id)?;
    let (own, issued): (Vec<_>, Vec<_>) = known.into_iter().partition(|credential| credential.kind.is_irreplaceable());
    let own = own.into_iter().find(is_shells_own);
    // What was issued here has its lineage, which a copy that was brought back has not.
    let issued = issued.into_iter().find(|credential| own.is_none() || credential.has_secret());
    if let Some(credential) = issued {
        let newest = credentials::newest(connection, credential.id)?.unwrap_or_else(|| credential.clone());
        return Ok(KeyOwner::Ours { credential: Box::new(credential), newest: Box::new(newest) });
    }
    if let Some(credential) = own {
        return Ok(KeyOwner::Stored(Box::new(credential)));
    }
    let reference = events::handed_out_as(connection, access_key_id)?;
    // The keys of an environment that went through credstack are still its own.
    let names_a_source = |it: &Ambient| it.profile.is_some() || it.provider.as_deref().is_some_and(|it| it != "Environment");
    Ok(reference.filter(names_a_source).map_or(KeyOwner::Unknown, KeyOwner::Reference))
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
        let Some(keys) = &shell.keys else {
            let reference = || Frame::Ambient(shell.reference.clone());
            return Ok(Cover::Becomes(shell.credential.map_or_else(reference, Frame::Credential)));
        };
        let owner = self.database.read(|connection| key_owner(connection, &keys.set.access_key_id))?;
        let captured = Acquired {
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
        };
        Ok(match owner {
            KeyOwner::Ours { newest, .. } if newest.has_secret() => Cover::Becomes(Frame::Credential(newest.id)),
            // Its secret was erased here, and is in the environment.
            KeyOwner::Ours { credential, .. } => Cover::Capture(Box::new(Acquired {
                identity: captured.identity.or(credential.identity),
                region: credential.region.or(captured.region),
                expires_at: captured.expires_at.or(credential.expires_at),
                profile: credential.profile,
                way: credential.way,
                ..captured
            })),
            // Keys of a reference that still gives them are not given here.
            KeyOwner::Stored(_) | KeyOwner::Reference(_) | KeyOwner::Unknown => self.same_or_captured(keys, captured)?,
        })
    }

    /// The credential set that has these keys, or else what has to be captured. One that is stored with another end, as an import
    /// may be, would not come back as these keys are.
    fn same_or_captured(&self, keys: &ShellKeys, captured: Acquired) -> Result<Cover, StackError> {
        let known = self.database.read(|connection| credentials::with_access_key(connection, &keys.set.access_key_id))?;
        let given = known.iter().find(|known| !known.kind.is_irreplaceable()).and_then(|known| known.expires_at);
        let expires_at = keys.expires_at.or(given);
        let ends = |at: Option<Timestamp>| at.map(Timestamp::as_second);
        let same = known.iter().find(|known| is_shells_own(known) && ends(known.expires_at) == ends(expires_at));
        Ok(match same {
            Some(credential) => Cover::Becomes(Frame::Credential(credential.id)),
            None => Cover::Capture(Box::new(Acquired { expires_at, ..captured })),
        })
    }
}
