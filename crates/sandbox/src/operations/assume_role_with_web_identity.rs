use serde::Serialize;
use serde_json::Value;

use super::{
    Call, CredentialsElement,
    assume_role::{AssumedRoleUser, check_role},
    given_federation::{self, Assumed, Federation, invalid},
    given_policies,
};
use crate::{
    limits::{ANY, Limits, NAME, PLAIN},
    policy::Context,
    tokens::Token,
    wire::Refusal,
    world::{OidcProvider, account_of},
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
    packed_policy_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

/// `AssumeRoleWithWebIdentity`: unsigned, a token of an identity provider says who asks.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    let parameters = call.parameters;
    let mut limits = Limits::default();
    let role_arn = limits.required("roleArn", parameters.get("RoleArn"), 20..=2048, PLAIN).to_owned();
    let name = limits.required("roleSessionName", parameters.get("RoleSessionName"), 2..=64, NAME).to_owned();
    let seconds = limits.number("durationSeconds", parameters.get("DurationSeconds"), 900..=43_200);
    limits.secret("webIdentityToken", parameters.get("WebIdentityToken"), 4..=20_000);
    limits.optional("providerId", parameters.get("ProviderId"), 4..=2048, ANY);
    given_policies::check(call, &mut limits);
    limits.finish()?;
    check_role(&role_arn)?;
    match parameters.get("ProviderId") {
        None => {}
        Some("www.amazon.com" | "graph.facebook.com") => {
            let message = "The identity provider rejected the token.";
            return Err(Refusal::new(403, "IDPRejectedClaim", message).because("the sandbox has no users of this provider"));
        }
        Some(_) => return Err(Refusal::new(400, "InvalidParameterValue", "Unsupported providerId")),
    }
    let token = Token::parse(parameters.get("WebIdentityToken").unwrap_or_default()).ok_or_else(|| {
        invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
    })?;
    let claims = &token.claims;
    let issuer = text(claims, "iss")?;
    let account = account_of(&role_arn);
    let known = |provider: &&OidcProvider| account_of(&provider.arn) == account && provider.issuer() == issuer;
    let provider = call
        .world
        .oidc_providers
        .iter()
        .find(known)
        .ok_or_else(|| invalid(format!("No OpenIDConnect provider found in your account for {issuer}")))?;
    if !token.is_signed_with(&provider.secret.0) {
        return Err(invalid("The signature of the token could not be verified."));
    }
    check_time(claims, call.now.as_second())?;
    let audience = audience(claims, provider)?;
    let subject = text(claims, "sub")?;
    let mut context = Context::default();
    context.set(&format!("{}:aud", provider.host()), &audience);
    context.set(&format!("{}:sub", provider.host()), &subject);
    let about = &claims["https://aws.amazon.com/tags"];
    let federation = Federation {
        action: "sts:AssumeRoleWithWebIdentity",
        provider: provider.arn.clone(),
        role_arn,
        name,
        seconds,
        source_identity: claims["https://aws.amazon.com/source_identity"].as_str().map(str::to_owned),
        tags: tags(&about["principal_tags"])?,
        transitive: texts(&about["transitive_tag_keys"]),
        context,
    };
    let provider = provider.arn.clone();
    let Assumed { credentials, assumed_role_user, packed_policy_size, source_identity } =
        given_federation::assume(call, federation)?;
    let answer = Answer {
        subject_from_web_identity_token: subject,
        audience,
        assumed_role_user,
        credentials,
        provider,
        packed_policy_size,
        source_identity,
    };
    call.answer("AssumeRoleWithWebIdentity", &answer)
}

fn text(claims: &Value, name: &str) -> Result<String, Refusal> {
    claims[name].as_str().map(str::to_owned).ok_or_else(|| invalid(format!("Missing a required claim: {name}")))
}

fn check_time(claims: &Value, now: i64) -> Result<(), Refusal> {
    let number = |name: &str| claims[name].as_f64().map(|number| number as i64);
    let required = |name: &str| number(name).ok_or_else(|| invalid(format!("Missing a required claim: {name}")));
    let expires = required("exp")?;
    required("iat")?;
    if now >= expires {
        let message = format!("Token expired: current date/time {now} must be before the expiration date/time {expires}");
        return Err(Refusal::new(400, "ExpiredTokenException", message));
    }
    match number("nbf") {
        Some(from) if now < from => {
            Err(invalid(format!("Token not yet valid: current date/time {now} must not be before the date/time {from}")))
        }
        _ => Ok(()),
    }
}

/// The audience that counts: the authorized party, if the token names one.
fn audience(claims: &Value, provider: &OidcProvider) -> Result<String, Refusal> {
    let named = match &claims["azp"] {
        Value::String(party) => vec![party.clone()],
        _ => texts(&claims["aud"]),
    };
    if named.is_empty() {
        return Err(invalid("Missing a required claim: aud"));
    }
    let known = named.into_iter().find(|one| provider.client_ids.contains(one));
    known.ok_or_else(|| invalid("Incorrect token audience"))
}

/// One text, or a list of texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn tags(value: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let Some(tags) = value.as_object() else { return Ok(Vec::new()) };
    let one = |(key, value): (&String, &Value)| match texts(value).as_slice() {
        [value] => Ok((key.clone(), value.clone())),
        _ => Err(invalid(format!("The tag {key} of the token must have one value"))),
    };
    tags.iter().map(one).collect()
}

#[cfg(test)]
#[path = "assume_role_with_web_identity_tests.rs"]
mod tests;
