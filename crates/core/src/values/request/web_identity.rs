use serde::{Deserialize, Serialize};

use super::{LimitError, Parameter, TokenSource, assume_role::check_is_role, limits};

/// The parameters of AssumeRoleWithWebIdentity, which nobody signs, and where its `WebIdentityToken` is from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssumeRoleWithWebIdentity {
    /// `RoleArn`.
    pub role_arn: String,
    /// `RoleSessionName`.
    pub role_session_name: String,
    /// `ProviderId`, for the OAuth 2.0 tokens of two old providers only; none for OpenID Connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// `DurationSeconds`; STS's default is 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i32>,
    /// `Policy`, an inline session policy in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// `PolicyArns`, managed session policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    /// Where the next token is found; none if it was given once, by a person or a pipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_source: Option<TokenSource>,
}

impl AssumeRoleWithWebIdentity {
    pub(super) fn check(&self) -> Result<(), LimitError> {
        limits::arn(Parameter::RoleArn, &self.role_arn)?;
        check_is_role(&self.role_arn)?;
        limits::name(2, 64).check(Parameter::RoleSessionName, &self.role_session_name)?;
        if let Some(provider) = &self.provider_id {
            // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html, ProviderId
            if !["www.amazon.com", "graph.facebook.com"].contains(&provider.as_str()) {
                let limit = "is not one of www.amazon.com and graph.facebook.com";
                return Err(LimitError::new(Parameter::ProviderId, provider.clone(), limit)
                    .way_out("leave it out: an OpenID Connect token names its provider itself"));
            }
        }
        limits::duration(self.duration_seconds, 900, 43_200, "a role session")?;
        limits::policy(self.policy.as_deref(), Some(2048))?;
        limits::policy_arns(&self.policy_arns)
    }
}
