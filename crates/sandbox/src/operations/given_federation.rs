use super::{Call, CredentialsElement, assume_role::AssumedRoleUser, assume_role::within_role, given_policies};
use crate::{
    authorize,
    caller::{Facts, Kind, Tags},
    limits::{Limits, NAME, TAG},
    policy::Context,
    wire::Refusal,
    world::account_of,
};

/// What an identity provider's word, once verified, comes to.
pub struct Federation {
    /// E.g. `sts:AssumeRoleWithSAML`.
    pub action: &'static str,
    /// The ARN of the provider.
    pub provider: String,
    /// The role to be assumed.
    pub role_arn: String,
    /// The name of the session.
    pub name: String,
    /// `DurationSeconds`, as far as asked for.
    pub seconds: Option<u32>,
    /// Who the provider says it is, for the whole chain.
    pub source_identity: Option<String>,
    /// Session tags, as the provider gives them.
    pub tags: Vec<(String, String)>,
    /// Which of them go on down the chain.
    pub transitive: Vec<String>,
    /// The condition keys of the provider.
    pub context: Context,
}

/// What both answers have.
pub struct Assumed {
    pub credentials: CredentialsElement,
    pub assumed_role_user: AssumedRoleUser,
    pub packed_policy_size: Option<usize>,
    pub source_identity: Option<String>,
}

/// An assertion or token that is wrong in itself.
pub fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidIdentityToken", message)
}

/// Assumes the role.
///
/// # Errors
/// `AccessDenied` and the like.
pub fn assume(call: &mut Call<'_>, federation: Federation) -> Result<Assumed, Refusal> {
    let Federation { action, provider, role_arn, name, seconds, source_identity, mut context, .. } = federation;
    let tags = tags(federation.tags, &federation.transitive, &mut context)?;
    if let Some(identity) = &source_identity {
        let mut limits = Limits::default();
        limits.optional("sourceIdentity", Some(identity), 2..=64, NAME);
        limits.finish().map_err(|refusal| {
            invalid("Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"").because(refusal.message)
        })?;
    }
    let policies = given_policies::read(call, account_of(&role_arn))?;
    context.set("aws:CurrentTime", call.now);
    context.set("aws:EpochTime", call.now.as_second());
    context.set("aws:SecureTransport", false);
    context.set("aws:FederatedProvider", &provider);
    context.set("sts:RoleSessionName", &name);
    context.set_if_some("sts:SourceIdentity", source_identity.as_ref());
    let missing = || Refusal::denied(format!("Not authorized to perform {action}")).because("there is no such role");
    let role = call.world.role(&role_arn).ok_or_else(missing)?;
    authorize::by_provider(role, &provider, action, &context)?;
    if !tags.all.is_empty() {
        authorize::by_provider(role, &provider, "sts:TagSession", &context)?;
    }
    if source_identity.is_some() {
        authorize::by_provider(role, &provider, "sts:SetSourceIdentity", &context)?;
    }
    let seconds = seconds.unwrap_or(3600);
    within_role(role, seconds)?;
    let packed_policy_size = given_policies::packed_size(call, &tags)?;
    let assumed_role_user = AssumedRoleUser::new(&role_arn, &name);
    let facts = Facts { source_identity: source_identity.clone(), tags, policies, ..Facts::plain(call.now) };
    let credentials = call.issue(Kind::RoleSession { role: role_arn, name }, facts, seconds)?;
    Ok(Assumed { credentials, assumed_role_user, packed_policy_size, source_identity })
}

fn tags(given: Vec<(String, String)>, transitive: &[String], context: &mut Context) -> Result<Tags, Refusal> {
    let mut limits = Limits::default();
    limits.count("tags", given.len(), 50);
    for (i, (key, value)) in given.iter().enumerate() {
        limits.required(&format!("tags.{}.member.key", i + 1), Some(key), 1..=128, TAG);
        limits.required(&format!("tags.{}.member.value", i + 1), Some(value), 0..=256, TAG);
    }
    limits.finish()?;
    context.set_all("aws:TagKeys", given.iter().map(|(key, _)| key.clone()).collect());
    context.set_all("sts:TransitiveTagKeys", transitive.to_vec());
    let mut tags = Tags::default();
    let mut seen = std::collections::BTreeSet::new();
    for (key, value) in given {
        if key.to_lowercase().starts_with("aws:") {
            return Err(Refusal::validation(format!("Tag key {key} must not begin with the reserved prefix aws:.")));
        }
        if !seen.insert(key.to_lowercase()) {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(Refusal::new(400, "InvalidParameterValue", message));
        }
        context.set(&format!("aws:RequestTag/{key}"), &value);
        tags.all.insert(key, value);
    }
    for key in transitive {
        if !seen.contains(&key.to_lowercase()) {
            return Err(Refusal::validation("The specified transitive tag key must be included in the requested tags."));
        }
        tags.transitive.insert(key.to_lowercase());
    }
    Ok(tags)
}
