//! AssumeRoleWithWebIdentity, AssumeRoleWithSAML and AssumeRoot on the built-in world.

use super::super::testing::Bench;
use crate::{
    caller::{Caller, Kind},
    providers::{oidc, saml},
    wire::Refusal,
};

const CI: &str = "arn:aws:iam::111122223333:role/Ci";
const STAFF: &str = "arn:aws:iam::111122223333:role/sso/Staff";
const IDP: &str = "arn:aws:iam::111122223333:saml-provider/idp";

fn nobody() -> Caller {
    Caller { kind: Kind::Nobody, session: None }
}

fn wish() -> oidc::Wish {
    oidc::Wish { subject: "repo:example/app".into(), seconds: 60, ..oidc::Wish::default() }
}

fn token(bench: &Bench, wish: &oidc::Wish) -> String {
    oidc::mint(&bench.world.oidc_providers[0], wish, bench.now).unwrap()
}

fn web(bench: &mut Bench, token: &str, more: &[(&str, &str)]) -> Result<String, Refusal> {
    let given = [("RoleArn", CI), ("RoleSessionName", "job"), ("WebIdentityToken", token)];
    bench.call("AssumeRoleWithWebIdentity", &nobody(), &[&given, more].concat())
}

fn assertion(bench: &Bench, change: impl FnOnce(&mut saml::Wish)) -> String {
    let mut wish = saml::Wish { roles: vec![STAFF.into()], session_name: "alice@example.com".into(), ..saml::Wish::default() };
    change(&mut wish);
    saml::mint(&bench.world.saml_providers[0], &wish, bench.now)
}

fn by_saml(bench: &mut Bench, assertion: &str, more: &[(&str, &str)]) -> Result<String, Refusal> {
    let given = [("RoleArn", STAFF), ("PrincipalArn", IDP), ("SAMLAssertion", assertion)];
    bench.call("AssumeRoleWithSAML", &nobody(), &[&given, more].concat())
}

#[test]
fn a_token_of_the_provider_gives_a_session_with_its_tags() {
    let mut bench = Bench::new();
    let wish = oidc::Wish {
        tags: vec![("team".into(), "blue".into())],
        transitive: vec!["team".into()],
        source_identity: Some("alice".into()),
        ..wish()
    };
    let token = token(&bench, &wish);
    let parameters = [("RoleArn", CI), ("RoleSessionName", "job"), ("WebIdentityToken", token.as_str())];
    let made = bench.session("AssumeRoleWithWebIdentity", &nobody(), &parameters);
    for text in [
        "<Arn>arn:aws:sts::111122223333:assumed-role/Ci/job</Arn>",
        "<SubjectFromWebIdentityToken>repo:example/app</SubjectFromWebIdentityToken>",
        "<Audience>sts.example.com</Audience>",
        "<Provider>arn:aws:iam::111122223333:oidc-provider/idp.example.com</Provider>",
        "<SourceIdentity>alice</SourceIdentity>",
    ] {
        assert!(made.answer.contains(text), "{text}: {}", made.answer);
    }
    let facts = made.caller.session.clone().unwrap();
    assert_eq!((facts.source_identity.as_deref(), facts.tags.all["team"].as_str()), (Some("alice"), "blue"));
    // It is a role session like any other: an hour down the chain, and no session of its own.
    let refusal = bench.refuse_assume(&made.caller, "444455556666:role/ReadOnly", &[("DurationSeconds", "3601")]);
    assert!(refusal.message.contains("role chaining") || refusal.code == "AccessDenied", "{refusal:?}");
    assert_eq!(bench.refusal("GetSessionToken", &made.caller, &[]).code, "AccessDenied");
}

#[test]
fn tokens_that_are_not_in_order_are_refused_in_aws_s_codes() {
    let mut bench = Bench::new();
    let good = token(&bench, &wish());
    assert!(web(&mut bench, &good, &[]).is_ok());
    let (signed, _) = good.rsplit_once('.').unwrap();
    for (token, code) in [
        ("not a token at all".to_owned(), "InvalidIdentityToken"),
        ("a.b.c".to_owned(), "InvalidIdentityToken"),
        (format!("{signed}.AAAA"), "InvalidIdentityToken"),
        (token(&bench, &oidc::Wish { audience: Some("elsewhere".into()), ..wish() }), "InvalidIdentityToken"),
        (token(&bench, &oidc::Wish { seconds: 0, ..wish() }), "ExpiredTokenException"),
        (token(&bench, &oidc::Wish { subject: "repo:other/app".into(), ..wish() }), "AccessDenied"),
        ("x".repeat(3), "ValidationError"),
        ("x".repeat(20_001), "ValidationError"),
    ] {
        let refusal = web(&mut bench, &token, &[]).unwrap_err();
        assert_eq!(refusal.code, code, "{refusal:?}");
        assert!(!refusal.message.contains(&token), "a token is a secret");
    }
    for (name, value, code) in [
        ("DurationSeconds", "899", "ValidationError"),
        ("DurationSeconds", "7201", "ValidationError"),
        ("ProviderId", "www.amazon.com", "InvalidParameterValue"),
        ("RoleArn", STAFF, "AccessDenied"),
        ("RoleArn", "arn:aws:iam::444455556666:role/ReadOnly", "InvalidIdentityToken"),
    ] {
        let refusal = web(&mut bench, &good, &[(name, value)]).unwrap_err();
        assert_eq!(refusal.code, code, "{name} {value}: {refusal:?}");
    }
}

