//! Renewal by lineage: what has to be asked, and of whom, to have a credential set anew.
//!
//! Nothing of it reads a profile that may have changed: a credential set remembers its request and what signed it.

use jiff::Timestamp;

use crate::{
    stack::{Reader, StackError},
    values::{Ambient, Credential, CredentialId, Kind, Signer, SignerKey, State, Way, request::Request},
};

#[cfg(test)]
mod tests;

/// A credential set with less left than this is renewed, in seconds: boto3 asks again for every request from 15 minutes on.
const LEAST: i64 = 16 * 60;

/// No chain is as long as this: the database was changed by somebody else, and leads in circles.
const MOST: usize = 100;

/// What signs the first request of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// A stored credential set, which lives.
    Credential(CredentialId),
    /// An ambient identity, which has to be found.
    Ambient(Ambient),
    /// Keys that were in a shell's environment, and are stored nowhere.
    ShellKeys,
    /// Nobody: the request is unsigned, and the token in it says who asks.
    Nobody,
}

/// One request of a plan, asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is to be replaced.
    pub credential: Credential,
    /// Its request.
    pub request: Request,
}

/// Everything that has to be asked, each request signed by what the one before it gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What signs the first one.
    pub beginning: Beginning,
    /// The requests. Never empty.
    pub steps: Vec<Step>,
}

/// Why a credential set cannot be asked for again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No request of ours gave it.
    #[error("{id} was not asked of STS by credstack ({kind}), so it cannot be asked for again")]
    NotAskedFor {
        /// Which one.
        id: CredentialId,
        /// How it came to be.
        kind: Kind,
    },
    /// A part of the request is given once and not kept.
    #[error("{id} was asked for with {what}, which is given once and not kept")]
    OneTime {
        /// Which one.
        id: CredentialId,
        /// The part.
        what: &'static str,
    },
    /// Nothing says what signed it.
    #[error("what signed the request of {0} is not known")]
    NoSigner(CredentialId),
    /// The database could not be read.
    #[error(transparent)]
    Stack(#[from] StackError),
}

/// Whether it is time to renew a credential set: less is left than clients want, or than half of its life if that is shorter.
/// What credstack did not ask for, and what does not expire, is never due.
pub fn is_due(credential: &Credential, now: Timestamp) -> bool {
    due_at(credential).is_some_and(|at| at <= now)
}

/// From when on that is so, UTC.
pub fn due_at(credential: &Credential) -> Option<Timestamp> {
    let at = credential.expires_at.filter(|_| credential.request.is_some())?;
    let half = (at.as_second() - credential.issued_at.as_second()) / 2;
    Timestamp::from_second(at.as_second() - half.min(LEAST)).ok()
}

/// By whom a request is made and where, which has to be the same for an earlier answer to count.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The signer.
    pub signer: &'a Signer,
    /// The signer's key, where it is ambient: a profile may have been given another's keys.
    pub key: &'a SignerKey,
    /// Region, endpoint and trust.
    pub way: &'a Way,
}

impl Origin<'_> {
    /// Whether STS was asked there. Of sets of earlier versions it is not recorded: they may be from any server.
    fn is_where(&self, credential: &Credential) -> bool {
        credential.way.as_ref() == Some(self.way)
    }

    /// Whether it is the signer of a credential set. `parent` is what signed it, or what took its place.
    fn has_signed(&self, reader: &Reader, credential: &Credential, parent: Option<CredentialId>) -> Result<bool, StackError> {
        Ok(match (self.signer, parent, &credential.signed_by) {
            // They are stored nowhere.
            (Signer::ShellKeys, ..) => false,
            (Signer::Credential(id), Some(parent), None) => reader.newest(*id)?.id == parent,
            (Signer::None, None, None) => true,
            (Signer::Ambient(asked), None, Some(recorded)) => {
                // Its region counts as that of the request.
                (&asked.profile, &asked.provider) == (&recorded.profile, &recorded.provider)
                    && (*self.key == SignerKey::Unknown || *self.key == reader.signer_key(credential.id)?)
            }
            _ => false,
        })
    }
}

