use jiff::Timestamp;

use super::{Reader, StackError};
use crate::{
    database::{DatabaseError, EventFilter, credentials},
    values::{CredentialId, EventKind},
};

/// When a key that was ever here could be used here. It may be known from the log alone: what STS gave and no secret store
/// took has no credential set.
#[derive(Clone, Debug)]
pub struct PastKey {
    /// Which credential set.
    pub id: CredentialId,
    /// Who that is.
    pub arn: Option<String>,
    /// When STS gave it; none for what was brought here or captured, which is older.
    pub issued_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When its secret was erased here; none for what was brought here or captured, which has another copy.
    pub erased_at: Option<Timestamp>,
}

impl Reader {
    /// Hands over each access key id that was ever here, some of them more than once.
    pub fn each_access_key(&self, take: &mut dyn FnMut(&str)) -> Result<(), StackError> {
        let Some(database) = &self.database else { return Ok(()) };
        database.read(|connection| -> Result<(), DatabaseError> { credentials::each_access_key(connection, take) })?;
        Ok(())
    }

    /// What was ever here with an access key, newest first.
    pub fn past_keys(&self, access_key_id: &str) -> Result<Vec<PastKey>, StackError> {
        let Some(database) = &self.database else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for credential in database.read(|connection| credentials::with_access_key(connection, access_key_id))? {
            let (id, is_older) = (credential.id, credential.kind.is_irreplaceable());
            let erased = EventFilter { credential: Some(id), events: vec![EventKind::Erased], ..EventFilter::default() };
            let erased_at = self.events(&erased, 1)?.first().map(|event| event.at);
            found.push(PastKey {
                id,
                arn: credential.identity.map(|identity| identity.arn),
                issued_at: (!is_older).then_some(credential.issued_at),
                expires_at: credential.expires_at,
                erased_at: erased_at.filter(|_| !is_older),
            });
        }
        if found.is_empty() {
            let lost = |event| EventFilter {
                access_key_id: Some(access_key_id.to_owned()),
                events: vec![event],
                ..EventFilter::default()
            };
            for lost_at in self.events(&lost(EventKind::SecretLost), 1)? {
                let Some(id) = lost_at.entry.credential else { continue };
                let given = self.events(&lost(EventKind::Acquired), 1)?.into_iter().next();
                let expires_at = given.as_ref().and_then(|event| event.entry.detail.get("expires_at")?.as_str()?.parse().ok());
                let issued_at = given.map(|event| event.at);
                found.push(PastKey { id, arn: lost_at.entry.arn, issued_at, expires_at, erased_at: Some(lost_at.at) });
            }
        }
        Ok(found)
    }
}
