use std::fmt;

use secrecy::SecretString;

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
