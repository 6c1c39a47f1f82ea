//! Everything needed to ask STS for a credential set again: the operation and its parameters.
//!
//! Never an MFA code, a SAML assertion, a web-identity token or a context assertion: those are [`OneTime`].

mod assume_role;
mod federation_token;
mod inherited;
mod limits;
mod lookups;
mod narrowed;
mod one_time;
mod session_token;
mod signer;
#[cfg(test)]
mod tests;
mod web_identity_token;

pub use assume_role::{AssumeRole, ProvidedContext};
pub use federation_token::GetFederationToken;
pub use inherited::Inherited;
pub use limits::{LimitError, Parameter};
pub use lookups::{DecodeAuthorizationMessage, GetAccessKeyInfo};
pub use narrowed::{NarrowError, Narrowing};
pub use one_time::OneTime;
use serde::{Deserialize, Serialize};
pub use session_token::GetSessionToken;
pub use signer::SignerKind;
pub use web_identity_token::{GetWebIdentityToken, SigningAlgorithm};

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
}

impl Request {
    /// AWS's name of the operation.
    pub fn operation(&self) -> &'static str {
        match self {
            Request::AssumeRole(_) => "AssumeRole",
            Request::GetSessionToken(_) => "GetSessionToken",
            Request::GetFederationToken(_) => "GetFederationToken",
        }
    }

    /// Whom or what the credentials are asked for: the role's ARN or the federated user's name.
    pub fn target(&self) -> Option<&str> {
        match self {
            Request::AssumeRole(request) => Some(&request.role_arn),
            Request::GetSessionToken(_) => None,
            Request::GetFederationToken(request) => Some(&request.name),
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
        }
    }

    /// What STS may refuse, or take otherwise than meant, and only STS can tell. As every message: no capital, no full stop.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Request::AssumeRole(request) => request.warnings(),
            Request::GetSessionToken(_) => Vec::new(),
            Request::GetFederationToken(request) => request.warnings(),
        }
    }

    /// The `SerialNumber` of the MFA device, for the operations that take one.
    pub fn serial_number(&self) -> Option<&str> {
        match self {
            Request::AssumeRole(request) => request.serial_number.as_deref(),
            Request::GetSessionToken(request) => request.serial_number.as_deref(),
            Request::GetFederationToken(_) => None,
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
