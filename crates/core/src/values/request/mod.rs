//! Everything needed to ask STS for a credential set again: the operation and its parameters.
//!
//! Never an MFA code, a SAML assertion, a web-identity token or a context assertion: those are [`OneTime`].

mod assume_role;
mod assume_root;
mod expected;
mod federation_token;
mod inherited;
mod limits;
mod lookups;
mod narrowed;
mod one_time;
mod partition;
mod saml;
mod session_token;
mod signer;
#[cfg(test)]
mod tests;
mod token_source;
#[cfg(test)]
mod unsigned_tests;
mod web_identity;
mod web_identity_token;

pub use assume_role::{AssumeRole, ProvidedContext};
pub use assume_root::{AssumeRoot, TASK_POLICIES};
pub use expected::{AnotherIdentity, Answered};
pub use federation_token::GetFederationToken;
pub use inherited::Inherited;
pub use limits::{LimitError, Parameter};
pub use lookups::{DecodeAuthorizationMessage, GetAccessKeyInfo};
pub use narrowed::{NarrowError, Narrowing};
pub use one_time::OneTime;
pub use saml::AssumeRoleWithSaml;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
pub use session_token::GetSessionToken;
use sha2::{Digest, Sha256};
pub use signer::SignerKind;
pub use token_source::TokenSource;
pub use web_identity::AssumeRoleWithWebIdentity;
pub use web_identity_token::{GetWebIdentityToken, SigningAlgorithm};

use super::{Identity, Kind};

/// A request to STS that yields a credential set, as the log and the database keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation")]
pub enum Request {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
    AssumeRole(AssumeRole),
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>
    GetSessionToken(GetSessionToken),
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>
    GetFederationToken(GetFederationToken),
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
    AssumeRoleWithWebIdentity(AssumeRoleWithWebIdentity),
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html>
    #[serde(rename = "AssumeRoleWithSAML")]
    AssumeRoleWithSaml(AssumeRoleWithSaml),
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html>
    AssumeRoot(AssumeRoot),
}

