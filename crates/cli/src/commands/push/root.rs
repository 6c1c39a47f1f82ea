use credstack_core::values::request::{AssumeRoot, OneTime, Request, TASK_POLICIES};

use super::{common::Common, inputs, signed::Signed, signed_by::SignedBy};
use crate::{context::Context, failure::Failure};

/// Become a member account's root, for one task (AssumeRoot)
///
/// For 15 minutes at most, and for what the task policy allows. Only identities of the management
/// account, or of a delegated administrator account, of an organization with centralized root
/// access may call it, and only at a regional endpoint.
///
/// Task policies: IAMAuditRootUserCredentials, IAMCreateRootUserPassword,
/// IAMDeleteRootUserCredentials, S3UnlockBucketPolicy, SQSUnlockQueuePolicy
///
/// Examples:
///   credstack push root 444455556666 --task-policy IAMAuditRootUserCredentials
///   credstack push root 444455556666 --task-policy S3UnlockBucketPolicy --duration 5m --note INC-7
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Root {
    /// The member account: twelve digits, or the ARN of its root
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// What may be done: a task policy of AWS's, by its name or ARN
    #[arg(long, value_name = "POLICY")]
    task_policy: String,
    /// How long: seconds, or 15m [default: 15m, the most, by AWS]
    #[arg(long, value_parser = inputs::duration, allow_negative_numbers = true)]
    duration: Option<i32>,
    #[command(flatten)]
    signed_by: SignedBy,
    #[command(flatten)]
    common: Common,
}

impl Root {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        self.common.check()?;
        // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html
        if self.common.region.as_deref() == Some("aws-global") {
            return Err(Failure::usage("AssumeRoot is not to be had at the global endpoint")
                .next_step(format!("give a --region such as eu-west-1; the task policies are {}", TASK_POLICIES.join(", "))));
        }
        let signed = Signed {
            context,
            common: &self.common,
            signed_by: &self.signed_by,
            mfa: None,
            one_time: OneTime::default(),
            configured: None,
            bare_role: None,
        };
        signed.run(|_| {
            Ok(Request::AssumeRoot(AssumeRoot {
                target_principal: self.account.clone(),
                task_policy_arn: AssumeRoot::task_policy(&self.task_policy),
                duration_seconds: self.duration,
            }))
        })
    }
}
