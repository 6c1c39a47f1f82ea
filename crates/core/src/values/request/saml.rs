use serde::{Deserialize, Serialize};

use super::{LimitError, Parameter, TokenSource, assume_role::check_is_role, limits};
use crate::values::Arn;

/// The parameters of AssumeRoleWithSAML, which nobody signs, and where its `SAMLAssertion` is from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssumeRoleWithSaml {
    /// `RoleArn`.
    pub role_arn: String,
    /// `PrincipalArn` of the SAML provider in IAM.
    pub principal_arn: String,
    /// `DurationSeconds`; STS's default is 3600, or less if the assertion says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i32>,
    /// `Policy`, an inline session policy in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// `PolicyArns`, managed session policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    /// Where the next assertion is found; none if it was given once, by a person or a pipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_source: Option<TokenSource>,
}

impl AssumeRoleWithSaml {
    pub(super) fn check(&self) -> Result<(), LimitError> {
        limits::arn(Parameter::RoleArn, &self.role_arn)?;
        check_is_role(&self.role_arn)?;
        limits::arn(Parameter::PrincipalArn, &self.principal_arn)?;
        if self.principal_arn.parse::<Arn>().is_ok_and(|arn| arn.service != "iam" || !arn.resource.starts_with("saml-provider/"))
        {
            return Err(LimitError::new(
                Parameter::PrincipalArn,
                self.principal_arn.clone(),
                "is not the ARN of a SAML provider",
            )
            .way_out("give arn:aws:iam::ACCOUNT:saml-provider/NAME"));
        }
        limits::duration(self.duration_seconds, 900, 43_200, "a role session")?;
        limits::policy(self.policy.as_deref(), Some(2048))?;
        limits::policy_arns(&self.policy_arns)
    }
}
