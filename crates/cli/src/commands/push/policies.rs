use credstack_core::values::request::Tag;

use super::inputs;
use crate::failure::Failure;

/// What narrows a session down.
#[derive(Debug, clap::Args)]
pub struct Narrowed {
    /// A session policy: JSON, a file, or - for stdin
    #[arg(long, value_name = "FILE|JSON|-")]
    policy: Option<String>,
    /// A managed policy as session policy; repeatable
    #[arg(long = "policy-arn", value_name = "ARN")]
    pub policy_arns: Vec<String>,
}

/// What narrows a session down, and what marks it.
#[derive(Debug, clap::Args)]
pub struct SessionPolicies {
    #[command(flatten)]
    pub narrowed: Narrowed,
    /// A session tag; repeatable
    #[arg(long = "tag", value_name = "K=V", value_parser = inputs::tag, allow_hyphen_values = true)]
    pub tags: Vec<Tag>,
}

impl Narrowed {
    /// The inline policy's text, read from where it is.
    pub fn inline(&self) -> Result<Option<String>, Failure> {
        inputs::policy(self.policy.as_deref())
    }
}
