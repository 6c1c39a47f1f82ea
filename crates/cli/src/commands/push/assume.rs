use credstack_core::values::{
    Arn,
    request::{AssumeRole, OneTime, Request},
};

use super::{common::Common, inputs, policies::SessionPolicies, signed::Signed, signed_by::SignedBy};
use crate::{acquire::Mfa, context::Context, failure::Failure};

/// Assume a role (AssumeRole)
///
/// ROLE is an ARN, or the name of a role in the current account, with its path if it has one. The
/// call is signed by the current identity, so that roles chain; a role session can assume a role
/// for at most an hour.
///
/// Examples:
///   credstack push assume arn:aws:iam::111122223333:role/Developer
///   credstack push assume ops/Deploy --duration 1h --label deploy
///   credstack push assume Admin --mfa-serial arn:aws:iam::111122223333:mfa/alice
///   credstack push assume Auditor --from root --tag team=payments --transitive-tag team
///   credstack push assume Reader --policy '{"Version":"2012-10-17","Statement":[]}'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Assume {
    /// The role: an ARN, or a name in the current account
    #[arg(value_name = "ROLE")]
    role: String,
    /// The name of the session, seen in CloudTrail [default: your user name and host]
    #[arg(long, value_name = "NAME", value_parser = inputs::text, allow_hyphen_values = true)]
    session_name: Option<String>,
    /// How long: seconds, or 15m, 1h30m
    #[arg(long, value_parser = inputs::duration, allow_negative_numbers = true)]
    duration: Option<i32>,
    /// What the role's owner asks third parties for
    #[arg(long, value_name = "ID", value_parser = inputs::text, allow_hyphen_values = true)]
    external_id: Option<String>,
    #[command(flatten)]
    policies: SessionPolicies,
    /// The key of a tag that later roles inherit; repeatable
    #[arg(long = "transitive-tag", value_name = "K", value_parser = inputs::text, allow_hyphen_values = true)]
    transitive_tags: Vec<String>,
    #[command(flatten)]
    mfa: Mfa,
    /// Who is behind this, for good: roles down the chain inherit it
    #[arg(long, value_name = "NAME", value_parser = inputs::text, allow_hyphen_values = true)]
    source_identity: Option<String>,
    /// A trusted context's assertion, from a file or stdin; repeatable
    #[arg(long = "provided-context", value_name = "ARN=@FILE|ARN=-")]
    provided_contexts: Vec<String>,
    #[command(flatten)]
    signed_by: SignedBy,
    #[command(flatten)]
    common: Common,
}

impl Assume {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        self.common.check()?;
        let policy = self.policies.narrowed.inline()?;
        let (provided_contexts, context_assertions) = inputs::contexts(&self.provided_contexts)?;
        let is_bare = !self.role.starts_with("arn:");
        let role_arn = if is_bare { self.any_account()? } else { self.role.clone() };
        let signed = Signed {
            context,
            common: &self.common,
            signed_by: &self.signed_by,
            mfa: Some(&self.mfa),
            one_time: OneTime { context_assertions, ..OneTime::default() },
            configured: self.duration.is_none().then_some("duration.assume"),
            bare_role: is_bare.then_some(&self.role),
        };
        signed.run(|who| {
            Ok(Request::AssumeRole(AssumeRole {
                role_arn,
                role_session_name: self.session_name.clone().unwrap_or_else(|| context.session_name()),
                duration_seconds: self.duration.or(who.default_duration(context.configuration.duration.assume)),
                external_id: self.external_id.clone(),
                policy,
                policy_arns: self.policies.narrowed.policy_arns.clone(),
                tags: self.policies.tags.clone(),
                transitive_tag_keys: self.transitive_tags.clone(),
                serial_number: self.mfa.serial(),
                mfa_command: self.mfa.command(),
                source_identity: self.source_identity.clone(),
                provided_contexts,
            }))
        })
    }

    /// A bare name takes partition and account from whoever signs. Until they are known, all but them can be checked.
    fn any_account(&self) -> Result<String, Failure> {
        self.check_role_name()?;
        Ok(Arn::role("aws", "000000000000", &self.role).to_string())
    }

    /// Whether it can be a role's name, checked before the signer is asked for its account.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names>
    fn check_role_name(&self) -> Result<(), Failure> {
        let name = self.role.rsplit('/').next().unwrap_or_default();
        if name.chars().count() > 64 {
            let shown: String = self.role.chars().take(100).collect();
            return Err(Failure::usage(format!("ROLE {shown}: a role's name has at most 64 characters"))
                .next_step("correct it; STS was not asked, and nothing was changed"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if (1..=64).contains(&name.len()) && name.chars().all(allowed) {
            return Ok(());
        }
        let shown: String = self.role.chars().take(100).collect();
        Err(Failure::usage(format!("ROLE {shown} is neither an ARN nor a role's name"))
            .next_step("give arn:aws:iam::ACCOUNT:role/NAME, or NAME with its path if it has one"))
    }
}
