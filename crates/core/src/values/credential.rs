use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de};

use super::{Ambient, Arn, Identity, Way, request::Request};

/// The id of a credential set: `c1`, `c2`, … Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(pub i64);

/// The text is not a credential id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a credential id: expected c and a number, such as c7")]
pub struct CredentialIdError;

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

impl FromStr for CredentialId {
    type Err = CredentialIdError;

    fn from_str(text: &str) -> Result<Self, CredentialIdError> {
        let digits = text.strip_prefix('c').filter(|d| d.starts_with(|c: char| ('1'..='9').contains(&c)));
        digits.and_then(|d| d.parse().ok()).map(CredentialId).ok_or(CredentialIdError)
    }
}

impl Serialize for CredentialId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CredentialId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// How a credential set came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// From AssumeRole.
    AssumeRole,
    /// From GetSessionToken.
    SessionToken,
    /// From GetFederationToken.
    FederationToken,
    /// From AssumeRoleWithWebIdentity.
    WebIdentity,
    /// From AssumeRoleWithSAML.
    Saml,
    /// From AssumeRoot.
    AssumeRoot,
    /// Brought from elsewhere.
    Imported,
    /// The environment's own keys, captured when they were first covered.
    Ambient,
}

impl Kind {
    /// Whether nothing but its own copy can bring such a credential set back: no STS call gave it.
    pub fn is_irreplaceable(self) -> bool {
        matches!(self, Kind::Imported | Kind::Ambient)
    }
}

text_form!(Kind {
    AssumeRole => "assume-role",
    SessionToken => "session-token",
    FederationToken => "federation-token",
    WebIdentity => "web-identity",
    Saml => "saml",
    AssumeRoot => "assume-root",
    Imported => "imported",
    Ambient => "ambient",
});

/// Where the secret of a credential set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It may be in the secret store: a push is under way, or was killed.
    Pending,
    /// It is in the secret store.
    Active,
    /// It is being erased, or its erasure was cut off.
    Leaving,
    /// It is gone.
    Erased,
}

text_form!(State { Pending => "pending", Active => "active", Leaving => "leaving", Erased => "erased" });

/// What is known of a credential set without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// How it came to be.
    pub kind: Kind,
    /// Where its secret stands.
    pub state: State,
    /// Whether it keeps its secret although it is on no stack.
    pub held: bool,
    /// Its access key id.
    pub access_key_id: String,
    /// Whether it has a session token; else they are long-term keys, which do not expire.
    pub temporary: bool,
    /// Who it is, where that is known.
    pub identity: Option<Identity>,
    /// The region that goes with it.
    pub region: Option<String>,
    /// When it was acquired, UTC, whole seconds.
    pub issued_at: Timestamp,
    /// When it expires, as STS said, UTC; none for long-term keys, and where nobody told.
    pub expires_at: Option<Timestamp>,
    /// The credential set that signed the call which produced it.
    pub parent: Option<CredentialId>,
    /// What signed, where the signer is on no stack.
    pub signed_by: Option<Ambient>,
    /// Everything needed to ask for it again.
    pub request: Option<Request>,
    /// The name a person gave it.
    pub label: Option<String>,
    /// Why it was acquired, in a person's words.
    pub note: Option<String>,
    /// The profile of the AWS configuration that it was pushed from, by itself or as the signer.
    pub profile: Option<String>,
    /// How STS was reached; none where it was not asked, and of sets of earlier versions.
    pub way: Option<Way>,
    /// The credential set that took its place when it was renewed.
    pub replaced_by: Option<CredentialId>,
}

impl Credential {
    /// Whether it has expired at `now`. STS refuses a session from its expiry on.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Its ARN, where it is known and well-formed.
    pub fn arn(&self) -> Option<Arn> {
        self.identity.as_ref()?.arn.parse().ok()
    }

    /// Whether its secret is in the secret store.
    pub fn has_secret(&self) -> bool {
        self.state == State::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling() {
        assert_eq!("c7".parse(), Ok(CredentialId(7)));
        assert_eq!(CredentialId(7).to_string(), "c7");
        for bad in ["", "c", "7", "c0", "c07", "c+7", "c-7", "C7", "c7 ", "c99999999999999999999"] {
            assert_eq!(bad.parse::<CredentialId>(), Err(CredentialIdError), "{bad}");
        }
    }
}
