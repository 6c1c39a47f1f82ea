//! May this caller do that? Identity, session and trust policies put together as IAM does.

use crate::{
    caller::{Caller, Kind},
    policy::{self, Ask, Context, Grant, Verdict},
    wire::Refusal,
    world::{Role, World, account_of},
};

/// AWS's sentence for a refusal.
pub fn not_authorized(caller: &Caller, action: &str, resource: &str) -> Refusal {
    Refusal::denied(format!("User: {} is not authorized to perform: {action} on resource: {resource}", caller.arn()))
}

/// Whether a caller may perform an action on a role: in the role's account its trust is enough if it names the caller,
/// otherwise the caller's own policies must allow it too.
///
/// # Errors
/// `AccessDenied`, with the reason for the list of calls.
pub fn on_role(world: &World, caller: &Caller, role: &Role, action: &str, context: &Context) -> Result<(), Refusal> {
    let ask = Ask { action, resource: &role.arn, context };
    let refuse = |why: &str| not_authorized(caller, action, &role.arn).because(why);
    let (identity, session) = own_policies(world, caller, ask);
    let trust = policy::trust(&role.trust, &caller.party(), ask);
    if identity == Verdict::Denied || session == Some(Verdict::Denied) || trust == Grant::Denied {
        return Err(refuse("a policy denies it explicitly"));
    }
    if trust == Grant::Nothing {
        return Err(refuse("the role's trust policy does not allow it"));
    }
    let same_account = account_of(&role.arn) == caller.account();
    if identity != Verdict::Allowed && !(same_account && trust >= Grant::Principal) {
        return Err(refuse("the caller's own policy does not allow it"));
    }
    if session == Some(Verdict::Silent) && !(same_account && trust == Grant::Session) {
        return Err(refuse("the caller's session policy does not allow it"));
    }
    Ok(())
}

/// Whether a user's own policies allow an action; the account root may do everything in its account.
///
/// # Errors
/// `AccessDenied`, with the reason for the list of calls.
pub fn by_own_policy(world: &World, caller: &Caller, action: &str, resource: &str, context: &Context) -> Result<(), Refusal> {
    if matches!(caller.kind, Kind::Root { .. }) {
        return Ok(());
    }
    match own_policies(world, caller, Ask { action, resource, context }) {
        (Verdict::Allowed, None | Some(Verdict::Allowed)) => Ok(()),
        _ => Err(not_authorized(caller, action, resource).because("the caller's own policy does not allow it")),
    }
}

/// The same for an action that is done to nothing in particular, with the words that AWS has for one.
///
/// # Errors
/// `AccessDenied`, with the reason for the list of calls.
pub fn on_anything(world: &World, caller: &Caller, action: &str, context: &Context) -> Result<(), Refusal> {
    by_own_policy(world, caller, action, "*", context).map_err(|refusal| {
        let ask = Ask { action, resource: "*", context };
        let because = match own_policies(world, caller, ask) {
            (Verdict::Denied, _) => "with an explicit deny in an identity-based policy".to_owned(),
            (_, Some(Verdict::Denied)) => "with an explicit deny in a session policy".to_owned(),
            (Verdict::Allowed, _) => format!("because no session policy allows the {action} action"),
            _ => format!("because no identity-based policy allows the {action} action"),
        };
        Refusal { message: format!("User: {} is not authorized to perform: {action} {because}", caller.arn()), ..refusal }
    })
}