/// The newest credential set that answers a request already: it was asked for by the same request, at the same place, with the
/// same signer, lives, and is not due.
///
/// # Errors
///
/// Where the database cannot be read.
pub fn living(reader: &Reader, request: &Request, origin: Origin<'_>, now: Timestamp) -> Result<Option<Credential>, StackError> {
    Ok(living_chain(reader, std::slice::from_ref(request), origin, now)?.and_then(|chain| chain.into_iter().next_back()))
}

/// The same for requests that were each signed by what the one before it gave: what they gave, the last of which lives and is
/// not due. Those before it may have ended.
///
/// # Errors
///
/// Where the database cannot be read.
pub fn living_chain(
    reader: &Reader,
    requests: &[Request],
    origin: Origin<'_>,
    now: Timestamp,
) -> Result<Option<Vec<Credential>>, StackError> {
    let asks = |credential: &Credential, request: &Request| {
        origin.is_where(credential) && credential.request.as_ref().is_some_and(|it| it.asks_the_same(request))
    };
    let Some((last, behind)) = requests.split_last() else { return Ok(None) };
    for credential in reader.credentials_in(State::Active)?.into_iter().rev() {
        if !asks(&credential, last) || is_due(&credential, now) {
            continue;
        }
        let mut chain = vec![credential];
        let mut parent = parent_of(reader, &chain[0])?;
        for request in behind.iter().rev() {
            match parent.take().filter(|parent| asks(parent, request)) {
                Some(found) => {
                    parent = parent_of(reader, &found)?;
                    chain.insert(0, found);
                }
                None => break,
            }
        }
        if chain.len() == requests.len() && origin.has_signed(reader, &chain[0], parent.map(|parent| parent.id))? {
            return Ok(Some(chain));
        }
    }
    Ok(None)
}

/// What signed it, or what took its place.
fn parent_of(reader: &Reader, credential: &Credential) -> Result<Option<Credential>, StackError> {
    credential.parent.map(|parent| reader.newest(parent)).transpose()
}

/// The part of a request that is not kept, and cannot be found again.
fn given_once(request: &Request) -> Option<&'static str> {
    match request {
        Request::AssumeRole(request) if !request.provided_contexts.is_empty() => Some("the assertion of a trusted context"),
        Request::AssumeRoleWithWebIdentity(request) if request.token_source.is_none() => Some("a web identity token"),
        Request::AssumeRoleWithSaml(request) if request.token_source.is_none() => Some("a SAML assertion"),
        _ => None,
    }
}

/// What has to be asked to have `id` anew, from the nearest living ancestor down.
///
/// # Errors
///
/// Where something of its lineage was not asked for by credstack, or cannot be asked for again.
pub fn plan(reader: &Reader, id: CredentialId, now: Timestamp) -> Result<Plan, PlanError> {
    let mut steps = Vec::new();
    let mut next = reader.newest(id)?;
    let beginning = loop {
        let credential = next;
        // What is asked again has to be what was asked.
        reader.require_unaltered(credential.id)?;
        let Some(request) = credential.request.clone() else {
            return Err(PlanError::NotAskedFor { id: credential.id, kind: credential.kind });
        };
        if let Some(what) = given_once(&request) {
            return Err(PlanError::OneTime { id: credential.id, what });
        }
        let is_signed = request.is_signed();
        let (parent, signed_by, id) = (credential.parent, credential.signed_by.clone(), credential.id);
        steps.push(Step { credential, request });
        if steps.len() > MOST {
            return Err(PlanError::NoSigner(id));
        }
        match (parent, signed_by) {
            _ if !is_signed => break Beginning::Nobody,
            (Some(parent), _) => {
                let signer = reader.newest(parent)?;
                if signer.has_secret() && !signer.is_expired(now) {
                    break Beginning::Credential(signer.id);
                }
                next = signer;
            }
            (None, Some(keys)) if keys.provider.as_deref() == Some("Environment") => break Beginning::ShellKeys,
            (None, Some(ambient)) => break Beginning::Ambient(ambient),
            (None, None) => return Err(PlanError::NoSigner(id)),
        }
    };
    steps.reverse();
    Ok(Plan { beginning, steps })
}
