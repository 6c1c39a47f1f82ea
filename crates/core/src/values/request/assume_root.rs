use serde::{Deserialize, Serialize};

use super::{LimitError, Parameter, SignerKind, limits};
use crate::values::{Arn, Identity};

/// What AssumeRoot can be asked for (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html>,
/// TaskPolicyArn).
pub const TASK_POLICIES: [&str; 5] = [
    "IAMAuditRootUserCredentials",
    "IAMCreateRootUserPassword",
    "IAMDeleteRootUserCredentials",
    "S3UnlockBucketPolicy",
    "SQSUnlockQueuePolicy",
];

/// The parameters of AssumeRoot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssumeRoot {
    /// `TargetPrincipal`: a member account's number, or the ARN of its root.
    pub target_principal: String,
    /// `TaskPolicyArn`.
    pub task_policy_arn: String,
    /// `DurationSeconds`; STS's default, and its most, is 900.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i32>,
}

impl AssumeRoot {
    /// The ARN of a task policy: AWS's own are named by the last part of it.
    pub fn task_policy(name: &str) -> String {
        if name.starts_with("arn:") { name.to_owned() } else { format!("arn:aws:iam::aws:policy/root-task/{name}") }
    }

    pub(super) fn check(&self, signer: SignerKind) -> Result<(), LimitError> {
        let who = match signer {
            SignerKind::Root => "the account root",
            SignerKind::FederatedUser => "a federated user",
            SignerKind::RootSession => "a session from AssumeRoot",
            SignerKind::SessionToken { .. } => "a session from GetSessionToken",
            SignerKind::LongTerm | SignerKind::RoleSession | SignerKind::Unknown => "",
        };
        if !who.is_empty() {
            let limit = format!("{who} cannot call AssumeRoot");
            let way_out = "sign with a role or an IAM user of the management account or of a delegated administrator account";
            return Err(LimitError::signer(limit, way_out));
        }
        if self.account().is_none() {
            let limit = "must be an account of twelve digits, or the ARN of its root";
            return Err(LimitError::new(Parameter::TargetPrincipal, self.target_principal.clone(), limit));
        }
        limits::arn(Parameter::TaskPolicyArn, &self.task_policy_arn)?;
        let name = self.task_policy_arn.rsplit_once(":policy/root-task/").map(|(_, name)| name);
        if !name.is_some_and(|name| TASK_POLICIES.contains(&name)) {
            let shown = self.task_policy_arn.rsplit('/').next().unwrap_or_default().to_owned();
            return Err(LimitError::new(Parameter::TaskPolicyArn, shown, "is not a task policy of AWS's")
                .way_out(format!("give one of {}", TASK_POLICIES.join(", "))));
        }
        limits::duration(self.duration_seconds, 1, 900, "a session of a member account's root")
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let task = self.task_policy_arn.rsplit('/').next().unwrap_or_default();
        let account = self.account().unwrap_or_default();
        vec![format!("this is the root of account {account}, with what {task} allows, for 15m at most")]
    }

    /// The account whose root it is.
    fn account(&self) -> Option<&str> {
        let target = self.target_principal.as_str();
        let account = match target.split_once(":iam::") {
            Some((_, rest)) => rest.strip_suffix(":root").filter(|_| target.starts_with("arn:"))?,
            None => target,
        };
        (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
    }

    /// Who the session is: the root user, whose id is the account's number
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>). STS's answer
    /// does not say it.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let account = self.account()?.to_owned();
        let partition = self.task_policy_arn.parse::<Arn>().ok()?.partition;
        Some(Identity { arn: format!("arn:{partition}:iam::{account}:root"), user_id: account.clone(), account })
    }
}
