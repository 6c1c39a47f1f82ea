use super::{
    condition,
    context::Context,
    statement::{Effect, Principal, Statement, Values},
    wildcard,
};

/// What is asked of a policy.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// E.g. `sts:AssumeRole`.
    pub action: &'a str,
    /// The ARN it is done to.
    pub resource: &'a str,
    /// The condition keys.
    pub context: &'a Context,
}

/// What an identity or session policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement denies.
    Denied,
    /// No statement applies.
    Silent,
    /// A statement allows and none denies.
    Allowed,
}

/// Who is asking, as trust policies name them.
#[derive(Clone, Debug)]
pub struct Party {
    /// Twelve digits.
    pub account: String,
    /// The IAM user's or role's ARN, path included.
    pub principal_arn: String,
    /// The ARN of the session, if it is one with an ARN of its own.
    pub session_arn: Option<String>,
}

/// What a trust policy says, weakest first. The order decides when several statements apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Nothing.
    Nothing,
    /// Allows the caller's account: the caller's own policies must allow it too.
    Account,
    /// Allows the user or the role by name: in the same account that is enough.
    Principal,
    /// Allows the very session: not even its session policy limits it (IAM: evaluation of resource-based policies).
    Session,
    /// A statement denies.
    Denied,
}

/// Evaluates identity or session statements.
pub fn identity<'a>(statements: impl IntoIterator<Item = &'a Statement>, ask: Ask<'_>) -> Verdict {
    let mut verdict = Verdict::Silent;
    for statement in statements {
        if !concerns_action(statement, ask) || !concerns_resource(statement, ask) {
            continue;
        }
        match statement.effect {
            Effect::Deny => return Verdict::Denied,
            Effect::Allow => verdict = Verdict::Allowed,
        }
    }
    verdict
}

/// The identity or session statements that deny.
pub fn denying<'a>(statements: impl IntoIterator<Item = &'a Statement>, ask: Ask<'_>) -> Vec<&'a Statement> {
    let denies = |statement: &&Statement| {
        statement.effect == Effect::Deny && concerns_action(statement, ask) && concerns_resource(statement, ask)
    };
    statements.into_iter().filter(denies).collect()
}

/// Evaluates a role's trust policy for a caller.
pub fn trust(statements: &[Statement], party: &Party, ask: Ask<'_>) -> Grant {
    let mut grant = Grant::Nothing;
    for statement in statements {
        if !concerns_action(statement, ask) {
            continue;
        }
        let named = names(statement, party);
        match statement.effect {
            _ if named == Grant::Nothing => {}
            Effect::Deny => return Grant::Denied,
            Effect::Allow => grant = grant.max(named),
        }
    }
    grant
}

fn concerns_action(statement: &Statement, ask: Ask<'_>) -> bool {
    let action = ask.action.to_lowercase();
    let listed = |values: &Values| values.0.iter().any(|pattern| wildcard::matches(&pattern.to_lowercase(), &action));
    let concerned = match (&statement.action, &statement.not_action) {
        (Some(actions), _) => listed(actions),
        (None, Some(others)) => !listed(others),
        (None, None) => false,
    };
    concerned && condition::all_hold(&statement.condition, ask.context)
}

fn concerns_resource(statement: &Statement, ask: Ask<'_>) -> bool {
    let listed = |values: &Values| {
        values.0.iter().filter_map(|value| ask.context.fill_in(value)).any(|pattern| wildcard::matches(&pattern, ask.resource))
    };
    match (&statement.resource, &statement.not_resource) {
        (Some(resources), _) => listed(resources),
        (None, Some(others)) => !listed(others),
        (None, None) => false,
    }
}

/// Whether a role's trust policy allows an action to who comes by an identity provider, and does not deny it.
pub fn federated(statements: &[Statement], provider: &str, ask: Ask<'_>) -> bool {
    let mut allowed = false;
    for statement in statements.iter().filter(|statement| concerns_action(statement, ask)) {
        let named = match &statement.principal {
            Some(Principal::Everyone(_)) => true,
            Some(Principal::Named(named)) => named.federated.0.iter().any(|arn| arn == provider || arn == "*"),
            None => false,
        };
        match statement.effect {
            _ if !named => {}
            Effect::Deny => return false,
            Effect::Allow => allowed = true,
        }
    }
    allowed
}

