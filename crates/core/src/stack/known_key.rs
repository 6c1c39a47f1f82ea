use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{Reader, StackError};
use crate::{
    database::{credentials, events, stacks},
    values::{Credential, CredentialId, Frame, SignerKey, StackName},
};

/// A credential set with an access key that somebody asks about.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// What is known of it.
    pub credential: Credential,
    /// Where it is: stack and position, 0 the current frame.
    pub places: Vec<(StackName, usize)>,
    /// When the log first and last tells something of it.
    pub seen: Option<(Timestamp, Timestamp)>,
}

/// In the detail of a credential set: the access key id of the long-term keys of an ambient signer.
pub const SIGNER_KEY: &str = "signer_access_key_id";

impl Reader {
    /// The access key that an ambient signer signed with for a credential set, as it was recorded.
    pub fn signer_key(&self, id: CredentialId) -> Result<SignerKey, StackError> {
        let Some(database) = &self.database else { return Ok(SignerKey::Temporary) };
        let detail = database.read(|connection| credentials::detail(connection, id))?;
        let key = detail.get(SIGNER_KEY).and_then(|key| key.as_str());
        Ok(key.map_or(SignerKey::Temporary, |key| SignerKey::LongTerm(key.to_owned())))
    }

    /// The credential sets that ever had an access key, newest first.
    pub fn known_keys(&self, access_key_id: &str) -> Result<Vec<KnownKey>, StackError> {
        let Some(database) = &self.database else { return Ok(Vec::new()) };
        database.read(|connection| {
            let found = credentials::with_access_key(connection, access_key_id)?;
            found.into_iter().map(|credential| KnownKey::of(connection, credential)).collect()
        })
    }

    /// Everything that AWS still accepts as far as is known here, wherever its secret is: what expires first comes first,
    /// what does not expire, or nobody knows when, last.
    pub fn live_keys(&self, now: Timestamp) -> Result<Vec<KnownKey>, StackError> {
        let Some(database) = &self.database else { return Ok(Vec::new()) };
        database.read(|connection| {
            let found = credentials::unexpired(connection, now)?;
            found.into_iter().map(|credential| KnownKey::of(connection, credential)).collect()
        })
    }

    /// These credential sets with all their ancestors.
    pub fn lineage(&self, ids: impl Iterator<Item = CredentialId>) -> Result<BTreeMap<CredentialId, Credential>, StackError> {
        let mut found = BTreeMap::new();
        let Some(database) = &self.database else { return Ok(found) };
        database.read(|connection| {
            for id in ids {
                let mut next = Some(id);
                while let Some(id) = next.filter(|id| !found.contains_key(id)) {
                    // The secret of a push that was cut off never arrived, and its row is gone.
                    let Some(credential) = credentials::find(connection, id)? else { break };
                    next = credential.parent;
                    found.insert(id, credential);
                }
            }
            Ok(found)
        })
    }

    /// These credential sets and all their ancestors, each with who signed for it: no more is kept of a million.
    pub fn parents(
        &self,
        ids: impl IntoIterator<Item = CredentialId>,
    ) -> Result<BTreeMap<CredentialId, Option<CredentialId>>, StackError> {
        let mut found = BTreeMap::new();
        let Some(database) = &self.database else { return Ok(found) };
        database.read(|connection| {
            for id in ids {
                let mut next = Some(id);
                while let Some(id) = next.filter(|id| !found.contains_key(id)) {
                    let Some(parent) = credentials::parent(connection, id)? else { break };
                    found.insert(id, parent);
                    next = parent;
                }
            }
            Ok(found)
        })
    }

    /// One credential set with its family.
    pub fn family(&self, id: CredentialId) -> Result<Family, StackError> {
        let database = self.database.as_ref().ok_or(StackError::NoSuchCredential(id))?;
        database.read(|connection| {
            let found = credentials::find(connection, id)?.ok_or(StackError::NoSuchCredential(id))?;
            let mut ancestors: Vec<Credential> = Vec::new();
            // Who signed is older, so this ends.
            let mut parent = found.parent.filter(|parent| *parent < id);
            while let Some(next) = parent.map(|id| credentials::find(connection, id)).transpose()?.flatten() {
                parent = next.parent.filter(|parent| *parent < next.id);
                ancestors.push(next);
            }
            let (mut descendants, mut heirs) = (Vec::new(), vec![(1, id)]);
            while let Some((depth, heir)) = heirs.pop() {
                let of_it: Vec<_> = credentials::signed_by(connection, heir)?.into_iter().filter(|it| it.id > heir).collect();
                if depth > 1 {
                    descendants.extend(credentials::find(connection, heir)?.map(|it| (depth - 1, it)));
                }
                heirs.extend(of_it.iter().rev().map(|it| (depth + 1, it.id)));
            }
            let replaces = credentials::replaced_by(connection, id)?;
            Ok(Family { known: KnownKey::of(connection, found)?, ancestors, descendants, replaces })
        })
    }
}

/// A credential set, who signed for it, and what came of it.
#[derive(Clone, Debug)]
pub struct Family {
    /// Itself.
    pub known: KnownKey,
    /// Its parent, the parent of that, and so on.
    pub ancestors: Vec<Credential>,
    /// What it signed for, each followed by what that signed for, with the depth: 1 is a child.
    pub descendants: Vec<(usize, Credential)>,
    /// The credential sets whose place it took.
    pub replaces: Vec<CredentialId>,
}

impl KnownKey {
    fn of(connection: &Connection, credential: Credential) -> Result<KnownKey, StackError> {
        let mut places = Vec::new();
        for stack in credentials::stacks_with(connection, credential.id)? {
            let frames = stacks::frames(connection, &stack)?.unwrap_or_default();
            let here = |(_, frame): &(usize, &Frame)| frame.credential() == Some(credential.id);
            let positions: Vec<_> = frames.from_current().enumerate().filter(here).map(|(at, _)| at).collect();
            places.extend(positions.into_iter().map(|at| (stack.clone(), at)));
        }
        let seen = events::seen(connection, credential.id)?;
        Ok(KnownKey { credential, places, seen })
    }
}
