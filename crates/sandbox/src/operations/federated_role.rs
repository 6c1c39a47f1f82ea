//! What the two operations have in common that nobody signs: an identity provider says who asks for a role.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Call, CredentialsElement, given_policies};
use crate::{
    caller::{Caller, Facts, Kind, Tags},
    limits::{Limits, NAME, TAG},
    policy::{self, Ask, Context, Statement},
    providers::Subject,
    wire::Refusal,
    world::{Role, account_of, name_of, unique_id},
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumedRoleUser {
    arn: String,
    assumed_role_id: String,
}

/// What was given, as all answers have it.
pub struct Session {
    pub user: AssumedRoleUser,
    pub credentials: CredentialsElement,
    pub packed_policy_size: Option<usize>,
}

/// What is asked for.
pub struct Asked<'a> {
    /// Such as `AssumeRoleWithSAML`.
    pub operation: &'a str,
    pub role_arn: &'a str,
    pub session_name: &'a str,
    pub seconds: Option<u32>,
    /// The ARN of the provider that vouches.
    pub provider: &'a str,
    pub subject: &'a Subject,
}

/// Asks the role's trust policy, and gives the session.
pub fn assume(call: &mut Call<'_>, asked: &Asked<'_>) -> Result<Session, Refusal> {
    let Asked { operation, role_arn, session_name, seconds, provider, subject } = *asked;
    let refuse = |why: &str| Refusal::denied(format!("Not authorized to perform sts:{operation}")).because(why);
    let world = call.world;
    check_subject(subject)?;
    let policies = given_policies::read(call, account_of(role_arn))?;
    let role = world.role(role_arn).ok_or_else(|| refuse("there is no such role"))?;
    let context = context(call, asked);
    let mut actions = vec![format!("sts:{operation}")];
    actions.extend((!subject.tags.all.is_empty()).then(|| "sts:TagSession".to_owned()));
    actions.extend(subject.source_identity.is_some().then(|| "sts:SetSourceIdentity".to_owned()));
    for action in &actions {
        if !policy::federated(&role.trust, provider, Ask { action, resource: role_arn, context: &context }) {
            return Err(refuse(&format!("the role's trust policy does not allow {action} to {provider}")));
        }
    }
    let seconds = duration(role, seconds)?;
    let packed_policy_size = given_policies::packed_size(call, &subject.tags)?;
    give(call, role_arn, session_name, seconds, policies, subject, packed_policy_size)
}

/// What a provider says has the limits of what a caller may ask for.
fn check_subject(subject: &Subject) -> Result<(), Refusal> {
    if subject.source_identity.as_deref().is_some_and(|identity| !is_name(identity)) {
        let message = "Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"";
        return Err(Refusal::new(400, "InvalidIdentityToken", message));
    }
    let Tags { all, transitive } = &subject.tags;
    let mut limits = Limits::default();
    limits.count("tags", all.len(), 50);
    for (i, (key, value)) in all.iter().enumerate() {
        limits.required(&format!("tags.{}.member.key", i + 1), Some(key), 1..=128, TAG);
        limits.required(&format!("tags.{}.member.value", i + 1), Some(value), 0..=256, TAG);
    }
    limits.finish()?;
    let keys: BTreeSet<String> = all.keys().map(|key| key.to_lowercase()).collect();
    if let Some(key) = keys.iter().find(|key| key.starts_with("aws:")) {
        return Err(Refusal::validation(format!("Tag key {key} must not begin with the reserved prefix aws:.")));
    }
    if keys.len() < all.len() {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(Refusal::new(400, "InvalidParameterValue", message));
    }
    if !transitive.is_subset(&keys) {
        return Err(Refusal::validation("The specified transitive tag key must be included in the requested tags."));
    }
    Ok(())
}

/// Whether a text may name a session or be a source identity.
pub fn is_name(text: &str) -> bool {
    let mut limits = Limits::default();
    limits.optional("name", Some(text), 2..=64, NAME);
    limits.finish().is_ok()
}

fn context(call: &Call<'_>, asked: &Asked<'_>) -> Context {
    let mut context = Context::default();
    context.set("aws:CurrentTime", call.now);
    context.set("aws:FederatedProvider", asked.provider);
    context.set("sts:RoleSessionName", asked.session_name);
    context.set_if_some("sts:SourceIdentity", asked.subject.source_identity.as_ref());
    for (key, value) in &asked.subject.conditions {
        context.set(key, value);
    }
    for (key, value) in &asked.subject.tags.all {
        context.set(&format!("aws:RequestTag/{key}"), value);
    }
    context.set_all("aws:TagKeys", asked.subject.tags.all.keys().cloned().collect());
    context.set_all("sts:TransitiveTagKeys", asked.subject.tags.transitive.iter().cloned().collect());
    context
}

fn duration(role: &Role, asked: Option<u32>) -> Result<u32, Refusal> {
    let seconds = asked.unwrap_or(3600);
    if seconds > role.max_session_duration {
        return Err(Refusal::validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    Ok(seconds)
}

fn give(
    call: &mut Call<'_>,
    role: &str,
    name: &str,
    seconds: u32,
    policies: Option<Vec<Statement>>,
    subject: &Subject,
    packed_policy_size: Option<usize>,
) -> Result<Session, Refusal> {
    let kind = Kind::RoleSession { role: role.to_owned(), name: name.to_owned() };
    let (source_identity, tags) = (subject.source_identity.clone(), subject.tags.clone());
    let facts = Facts { source_identity, tags, policies, ..Facts::plain(call.now) };
    let arn = Caller { kind: kind.clone(), session: None }.arn();
    let credentials = call.issue(kind, facts, seconds)?;
    let user = AssumedRoleUser { arn, assumed_role_id: format!("{}:{name}", unique_id("AROA", role)) };
    Ok(Session { user, credentials, packed_policy_size })
}

/// The role's ARN has to be one.
pub fn check_role(role_arn: &str) -> Result<(), Refusal> {
    let parts: Vec<&str> = role_arn.splitn(6, ':').collect();
    let is_role = parts.len() == 6 && parts[0] == "arn" && parts[2] == "iam" && parts[5].starts_with("role/");
    if is_role && !name_of(role_arn).is_empty() { Ok(()) } else { Err(Refusal::validation(format!("{role_arn} is invalid"))) }
}

#[cfg(test)]
#[path = "federated_role_tests.rs"]
mod tests;
