use serde::{Deserialize, Serialize};

use super::{LimitError, Parameter, SignerKind, Tag, limits};

/// The parameters of GetFederationToken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GetFederationToken {
    /// `Name` of the federated user.
    pub name: String,
    /// `DurationSeconds`; STS's default is 43200, and 3600 for the account root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i32>,
    /// `Policy`, an inline session policy in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// `PolicyArns`, managed session policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    /// `Tags`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

impl GetFederationToken {
    pub(super) fn check(&self, signer: SignerKind) -> Result<(), LimitError> {
        signer.long_term_only("GetFederationToken")?;
        limits::name(2, 32).check(Parameter::Name, &self.name)?;
        match signer {
            SignerKind::Root => limits::duration(self.duration_seconds, 900, 3600, "a federation token of the account root")?,
            _ => limits::duration(self.duration_seconds, 900, 129_600, "a federation token")?,
        }
        limits::policy(self.policy.as_deref(), Some(2048))?;
        limits::policy_arns(&self.policy_arns)?;
        limits::tags(&self.tags, &[])
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        if self.policy.is_some() || !self.policy_arns.is_empty() {
            return Vec::new();
        }
        vec!["without a session policy a federated user may do nothing but what resource policies grant it by name".into()]
    }
}
