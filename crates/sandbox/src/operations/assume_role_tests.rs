use super::super::testing::Bench;

const DEVELOPER: &str = "111122223333:role/Developer";
const READ_ONLY: &str = "444455556666:role/ReadOnly";

#[test]
fn a_chain_of_three_hops_and_what_it_shows() {
    let mut bench = Bench::new();
    let one = bench.assume(&Bench::user("alice"), DEVELOPER, &[("DurationSeconds", "43200")]);
    assert_eq!(one.seconds, 43_200);
    let two = bench.assume(&one.caller, READ_ONLY, &[]);
    let three = bench.assume(&two.caller, "777788889999:role/Reporter", &[("DurationSeconds", "900")]);
    assert_eq!((two.seconds, three.seconds), (3600, 900));
    assert!(three.answer.contains("<Arn>arn:aws:sts::777788889999:assumed-role/Reporter/me</Arn>"), "{}", three.answer);
    assert!(!three.answer.contains("PackedPolicySize") && !three.answer.contains("SourceIdentity"), "{}", three.answer);
    assert!(bench.refuse_assume(&one.caller, "777788889999:role/Reporter", &[]).why.unwrap().contains("trust"));
}

#[test]
fn durations_are_capped_by_model_role_and_chaining() {
    let mut bench = Bench::new();
    let alice = Bench::user("alice");
    let long = [("DurationSeconds", "3601")];
    let message = bench.refuse_assume(&alice, "111122223333:role/ops/Deploy", &long).message;
    assert_eq!(message, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    let developer = bench.assume(&alice, DEVELOPER, &[]).caller;
    let refusal = bench.refuse_assume(&developer, READ_ONLY, &long);
    assert_eq!(
        (refusal.code, refusal.message.as_str()),
        ("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
    );
    // A user's own session is not a role's: no chaining.
    let session = bench.session("GetSessionToken", &alice, &[]).caller;
    assert_eq!(bench.assume(&session, DEVELOPER, &[("DurationSeconds", "43200")]).seconds, 43_200);
    for (seconds, expected) in [("899", "greater than or equal to 900"), ("43201", "less than or equal to 43200")] {
        let message = bench.refuse_assume(&alice, DEVELOPER, &[("DurationSeconds", seconds)]).message;
        assert!(message.contains(&format!("Value '{seconds}' at 'durationSeconds'")) && message.contains(expected), "{message}");
    }
}

#[test]
fn every_limit_of_the_request() {
    let mut bench = Bench::new();
    let (x65, x1225) = ("x".repeat(65), "x".repeat(1225));
    let cases: [(&str, &str, &str); 10] = [
        ("RoleSessionName", "x", "roleSessionName"),
        ("RoleSessionName", &x65, "roleSessionName"),
        ("RoleSessionName", "a b", "roleSessionName"),
        ("RoleArn", "arn:aws:iam::1:role", "roleArn"),
        ("ExternalId", "x", "externalId"),
        ("ExternalId", &x1225, "externalId"),
        ("SourceIdentity", &x65, "sourceIdentity"),
        ("SerialNumber", "short", "serialNumber"),
        ("TokenCode", "12345", "tokenCode"),
        ("Policy", "", "policy"),
    ];
    for (name, value, field) in cases {
        let refusal = bench.refuse_assume(&Bench::user("alice"), DEVELOPER, &[(name, value)]);
        assert_eq!(refusal.code, "ValidationError", "{name}={value}");
        assert!(refusal.message.contains(&format!("'{field}' failed to satisfy constraint")), "{}", refusal.message);
    }
    let arn = bench.refuse_assume(&Bench::user("alice"), "111122223333:user/alice", &[]);
    assert_eq!(arn.message, "arn:aws:iam::111122223333:user/alice is invalid");
    let names: Vec<String> = (1..=11).map(|i| format!("PolicyArns.member.{i}.arn")).collect();
    let arns: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "arn:aws:iam::aws:policy/SecurityAudit")).collect();
    assert!(bench.refuse_assume(&Bench::user("alice"), DEVELOPER, &arns).message.contains("'policyArns'"));
    bench.assume(&Bench::user("alice"), DEVELOPER, &arns[..10]);
}

