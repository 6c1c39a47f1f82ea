use serde::Serialize;

use super::{
    Call, CredentialsElement,
    federated_role::{self, Asked, AssumedRoleUser},
    given_policies,
};
use crate::{
    limits::{ANY, Limits, NAME, PLAIN},
    providers::oidc,
    wire::Refusal,
    world::account_of,
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    subject_from_web_identity_token: String,
    audience: String,
    assumed_role_user: AssumedRoleUser,
    credentials: CredentialsElement,
    provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
}

/// `AssumeRoleWithWebIdentity`: nobody signs it.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    const OPERATION: &str = "AssumeRoleWithWebIdentity";
    let parameters = call.parameters;
    let mut limits = Limits::default();
    let role_arn = limits.required("roleArn", parameters.get("RoleArn"), 20..=2048, PLAIN);
    let session_name = limits.required("roleSessionName", parameters.get("RoleSessionName"), 2..=64, NAME);
    let seconds = limits.number("durationSeconds", parameters.get("DurationSeconds"), 900..=43_200);
    limits.optional("providerId", parameters.get("ProviderId"), 4..=2048, ANY);
    // AWS would repeat the token in the message, this server does not.
    let token = parameters.get("WebIdentityToken").unwrap_or_default();
    let hidden = parameters.get("WebIdentityToken").map(|text| "*".repeat(text.chars().count()));
    limits.required("webIdentityToken", hidden.as_deref(), 4..=20_000, ANY);
    given_policies::check(call, &mut limits);
    limits.finish()?;
    federated_role::check_role(role_arn)?;
    if let Some(provider) = parameters.get("ProviderId") {
        let message = format!("Provider {provider} is not supported: this server knows OpenID Connect only");
        return Err(Refusal::new(400, "InvalidParameterValue", message));
    }
    let (provider, subject, claims) = oidc::read(&call.world.oidc_providers, account_of(role_arn), token, call.now)?;
    let asked = Asked { operation: OPERATION, role_arn, session_name, seconds, provider: &provider.arn, subject: &subject };
    let session = federated_role::assume(call, &asked)?;
    let claim = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let answer = Answer {
        subject_from_web_identity_token: claim("sub"),
        // The one that was taken, of several.
        audience: subject.conditions.get(&format!("{}:aud", provider.host())).cloned().unwrap_or_default(),
        assumed_role_user: session.user,
        credentials: session.credentials,
        provider: provider.arn.clone(),
        source_identity: subject.source_identity.clone(),
        packed_policy_size: session.packed_policy_size,
    };
    call.answer(OPERATION, &answer)
}