#[test]
fn an_assertion_gives_the_session_that_it_says() {
    let mut bench = Bench::new();
    let said = assertion(&bench, |wish| {
        wish.session_seconds = Some(1800);
        wish.tags = vec![("team".into(), "a/b+c".into())];
        wish.source_identity = Some("alice".into());
    });
    let parameters = [("RoleArn", STAFF), ("PrincipalArn", IDP), ("SAMLAssertion", said.as_str())];
    let made = bench.session("AssumeRoleWithSAML", &nobody(), &parameters);
    for text in [
        "<Arn>arn:aws:sts::111122223333:assumed-role/Staff/alice@example.com</Arn>",
        "<Issuer>https://idp.example.com/saml</Issuer>",
        "<SubjectType>persistent</SubjectType>",
        "<SourceIdentity>alice</SourceIdentity>",
    ] {
        assert!(made.answer.contains(text), "{text}: {}", made.answer);
    }
    assert_eq!(made.seconds, 1800, "the shorter of the two");
    assert_eq!(made.caller.session.unwrap().tags.all["team"], "a/b+c");
}

#[test]
fn assertions_that_are_not_in_order_are_refused_in_aws_s_codes() {
    let mut bench = Bench::new();
    let good = assertion(&bench, |_| ());
    assert!(by_saml(&mut bench, &good, &[]).is_ok());
    let other_role = assertion(&bench, |wish| wish.roles = vec![CI.into()]);
    for (assertion, code) in
        [(other_role.as_str(), "AccessDenied"), ("%%%%", "InvalidIdentityToken"), ("AAAA", "InvalidIdentityToken")]
    {
        let refusal = by_saml(&mut bench, assertion, &[]).unwrap_err();
        assert_eq!(refusal.code, code, "{refusal:?}");
    }
    let unknown = ("PrincipalArn", "arn:aws:iam::111122223333:saml-provider/other");
    assert_eq!(by_saml(&mut bench, &good, &[unknown]).unwrap_err().code, "InvalidIdentityToken");
    // Five minutes.
    bench.now += jiff::SignedDuration::from_secs(299);
    assert!(by_saml(&mut bench, &good, &[]).is_ok());
    bench.now += jiff::SignedDuration::from_secs(1);
    assert_eq!(by_saml(&mut bench, &good, &[]).unwrap_err().code, "ExpiredTokenException");
}

#[test]
fn a_member_s_root_is_for_the_management_account_alone_and_may_do_nothing_of_sts() {
    let mut bench = Bench::new();
    let task = "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy";
    let given = [("TargetPrincipal", "444455556666"), ("TaskPolicyArn.arn", task)];
    let made = bench.session("AssumeRoot", &Bench::user("alice"), &given);
    assert_eq!((made.caller.arn().as_str(), made.seconds), ("arn:aws:iam::444455556666:root", 900));
    assert!(bench.call("GetCallerIdentity", &made.caller, &[]).unwrap().contains("<Account>444455556666</Account>"));
    for action in ["GetSessionToken", "AssumeRoot"] {
        assert_eq!(bench.refusal(action, &made.caller, &given).code, "AccessDenied", "{action}");
    }
    assert_eq!(bench.refuse_assume(&made.caller, "444455556666:role/ReadOnly", &[]).code, "AccessDenied");
    for caller in [Bench::root(), Bench::user("bob")] {
        assert_eq!(bench.refusal("AssumeRoot", &caller, &given).code, "AccessDenied");
    }
    for (name, value, code) in [
        ("TargetPrincipal", "111122223333", "AccessDenied"),
        ("TargetPrincipal", "999999999999", "AccessDenied"),
        ("TargetPrincipal", "4444", "ValidationError"),
        ("TaskPolicyArn.arn", "arn:aws:iam::aws:policy/AdministratorAccess", "ValidationError"),
        ("DurationSeconds", "901", "ValidationError"),
    ] {
        let refusal = bench.refusal("AssumeRoot", &Bench::user("alice"), &[&given[..], &[(name, value)]].concat());
        assert_eq!(refusal.code, code, "{name} {value}: {refusal:?}");
    }
    let mut elsewhere = Bench::with("management_account = \"111122223333\"", "management_account = \"777788889999\"");
    assert_eq!(elsewhere.refusal("AssumeRoot", &Bench::user("alice"), &given).code, "AccessDenied");
}