#[test]
fn external_id_mfa_and_source_identity_conditions() {
    let mut bench = Bench::new();
    let alice = Bench::user("alice");
    let partner = "444455556666:role/Partner";
    bench.assume(&alice, partner, &[("ExternalId", "sandbox-external-id")]);
    for more in [&[][..], &[("ExternalId", "another")]] {
        let refusal = bench.refuse_assume(&alice, partner, more);
        assert_eq!(
            (refusal.status, refusal.message.as_str()),
            (
                403,
                "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole on resource: \
                 arn:aws:iam::444455556666:role/Partner"
            )
        );
    }
    let traced = "444455556666:role/Traced";
    assert_eq!(bench.refuse_assume(&alice, traced, &[]).code, "AccessDenied");
    let made = bench.assume(&alice, traced, &[("SourceIdentity", "alice@example.com")]);
    assert!(made.answer.contains("<SourceIdentity>alice@example.com</SourceIdentity>"), "{}", made.answer);

    let admin = "111122223333:role/Admin";
    assert_eq!(bench.refuse_assume(&alice, admin, &[]).code, "AccessDenied");
    let code = bench.fresh_code();
    let mfa = [("SerialNumber", "arn:aws:iam::111122223333:mfa/alice"), ("TokenCode", code.as_str())];
    let made = bench.assume(&alice, admin, &mfa).caller;
    assert!(bench.refuse_assume(&alice, admin, &mfa).message.contains("invalid MFA one time pass code"), "a replay");
    // The role's session does not carry MFA on, and cannot give it again.
    assert_eq!(bench.refuse_assume(&made, "444455556666:role/Guarded", &[]).code, "AccessDenied");
    let code = bench.fresh_code();
    let again = [mfa[0], ("TokenCode", code.as_str())];
    assert!(bench.refuse_assume(&made, "444455556666:role/Guarded", &again).why.unwrap().contains("long-term"));
}

#[test]
fn a_source_identity_goes_down_the_chain_and_stays() {
    let mut bench = Bench::new();
    let alice = Bench::user("alice");
    assert!(bench.refuse_assume(&alice, DEVELOPER, &[("SourceIdentity", "AWS:x")]).code == "ValidationError");
    let one = bench.assume(&alice, DEVELOPER, &[("SourceIdentity", "alice")]).caller;
    let two = bench.assume(&one, READ_ONLY, &[]);
    assert!(two.answer.contains("<SourceIdentity>alice</SourceIdentity>"), "{}", two.answer);
    bench.assume(&one, READ_ONLY, &[("SourceIdentity", "alice")]);
    let refusal = bench.refuse_assume(&one, READ_ONLY, &[("SourceIdentity", "mallory")]);
    assert!(refusal.why.unwrap().contains("cannot be changed"));
    // The role does not let anybody bring a source identity, inherited or not.
    let refusal = bench.refuse_assume(&one, "444455556666:role/Untagged", &[]);
    assert!(refusal.message.contains("sts:SetSourceIdentity"), "{}", refusal.message);
}

const PROJECT: [(&str, &str); 2] = [("Tags.member.1.Key", "Project"), ("Tags.member.1.Value", "phoenix")];
const TRANSITIVE: (&str, &str) = ("TransitiveTagKeys.member.1", "project");

#[test]
fn transitive_tags_go_along_and_conflict() {
    let mut bench = Bench::new();
    let alice = Bench::user("alice");
    let plain = bench.assume(&alice, DEVELOPER, &PROJECT).caller;
    let transitive = bench.assume(&alice, DEVELOPER, &[PROJECT[0], PROJECT[1], TRANSITIVE]).caller;
    let tagged = "444455556666:role/Tagged";
    let two = bench.assume(&transitive, tagged, &[]);
    assert!(two.answer.contains("<PackedPolicySize>1</PackedPolicySize>"), "{}", two.answer);
    assert_eq!(two.caller.session.unwrap().tags.all["Project"], "phoenix");
    // A tag that is not transitive is the caller's own tag, and ends there.
    assert!(bench.assume(&plain, tagged, &[]).caller.session.unwrap().tags.all.is_empty());
    for more in
        [&[("Tags.member.1.Key", "PROJECT"), ("Tags.member.1.Value", "x")][..], &[("TransitiveTagKeys.member.1", "Project")]]
    {
        let refusal = bench.refuse_assume(&transitive, READ_ONLY, more);
        assert!(refusal.code == "InvalidParameterValue" && refusal.message.contains("conflicts"), "{refusal:?}");
    }
    let refusal = bench.refuse_assume(&transitive, "444455556666:role/Untagged", &[]);
    assert!(refusal.message.contains("sts:TagSession"), "{}", refusal.message);
    bench.assume(&plain, "444455556666:role/Untagged", &[]);
}

