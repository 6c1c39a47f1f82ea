use super::LimitError;
use crate::values::Arn;

/// What is known, without asking, of who signs a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerKind {
    /// The long-term keys of an IAM user.
    LongTerm,
    /// The long-term keys of the account root.
    Root,
    /// A session of an assumed role (or of an SSO, container or instance role).
    RoleSession,
    /// A session from GetSessionToken.
    SessionToken {
        /// Whether an MFA device was shown for it, if that is known.
        mfa: Option<bool>,
    },
    /// A session from GetFederationToken.
    FederatedUser,
    /// A session from AssumeRoot.
    RootSession,
    /// Nothing is known: only the rules that hold for everybody are checked.
    Unknown,
}

impl SignerKind {
    /// Tells from an identity's ARN; `long_term` is whether the keys come without a session token.
    ///
    /// Temporary keys whose ARN is a user's or the root's came from GetSessionToken. An ARN that says nothing of these
    /// gives [`SignerKind::Unknown`].
    pub fn of(arn: &Arn, long_term: bool) -> SignerKind {
        match (long_term, arn) {
            (true, arn) if arn.is_root() => SignerKind::Root,
            (true, arn) if arn.is_user() => SignerKind::LongTerm,
            (false, arn) if arn.is_role_session() => SignerKind::RoleSession,
            (false, arn) if arn.is_federated_user() => SignerKind::FederatedUser,
            (false, arn) if arn.is_root() || arn.is_user() => SignerKind::SessionToken { mfa: None },
            _ => SignerKind::Unknown,
        }
    }

    /// For GetSessionToken and GetFederationToken, which only long-term keys may call
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html>).
    pub(super) fn long_term_only(self, operation: &str) -> Result<(), LimitError> {
        let who = match self {
            SignerKind::LongTerm | SignerKind::Root | SignerKind::Unknown => return Ok(()),
            SignerKind::RoleSession => "a role session",
            SignerKind::SessionToken { .. } => "a session from GetSessionToken",
            SignerKind::FederatedUser => "a federated user",
            SignerKind::RootSession => "a session from AssumeRoot",
        };
        let limit = format!("{who} cannot call {operation}: that takes the long-term keys of an IAM user");
        Err(LimitError::signer(limit, "sign with --from root, or with --profile and a profile that has such keys"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_told_by_arn_and_token() {
        for (arn, long_term, kind) in [
            ("arn:aws:iam::111122223333:root", true, SignerKind::Root),
            ("arn:aws:iam::111122223333:user/ops/alice", true, SignerKind::LongTerm),
            ("arn:aws:iam::111122223333:user/alice", false, SignerKind::SessionToken { mfa: None }),
            ("arn:aws:iam::111122223333:root", false, SignerKind::SessionToken { mfa: None }),
            ("arn:aws:sts::111122223333:assumed-role/Deploy/alice", false, SignerKind::RoleSession),
            ("arn:aws:sts::111122223333:federated-user/bob", false, SignerKind::FederatedUser),
            ("arn:aws:sts::111122223333:assumed-role/Deploy/alice", true, SignerKind::Unknown),
            ("arn:aws:iam::111122223333:role/Deploy", false, SignerKind::Unknown),
        ] {
            assert_eq!(SignerKind::of(&arn.parse().unwrap(), long_term), kind, "{arn} {long_term}");
        }
    }
}
