//! Everything needed to ask STS for a credential set again: the operation and its parameters.
//!
//! Never an MFA code, a SAML assertion, a web-identity token or a context assertion: those are [`OneTime`].

mod assume_role;
mod federation_token;
mod session_token;

pub use assume_role::{AssumeRole, ProvidedContext};
pub use federation_token::GetFederationToken;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
pub use session_token::GetSessionToken;

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

/// A session tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// 1 to 128 characters; compared without case.
    pub key: String,
    /// 0 to 256 characters.
    pub value: String,
}

/// What is given to STS once and never kept.
#[derive(Clone, Default)]
pub struct OneTime {
    /// The six-digit MFA code.
    pub token_code: Option<SecretString>,
    /// One assertion for each of the request's provided contexts, in their order.
    pub context_assertions: Vec<SecretString>,
}