#[test]
fn tags_are_checked() {
    let mut bench = Bench::new();
    let alice = Bench::user("alice");
    let long = "v".repeat(257);
    for (more, expected) in [
        (&[PROJECT[0], PROJECT[1], ("Tags.member.2.Key", "pROJECT"), ("Tags.member.2.Value", "")][..], "Duplicate tag keys"),
        (&[("Tags.member.1.Key", "aws:x"), ("Tags.member.1.Value", "")], "reserved prefix"),
        (&[("Tags.member.1.Key", "a,b"), ("Tags.member.1.Value", "")], "tags.1.member.key"),
        (&[("Tags.member.1.Key", "a"), ("Tags.member.1.Value", &long)], "tags.1.member.value"),
        (&[("TransitiveTagKeys.member.1", "team")], "must be included in the requested tags"),
    ] {
        let message = bench.refuse_assume(&alice, DEVELOPER, more).message;
        assert!(message.contains(expected), "{message}");
    }
    let pairs: Vec<(String, String)> = (1..=51)
        .flat_map(|i| [(format!("Tags.member.{i}.Key"), format!("k{i}")), (format!("Tags.member.{i}.Value"), String::new())])
        .collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert!(bench.refuse_assume(&alice, DEVELOPER, &pairs).message.contains("'tags'"));
    bench.assume(&alice, DEVELOPER, &pairs[..100]);
}

#[test]
fn session_policies_cut_off_widen_and_are_weighed() {
    let mut bench = Bench::new();
    let alice = Bench::user("alice");
    let audit = [("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/SecurityAudit")];
    let own = ("PolicyArns.member.2.arn", "arn:aws:iam::111122223333:policy/OnlyProdReadOnly");
    let cut = bench.assume(&alice, DEVELOPER, &audit).caller;
    assert!(bench.refuse_assume(&cut, READ_ONLY, &[]).why.unwrap().contains("session policy"));
    let widened = bench.assume(&alice, DEVELOPER, &[audit[0], own]).caller;
    bench.assume(&widened, READ_ONLY, &[]);
    assert_eq!(bench.refuse_assume(&widened, "444455556666:role/audit/Auditor", &[]).code, "AccessDenied");

    assert_eq!(bench.refuse_assume(&alice, DEVELOPER, &[("Policy", "{")]).code, "MalformedPolicyDocument");
    let unknown = [("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/NoSuchPolicy")];
    assert!(bench.refuse_assume(&alice, DEVELOPER, &unknown).message.contains("does not exist"));
    let policy = |filler: usize| {
        format!(r#"{{"Statement":[{{"Sid":"{}","Effect":"Allow","Action":"*","Resource":"*"}}]}}"#, "x".repeat(filler))
    };
    let full = policy(2048 - policy(0).len());
    let made = bench.assume(&alice, DEVELOPER, &[("Policy", &full)]);
    assert!(made.answer.contains("<PackedPolicySize>100</PackedPolicySize>"), "{}", made.answer);
    let refusal = bench.refuse_assume(&alice, DEVELOPER, &[("Policy", &full), PROJECT[0], PROJECT[1]]);
    assert_eq!(refusal.code, "PackedPolicyTooLarge");
    assert!(bench.refuse_assume(&alice, DEVELOPER, &[("Policy", &format!("{full} "))]).message.contains("equal to 2048"));
    let with_arn = bench.refuse_assume(&alice, DEVELOPER, &[("Policy", &full), audit[0]]);
    assert!(with_arn.code == "ValidationError" && with_arn.message.contains("'policy'"), "inline and managed count together");
}

#[test]
fn some_callers_assume_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.refuse_assume(&Bench::root(), DEVELOPER, &[]).message, "Roles may not be assumed by root accounts.");
    assert!(bench.refuse_assume(&Bench::user("alice"), "111122223333:role/Missing", &[]).why.unwrap().contains("no such role"));
    assert_eq!(bench.refuse_assume(&Bench::user("bob"), "444455556666:role/Untagged", &[]).code, "AccessDenied");
}

#[test]
fn provided_contexts_need_a_permission_and_have_limits() {
    let mut bench = Bench::new();
    let alice = Bench::user("alice");
    let context = [
        ("ProvidedContexts.member.1.ProviderArn", "arn:aws:iam::aws:contextProvider/IdentityCenter"),
        ("ProvidedContexts.member.1.ContextAssertion", "assertion"),
    ];
    bench.assume(&alice, DEVELOPER, &context);
    assert!(bench.refuse_assume(&alice, "111122223333:role/ops/Deploy", &context).message.contains("sts:SetContext"));
    let short = [context[0], (context[1].0, "abc")];
    let message = bench.refuse_assume(&alice, DEVELOPER, &short).message;
    assert!(message.contains("Value '***' at 'providedContexts.1.member.contextAssertion'"), "{message}");
}
