use super::{super::testing::Bench, *};
use crate::{caller::Caller, mint};

const ACTION: &str = "AssumeRoleWithSAML";
const STAFF: (&str, &str) = ("RoleArn", "arn:aws:iam::111122223333:role/Staff");
const CORP: (&str, &str) = ("PrincipalArn", "arn:aws:iam::111122223333:saml-provider/Corp");

fn assertion(bench: &Bench, query: &str) -> String {
    let query = format!("role=arn:aws:iam::111122223333:role/Staff&session_name=alice@example.com&{query}");
    mint::saml_assertion(&bench.world, &mint::Wanted::parse(&query, &mint::ASSERTION).unwrap(), bench.now).unwrap()
}

#[test]
fn an_assertion_opens_its_role() {
    let mut bench = Bench::new();
    let query = "tag:project=phoenix&transitive=project&source_identity=alice&session_duration=43200";
    let assertion = assertion(&bench, query);
    let given = [STAFF, CORP, ("SAMLAssertion", &assertion), ("DurationSeconds", "43200")];
    let made = bench.session(ACTION, &Caller::anonymous(), &given);
    assert_eq!(made.seconds, 43_200);
    for part in [
        "<Subject>alice@example.com</",
        "<SubjectType>persistent</",
        "<Issuer>https://idp.sandbox.example/metadata</",
        "<Audience>https://signin.aws.amazon.com/saml</",
        "<NameQualifier>",
        "<Arn>arn:aws:sts::111122223333:assumed-role/Staff/alice@example.com</",
        "<SourceIdentity>alice</",
    ] {
        assert!(made.answer.contains(part), "{part}: {}", made.answer);
    }
    let facts = made.caller.session.unwrap();
    assert_eq!(facts.tags.inherited().all["project"], "phoenix");
}

#[test]
fn a_wrong_assertion_is_refused_as_aws_does() {
    let mut bench = Bench::new();
    let xml = String::from_utf8(BASE64_STANDARD.decode(assertion(&bench, "")).unwrap()).unwrap();
    let now = bench.now.as_second();
    for (from, to, code, words) in [
        ("idp.sandbox", "other", "InvalidIdentityToken", "Issuer not present in specified provider"),
        ("status:Success", "status:Responder", "IDPRejectedClaim", "failed"),
        ("role/Staff,", "role/Other,", "InvalidIdentityToken", "doesn't contain the requested Role and Metadata"),
        ("Attributes/RoleSessionName", "Attributes/Other", "InvalidIdentityToken", "RoleSessionName is required"),
        (">alice@example.com</saml:AttributeValue>", ">a b</saml:AttributeValue>", "InvalidIdentityToken", "must match"),
        ("<saml:Audience>https://signin", "<saml:Audience>https://x", "InvalidIdentityToken", "required audience"),
        ("Recipient=\"https://signin", "Recipient=\"https://x", "InvalidIdentityToken", "required audience"),
        ("NotBefore=\"2026", "NotBefore=\"2027", "InvalidIdentityToken", "not valid yet"),
        ("NotOnOrAfter=\"2026", "NotOnOrAfter=\"2025", "ExpiredTokenException", "Response has expired"),
        ("</saml:Assertion>", "", "InvalidIdentityToken", "Response signature invalid"),
    ] {
        assert!(xml.contains(from), "{from}");
        let changed = BASE64_STANDARD.encode(xml.replace(from, to));
        let refusal = bench.refusal(ACTION, &Caller::anonymous(), &[STAFF, CORP, ("SAMLAssertion", &changed)]);
        assert_eq!(refusal.code, code, "{from}: {refusal:?}");
        assert!(refusal.message.contains(words), "{from}: {}", refusal.message);
    }
    // Either order of the pair will do.
    let pair = format!("{},{}", STAFF.1, CORP.1);
    let turned = BASE64_STANDARD.encode(xml.replace(&pair, &format!("{},{}", CORP.1, STAFF.1)));
    bench.session(ACTION, &Caller::anonymous(), &[STAFF, CORP, ("SAMLAssertion", &turned)]);
    let long = assertion(&bench, "seconds=3600");
    bench.now = jiff::Timestamp::from_second(now + 299).unwrap();
    bench.session(ACTION, &Caller::anonymous(), &[STAFF, CORP, ("SAMLAssertion", &long)]);
    bench.now = jiff::Timestamp::from_second(now + 300).unwrap();
    let refusal = bench.refusal(ACTION, &Caller::anonymous(), &[STAFF, CORP, ("SAMLAssertion", &long)]);
    assert_eq!(
        (refusal.code, &*refusal.message),
        ("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance")
    );
}

#[test]
fn a_session_ends_with_the_sign_in() {
    let mut bench = Bench::new();
    let assertion = assertion(&bench, "session_seconds=1200&session_duration=900");
    let given = [STAFF, CORP, ("SAMLAssertion", &*assertion), ("DurationSeconds", "7200")];
    assert_eq!(bench.session(ACTION, &Caller::anonymous(), &given).seconds, 1200);
    assert_eq!(bench.session(ACTION, &Caller::anonymous(), &given[..3]).seconds, 1200);
    let less = [&given[..3], &[("DurationSeconds", "1000")]].concat();
    assert_eq!(bench.session(ACTION, &Caller::anonymous(), &less).seconds, 1000);
}

#[test]
fn parameters_are_checked() {
    let mut bench = Bench::new();
    let assertion = assertion(&bench, "role=arn:aws:iam::111122223333:role/Ci");
    for (change, code, words) in [
        (("SAMLAssertion", "abc"), "ValidationError", "Value '***' at 'sAMLAssertion'"),
        (("SAMLAssertion", "a-b-"), "InvalidIdentityToken", "Invalid base64 SAMLResponse"),
        (("DurationSeconds", "43201"), "ValidationError", "less than or equal to 43200"),
        (("PrincipalArn", "arn:aws:iam::111122223333:saml-provider/Other"), "InvalidIdentityToken", "Specified provider"),
        // The assertion has it; its trust policy names another provider.
        (("RoleArn", "arn:aws:iam::111122223333:role/Ci"), "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML"),
    ] {
        let given = [STAFF, CORP, ("SAMLAssertion", &*assertion), change];
        let refusal = bench.refusal(ACTION, &Caller::anonymous(), &given);
        assert_eq!(refusal.code, code, "{change:?}");
        assert!(refusal.message.contains(words), "{}", refusal.message);
    }
}