#[test]
fn what_a_provider_says_has_the_limits_of_what_a_caller_says() {
    let mut bench = Bench::new();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let many = || (0..51).map(|i| pair(&format!("k{i}"), "")).collect::<Vec<_>>();
    let identity = "Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"";
    for (tags, transitive, source_identity, words) in [
        (vec![], None, Some("a b"), identity),
        (vec![], None, Some("a"), identity),
        (vec![], None, Some("aws:alice"), identity),
        (vec![pair("aws:x", "")], None, None, "reserved prefix"),
        (vec![pair("team", ""), pair("TEAM", "")], None, None, "Duplicate tag keys"),
        (vec![pair("a,b", "")], None, None, "'tags.1.member.key'"),
        (vec![pair("team", &"v".repeat(257))], None, None, "'tags.1.member.value'"),
        (many(), None, None, "'tags'"),
        (vec![pair("team", "")], Some("cost"), None, "must be included in the requested tags"),
    ] {
        let transitive: Vec<String> = transitive.into_iter().map(str::to_owned).collect();
        let source_identity = source_identity.map(str::to_owned);
        let by_token =
            oidc::Wish { tags: tags.clone(), transitive: transitive.clone(), source_identity: source_identity.clone(), ..wish() };
        let by_token = token(&bench, &by_token);
        let by_assertion = assertion(&bench, |wish| {
            (wish.tags, wish.transitive, wish.source_identity) = (tags, transitive, source_identity);
        });
        let refusals = [web(&mut bench, &by_token, &[]), by_saml(&mut bench, &by_assertion, &[])].map(Result::unwrap_err);
        for refusal in refusals {
            assert!(refusal.status == 400 && refusal.message.contains(words), "{words}: {refusal:?}");
        }
    }
    let name = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}";
    for session_name in ["a b", "a", "a/b", &"x".repeat(65)] {
        let named = assertion(&bench, |wish| wish.session_name = session_name.to_owned());
        let refusal = by_saml(&mut bench, &named, &[]).unwrap_err();
        assert_eq!((refusal.code, refusal.message.as_str()), ("InvalidIdentityToken", name));
    }
}

/// A token with one claim changed.
fn changed(bench: &Bench, name: &str, value: serde_json::Value) -> String {
    oidc::mint_with(&bench.world.oidc_providers[0], &wish(), bench.now, |claims| claims[name] = value).unwrap()
}

#[test]
fn claims_are_read_as_jwts_have_them() {
    let mut bench = Bench::new();
    let now = bench.now.as_second();
    for (name, value) in [
        ("aud", serde_json::json!(["another", "sts.example.com"])),
        ("exp", serde_json::json!(now as f64 + 60.5)),
        ("nbf", serde_json::json!(now)),
    ] {
        let token = changed(&bench, name, value);
        let answer = web(&mut bench, &token, &[]).unwrap();
        assert!(answer.contains("<Audience>sts.example.com</Audience>"), "{name}: {answer}");
    }
    for (name, value) in [("aud", serde_json::json!(["another"])), ("nbf", serde_json::json!(now + 1))] {
        let token = changed(&bench, name, value);
        assert_eq!(web(&mut bench, &token, &[]).unwrap_err().code, "InvalidIdentityToken", "{name}");
    }
}

#[test]
fn an_assertion_has_to_be_a_success_for_aws_and_fresh() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let mut bench = Bench::new();
    let xml = String::from_utf8(BASE64_STANDARD.decode(assertion(&bench, |_| ())).unwrap()).unwrap();
    let audience = "Response does not contain the required audience.";
    for (from, to, code, words) in [
        ("status:Success", "status:Responder", "IDPRejectedClaim", ""),
        ("Recipient=\"https://signin", "Recipient=\"https://elsewhere", "InvalidIdentityToken", audience),
        ("<saml:Audience>https://signin", "<saml:Audience>https://elsewhere", "InvalidIdentityToken", audience),
        ("Data NotOnOrAfter=\"2026", "Data NotOnOrAfter=\"2025", "ExpiredTokenException", "Response has expired"),
        ("\" NotOnOrAfter=\"2026", "\" NotOnOrAfter=\"2025", "ExpiredTokenException", "Response has expired"),
        ("IssueInstant=\"2026", "IssueInstant=\"2025", "ExpiredTokenException", "within 5 minutes of issuance"),
        ("</saml:Assertion>\n</samlp:Response>", "", "InvalidIdentityToken", ""),
    ] {
        assert!(xml.contains(from), "{from}");
        let refusal = by_saml(&mut bench, &BASE64_STANDARD.encode(xml.replace(from, to)), &[]).unwrap_err();
        assert_eq!(refusal.code, code, "{from}: {refusal:?}");
        assert!(refusal.message.contains(words), "{from}: {}", refusal.message);
    }
}