impl Request {
    /// AWS's name of the operation.
    pub fn operation(&self) -> &'static str {
        match self {
            Request::AssumeRole(_) => "AssumeRole",
            Request::GetSessionToken(_) => "GetSessionToken",
            Request::GetFederationToken(_) => "GetFederationToken",
            Request::AssumeRoleWithWebIdentity(_) => "AssumeRoleWithWebIdentity",
            Request::AssumeRoleWithSaml(_) => "AssumeRoleWithSAML",
            Request::AssumeRoot(_) => "AssumeRoot",
        }
    }

    /// The kind of the credential set that it yields.
    pub fn kind(&self) -> Kind {
        match self {
            Request::AssumeRole(_) => Kind::AssumeRole,
            Request::GetSessionToken(_) => Kind::SessionToken,
            Request::GetFederationToken(_) => Kind::FederationToken,
            Request::AssumeRoleWithWebIdentity(_) => Kind::WebIdentity,
            Request::AssumeRoleWithSaml(_) => Kind::Saml,
            Request::AssumeRoot(_) => Kind::AssumeRoot,
        }
    }

    /// Whether somebody signs it. These two are unsigned: the token in them says who asks.
    pub fn is_signed(&self) -> bool {
        !matches!(self, Request::AssumeRoleWithWebIdentity(_) | Request::AssumeRoleWithSaml(_))
    }

    /// Where the token of an unsigned request is found when it is asked again.
    pub fn token_source(&self) -> Option<&TokenSource> {
        match self {
            Request::AssumeRoleWithWebIdentity(request) => request.token_source.as_ref(),
            Request::AssumeRoleWithSaml(request) => request.token_source.as_ref(),
            _ => None,
        }
    }

    /// Whether another request asks for the same, wherever its token comes from.
    pub fn asks_the_same(&self, other: &Request) -> bool {
        let bare = |request: &Request| {
            let mut request = request.clone();
            match &mut request {
                Request::AssumeRole(request) => request.mfa_command.clear(),
                Request::GetSessionToken(request) => request.mfa_command.clear(),
                Request::AssumeRoleWithWebIdentity(request) => request.token_source = None,
                Request::AssumeRoleWithSaml(request) => request.token_source = None,
                _ => {}
            }
            request
        };
        bare(self) == bare(other)
    }

    /// What kind of caller signs with the credentials that it yields.
    pub fn yields(&self) -> SignerKind {
        match self {
            Request::AssumeRole(_) | Request::AssumeRoleWithWebIdentity(_) | Request::AssumeRoleWithSaml(_) => {
                SignerKind::RoleSession
            }
            Request::GetSessionToken(request) => SignerKind::SessionToken { mfa: Some(request.serial_number.is_some()) },
            Request::GetFederationToken(_) => SignerKind::FederatedUser,
            Request::AssumeRoot(_) => SignerKind::RootSession,
        }
    }

    /// Who it is that the credentials are for, where STS's answer does not say it and the request does.
    pub(crate) fn identity(&self) -> Option<Identity> {
        match self {
            Request::AssumeRoot(request) => request.identity(),
            _ => None,
        }
    }

    /// Whom or what the credentials are asked for: the role's ARN, the federated user's name, or the member account.
    pub fn target(&self) -> Option<&str> {
        match self {
            Request::AssumeRole(request) => Some(&request.role_arn),
            Request::GetSessionToken(_) => None,
            Request::GetFederationToken(request) => Some(&request.name),
            Request::AssumeRoleWithWebIdentity(request) => Some(&request.role_arn),
            Request::AssumeRoleWithSaml(request) => Some(&request.role_arn),
            Request::AssumeRoot(request) => Some(&request.target_principal),
        }
    }

    /// Checks every limit of STS that can be known before asking, for a request signed by `signer`.
    ///
    /// What is given once, MFA code and assertions, is checked by [`OneTime::check`].
    ///
    /// # Errors
    ///
    /// The first limit that the request breaks.
    pub fn check(&self, signer: SignerKind) -> Result<(), LimitError> {
        match self {
            Request::AssumeRole(request) => request.check(signer),
            Request::GetSessionToken(request) => request.check(signer),
            Request::GetFederationToken(request) => request.check(signer),
            Request::AssumeRoleWithWebIdentity(request) => request.check(),
            Request::AssumeRoleWithSaml(request) => request.check(),
            Request::AssumeRoot(request) => request.check(signer),
        }
    }

    /// What STS may refuse, or take otherwise than meant, and only STS can tell. As every message: no capital, no full stop.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Request::AssumeRole(request) => request.warnings(),
            Request::GetFederationToken(request) => request.warnings(),
            Request::AssumeRoot(request) => request.warnings(),
            _ => Vec::new(),
        }
    }

    /// For how long it asks, in seconds: STS's default where it says nothing.
    pub fn duration_seconds(&self) -> i32 {
        match self {
            Request::AssumeRole(request) => request.duration_seconds.unwrap_or(3600),
            Request::GetSessionToken(request) => request.duration_seconds.unwrap_or(43_200),
            Request::GetFederationToken(request) => request.duration_seconds.unwrap_or(43_200),
            Request::AssumeRoleWithWebIdentity(request) => request.duration_seconds.unwrap_or(3600),
            Request::AssumeRoleWithSaml(request) => request.duration_seconds.unwrap_or(3600),
            Request::AssumeRoot(request) => request.duration_seconds.unwrap_or(900),
        }
    }

    /// The inline session policy, as it is sent.
    pub fn policy(&self) -> Option<&str> {
        match self {
            Request::AssumeRole(request) => request.policy.as_deref(),
            Request::GetFederationToken(request) => request.policy.as_deref(),
            Request::AssumeRoleWithWebIdentity(request) => request.policy.as_deref(),
            Request::AssumeRoleWithSaml(request) => request.policy.as_deref(),
            Request::GetSessionToken(_) | Request::AssumeRoot(_) => None,
        }
    }

    /// What the log says of it: everything but what is given once. Of an inline policy also the SHA-256, in hex, of the text
    /// that is sent, by which the same one is found again.
    pub fn told(&self) -> Map<String, Value> {
        let mut told = Map::new();
        told.insert("request".into(), json!(self));
        if let Some(policy) = self.policy() {
            told.insert("policy_sha256".into(), json!(hex::encode(Sha256::digest(policy))));
        }
        told
    }

    /// The `SerialNumber` of the MFA device, for the operations that take one.
    pub fn serial_number(&self) -> Option<&str> {
        match self {
            Request::AssumeRole(request) => request.serial_number.as_deref(),
            Request::GetSessionToken(request) => request.serial_number.as_deref(),
            _ => None,
        }
    }

    /// Names the MFA device, for the operations that take one.
    pub fn set_serial_number(&mut self, serial: String) {
        match self {
            Request::AssumeRole(request) => request.serial_number = Some(serial),
            Request::GetSessionToken(request) => request.serial_number = Some(serial),
            _ => {}
        }
    }

    /// The program that was named for the code of the MFA device, and its arguments; empty if none was.
    pub fn mfa_command(&self) -> &[String] {
        match self {
            Request::AssumeRole(request) => &request.mfa_command,
            Request::GetSessionToken(request) => &request.mfa_command,
            _ => &[],
        }
    }
}

/// A session tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// 1 to 128 characters; compared without case.
    pub key: String,
    /// 0 to 256 characters.
    pub value: String,
}
