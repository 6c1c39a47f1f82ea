//! What would come of requests that are not sent: who signs each, what STS's rules make of it, and what the result cannot do.
//! Nothing is asked, and nothing is looked up.

use crate::values::{
    display_duration,
    request::{Inherited, LimitError, Request, SignerKind, TokenSource},
};

/// One request to STS that would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The request.
    pub request: Request,
    /// What kind of caller signs it. [`SignerKind::Unknown`] for one that nobody signs as well.
    pub signer: SignerKind,
    /// How long the result would last, in seconds, unless the role allows less.
    pub duration_seconds: i32,
    /// The rule that holds the duration down, where one does.
    pub cap: Option<String>,
    /// What has to be shown besides a signature.
    pub proof: Option<Proof>,
    /// What the result will not be able to do.
    pub cannot: Vec<String>,
    /// What STS may refuse, or take otherwise than meant.
    pub warnings: Vec<String>,
    /// Why it would be refused.
    pub refusal: Option<LimitError>,
}

/// What a request needs besides a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The present code of an MFA device.
    MfaCode {
        /// The device.
        serial_number: String,
    },
    /// A web identity token or a SAML assertion.
    Token {
        /// AWS's name of the parameter.
        parameter: &'static str,
        /// Where it is found; none if it is given once.
        source: Option<TokenSource>,
    },
    /// The assertions of trusted contexts, given once.
    ContextAssertions,
}

/// What would come of `requests`, each signed by what the one before it gives, and the first one by `signer`.
pub fn calls(signer: SignerKind, inherited: &Inherited, requests: &[Request]) -> Vec<Call> {
    let (mut signer, mut inherited) = (signer, inherited.clone());
    let mut calls = Vec::new();
    for request in requests {
        if !request.is_signed() {
            (signer, inherited) = (SignerKind::Unknown, Inherited::default());
        }
        calls.push(call(signer, &inherited, request));
        inherited.add(request);
        signer = request.yields();
    }
    calls
}

/// Whether a code would be asked for again at every renewal, although one session could carry it: the MFA device.
pub fn session_instead(calls: &[Call]) -> Option<&str> {
    calls.iter().find_map(|call| match (&call.request, &call.proof) {
        (Request::AssumeRole(_), Some(Proof::MfaCode { serial_number })) if call.refusal.is_none() => {
            Some(serial_number.as_str())
        }
        _ => None,
    })
}

fn call(signer: SignerKind, inherited: &Inherited, request: &Request) -> Call {
    let refusal = request.check(signer).and_then(|()| inherited.check(request)).err();
    let (duration_seconds, cap) = duration(signer, request);
    Call {
        signer,
        duration_seconds,
        cap,
        proof: proof(request),
        cannot: cannot(request),
        warnings: request.warnings(),
        refusal,
        request: request.clone(),
    }
}

/// STS's defaults and ceilings: those of each operation's reference.
fn duration(signer: SignerKind, request: &Request) -> (i32, Option<String>) {
    const HOUR: i32 = 3600;
    let capped = |asked: Option<i32>, usual: i32, most: i32, rule: &str| {
        let seconds = asked.unwrap_or(usual).min(most);
        let cap = (seconds == most).then(|| format!("{rule}: at most {}", display_duration(most.into())));
        (seconds, cap)
    };
    match (request, signer) {
        (Request::AssumeRole(role), SignerKind::RoleSession) => {
            capped(role.duration_seconds, HOUR, HOUR, "a role that a role session assumes")
        }
        (Request::AssumeRole(role), _) => (role.duration_seconds.unwrap_or(HOUR), None),
        (Request::AssumeRoleWithWebIdentity(role), _) => (role.duration_seconds.unwrap_or(HOUR), None),
        (Request::AssumeRoleWithSaml(role), _) => (role.duration_seconds.unwrap_or(HOUR), None),
        (Request::GetSessionToken(session), SignerKind::Root) => {
            capped(session.duration_seconds, HOUR, HOUR, "a session of the account root")
        }
        (Request::GetFederationToken(user), SignerKind::Root) => {
            capped(user.duration_seconds, HOUR, HOUR, "a federation token of the account root")
        }
        (Request::GetSessionToken(session), _) => (session.duration_seconds.unwrap_or(12 * HOUR), None),
        (Request::GetFederationToken(user), _) => (user.duration_seconds.unwrap_or(12 * HOUR), None),
        (Request::AssumeRoot(root), _) => capped(root.duration_seconds, 900, 900, "a member account's root"),
    }
}

