use serde::Serialize;

use super::{Call, CredentialsElement};
use crate::{
    authorize,
    caller::{Facts, Kind},
    limits::{ANY, Limits, PLAIN},
    wire::Refusal,
};

/// The task policies that there are (API reference).
const TASKS: [&str; 5] = [
    "IAMAuditRootUserCredentials",
    "IAMCreateRootUserPassword",
    "IAMDeleteRootUserCredentials",
    "S3UnlockBucketPolicy",
    "SQSUnlockQueuePolicy",
];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    credentials: CredentialsElement,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

/// `AssumeRoot`: from the management account or a delegated administrator's, for one task in a member account.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    const OPERATION: &str = "AssumeRoot";
    let parameters = call.parameters;
    let mut limits = Limits::default();
    let target = limits.required("targetPrincipal", parameters.get("TargetPrincipal"), 12..=2048, ANY);
    let task = limits.required("taskPolicyArn.arn", parameters.get("TaskPolicyArn.arn"), 20..=2048, PLAIN);
    let seconds = limits.number("durationSeconds", parameters.get("DurationSeconds"), 0..=900);
    limits.finish()?;
    let account = target.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(target);
    let resource = format!("arn:aws:iam::{account}:root");
    let refuse = |why: &str| authorize::not_authorized(call.caller, "sts:AssumeRoot", &resource).because(why);
    let name = task.strip_prefix("arn:aws:iam::aws:policy/root-task/").unwrap_or_default();
    if !TASKS.contains(&name) {
        return Err(Refusal::validation(format!("Invalid task policy {task}")));
    }
    match call.caller.kind {
        Kind::Root { .. } => return Err(Refusal::denied("The root user cannot call AssumeRoot.")),
        Kind::Federated { .. } | Kind::Nobody => return Err(refuse("a federated user may only call GetCallerIdentity")),
        Kind::User { .. } if call.caller.session.is_some() => {
            return Err(Refusal::denied("Cannot call AssumeRoot with session credentials"));
        }
        Kind::User { .. } | Kind::RoleSession { .. } => {}
    }
    let Some(organization) = &call.world.organization else { return Err(refuse("there is no organization")) };
    let caller = call.caller.account();
    if organization.management_account != caller && !organization.delegated_administrators.iter().any(|it| it == caller) {
        return Err(refuse("the caller's account is neither the management account nor a delegated administrator's"));
    }
    if account == organization.management_account || call.world.account(account).is_none() {
        return Err(refuse("the target is not a member account"));
    }
    let mut context = call.caller.context(call.world, call.now);
    context.set("sts:TaskPolicyArn", task);
    authorize::by_own_policy(call.world, call.caller, "sts:AssumeRoot", &resource, &context)?;
    let source_identity = call.caller.source_identity().map(str::to_owned);
    // What the task allows is nothing of STS.
    let facts = Facts { source_identity: source_identity.clone(), policies: Some(Vec::new()), ..Facts::plain(call.now) };
    let seconds = seconds.filter(|seconds| *seconds > 0).unwrap_or(900);
    let credentials = call.issue(Kind::Root { account: account.to_owned() }, facts, seconds)?;
    call.answer(OPERATION, &Answer { credentials, source_identity })
}
