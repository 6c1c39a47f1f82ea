//! The one value that every way out renders: the keys of a frame, with what belongs to them. Pure data; it asks and reads nothing.

mod region;
mod ways;

use jiff::Timestamp;
pub use region::RegionChoice;
pub use ways::{Cell, Field, WAYS, Way, table};

use crate::values::{Arn, Credential, CredentialSet, Frame, Identity, StackName};

/// The keys of a frame, ready for a program, with everything that a client may want to know of them.
#[derive(Clone, Debug)]
pub struct HandOut {
    /// The keys.
    pub set: CredentialSet,
    /// When they expire, UTC; none for long-term keys, and where their source says nothing.
    pub expires_at: Option<Timestamp>,
    /// The caller identity, where it is recorded.
    pub identity: Option<Identity>,
    /// The twelve-digit account id, from the identity or from the provider.
    pub account: Option<String>,
    /// The frame's region: the one that was asked for, its profile's, or the shell's at the push.
    pub region: Option<String>,
    /// The `endpoint_url` of the frame's profile. Never the endpoint that STS was asked at.
    pub endpoint_url: Option<String>,
    /// The frame: a credential set by its id, or ambient.
    pub frame: Frame,
    /// A name to show: the label, else ACCOUNT/ROLE.
    pub name: Option<String>,
    /// The stack that was asked.
    pub stack: StackName,
}

impl HandOut {
    /// A stored credential set.
    pub fn stored(credential: &Credential, set: CredentialSet, stack: StackName) -> HandOut {
        HandOut {
            set,
            expires_at: credential.expires_at,
            account: credential.identity.as_ref().and_then(|identity| account(&identity.account)),
            identity: credential.identity.clone(),
            region: credential.region.clone(),
            endpoint_url: None,
            frame: Frame::Credential(credential.id),
            name: credential.label.clone().or_else(|| credential.arn().as_ref().map(account_and_role)),
            stack,
        }
    }

    /// Whether a client of an endpoint can take them: it asks for a token and an expiration.
    pub fn can_be_served(&self) -> bool {
        self.expires_at.is_some() && !self.set.is_long_term()
    }
}

/// An account id as AWS writes it. It becomes part of hosts' names, so anything else is left out.
pub fn account(text: &str) -> Option<String> {
    (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
}

/// `444455556666/ReadOnly`: the account and the role, user or federated user of an ARN.
pub fn account_and_role(arn: &Arn) -> String {
    let Arn { account, resource, .. } = arn;
    let mut parts = resource.split('/');
    let name = match parts.next() {
        Some("assumed-role") => parts.next(),
        _ => resource.rsplit(['/', ':']).next(),
    };
    format!("{account}/{}", name.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_has_a_short_name() {
        for (arn, name) in [
            ("arn:aws:sts::111122223333:assumed-role/Developer/alice@laptop", "111122223333/Developer"),
            ("arn:aws:iam::111122223333:user/ops/alice", "111122223333/alice"),
            ("arn:aws:sts::111122223333:federated-user/ci", "111122223333/ci"),
            ("arn:aws:iam::111122223333:root", "111122223333/root"),
        ] {
            assert_eq!(account_and_role(&arn.parse().unwrap()), name);
        }
    }

    #[test]
    fn only_twelve_digits_are_an_account() {
        assert_eq!(account("111122223333").as_deref(), Some("111122223333"));
        for bad in ["", "11112222333", "1111222233334", "11112222333a", "evil.example"] {
            assert_eq!(account(bad), None, "{bad}");
        }
    }
}
