//! Identity providers outside AWS: the tokens and assertions that they give, and what is read of them.

pub mod oidc;
pub mod saml;

use std::collections::{BTreeMap, BTreeSet};

use crate::{caller::Tags, wire::Refusal};

/// Who a token or an assertion is about, as trust policies and sessions see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Condition keys, such as `idp.example.com:aud`.
    pub conditions: BTreeMap<String, String>,
    /// Session tags that the provider passes on.
    pub tags: Tags,
    /// The source identity that the provider sets.
    pub source_identity: Option<String>,
}

/// Session tags and the keys of the transitive ones.
fn tags(all: BTreeMap<String, String>, transitive: impl IntoIterator<Item = String>) -> Tags {
    let transitive: BTreeSet<String> = transitive.into_iter().map(|key| key.to_lowercase()).collect();
    Tags { all, transitive }
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "InvalidIdentityToken", message)
}
