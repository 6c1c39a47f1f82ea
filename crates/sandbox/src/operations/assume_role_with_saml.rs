use serde::Serialize;

use super::{
    Call, CredentialsElement,
    federated_role::{self, Asked, AssumedRoleUser},
    given_policies,
};
use crate::{
    limits::{ANY, Limits, PLAIN},
    providers::saml,
    wire::Refusal,
    world::{account_of, name_of},
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    subject: String,
    subject_type: &'static str,
    issuer: String,
    audience: &'static str,
    name_qualifier: String,
    assumed_role_user: AssumedRoleUser,
    credentials: CredentialsElement,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
}

/// `AssumeRoleWithSAML`: nobody signs it.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    const OPERATION: &str = "AssumeRoleWithSAML";
    let parameters = call.parameters;
    let mut limits = Limits::default();
    let role_arn = limits.required("roleArn", parameters.get("RoleArn"), 20..=2048, PLAIN);
    let principal_arn = limits.required("principalArn", parameters.get("PrincipalArn"), 20..=2048, PLAIN);
    let seconds = limits.number("durationSeconds", parameters.get("DurationSeconds"), 900..=43_200);
    // AWS would repeat the assertion in the message, this server does not.
    let assertion = parameters.get("SAMLAssertion").unwrap_or_default();
    let hidden = parameters.get("SAMLAssertion").map(|text| "*".repeat(text.chars().count()));
    limits.required("sAMLAssertion", hidden.as_deref(), 4..=100_000, ANY);
    given_policies::check(call, &mut limits);
    limits.finish()?;
    federated_role::check_role(role_arn)?;
    let provider = call.world.saml_providers.iter().find(|it| it.arn == principal_arn);
    let provider = provider.filter(|it| account_of(&it.arn) == account_of(role_arn)).ok_or_else(|| {
        Refusal::new(400, "InvalidIdentityToken", format!("Specified provider doesn't exist (Service: {principal_arn})"))
    })?;
    let said = saml::read(provider, role_arn, assertion, call.now)?;
    if !federated_role::is_name(&said.session_name) {
        let message = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}";
        return Err(Refusal::new(400, "InvalidIdentityToken", message));
    }
    let asked = Asked {
        operation: OPERATION,
        role_arn,
        session_name: &said.session_name,
        // The shorter of the two counts.
        seconds: match said.session_ends.map(|at| at.as_second() - call.now.as_second()).and_then(|left| u32::try_from(left).ok())
        {
            Some(left) => Some(seconds.unwrap_or(3600).min(left)),
            None => seconds,
        },
        provider: &provider.arn,
        subject: &said.subject,
    };
    let session = federated_role::assume(call, &asked)?;
    let answer = Answer {
        subject: said.name_id,
        subject_type: "persistent",
        name_qualifier: format!("sandbox-{}-{}", account_of(role_arn), name_of(&provider.arn)),
        issuer: said.issuer,
        audience: "https://signin.aws.amazon.com/saml",
        assumed_role_user: session.user,
        credentials: session.credentials,
        source_identity: said.subject.source_identity.clone(),
        packed_policy_size: session.packed_policy_size,
    };
    call.answer(OPERATION, &answer)
}
