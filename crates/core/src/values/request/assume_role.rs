use serde::{Deserialize, Serialize};

use super::{LimitError, Parameter, SignerKind, Tag, limits};
use crate::values::Arn;

/// The parameters of AssumeRole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssumeRole {
    /// `RoleArn`.
    pub role_arn: String,
    /// `RoleSessionName`.
    pub role_session_name: String,
    /// `DurationSeconds`; STS's default is 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i32>,
    /// `ExternalId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `Policy`, an inline session policy in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// `PolicyArns`, managed session policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    /// `Tags`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// `TransitiveTagKeys`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transitive_tag_keys: Vec<String>,
    /// `SerialNumber` of the MFA device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// The program that gives the device's code when this is asked for again, and its arguments, where one was named. STS is
    /// not told of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mfa_command: Vec<String>,
    /// `SourceIdentity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// `ProvidedContexts`, without their assertions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provided_contexts: Vec<ProvidedContext>,
}

/// A trusted context provider; the assertion itself is given once and not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvidedContext {
    /// `ProviderArn`.
    pub provider_arn: String,
}

impl AssumeRole {
    pub(super) fn check(&self, signer: SignerKind) -> Result<(), LimitError> {
        match signer {
            SignerKind::Root => {
                return Err(LimitError::signer("the account root cannot call AssumeRole", "sign with the keys of an IAM user"));
            }
            SignerKind::FederatedUser | SignerKind::RootSession => {
                let who = if signer == SignerKind::FederatedUser { "a federated user" } else { "a session from AssumeRoot" };
                let limit = format!("{who} can call nothing of STS but GetCallerIdentity");
                return Err(LimitError::signer(limit, "sign with what is beneath it, --from root"));
            }
            _ => {}
        }
        limits::arn(Parameter::RoleArn, &self.role_arn)?;
        check_is_role(&self.role_arn)?;
        limits::name(2, 64).check(Parameter::RoleSessionName, &self.role_session_name)?;
        limits::duration(self.duration_seconds, 900, 43_200, "a role session")?;
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#id_roles_terms-and-concepts, "role chaining"
        if let (SignerKind::RoleSession, Some(seconds @ 3601..)) = (signer, self.duration_seconds) {
            let limit = "a role session can assume a role for at most 1h";
            return Err(LimitError::new(Parameter::DurationSeconds, limits::as_given(seconds), limit)
                .way_out("use --duration 1h or sign with --from root"));
        }
        if let Some(external_id) = &self.external_id {
            limits::identifier(2, 1224).check(Parameter::ExternalId, external_id)?;
        }
        limits::policy(self.policy.as_deref(), None)?;
        limits::policy_arns(&self.policy_arns)?;
        limits::tags(&self.tags, &self.transitive_tag_keys)?;
        limits::mfa(self.serial_number.as_deref(), signer)?;
        if let Some(identity) = &self.source_identity {
            check_prefix(identity)?;
            limits::name(2, 64).check(Parameter::SourceIdentity, identity)?;
        }
        if self.provided_contexts.len() > 5 {
            let value = format!("({} of them)", self.provided_contexts.len());
            return Err(LimitError::new(Parameter::ProvidedContexts, value, "at most 5 contexts can be provided"));
        }
        self.provided_contexts.iter().try_for_each(|it| limits::arn(Parameter::ProvidedContexts, &it.provider_arn))
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let length = self.policy.as_ref().map_or(0, |policy| policy.chars().count());
        if length <= 2048 {
            return Vec::new();
        }
        vec![format!("the session policy has {length} characters: AWS says at most 2048 for all of them, and STS decides")]
    }
}

/// Only a role can be assumed, and a role's ARN is IAM's.
pub(super) fn check_is_role(arn: &str) -> Result<(), LimitError> {
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(()) };
    if let ("iam", Some(path)) = (parsed.service.as_str(), parsed.resource.strip_prefix("role/")) {
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names
        let name = path.rsplit('/').next().unwrap_or_default();
        if parsed.account.len() != 12 || !parsed.account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(LimitError::new(Parameter::RoleArn, arn.to_owned(), "must have an account of twelve digits"));
        }
        if !(1..=64).contains(&name.chars().count()) {
            return Err(LimitError::new(Parameter::RoleArn, arn.to_owned(), "must end in a role's name of 1 to 64 characters"));
        }
        return Ok(());
    }
    let error = LimitError::new(Parameter::RoleArn, arn.to_owned(), "is not the ARN of a role");
    Err(match parsed.resource.split('/').nth(1) {
        Some(role) if parsed.is_role_session() => error.way_out(format!(
            "give the role itself: {}, with its path if it has one",
            Arn::role(&parsed.partition, &parsed.account, role)
        )),
        _ => error.way_out("give arn:aws:iam::ACCOUNT:role/NAME"),
    })
}

/// Said before the characters, which forbid the colon as well, because it is the better reason.
fn check_prefix(identity: &str) -> Result<(), LimitError> {
    if identity.starts_with("aws:") {
        let limit = "must not begin with aws:, which AWS keeps for itself";
        return Err(LimitError::new(Parameter::SourceIdentity, identity.to_owned(), limit));
    }
    Ok(())
}
