use serde::Serialize;

use super::{Call, CredentialsElement, get_session_token::ROOT, given_policies, given_tags};
use crate::{
    authorize,
    caller::{Caller, Facts, Kind},
    limits::{Limits, NAME},
    wire::Refusal,
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    credentials: CredentialsElement,
    federated_user: FederatedUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FederatedUser {
    arn: String,
    federated_user_id: String,
}

/// `GetFederationToken`: for users whose policy allows it, and the root, with long-term keys.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    let mut limits = Limits::default();
    let name = limits.required("name", call.parameters.get("Name"), 2..=32, NAME).to_owned();
    let asked = limits.number("durationSeconds", call.parameters.get("DurationSeconds"), 900..=129_600);
    given_policies::check(call, &mut limits);
    given_tags::check(call, &mut limits);
    limits.finish()?;
    if call.caller.session.is_some() {
        return Err(Refusal::denied("Cannot call GetFederationToken with session credentials"));
    }
    let tags = given_tags::read(call)?;
    let kind = Kind::Federated { by: call.caller.arn(), name };
    let user = Caller { kind: kind.clone(), session: None };
    let policies = given_policies::read(call, call.caller.account())?;
    let mut context = call.caller.context(call.world, call.now);
    given_tags::describe(call, &mut context);
    authorize::by_own_policy(call.world, call.caller, "sts:GetFederationToken", &user.arn(), &context)?;
    if !tags.all.is_empty() {
        authorize::by_own_policy(call.world, call.caller, "sts:TagSession", &user.arn(), &context)?;
    }
    let packed_policy_size = given_policies::packed_size(call, &tags)?;
    let mut seconds = asked.unwrap_or(43_200);
    if matches!(call.caller.kind, Kind::Root { .. }) {
        seconds = seconds.min(ROOT);
    }
    // Without a session policy a federated user has no permissions at all.
    let facts = Facts { tags, policies: Some(policies.unwrap_or_default()), ..Facts::plain(call.now) };
    let credentials = call.issue(kind, facts, seconds)?;
    let federated_user = FederatedUser { arn: user.arn(), federated_user_id: user.user_id() };
    call.answer("GetFederationToken", &Answer { credentials, federated_user, packed_policy_size })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

    #[test]
    fn a_federated_user_may_only_ask_who_it_is() {
        let mut bench = Bench::new();
        let parameters = [("Name", "carol"), ("Policy", EVERYTHING)];
        let made = bench.session("GetFederationToken", &Bench::user("alice"), &parameters);
        assert!(made.answer.contains("<FederatedUserId>111122223333:carol</FederatedUserId>"), "{}", made.answer);
        assert!(made.answer.contains("<PackedPolicySize>"), "{}", made.answer);
        assert_eq!(made.seconds, 43_200);
        let who = bench.call("GetCallerIdentity", &made.caller, &[]).unwrap();
        assert!(who.contains("arn:aws:sts::111122223333:federated-user/carol"), "{who}");
        assert_eq!(bench.refuse_assume(&made.caller, "111122223333:role/Developer", &[]).code, "AccessDenied");
        assert_eq!(bench.refusal("GetSessionToken", &made.caller, &[]).code, "AccessDenied");
    }

    #[test]
    fn it_needs_permission_unless_one_is_the_root() {
        let mut bench = Bench::new();
        let refusal = bench.refusal("GetFederationToken", &Bench::user("bob"), &[("Name", "carol")]);
        assert!(
            refusal.message.contains(
                "user/bob is not authorized to perform: sts:GetFederationToken on resource: \
                 arn:aws:sts::111122223333:federated-user/carol"
            ),
            "{}",
            refusal.message
        );
        assert_eq!(bench.session("GetFederationToken", &Bench::root(), &[("Name", "carol")]).seconds, 3600);
        assert!(bench.refusal("GetFederationToken", &Bench::root(), &[("Name", "c")]).message.contains("'name'"));
    }
    #[test]
    fn tags_need_a_permission_of_their_own() {
        let tags = [("Name", "carol"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "blue")];
        let made = Bench::new().session("GetFederationToken", &Bench::user("alice"), &tags);
        assert_eq!(made.caller.session.unwrap().tags.all["team"], "blue");
        let mut bench = Bench::with("\"sts:GetFederationToken\", \"sts:TagSession\"", "\"sts:GetFederationToken\"");
        bench.session("GetFederationToken", &Bench::user("alice"), &tags[..1]);
        let message = bench.refusal("GetFederationToken", &Bench::user("alice"), &tags).message;
        assert!(message.contains("not authorized to perform: sts:TagSession"), "{message}");
    }

    #[test]
    fn without_a_session_policy_it_has_no_permissions() {
        let made = Bench::new().session("GetFederationToken", &Bench::user("alice"), &[("Name", "carol")]);
        assert!(made.caller.session.unwrap().policies.is_some_and(|statements| statements.is_empty()));
    }
}
