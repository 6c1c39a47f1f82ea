//! Whether the identity that STS's answer names is the one that was asked for. Nothing else decides it.

use super::Request;
use crate::values::{Arn, Identity};

/// What is known about the credentials of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answered<'a> {
    /// The identity that the answer names.
    pub identity: Option<&'a Identity>,
    /// Their access key id.
    pub access_key_id: &'a str,
    /// The identity of the signer, where it is known.
    pub signer: Option<&'a Identity>,
    /// The signer's access key id.
    pub signer_key_id: Option<&'a str>,
    /// The identity of the credential set that these renew.
    pub renews: Option<&'a Identity>,
}

/// STS issued credentials of another identity than was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnotherIdentity {
    /// The ARN that was asked for; `*` stands for what the request leaves open.
    pub asked: String,
    /// The ARN of the answer, or what is known of it.
    pub given: String,
}

impl Request {
    /// Compares the identity of an answer with the one that was asked for.
    ///
    /// # Errors
    ///
    /// Where they differ, both.
    pub fn check_identity(&self, answered: &Answered<'_>) -> Result<(), AnotherIdentity> {
        let Answered { identity, access_key_id, signer, signer_key_id, renews } = *answered;
        let given = || identity.map_or_else(|| "an identity without a name".to_owned(), |identity| identity.arn.clone());
        let arn = identity.and_then(|identity| identity.arn.parse::<Arn>().ok());
        if let Some(old) = renews.filter(|_| identity.is_some())
            && !arn.as_ref().zip(old.arn.parse().ok()).is_some_and(|(new, old)| is_same(new, &old))
        {
            return Err(AnotherIdentity { asked: old.arn.clone(), given: given() });
        }
        if let Some(expected) = self.expected(signer)
            && !arn.as_ref().is_some_and(|arn| expected.is_met_by(arn))
        {
            return Err(AnotherIdentity { asked: expected.to_string(), given: given() });
        }
        // The answer of GetSessionToken names no identity. At AWS an access key id tells its account, and that of a session begins
        // with ASIA; emulators may give one key for all.
        if let (Request::GetSessionToken(_), Some(signer), Some(signers)) = (self, signer, signer_key_id)
            && account_of_key(signers).is_some_and(|account| account == signer.account)
            && let Some(account) = account_of_key(access_key_id).filter(|account| *account != signer.account)
            && access_key_id.starts_with("ASIA")
        {
            return Err(AnotherIdentity { asked: signer.arn.clone(), given: format!("{access_key_id} of account {account}") });
        }
        Ok(())
    }

    /// What the answer's ARN has to be; `None` where the answer names no identity.
    fn expected(&self, signer: Option<&Identity>) -> Option<Expected> {
        match self {
            Request::AssumeRole(request) => Expected::session(&request.role_arn, Some(&request.role_session_name)),
            Request::AssumeRoleWithWebIdentity(request) => Expected::session(&request.role_arn, Some(&request.role_session_name)),
            // The assertion names the session.
            Request::AssumeRoleWithSaml(request) => Expected::session(&request.role_arn, None),
            Request::GetFederationToken(request) => {
                let signer = signer.and_then(|signer| signer.arn.parse::<Arn>().ok());
                let (partition, account) = signer.map(|signer| (signer.partition, signer.account)).unzip();
                Some(Expected { partition, account, kind: "federated-user", role: None, name: Some(request.name.clone()) })
            }
            Request::GetSessionToken(_) | Request::AssumeRoot(_) => None,
        }
    }
}

/// An identity of STS's, as far as a request determines it.
struct Expected {
    partition: Option<String>,
    account: Option<String>,
    kind: &'static str,
    role: Option<String>,
    name: Option<String>,
}

impl Expected {
    /// A session of a role, whose ARN has its path and the session's has not.
    fn session(role_arn: &str, name: Option<&str>) -> Option<Expected> {
        let role: Arn = role_arn.parse().ok()?;
        let name_of_role = role.resource.rsplit('/').next().unwrap_or_default().to_owned();
        Some(Expected {
            partition: Some(role.partition),
            account: Some(role.account),
            kind: "assumed-role",
            role: Some(name_of_role),
            name: name.map(str::to_owned),
        })
    }

    fn is_met_by(&self, arn: &Arn) -> bool {
        let is = |expected: &Option<String>, given: &str| expected.as_ref().is_none_or(|expected| expected == given);
        let mut parts = arn.resource.split('/');
        let has_kind = parts.next() == Some(self.kind);
        // IAM has no two roles whose names differ only in case.
        let has_role = match &self.role {
            Some(role) => parts.next().is_some_and(|given| given.eq_ignore_ascii_case(role)),
            None => true,
        };
        let name = parts.next().unwrap_or_default();
        arn.service == "sts"
            && is(&self.partition, &arn.partition)
            && is(&self.account, &arn.account)
            && has_kind
            && has_role
            && !name.is_empty()
            && is(&self.name, name)
            && parts.next().is_none()
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or_any = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
        let role = self.role.as_ref().map(|role| format!("{role}/")).unwrap_or_default();
        let (partition, account, name) = (or_any(&self.partition), or_any(&self.account), or_any(&self.name));
        write!(f, "arn:{partition}:sts::{account}:{}/{role}{name}", self.kind)
    }
}

/// Whether two ARNs name one identity. A role's session may have its role's name in another case.
fn is_same(one: &Arn, other: &Arn) -> bool {
    let folded = |arn: &Arn| {
        let mut parts: Vec<_> = arn.resource.split('/').map(str::to_owned).collect();
        if let (true, Some(role)) = (arn.is_role_session(), parts.get_mut(1)) {
            role.make_ascii_lowercase();
        }
        Arn { resource: parts.join("/"), ..arn.clone() }
    };
    folded(one) == folded(other)
}

/// The account that an access key id of AWS's has in it: 40 bits behind the prefix, in base 32. Emulators make up their own.
fn account_of_key(access_key_id: &str) -> Option<String> {
    let coded = access_key_id.strip_prefix("ASIA").or_else(|| access_key_id.strip_prefix("AKIA")).filter(|it| it.len() == 16)?;
    let mut bits: u128 = 0;
    for character in coded.bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'2'..=b'7' => character - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u128::from(value);
    }
    // Of the 80 bits the first is not the account's.
    let account = (bits >> 39) & ((1 << 40) - 1);
    (account < 1_000_000_000_000).then(|| format!("{account:012}"))
}

#[cfg(test)]
#[path = "expected_tests.rs"]
mod tests;
