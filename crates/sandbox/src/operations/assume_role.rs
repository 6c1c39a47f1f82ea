use serde::Serialize;

use super::{Call, CredentialsElement, given_mfa, given_policies, given_tags};
use crate::{
    authorize,
    caller::{Caller, Facts, Kind, Tags},
    limits::{ANY, EXTERNAL_ID, Limits, NAME, PLAIN},
    policy::Context,
    wire::Refusal,
    world::{Role, account_of, name_of, unique_id},
};

/// The longest session of a role that a role's session assumes, in seconds (IAM: role chaining).
const CHAINED: u32 = 3600;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
    assumed_role_user: AssumedRoleUser,
    credentials: CredentialsElement,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    arn: String,
    assumed_role_id: String,
}

/// `AssumeRole`.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    let (role_arn, name, asked) = check(call)?;
    let world = call.world;
    let refuse = || authorize::not_authorized(call.caller, "sts:AssumeRole", &role_arn);
    match call.caller.kind {
        Kind::Root { .. } => return Err(Refusal::denied("Roles may not be assumed by root accounts.")),
        Kind::Federated { .. } | Kind::Nobody => return Err(refuse().because("a federated user may only call GetCallerIdentity")),
        Kind::User { .. } | Kind::RoleSession { .. } => {}
    }
    let tags = given_tags::read(call)?;
    let policies = given_policies::read(call, account_of(&role_arn))?;
    let role = world.role(&role_arn).ok_or_else(|| refuse().because("there is no such role"))?;
    let mfa = given_mfa::take(call)?;
    let source_identity = source_identity(call, role)?;
    let mut context = call.caller.context(world, call.now);
    if mfa.is_some() {
        context.set("aws:MultiFactorAuthPresent", true);
        context.set("aws:MultiFactorAuthAge", 0);
    }
    describe(call, &name, source_identity.as_deref(), &mut context);
    for action in actions(call, &tags, source_identity.is_some()) {
        authorize::on_role(world, call.caller, role, action, &context)?;
    }
    let seconds = duration(call.caller, role, asked)?;
    let packed_policy_size = given_policies::packed_size(call, &tags)?;

    let kind = Kind::RoleSession { role: role_arn.clone(), name: name.clone() };
    // The new session does not carry MFA on: a second hop that requires it cannot be satisfied.
    let facts = Facts { source_identity: source_identity.clone(), tags, policies, ..Facts::plain(call.now) };
    let arn = Caller { kind: kind.clone(), session: None }.arn();
    let credentials = call.issue(kind, facts, seconds)?;
    let assumed_role_user = AssumedRoleUser { arn, assumed_role_id: format!("{}:{name}", unique_id("AROA", &role_arn)) };
    call.answer("AssumeRole", &Answer { source_identity, assumed_role_user, credentials, packed_policy_size })
}

/// Checks everything that needs only the request: the role's ARN, the session's name and the duration asked for.
fn check(call: &Call<'_>) -> Result<(String, String, Option<u32>), Refusal> {
    let parameters = call.parameters;
    let mut limits = Limits::default();
    let role_arn = limits.required("roleArn", parameters.get("RoleArn"), 20..=2048, PLAIN);
    let name = limits.required("roleSessionName", parameters.get("RoleSessionName"), 2..=64, NAME);
    let seconds = limits.number("durationSeconds", parameters.get("DurationSeconds"), 900..=43_200);
    limits.optional("externalId", parameters.get("ExternalId"), 2..=1224, EXTERNAL_ID);
    limits.optional("sourceIdentity", parameters.get("SourceIdentity"), 2..=64, NAME);
    given_policies::check(call, &mut limits);
    given_tags::check(call, &mut limits);
    given_mfa::check(call, &mut limits);
    let contexts = parameters.structures("ProvidedContexts", ["ProviderArn", "ContextAssertion"]);
    limits.count("providedContexts", contexts.len(), 5);
    for (i, [provider, assertion]) in contexts.into_iter().enumerate() {
        limits.optional(&format!("providedContexts.{}.member.providerArn", i + 1), provider, 20..=2048, PLAIN);
        // The assertion is a secret: AWS would repeat it in the message, this server does not.
        let assertion = assertion.map(|text| "*".repeat(text.chars().count()));
        limits.optional(&format!("providedContexts.{}.member.contextAssertion", i + 1), assertion.as_deref(), 4..=2048, ANY);
    }
    limits.finish()?;
    let parts: Vec<&str> = role_arn.splitn(6, ':').collect();
    if parts.len() != 6 || parts[0] != "arn" || parts[2] != "iam" || !parts[5].starts_with("role/") {
        return Err(Refusal::validation(format!("{role_arn} is invalid")));
    }
    if name_of(role_arn).is_empty() {
        return Err(Refusal::validation(format!("{role_arn} is invalid")));
    }
    Ok((role_arn.to_owned(), name.to_owned(), seconds))
}

/// The source identity of the new session: that of the chain, or the one now set. That it must not begin with `aws:` needs
/// no check of its own: its pattern has no colon.
fn source_identity(call: &Call<'_>, role: &Role) -> Result<Option<String>, Refusal> {
    let asked = call.parameters.get("SourceIdentity");
    match (call.caller.source_identity(), asked) {
        (Some(set), Some(asked)) if set != asked => {
            Err(authorize::not_authorized(call.caller, "sts:SetSourceIdentity", &role.arn)
                .because("a source identity, once set, cannot be changed down the chain"))
        }
        (set, asked) => Ok(set.or(asked).map(str::to_owned)),
    }
}

/// Everything the caller must be allowed to do: inherited tags and source identities count as passed ones.
fn actions(call: &Call<'_>, tags: &Tags, source_identity: bool) -> Vec<&'static str> {
    let contexts = !call.parameters.structures("ProvidedContexts", ["ProviderArn"]).is_empty();
    [
        ("sts:AssumeRole", true),
        ("sts:TagSession", !tags.all.is_empty()),
        ("sts:SetSourceIdentity", source_identity),
        ("sts:SetContext", contexts),
    ]
    .into_iter()
    .filter_map(|(action, needed)| needed.then_some(action))
    .collect()
}

fn describe(call: &Call<'_>, name: &str, source_identity: Option<&str>, context: &mut Context) {
    context.set("sts:RoleSessionName", name);
    context.set_if_some("sts:ExternalId", call.parameters.get("ExternalId"));
    context.set_if_some("sts:SourceIdentity", source_identity);
    given_tags::describe(call, context);
}

fn duration(caller: &Caller, role: &Role, asked: Option<u32>) -> Result<u32, Refusal> {
    let seconds = asked.unwrap_or(3600);
    if matches!(caller.kind, Kind::RoleSession { .. }) && seconds > CHAINED {
        return Err(Refusal::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if seconds > role.max_session_duration {
        return Err(Refusal::validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    Ok(seconds)
}

#[cfg(test)]
#[path = "assume_role_tests.rs"]
mod tests;
