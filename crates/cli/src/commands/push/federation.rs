use credstack_core::values::request::{GetFederationToken, OneTime, Request};

use super::{common::Common, inputs, policies::SessionPolicies, signed::Signed, signed_by::SignedBy};
use crate::{context::Context, failure::Failure};

/// Get credentials for a federated user (GetFederationToken)
///
/// They can do what both your user and the session policies allow; without any policy they can do
/// nothing, except where a resource's own policy names the federated user.
///
/// Examples:
///   credstack push federation reporter --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess
///   credstack push federation ci --policy ci-policy.json --duration 1h
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Federation {
    /// The federated user's name, seen in its ARN and in CloudTrail
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    policies: SessionPolicies,
    /// How long: seconds, or 15m, 12h [default: 12h, by AWS]
    #[arg(long, value_parser = inputs::duration, allow_negative_numbers = true)]
    duration: Option<i32>,
    #[command(flatten)]
    signed_by: SignedBy,
    #[command(flatten)]
    common: Common,
}

impl Federation {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        self.common.check()?;
        let policy = self.policies.narrowed.inline()?;
        let has_policy = policy.is_some() || !self.policies.narrowed.policy_arns.is_empty();
        let signed = Signed {
            context,
            common: &self.common,
            signed_by: &self.signed_by,
            mfa: None,
            one_time: OneTime::default(),
            configured: self.duration.is_none().then_some("duration.federation"),
            bare_role: None,
        };
        signed.run(|who| {
            let request = Request::GetFederationToken(GetFederationToken {
                name: self.name.clone(),
                duration_seconds: self.duration.or(who.default_duration(context.configuration.duration.federation)),
                policy,
                policy_arns: self.policies.narrowed.policy_arns.clone(),
                tags: self.policies.tags.clone(),
            });
            request.check(who.kind)?;
            if !has_policy {
                confirm_no_permissions(context, self.common.yes)?;
            }
            Ok(request)
        })
    }
}

fn confirm_no_permissions(context: &Context, yes: bool) -> Result<(), Failure> {
    let warning = "with no session policy these credentials will have no permissions";
    if yes {
        // The request's own warnings say it.
        return Ok(());
    }
    match context.terminal.confirm(&format!("{warning}. Go on?")) {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::usage("stopped: nothing was changed")),
        None => Err(Failure::usage(warning).next_step("give --policy or --policy-arn, or --yes to have them all the same")),
    }
}
