use jiff::Timestamp;

use super::{Ambient, CredentialId, CredentialSet, Identity, Kind, Way, request::Request};

/// A credential set that was just acquired, with all that is known of it, before it has an id.
#[derive(Clone, Debug)]
pub struct Acquired {
    /// The credential set itself.
    pub set: CredentialSet,
    /// How it came to be.
    pub kind: Kind,
    /// Who it is, where that is known.
    pub identity: Option<Identity>,
    /// The region that goes with it.
    pub region: Option<String>,
    /// When it was acquired, UTC.
    pub issued_at: Timestamp,
    /// When it expires, as STS said, UTC; none for long-term keys.
    pub expires_at: Option<Timestamp>,
    /// What signed the call which produced it.
    pub signer: Signer,
    /// Everything needed to ask for it again.
    pub request: Option<Request>,
    /// The name a person gave it.
    pub label: Option<String>,
    /// Why it was acquired, in a person's words.
    pub note: Option<String>,
    /// The profile of the AWS configuration that it is pushed from, by itself or as the signer.
    pub profile: Option<String>,
    /// How STS was reached.
    pub way: Option<Way>,
}

/// What signed an STS call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Signer {
    /// Nothing: no call was made.
    #[default]
    None,
    /// A stored credential set.
    Credential(CredentialId),
    /// This shell's keys. If the same change captures them, the captured set is the parent.
    ShellKeys,
    /// An ambient identity that is on no stack, or only as a reference.
    Ambient(Ambient),
}

/// The access key that an ambient signer signs with, which tells one owner of a profile from the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SignerKey {
    /// Another at every sign-in, or none: it tells nothing.
    #[default]
    Temporary,
    /// The access key id of long-term keys.
    LongTerm(String),
    /// It is known when the signer is asked for its keys, which a dry run doesn't do.
    Unknown,
}

impl Signer {
    /// What signed, where that is on no stack.
    pub fn reference(&self) -> Option<Ambient> {
        match self {
            Signer::None | Signer::Credential(_) => None,
            Signer::ShellKeys => Some(Ambient { provider: Some("Environment".into()), ..Ambient::default() }),
            Signer::Ambient(reference) => Some(reference.clone()),
        }
    }
}