fn names(statement: &Statement, party: &Party) -> Grant {
    let account_root = |arn: &str| {
        let mut parts = arn.split(':');
        parts.nth(4) == Some(party.account.as_str()) && arn.ends_with(":root")
    };
    let one = |arn: &String| match arn.as_str() {
        "*" => Grant::Principal,
        arn if Some(arn) == party.session_arn.as_deref() => Grant::Session,
        arn if arn == party.principal_arn => Grant::Principal,
        arn if arn == party.account || account_root(arn) => Grant::Account,
        _ => Grant::Nothing,
    };
    match &statement.principal {
        Some(Principal::Everyone(_)) => Grant::Principal,
        Some(Principal::Named(named)) => named.aws.0.iter().map(one).max().unwrap_or(Grant::Nothing),
        None => Grant::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(toml: &str) -> Vec<Statement> {
        #[derive(serde::Deserialize)]
        struct Holder {
            s: Vec<Statement>,
        }
        toml::from_str::<Holder>(toml).unwrap().s
    }

    fn party() -> Party {
        Party {
            account: "111122223333".into(),
            principal_arn: "arn:aws:iam::111122223333:role/ops/Deploy".into(),
            session_arn: Some("arn:aws:sts::111122223333:assumed-role/Deploy/one".into()),
        }
    }

    fn grant(principal: &str) -> Grant {
        let policy = statements(&format!("[[s]]\nEffect='Allow'\nAction='sts:AssumeRole'\nPrincipal={principal}"));
        trust(&policy, &party(), Ask { action: "sts:AssumeRole", resource: "r", context: &Context::default() })
    }

    #[test]
    fn a_trust_policy_names_sessions_principals_accounts() {
        assert_eq!(grant("{AWS='arn:aws:sts::111122223333:assumed-role/Deploy/one'}"), Grant::Session);
        assert_eq!(grant("{AWS='arn:aws:sts::111122223333:assumed-role/Deploy/two'}"), Grant::Nothing);
        assert_eq!(grant("{AWS='arn:aws:iam::111122223333:role/ops/Deploy'}"), Grant::Principal);
        assert_eq!(grant("{AWS='arn:aws:iam::111122223333:role/Deploy'}"), Grant::Nothing, "the path belongs to the name");
        assert_eq!(grant("{AWS=['444455556666','111122223333']}"), Grant::Account);
        assert_eq!(grant("{AWS='arn:aws:iam::111122223333:root'}"), Grant::Account);
        assert_eq!(grant("{AWS='arn:aws:iam::444455556666:root'}"), Grant::Nothing);
        assert_eq!(grant("'*'"), Grant::Principal);
        assert_eq!(grant("{Service='ec2.amazonaws.com'}"), Grant::Nothing);
    }

    #[test]
    fn a_deny_beats_every_allow() {
        let policy = statements(
            "[[s]]\nEffect='Allow'\nAction='*'\nPrincipal='*'\n[[s]]\nEffect='Deny'\nAction='sts:*'\nPrincipal={AWS='111122223333'}",
        );
        let context = Context::default();
        let ask = Ask { action: "sts:AssumeRole", resource: "r", context: &context };
        assert_eq!(trust(&policy, &party(), ask), Grant::Denied);
        let policy = statements(
            "[[s]]\nEffect='Allow'\nAction='*'\nResource='*'\n[[s]]\nEffect='Deny'\nAction='sts:assumerole'\nResource='r*'",
        );
        assert_eq!(identity(&policy, ask), Verdict::Denied);
        assert_eq!(identity(&policy, Ask { resource: "x", ..ask }), Verdict::Allowed);
    }

    #[test]
    fn not_action_and_not_resource_turn_around() {
        let policy = statements("[[s]]\nEffect='Allow'\nNotAction='iam:*'\nNotResource='arn:secret'");
        let context = Context::default();
        let ask = Ask { action: "sts:AssumeRole", resource: "arn:open", context: &context };
        assert_eq!(identity(&policy, ask), Verdict::Allowed);
        assert_eq!(identity(&policy, Ask { action: "iam:GetUser", ..ask }), Verdict::Silent);
        assert_eq!(identity(&policy, Ask { resource: "arn:secret", ..ask }), Verdict::Silent);
    }
}
