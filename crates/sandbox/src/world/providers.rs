//! Identity providers, and the organization.

use serde::Deserialize;

use super::Secret;

/// An OpenID Connect provider, as an account knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST`; its tokens are of the issuer `https://HOST`.
    pub arn: String,
    /// The audiences whose tokens are taken.
    pub client_ids: Vec<String>,
    /// What its tokens are signed with, by HS256. At AWS it would be a key that the provider publishes.
    pub secret: Secret,
}

impl OidcProvider {
    /// The issuer without its scheme: the name of its condition keys.
    pub fn host(&self) -> &str {
        self.arn.split_once(":oidc-provider/").map_or("", |(_, host)| host)
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> String {
        format!("https://{}", self.host())
    }
}

/// A SAML provider, as an account knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamlProvider {
    /// `arn:aws:iam::ACCOUNT:saml-provider/NAME`.
    pub arn: String,
    /// The entity id, which stands as the issuer in its assertions.
    pub issuer: String,
}

/// An organization of accounts: all accounts of the world are in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Its account may use AssumeRoot, and nobody may on it.
    pub management_account: String,
    /// Accounts that may use AssumeRoot as well.
    #[serde(default)]
    pub delegated_administrators: Vec<String>,
}