fn proof(request: &Request) -> Option<Proof> {
    let token = |parameter| Some(Proof::Token { parameter, source: request.token_source().cloned() });
    match request {
        Request::AssumeRoleWithWebIdentity(_) => token("WebIdentityToken"),
        Request::AssumeRoleWithSaml(_) => token("SAMLAssertion"),
        Request::AssumeRole(role) if !role.provided_contexts.is_empty() => Some(Proof::ContextAssertions),
        _ => request.serial_number().map(|serial| Proof::MfaCode { serial_number: serial.to_owned() }),
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html>, and for the last one
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html>.
fn cannot(request: &Request) -> Vec<String> {
    let words: &[&str] = match request.yields() {
        SignerKind::RoleSession => &[
            "call GetSessionToken or GetFederationToken",
            "assume a role for more than 1h",
            "show an MFA device, or carry one on, to a role that requires it",
        ],
        SignerKind::SessionToken { mfa: Some(true) } => &["call anything of STS but AssumeRole and GetCallerIdentity"],
        SignerKind::SessionToken { .. } => &[
            "call the IAM API, which takes a session with MFA",
            "call anything of STS but AssumeRole and GetCallerIdentity",
            "show an MFA device to a role that requires it",
        ],
        SignerKind::FederatedUser => &["assume roles: of STS it can call GetCallerIdentity only", "call the IAM API"],
        SignerKind::RootSession => &["do anything but the task", "assume roles: of STS it can call GetCallerIdentity only"],
        SignerKind::LongTerm | SignerKind::Root | SignerKind::Unknown => &[],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::request::{AssumeRole, GetFederationToken, GetSessionToken};

    const DEVICE: &str = "arn:aws:iam::111122223333:mfa/alice";

    fn role(name: &str, seconds: Option<i32>, device: Option<&str>) -> Request {
        Request::AssumeRole(AssumeRole {
            role_arn: format!("arn:aws:iam::111122223333:role/{name}"),
            role_session_name: "me".into(),
            duration_seconds: seconds,
            serial_number: device.map(str::to_owned),
            ..AssumeRole::default()
        })
    }

    fn session(seconds: Option<i32>, device: Option<&str>) -> Request {
        Request::GetSessionToken(GetSessionToken {
            duration_seconds: seconds,
            serial_number: device.map(str::to_owned),
            ..GetSessionToken::default()
        })
    }

    #[test]
    fn each_call_is_signed_by_what_the_one_before_it_gives() {
        let requests = [session(Some(129_600), Some(DEVICE)), role("One", None, None), role("Two", Some(7200), None)];
        let found = calls(SignerKind::LongTerm, &Inherited::default(), &requests);
        let kinds: Vec<_> = found.iter().map(|call| call.signer).collect();
        assert_eq!(kinds, [SignerKind::LongTerm, SignerKind::SessionToken { mfa: Some(true) }, SignerKind::RoleSession]);
        let lasts: Vec<_> = found.iter().map(|call| (call.duration_seconds, call.cap.is_some())).collect();
        assert_eq!(lasts, [(129_600, false), (3600, false), (3600, true)]);
        let refused: Vec<_> = found.iter().map(|call| call.refusal.is_some()).collect();
        assert_eq!(refused, [false, false, true], "two hours are more than a chain allows");
        assert_eq!(session_instead(&found), None, "the session asks once");
    }

    #[test]
    fn a_code_that_nobody_can_show_is_refused_and_one_that_comes_again_and_again_is_pointed_out() {
        let requests = [role("One", None, Some(DEVICE)), role("Two", None, Some(DEVICE))];
        let found = calls(SignerKind::LongTerm, &Inherited::default(), &requests);
        assert!(found[0].refusal.is_none() && found[1].refusal.is_some());
        assert_eq!(session_instead(&found), Some(DEVICE));
    }

    #[test]
    fn what_the_root_asks_for_lasts_an_hour() {
        let user = Request::GetFederationToken(GetFederationToken { name: "ci".into(), ..GetFederationToken::default() });
        for request in [session(None, None), user] {
            let found = calls(SignerKind::Root, &Inherited::default(), &[request]);
            assert_eq!(found[0].duration_seconds, 3600);
            assert!(found[0].cap.is_some() && found[0].refusal.is_none());
        }
    }
}
