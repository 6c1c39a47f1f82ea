//! A world that is wrong is refused at the start, in words, and not discovered as a strange AccessDenied later.

use std::collections::BTreeSet;

use super::{World, account_of};
use crate::{mfa, policy::Statement};

/// What is wrong with a world, if anything.
pub fn check(world: &World) -> Result<(), String> {
    within("session_token_bytes", world.session_token_bytes, 16, 16_384)?;
    within("packed_policy_limit_bytes", world.packed_policy_limit_bytes, 1, 1 << 20)?;
    let mut accounts = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for account in &world.accounts {
        if account.id.len() != 12 || !account.id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("account {:?}: an id has twelve digits", account.id));
        }
        once(&mut seen, &account.id)?;
        accounts.insert(account.id.as_str());
        if let Some(root) = &account.root {
            key_id(&mut seen, &root.access_key_id)?;
        }
    }
    let arn = |seen: &mut BTreeSet<String>, arn: &str, kind: &str| {
        once(seen, arn)?;
        if !arn.starts_with("arn:") || !arn.split(':').nth(5).is_some_and(|resource| resource.starts_with(kind)) {
            return Err(format!("{arn}: expected arn:aws:iam::ACCOUNT:{kind}NAME"));
        }
        if !accounts.contains(account_of(arn)) {
            return Err(format!("{arn}: its account is not in the list of accounts"));
        }
        Ok(())
    };
    for user in &world.users {
        arn(&mut seen, &user.arn, "user/")?;
        key_id(&mut seen, &user.access_key_id)?;
        statements(&user.arn, &user.policy, Statement::check_identity)?;
        if let Some(device) = &user.mfa {
            once(&mut seen, &device.serial)?;
            mfa::totp(device).map_err(|error| format!("{}: {error}", device.serial))?;
        }
    }
    for role in &world.roles {
        arn(&mut seen, &role.arn, "role/")?;
        within(&format!("{}: max_session_duration", role.arn), role.max_session_duration as usize, 3600, 43_200)?;
        statements(&role.arn, &role.trust, Statement::check_trust)?;
        statements(&role.arn, &role.policy, Statement::check_identity)?;
    }
    for provider in &world.oidc_providers {
        arn(&mut seen, &provider.arn, "oidc-provider/")?;
    }
    for provider in &world.saml_providers {
        arn(&mut seen, &provider.arn, "saml-provider/")?;
    }
    if let Some(organization) = &world.organization {
        let named = organization.delegated_administrators.iter().chain([&organization.management_account]);
        if let Some(unknown) = named.into_iter().find(|id| !accounts.contains(id.as_str())) {
            return Err(format!("organization: {unknown} is not in the list of accounts"));
        }
    }
    for policy in &world.policies {
        arn(&mut seen, &policy.arn, "policy/")?;
        statements(&policy.arn, &policy.statements, Statement::check_identity)?;
    }
    Ok(())
}

fn within(name: &str, value: usize, least: usize, most: usize) -> Result<(), String> {
    if (least..=most).contains(&value) { Ok(()) } else { Err(format!("{name} is {value}: expected {least} to {most}")) }
}

fn once(seen: &mut BTreeSet<String>, name: &str) -> Result<(), String> {
    if seen.insert(name.to_owned()) { Ok(()) } else { Err(format!("{name} is there twice")) }
}

fn key_id(seen: &mut BTreeSet<String>, id: &str) -> Result<(), String> {
    // GetAccessKeyInfo's limits in the service model.
    within(&format!("length of access key id {id}"), id.len(), 16, 128)?;
    once(seen, id)
}

fn statements(of: &str, list: &[Statement], check: fn(&Statement) -> Result<(), String>) -> Result<(), String> {
    list.iter().try_for_each(|statement| check(statement).map_err(|error| format!("{of}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::super::{BUILT_IN, World};

    #[test]
    fn a_wrong_world_is_refused_in_words() {
        let cases = [
            ("id = \"444455556666\"", "id = \"44445555666\"", "twelve digits"),
            ("id = \"444455556666\"", "id = \"111122223333\"", "twice"),
            ("AKIAFAKEBOB000000001", "AKIAFAKEALICE0000001", "twice"),
            ("AKIAFAKEBOB000000001", "AKIA", "expected 16 to 128"),
            ("id = \"777788889999\"", "id = \"777788889990\"", "not in the list of accounts"),
            ("max_session_duration = 7200", "max_session_duration = 60", "expected 3600 to 43200"),
            ("FAKEALICEFAKEALICEFAKEALICEFAKEA", "not base 32!", "base32"),
            ("Bool =", "Boole =", "Unknown condition operator Boole"),
            ("session_token_bytes = 460", "session_token_bytes = 4", "expected 16"),
            ("[[policies]]", "[[polices]]", "unknown field"),
        ];
        for (from, to, expected) in cases {
            assert!(BUILT_IN.contains(from), "{from}");
            let message = World::parse(&BUILT_IN.replacen(from, to, 1)).unwrap_err();
            assert!(message.contains(expected), "{to}: {message}");
        }
    }
}