fn own_policies(world: &World, caller: &Caller, ask: Ask<'_>) -> (Verdict, Option<Verdict>) {
    let session = caller.session.as_ref().and_then(|session| session.policies.as_ref());
    (policy::identity(caller.identity_policy(world), ask), session.map(|statements| policy::identity(statements, ask)))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{caller::Facts, policy::parse_session_policy, world::BUILT_IN};

    fn allowed(caller: &Caller, role: &str) -> Result<(), String> {
        allowed_in(BUILT_IN, caller, role)
    }

    fn allowed_in(world: &str, caller: &Caller, role: &str) -> Result<(), String> {
        let world = World::parse(world).unwrap();
        let context = caller.context(&world, Timestamp::UNIX_EPOCH);
        on_role(&world, caller, world.role(role).unwrap(), "sts:AssumeRole", &context).map_err(|refusal| refusal.why.unwrap())
    }

    fn user(name: &str) -> Caller {
        let kind = Kind::User { arn: format!("arn:aws:iam::111122223333:user/{name}") };
        Caller { kind, session: None }
    }

    fn developer(policy: Option<&str>) -> Caller {
        let mut facts = Facts::plain(Timestamp::UNIX_EPOCH);
        facts.policies = policy.map(|text| parse_session_policy(text).unwrap());
        let kind = Kind::RoleSession { role: "arn:aws:iam::111122223333:role/Developer".into(), name: "me".into() };
        Caller { kind, session: Some(facts) }
    }

    #[test]
    fn within_an_account_one_side_is_enough_if_it_names_the_caller() {
        assert_eq!(allowed(&user("alice"), "arn:aws:iam::111122223333:role/Developer"), Ok(()));
        assert_eq!(allowed(&user("bob"), "arn:aws:iam::111122223333:role/ops/Deploy"), Ok(()));
        assert!(allowed(&user("alice"), "arn:aws:iam::111122223333:role/Nobody").unwrap_err().contains("trust"));
        // carol is in no policy: the trust in her account alone does not let her in.
        assert!(allowed(&user("carol"), "arn:aws:iam::111122223333:role/ops/Deploy").unwrap_err().contains("own policy"));
    }

    #[test]
    fn across_accounts_both_sides_must_allow() {
        let untagged = "arn:aws:iam::444455556666:role/Untagged";
        assert_eq!(allowed(&user("alice"), untagged), Ok(()));
        assert!(allowed(&user("bob"), untagged).unwrap_err().contains("own policy"));
        assert!(allowed(&user("alice"), "arn:aws:iam::444455556666:role/ReadOnly").unwrap_err().contains("trust"));
        assert_eq!(allowed(&developer(None), "arn:aws:iam::444455556666:role/ReadOnly"), Ok(()));
    }

    #[test]
    fn a_session_policy_only_takes_away() {
        let read_only = "arn:aws:iam::444455556666:role/ReadOnly";
        let policy = |effect: &str, resource: &str| {
            format!(r#"{{"Statement":[{{"Effect":"{effect}","Action":"sts:*","Resource":"{resource}"}}]}}"#)
        };
        assert_eq!(allowed(&developer(Some(&policy("Allow", "*"))), read_only), Ok(()));
        assert!(allowed(&developer(Some(&policy("Allow", "arn:other"))), read_only).unwrap_err().contains("session policy"));
        assert!(allowed(&developer(Some(&policy("Deny", "*"))), read_only).unwrap_err().contains("denies"));
    }
    #[test]
    fn across_accounts_being_named_is_not_enough() {
        let world = BUILT_IN.replace("Resource = \"*\"", "Resource = \"arn:aws:iam::111122223333:role/*\"");
        let refusal = allowed_in(&world, &developer(None), "arn:aws:iam::444455556666:role/ReadOnly").unwrap_err();
        assert!(refusal.contains("own policy"), "{refusal}");
    }

    #[test]
    fn a_trust_that_names_the_session_itself_goes_past_its_session_policy() {
        let nothing = r#"{"Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"arn:other"}]}"#;
        let deploy = "arn:aws:iam::111122223333:role/ops/Deploy";
        let trusting = |arn: &str| BUILT_IN.replace("arn:aws:iam::111122223333:root", arn);
        let by_session = trusting("arn:aws:sts::111122223333:assumed-role/Developer/me");
        assert_eq!(allowed_in(&by_session, &developer(Some(nothing)), deploy), Ok(()));
        let by_role = trusting("arn:aws:iam::111122223333:role/Developer");
        let refusal = allowed_in(&by_role, &developer(Some(nothing)), deploy).unwrap_err();
        assert!(refusal.contains("session policy"), "{refusal}");
        assert_eq!(allowed_in(&by_role, &developer(None), deploy), Ok(()));
    }
}
