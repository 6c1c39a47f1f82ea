//! Limits of the operations that came later: those that nobody signs, and AssumeRoot.

use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/Ci";
const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/idp";

fn web_identity(change: impl FnOnce(&mut AssumeRoleWithWebIdentity)) -> Request {
    let mut request = AssumeRoleWithWebIdentity { role_arn: ROLE.into(), role_session_name: "job".into(), ..Default::default() };
    change(&mut request);
    Request::AssumeRoleWithWebIdentity(request)
}

fn saml(change: impl FnOnce(&mut AssumeRoleWithSaml)) -> Request {
    let mut request = AssumeRoleWithSaml { role_arn: ROLE.into(), principal_arn: PROVIDER.into(), ..Default::default() };
    change(&mut request);
    Request::AssumeRoleWithSaml(request)
}

fn root(change: impl FnOnce(&mut AssumeRoot)) -> Request {
    let mut request = AssumeRoot {
        target_principal: "444455556666".into(),
        task_policy_arn: AssumeRoot::task_policy("S3UnlockBucketPolicy"),
        duration_seconds: None,
    };
    change(&mut request);
    Request::AssumeRoot(request)
}

#[track_caller]
fn fails(request: &Request, parameter: Parameter) {
    let error = request.check(SignerKind::Unknown).unwrap_err();
    assert_eq!(error.parameter, parameter, "{error}");
}

#[track_caller]
fn passes(request: &Request) {
    assert_eq!(request.check(SignerKind::Unknown), Ok(()));
}

#[test]
fn durations_have_both_edges() {
    for seconds in [900, 43_200] {
        passes(&web_identity(|it| it.duration_seconds = Some(seconds)));
        passes(&saml(|it| it.duration_seconds = Some(seconds)));
    }
    for seconds in [899, 43_201] {
        fails(&web_identity(|it| it.duration_seconds = Some(seconds)), Parameter::DurationSeconds);
        fails(&saml(|it| it.duration_seconds = Some(seconds)), Parameter::DurationSeconds);
    }
    passes(&root(|it| it.duration_seconds = Some(1)));
    passes(&root(|it| it.duration_seconds = Some(900)));
    for seconds in [0, 901] {
        fails(&root(|it| it.duration_seconds = Some(seconds)), Parameter::DurationSeconds);
    }
}

#[test]
fn policies_and_names_are_those_of_roles() {
    let policy = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
    for request in [web_identity(|it| it.policy = Some(policy(2048))), saml(|it| it.policy = Some(policy(2048)))] {
        passes(&request);
    }
    for request in [web_identity(|it| it.policy = Some(policy(2049))), saml(|it| it.policy = Some(policy(2049)))] {
        fails(&request, Parameter::Policy);
    }
    let eleven = || vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned(); 11];
    fails(&web_identity(|it| it.policy_arns = eleven()), Parameter::PolicyArns);
    fails(&saml(|it| it.policy_arns = eleven()), Parameter::PolicyArns);
    fails(&web_identity(|it| it.role_session_name = "x".into()), Parameter::RoleSessionName);
    for arn in ["Ci", "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::1:role/Short"] {
        fails(&web_identity(|it| it.role_arn = arn.into()), Parameter::RoleArn);
        fails(&saml(|it| it.role_arn = arn.into()), Parameter::RoleArn);
    }
}

#[test]
fn providers_are_those_that_there_are() {
    for provider in ["www.amazon.com", "graph.facebook.com"] {
        passes(&web_identity(|it| it.provider_id = Some(provider.into())));
    }
    fails(&web_identity(|it| it.provider_id = Some("accounts.google.com".into())), Parameter::ProviderId);
    for arn in ["idp", "arn:aws:iam::111122223333:role/Ci", "arn:aws:iam::111122223333:oidc-provider/idp.example"] {
        fails(&saml(|it| it.principal_arn = arn.into()), Parameter::PrincipalArn);
    }
}

