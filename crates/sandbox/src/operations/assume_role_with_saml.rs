use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;

use super::{
    Call, CredentialsElement,
    assume_role::{AssumedRoleUser, check_role},
    given_federation::{self, Assumed, Federation, invalid},
    given_policies,
};
use crate::{
    limits::{Limits, NAME, PLAIN},
    policy::Context,
    saml::{AUDIENCE, Response},
    wire::Refusal,
    world::{account_of, name_of, unique_id},
};

/// How long an assertion may be used, in seconds from its issue.
const REDEEMED_WITHIN: i64 = 300;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    issuer: String,
    assumed_role_user: AssumedRoleUser,
    credentials: CredentialsElement,
    subject: String,
    audience: String,
    name_qualifier: String,
    subject_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

/// `AssumeRoleWithSAML`: unsigned, an identity provider's assertion says who asks.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    let parameters = call.parameters;
    let mut limits = Limits::default();
    let role_arn = limits.required("roleArn", parameters.get("RoleArn"), 20..=2048, PLAIN).to_owned();
    let provider_arn = limits.required("principalArn", parameters.get("PrincipalArn"), 20..=2048, PLAIN).to_owned();
    limits.secret("sAMLAssertion", parameters.get("SAMLAssertion"), 4..=100_000);
    let asked = limits.number("durationSeconds", parameters.get("DurationSeconds"), 900..=43_200);
    given_policies::check(call, &mut limits);
    limits.finish()?;
    check_role(&role_arn)?;
    let response = read(parameters.get("SAMLAssertion").unwrap_or_default())?;
    let provider = call.world.saml_providers.iter().find(|provider| provider.arn == provider_arn);
    let provider = provider.ok_or_else(|| invalid("Specified provider doesn't exist"))?;
    let issuer = response.assertion.issuer.text.clone();
    if issuer != provider.issuer {
        return Err(invalid("Issuer not present in specified provider"));
    }
    check_use(&response, call.now)?;
    let pair = |value: &&str| {
        let parts: Vec<&str> = value.split(',').map(str::trim).collect();
        matches!(parts[..], [one, two] if [(one, two), (two, one)].contains(&(role_arn.as_str(), provider_arn.as_str())))
    };
    if !response.values("Role").iter().any(|value| pair(&value)) {
        return Err(invalid("SAML Assertion doesn't contain the requested Role and Metadata in the attributes"));
    }
    if account_of(&role_arn) != account_of(&provider_arn) {
        return Err(
            Refusal::denied("Not authorized to perform sts:AssumeRoleWithSAML").because("role and provider are of two accounts")
        );
    }
    let name = session_name(&response)?;
    // The attribute SessionDuration is of the console's sign-in alone, and not looked at.
    let ends = response.assertion.authn_statement.as_ref().and_then(|it| it.session_ends);
    let seconds = match ends.map(|ends| ends.as_second() - call.now.as_second()) {
        Some(left) if left <= 0 => return Err(Refusal::new(400, "ExpiredTokenException", "Response has expired")),
        Some(left) => Some(asked.unwrap_or(3600).min(u32::try_from(left).unwrap_or(u32::MAX))),
        None => asked,
    };
    let name_id = &response.assertion.subject.name_id;
    let subject = name_id.text.clone();
    let format = name_id.format.clone().unwrap_or_default();
    let subject_type =
        format.rsplit(':').next().filter(|it| ["transient", "persistent"].contains(it)).map_or(format.clone(), str::to_owned);
    let account = account_of(&provider_arn);
    let name_qualifier = unique_id("", &format!("{issuer}{account}/{}", name_of(&provider_arn)));
    let mut context = Context::default();
    for (key, value) in [
        ("SAML:aud", AUDIENCE),
        ("SAML:iss", &issuer),
        ("SAML:sub", &subject),
        ("SAML:sub_type", &subject_type),
        ("SAML:namequalifier", &name_qualifier),
        ("SAML:doc", &format!("{account}/{}", name_of(&provider_arn))),
    ] {
        context.set(key, value);
    }
    let federation = Federation {
        action: "sts:AssumeRoleWithSAML",
        provider: provider_arn,
        role_arn: role_arn.clone(),
        name,
        seconds,
        source_identity: response.values("SourceIdentity").first().map(|text| (*text).to_owned()),
        tags: response.tags(),
        transitive: response.values("TransitiveTagKeys").into_iter().map(str::to_owned).collect(),
        context,
    };
    let Assumed { credentials, assumed_role_user, packed_policy_size, source_identity } =
        given_federation::assume(call, federation)?;
    let audience = AUDIENCE.to_owned();
    let answer = Answer {
        issuer,
        assumed_role_user,
        credentials,
        subject,
        audience,
        name_qualifier,
        subject_type,
        packed_policy_size,
        source_identity,
    };
    call.answer("AssumeRoleWithSAML", &answer)
}

fn read(assertion: &str) -> Result<Response, Refusal> {
    // Line ends are no mistake in Base64.
    let text: String = assertion.split_ascii_whitespace().collect();
    let xml = BASE64_STANDARD.decode(text).map_err(|_| invalid("Invalid base64 SAMLResponse"))?;
    let xml = String::from_utf8(xml).map_err(|_| invalid("Invalid base64 SAMLResponse"))?;
    Response::parse(&xml).map_err(|why| invalid("Response signature invalid").because(why))
}

/// Status, time and audience.
fn check_use(response: &Response, now: jiff::Timestamp) -> Result<(), Refusal> {
    let expired = |message: &str| Refusal::new(400, "ExpiredTokenException", message);
    if response.status.as_ref().is_some_and(|status| !status.status_code.value.ends_with(":Success")) {
        return Err(Refusal::new(403, "IDPRejectedClaim", "The identity provider reported that authentication failed."));
    }
    let assertion = &response.assertion;
    let conditions = assertion.conditions.as_ref();
    let data = assertion.subject.confirmation.as_ref().map(|it| &it.subject_confirmation_data);
    let age = now.as_second() - assertion.issue_instant.as_second();
    let ends = [conditions.and_then(|it| it.not_on_or_after), data.and_then(|it| it.not_on_or_after)];
    if ends.into_iter().flatten().any(|end| now >= end) {
        return Err(expired("Response has expired"));
    }
    if age >= REDEEMED_WITHIN {
        return Err(expired("Token must be redeemed within 5 minutes of issuance"));
    }
    if conditions.and_then(|it| it.not_before).is_some_and(|from| now < from) || age < -REDEEMED_WITHIN {
        return Err(invalid("Response is not valid yet").because("NotBefore or IssueInstant is in the future"));
    }
    let audiences = conditions.and_then(|it| it.audiences.as_ref());
    let audience = audiences.is_none_or(|it| it.all.iter().any(|one| [AUDIENCE, "urn:amazon:webservices"].contains(&&*one.text)));
    let recipient = data.and_then(|it| it.recipient.as_deref()).is_none_or(|it| it == AUDIENCE);
    if !audience || !recipient {
        return Err(invalid("Response does not contain the required audience."));
    }
    Ok(())
}

fn session_name(response: &Response) -> Result<String, Refusal> {
    let name = match response.values("RoleSessionName")[..] {
        [name, ..] => name,
        [] => return Err(invalid("RoleSessionName is required in AuthnResponse")),
    };
    let mut limits = Limits::default();
    limits.optional("roleSessionName", Some(name), 2..=64, NAME);
    match limits.finish() {
        Ok(()) => Ok(name.to_owned()),
        Err(_) => Err(invalid("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")),
    }
}

#[cfg(test)]
#[path = "assume_role_with_saml_tests.rs"]
mod tests;
