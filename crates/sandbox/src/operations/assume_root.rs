use serde::Serialize;

use super::{Call, CredentialsElement};
use crate::{
    authorize,
    caller::{Facts, Kind},
    limits::{ANY, Limits, PLAIN},
    wire::Refusal,
};

/// The tasks, as the names of AWS's managed policies.
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

/// `AssumeRoot`: a privileged task on a member account, for the management account and its delegated administrators.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    const ACTION: &str = "sts:AssumeRoot";
    let parameters = call.parameters;
    let mut limits = Limits::default();
    let target = limits.required("targetPrincipal", parameters.get("TargetPrincipal"), 12..=2048, ANY).to_owned();
    let policy = limits.required("taskPolicyArn.arn", parameters.get("TaskPolicyArn.arn"), 20..=2048, PLAIN).to_owned();
    let seconds = limits.number("durationSeconds", parameters.get("DurationSeconds"), 0..=900).unwrap_or(900);
    limits.finish()?;
    let account = target.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(&target);
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::validation(format!("{target} is not a valid target principal")));
    }
    let task = policy.strip_prefix("arn:aws:iam::aws:policy/root-task/").filter(|task| TASKS.contains(task));
    if task.is_none() {
        return Err(Refusal::validation(format!("{policy} is not a valid task policy")));
    }
    let arn = format!("arn:aws:iam::{account}:root");
    let refuse = |why: &str| authorize::not_authorized(call.caller, ACTION, &arn).because(why);
    match call.caller.kind {
        Kind::User { .. } | Kind::RoleSession { .. } => {}
        _ => return Err(refuse("it is for users and the sessions of roles, never for a root user")),
    }
    let organization = call.world.organization.as_ref().ok_or_else(|| refuse("there is no organization"))?;
    let own = call.caller.account();
    if own != organization.management_account && !organization.delegated_administrators.iter().any(|it| it == own) {
        return Err(refuse("the caller's account is neither the management account nor a delegated administrator"));
    }
    if account == organization.management_account || call.world.account(account).is_none() {
        return Err(refuse("the target is not a member account of the organization"));
    }
    let mut context = call.caller.context(call.world, call.now);
    context.set("sts:TaskPolicyArn", &policy);
    authorize::by_own_policy(call.world, call.caller, ACTION, &arn, &context)?;
    let source_identity = call.caller.source_identity().map(str::to_owned);
    let facts = Facts { source_identity: source_identity.clone(), ..Facts::plain(call.now) };
    let credentials = call.issue(Kind::TaskRoot { account: account.to_owned() }, facts, seconds)?;
    call.answer("AssumeRoot", &Answer { credentials, source_identity })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    const PROD: (&str, &str) = ("TargetPrincipal", "444455556666");
    const TASK: (&str, &str) = ("TaskPolicyArn.arn", "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy");

    #[test]
    fn a_task_session_only_asks_who_it_is() {
        let mut bench = Bench::new();
        let alice = Bench::user("alice");
        let made = bench.session("AssumeRoot", &alice, &[("TargetPrincipal", "arn:aws:iam::444455556666:root"), TASK]);
        assert_eq!(made.seconds, 900);
        let who = bench.call("GetCallerIdentity", &made.caller, &[]).unwrap();
        assert!(who.contains("<Arn>arn:aws:iam::444455556666:root</Arn>"), "{who}");
        for action in ["GetSessionToken", "GetFederationToken", "GetWebIdentityToken", "GetAccessKeyInfo", "AssumeRoot"] {
            let to = [("Name", "carol"), ("Audience.member.1", "a"), ("SigningAlgorithm", "RS256")];
            let more = [("AccessKeyId", "AKIAFAKEALICE0000001"), PROD, TASK];
            assert_eq!(bench.refusal(action, &made.caller, &[&to[..], &more].concat()).code, "AccessDenied", "{action}");
        }
        assert_eq!(bench.refuse_assume(&made.caller, "444455556666:role/ReadOnly", &[]).code, "AccessDenied");
        let traced = bench.assume(&alice, "111122223333:role/Developer", &[("SourceIdentity", "alice")]).caller;
        assert!(bench.refusal("AssumeRoot", &traced, &[PROD, TASK]).why.unwrap().contains("own policy"));
    }

    #[test]
    fn it_is_for_few_and_for_little() {
        let mut bench = Bench::new();
        let alice = Bench::user("alice");
        let why = |bench: &mut Bench, caller: &_, target| {
            let refusal = bench.refusal("AssumeRoot", caller, &[("TargetPrincipal", target), TASK]);
            assert_eq!((refusal.status, refusal.code), (403, "AccessDenied"));
            assert!(refusal.message.contains("is not authorized to perform: sts:AssumeRoot on resource: "), "{refusal:?}");
            refusal.why.unwrap()
        };
        assert!(why(&mut bench, &Bench::user("bob"), "444455556666").contains("own policy"));
        assert!(why(&mut bench, &Bench::root(), "444455556666").contains("never for a root user"));
        assert!(why(&mut bench, &alice, "888899990000").contains("not a member account"));
        assert!(why(&mut bench, &alice, "999999999999").contains("not a member account"));
        let mut elsewhere = Bench::with("delegated_administrators = [\"111122223333\"]", "");
        assert!(why(&mut elsewhere, &alice, "444455556666").contains("delegated administrator"));
        for (change, words) in [
            (("TaskPolicyArn.arn", "arn:aws:iam::aws:policy/AdministratorAccess"), "not a valid task policy"),
            (("TargetPrincipal", "arn:aws:iam::444455556666:user/x"), "not a valid target principal"),
            (("TargetPrincipal", "44445555666"), "greater than or equal to 12"),
            (("DurationSeconds", "901"), "less than or equal to 900"),
        ] {
            let refusal = bench.refusal("AssumeRoot", &alice, &[PROD, TASK, change]);
            assert!(refusal.code == "ValidationError" && refusal.message.contains(words), "{refusal:?}");
        }
        assert_eq!(bench.session("AssumeRoot", &alice, &[PROD, TASK, ("DurationSeconds", "60")]).seconds, 60);
    }
}
