use serde_json::{Value, json};

use super::{super::testing::Bench, *};
use crate::{caller::Caller, mint, tokens};

const ACTION: &str = "AssumeRoleWithWebIdentity";
const CI: (&str, &str) = ("RoleArn", "arn:aws:iam::111122223333:role/Ci");
const NAME: (&str, &str) = ("RoleSessionName", "job");
const SECRET: &str = "fake+ci+secret/for+the+sandbox+000000001";

fn token(bench: &Bench, query: &str) -> String {
    let wanted = mint::Wanted::parse(&format!("subject=project:phoenix:main&{query}"), &mint::TOKEN).unwrap();
    mint::web_identity_token(&bench.world, &wanted, bench.now).unwrap()
}

fn refusal(bench: &mut Bench, token: &str) -> Refusal {
    bench.refusal(ACTION, &Caller::anonymous(), &[CI, NAME, ("WebIdentityToken", token)])
}

#[test]
fn a_token_opens_the_role_that_trusts_its_provider() {
    let mut bench = Bench::new();
    let token = token(&bench, "tag:project=phoenix&tag:cost=1&transitive=project&source_identity=ci-1");
    let given = [CI, NAME, ("WebIdentityToken", &token), ("DurationSeconds", "7200")];
    let made = bench.session(ACTION, &Caller::anonymous(), &given);
    assert_eq!(made.seconds, 7200);
    for part in [
        "<SubjectFromWebIdentityToken>project:phoenix:main</",
        "<Audience>sts.amazonaws.com</",
        "<Provider>arn:aws:iam::111122223333:oidc-provider/ci.sandbox.example</",
        "<Arn>arn:aws:sts::111122223333:assumed-role/Ci/job</",
        "<SourceIdentity>ci-1</",
        "<PackedPolicySize>",
    ] {
        assert!(made.answer.contains(part), "{part}: {}", made.answer);
    }
    // From here on it is a role's session like any other.
    let message = bench.refuse_assume(&made.caller, "444455556666:role/Tagged", &[("DurationSeconds", "3601")]).message;
    assert!(message.contains("sts:SetSourceIdentity") || message.contains("role chaining"), "{message}");
    let plain = self::token(&bench, "tag:project=phoenix&transitive=project");
    let first = bench.session(ACTION, &Caller::anonymous(), &[CI, NAME, ("WebIdentityToken", &plain)]).caller;
    let second = bench.assume(&first, "444455556666:role/Tagged", &[]).caller;
    assert_eq!(second.session.unwrap().tags.all["project"], "phoenix");
    let long = bench.refuse_assume(&first, "444455556666:role/Tagged", &[("DurationSeconds", "3601")]);
    assert!(long.message.contains("role chaining"), "{}", long.message);
    assert_eq!(bench.refusal("GetSessionToken", &first, &[]).code, "AccessDenied");
}

#[test]
fn a_wrong_token_is_refused_as_aws_does() {
    let mut bench = Bench::new();
    let now = bench.now.as_second();
    let good = json!({
        "iss": "https://ci.sandbox.example", "aud": "sts.amazonaws.com", "sub": "project:phoenix:main", "iat": now, "exp": now + 60,
    });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        tokens::sign(&claims, SECRET).unwrap()
    };
    for (name, value, code, words) in [
        (
            "iss",
            json!("https://elsewhere.example"),
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://elsewhere",
        ),
        ("iss", Value::Null, "InvalidIdentityToken", "Missing a required claim: iss"),
        ("aud", json!("another"), "InvalidIdentityToken", "Incorrect token audience"),
        ("aud", json!([]), "InvalidIdentityToken", "Missing a required claim: aud"),
        ("azp", json!("another"), "InvalidIdentityToken", "Incorrect token audience"),
        ("sub", Value::Null, "InvalidIdentityToken", "Missing a required claim: sub"),
        ("exp", Value::Null, "InvalidIdentityToken", "Missing a required claim: exp"),
        ("nbf", json!(now + 1), "InvalidIdentityToken", "not yet valid"),
        ("exp", json!(now), "ExpiredTokenException", "must be before the expiration date/time"),
        ("sub", json!("project:other:main"), "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        ("https://aws.amazon.com/source_identity", json!("a b"), "InvalidIdentityToken", "Source Identity must match"),
    ] {
        let refusal = refusal(&mut bench, &with(name, value));
        assert_eq!(refusal.code, code, "{name}: {refusal:?}");
        assert_eq!(refusal.status, if code == "AccessDenied" { 403 } else { 400 });
        assert!(refusal.message.contains(words), "{name}: {}", refusal.message);
    }
    bench.session(ACTION, &Caller::anonymous(), &[CI, NAME, ("WebIdentityToken", &with("nbf", json!(now)))]);
    let forged = tokens::sign(&good, "another secret").unwrap();
    assert!(refusal(&mut bench, &forged).message.contains("signature"));
    assert!(refusal(&mut bench, "opaque").message.contains("not a valid JWT"));
}

#[test]
fn parameters_are_checked() {
    let mut bench = Bench::new();
    let token = token(&bench, "");
    let given = [CI, NAME, ("WebIdentityToken", token.as_str())];
    let long = "x".repeat(20_001);
    for (change, code, words) in [
        (("WebIdentityToken", "abc"), "ValidationError", "Value '***' at 'webIdentityToken'"),
        (("WebIdentityToken", &*long), "ValidationError", "less than or equal to 20000"),
        (("DurationSeconds", "899"), "ValidationError", "greater than or equal to 900"),
        (("DurationSeconds", "7201"), "ValidationError", "MaxSessionDuration"),
        (("RoleSessionName", "x"), "ValidationError", "'roleSessionName'"),
        (("RoleArn", "arn:aws:iam::111122223333:role/Developer"), "AccessDenied", "Not authorized"),
        (("RoleArn", "arn:aws:iam::111122223333:role/Missing"), "AccessDenied", "Not authorized"),
        (("RoleArn", "arn:aws:iam::444455556666:role/ReadOnly"), "InvalidIdentityToken", "No OpenIDConnect provider"),
        (("ProviderId", "accounts.example"), "InvalidParameterValue", "providerId"),
        (("ProviderId", "www.amazon.com"), "IDPRejectedClaim", "rejected"),
        (("Policy", "{"), "MalformedPolicyDocument", ""),
    ] {
        let refusal = bench.refusal(ACTION, &Caller::anonymous(), &[&given[..], &[change]].concat());
        assert_eq!(refusal.code, code, "{change:?}");
        assert!(refusal.message.contains(words), "{}", refusal.message);
    }
}
