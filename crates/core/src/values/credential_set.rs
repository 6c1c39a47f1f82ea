use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// One acquired access key: its id, its secret and, for temporary ones, the session token.
///
/// Immutable. The secrets are zeroized when dropped and are never printed; only a secret store writes them down.
#[derive(Clone)]
pub struct CredentialSet {
    /// The access key id, such as `ASIA…`. Not a secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretString,
    /// The session token. Long-term keys have none; its presence, not the key id's prefix, tells them apart.
    pub session_token: Option<SecretString>,
}

impl CredentialSet {
    /// Whether these are long-term keys of a user or of the account root, which never expire.
    pub fn is_long_term(&self) -> bool {
        self.session_token.is_none()
    }

    /// Whether a text repeats one of the secrets.
    pub fn is_repeated_in(&self, text: &str) -> bool {
        let repeats = |secret: &SecretString| text.contains(secret.expose_secret());
        repeats(&self.secret_access_key) || self.session_token.as_ref().is_some_and(repeats)
    }

    /// Whether a text can be an access key id. Emulators give shorter ones than AWS does.
    pub fn is_key_id(text: &str) -> bool {
        (1..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// Why these cannot be AWS credentials, if so: a control character in a key id, say, would end up in a header.
    pub fn fault(&self) -> Option<&'static str> {
        if !CredentialSet::is_key_id(&self.access_key_id) {
            return Some("invalid access key ID: expected at most 128 letters, digits or _");
        }
        let printable = |secret: &SecretString| {
            let secret = secret.expose_secret();
            !secret.is_empty() && secret.chars().all(|c| c.is_ascii_graphic())
        };
        if !printable(&self.secret_access_key) || !self.session_token.as_ref().is_none_or(printable) {
            return Some("the secret access key or the session token is empty or has characters that AWS never uses");
        }
        None
    }
}

impl fmt::Debug for CredentialSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialSet")
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"** redacted **")
            .field("session_token", &self.session_token.as_ref().map(|_| "** redacted **"))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let set = CredentialSet {
            access_key_id: "ASIAFAKEFAKEFAKEFAKE".into(),
            secret_access_key: "fake-secret".into(),
            session_token: Some("fake-token".into()),
        };
        assert_eq!(
            format!("{set:?}"),
            "CredentialSet { access_key_id: \"ASIAFAKEFAKEFAKEFAKE\", secret_access_key: \"** redacted **\", \
             session_token: Some(\"** redacted **\") }"
        );
    }
}