#[test]
fn roots_are_those_of_accounts_and_for_tasks_that_there_are() {
    for target in ["444455556666", "arn:aws:iam::444455556666:root", "arn:aws-cn:iam::444455556666:root"] {
        passes(&root(|it| it.target_principal = target.into()));
    }
    for target in
        ["44445555666", "4444555566667", "44445555666x", "arn:aws:iam::444455556666:user/alice", "x:iam::444455556666:root"]
    {
        fails(&root(|it| it.target_principal = target.into()), Parameter::TargetPrincipal);
    }
    for task in TASK_POLICIES {
        passes(&root(|it| it.task_policy_arn = AssumeRoot::task_policy(task)));
        passes(&root(|it| it.task_policy_arn = format!("arn:aws:iam::aws:policy/root-task/{task}")));
    }
    for task in ["AdministratorAccess", "arn:aws:iam::aws:policy/S3UnlockBucketPolicy", ""] {
        fails(&root(|it| it.task_policy_arn = AssumeRoot::task_policy(task)), Parameter::TaskPolicyArn);
    }
    let Request::AssumeRoot(request) = root(|_| ()) else { unreachable!() };
    let identity = request.identity().unwrap();
    assert_eq!((identity.arn.as_str(), identity.account.as_str()), ("arn:aws:iam::444455556666:root", "444455556666"));
}

#[test]
fn who_may_assume_a_root_and_what_its_session_may() {
    use SignerKind::*;
    for signer in [LongTerm, RoleSession, Unknown] {
        assert_eq!(root(|_| ()).check(signer), Ok(()));
    }
    for signer in [Root, FederatedUser, RootSession, SessionToken { mfa: Some(true) }] {
        assert_eq!(root(|_| ()).check(signer).unwrap_err().parameter, Parameter::Signer, "{signer:?}");
    }
    let assume = AssumeRole { role_arn: ROLE.into(), role_session_name: "me".into(), ..AssumeRole::default() };
    for request in [
        Request::AssumeRole(assume),
        Request::GetSessionToken(GetSessionToken::default()),
        Request::GetFederationToken(GetFederationToken { name: "ci".into(), ..GetFederationToken::default() }),
    ] {
        assert_eq!(request.check(RootSession).unwrap_err().parameter, Parameter::Signer);
    }
}

#[test]
fn tokens_have_both_edges_and_are_never_shown() {
    let given = |length: usize| OneTime { token: Some("x".repeat(length).into()), ..OneTime::default() };
    for (request, most, parameter) in
        [(web_identity(|_| ()), 20_000, Parameter::WebIdentityToken), (saml(|_| ()), 100_000, Parameter::SamlAssertion)]
    {
        for length in [4, most] {
            assert_eq!(given(length).check(&request), Ok(()));
        }
        for length in [0, 3, most + 1] {
            let error = given(length).check(&request).unwrap_err();
            assert_eq!((error.parameter, &error.value), (parameter, &None));
        }
        assert_eq!(OneTime::default().check(&request).unwrap_err().parameter, parameter);
    }
    assert!(!format!("{:?}", given(4)).contains("xxxx"));
}

#[test]
fn what_is_recorded_is_aws_s_own_words_and_where_the_token_is() {
    let request = web_identity(|it| it.token_source = Some(TokenSource::File("/run/token".into())));
    let text = serde_json::to_string(&request).unwrap();
    let expected = format!(
        r#"{{"operation":"AssumeRoleWithWebIdentity","role_arn":"{ROLE}","role_session_name":"job","token_source":{{"file":"/run/token"}}}}"#
    );
    assert_eq!(text, expected);
    let command = saml(|it| it.token_source = Some(TokenSource::Command(vec!["idp".into(), "assertion".into()])));
    let text = serde_json::to_string(&command).unwrap();
    assert!(
        text.contains(r#""operation":"AssumeRoleWithSAML""#) && text.contains(r#"{"command":["idp","assertion"]}"#),
        "{text}"
    );
    for request in [request, command, root(|_| ())] {
        assert_eq!(serde_json::from_str::<Request>(&serde_json::to_string(&request).unwrap()).unwrap(), request);
    }
    // Another place of the token is the same request.
    assert!(web_identity(|_| ()).asks_the_same(&web_identity(|it| it.token_source = Some(TokenSource::File("/t".into())))));
    assert!(!web_identity(|_| ()).asks_the_same(&web_identity(|it| it.duration_seconds = Some(900))));
}
