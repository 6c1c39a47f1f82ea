//! Every limit, at both of its edges. Long because it is a table: one place shows that no limit is without its edges.

use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/Deploy";
const SERIAL: &str = "arn:aws:iam::111122223333:mfa/alice";

fn assume(change: impl FnOnce(&mut AssumeRole)) -> Request {
    let mut request = AssumeRole { role_arn: ROLE.into(), role_session_name: "alice".into(), ..Default::default() };
    change(&mut request);
    Request::AssumeRole(request)
}

fn federation(change: impl FnOnce(&mut GetFederationToken)) -> Request {
    let mut request = GetFederationToken { name: "bob".into(), ..Default::default() };
    change(&mut request);
    Request::GetFederationToken(request)
}

fn session(change: impl FnOnce(&mut GetSessionToken)) -> Request {
    let mut request = GetSessionToken::default();
    change(&mut request);
    Request::GetSessionToken(request)
}

/// `length` characters, of which none is ASCII where `letter` is not.
fn text(letter: char, length: usize) -> String {
    std::iter::repeat_n(letter, length).collect()
}

fn arn_of(length: usize) -> String {
    let start = "arn:aws:iam::1:role/";
    format!("{start}{}", text('x', length - start.len()))
}

fn tag(key: impl Into<String>, value: impl Into<String>) -> Tag {
    Tag { key: key.into(), value: value.into() }
}

#[track_caller]
fn passes(request: &Request, signer: SignerKind) {
    assert_eq!(request.check(signer), Ok(()));
}

#[track_caller]
fn fails(request: &Request, signer: SignerKind, parameter: Parameter) -> LimitError {
    let error = request.check(signer).unwrap_err();
    assert_eq!(error.parameter, parameter, "{error}");
    error
}

/// A text parameter: the least and the most characters, what passes, and what does not.
struct Text {
    parameter: Parameter,
    least: usize,
    most: usize,
    allowed: &'static str,
    forbidden: &'static [&'static str],
    request: fn(String) -> Request,
}

const NAMES: &str = "abcXYZ019_+=,.@-";
const NOT_NAMES: &[&str] = &["a b", "a:b", "a/b", "aé", "a\n", "a\u{661}", "a*"];
const IDENTIFIERS: &str = "abcXYZ019_+=,.@:/-";
const NOT_IDENTIFIERS: &[&str] = &["aaaaaaaaa b", "aaaaaaaaaé", "aaaaaaaaa\n", "aaaaaaaaa#"];

const TEXTS: &[Text] = &[
    Text {
        parameter: Parameter::RoleSessionName,
        least: 2,
        most: 64,
        allowed: NAMES,
        forbidden: NOT_NAMES,
        request: |value| assume(|it| it.role_session_name = value),
    },
    Text {
        parameter: Parameter::SourceIdentity,
        least: 2,
        most: 64,
        allowed: NAMES,
        forbidden: &["a b", "a:b", "aws:alice", "aé"],
        request: |value| assume(|it| it.source_identity = Some(value)),
    },
    Text {
        parameter: Parameter::ExternalId,
        least: 2,
        most: 1224,
        allowed: IDENTIFIERS,
        forbidden: NOT_IDENTIFIERS,
        request: |value| assume(|it| it.external_id = Some(value)),
    },
    Text {
        parameter: Parameter::SerialNumber,
        least: 9,
        most: 256,
        allowed: IDENTIFIERS,
        forbidden: NOT_IDENTIFIERS,
        request: |value| assume(|it| it.serial_number = Some(value)),
    },
    Text {
        parameter: Parameter::SerialNumber,
        least: 9,
        most: 256,
        allowed: IDENTIFIERS,
        forbidden: NOT_IDENTIFIERS,
        request: |value| session(|it| it.serial_number = Some(value)),
    },
    Text {
        parameter: Parameter::Name,
        least: 2,
        most: 32,
        allowed: NAMES,
        forbidden: NOT_NAMES,
        request: |value| federation(|it| it.name = value),
    },
    Text {
        parameter: Parameter::Tags,
        least: 1,
        most: 128,
        allowed: "aÉ日本 \u{a0}\u{2003}٣_.:/=+-@",
        forbidden: &["a*", "a\n", "a\t", "a,b", "a#"],
        request: |value| assume(|it| it.tags = vec![tag(value, "")]),
    },
    Text {
        parameter: Parameter::Tags,
        least: 0,
        most: 256,
        allowed: "aÉ日本 \u{a0}٣_.:/=+-@",
        forbidden: &["a*", "a\n", "a,b"],
        request: |value| federation(|it| it.tags = vec![tag("k", value)]),
    },
    Text {
        parameter: Parameter::PolicyArns,
        least: 20,
        most: 2048,
        allowed: "",
        forbidden: &["ReadOnlyAccess"],
        request: |value| assume(|it| it.policy_arns = vec![as_arn(value)]),
    },
    Text {
        parameter: Parameter::PolicyArns,
        least: 20,
        most: 2048,
        allowed: "",
        forbidden: &["ReadOnlyAccess"],
        request: |value| federation(|it| it.policy_arns = vec![as_arn(value)]),
    },
    Text {
        parameter: Parameter::ProvidedContexts,
        least: 20,
        most: 2048,
        allowed: "",
        forbidden: &["IdentityCenter"],
        request: |value| assume(|it| it.provided_contexts = vec![ProvidedContext { provider_arn: as_arn(value) }]),
    },
];

/// A text of nothing but `x` stands for an ARN of its length.
fn as_arn(value: String) -> String {
    match value.len() {
        length if length >= 20 && value.bytes().all(|byte| byte == b'x') => arn_of(length),
        length if value.bytes().all(|byte| byte == b'x') => format!("arn:a:b:c:d:{}", text('x', length - 12)),
        _ => value,
    }
}

#[test]
fn texts_have_their_lengths_and_characters() {
    for it in TEXTS {
        let request = |value: String| (it.request)(value);
        passes(&request(text('x', it.least)), SignerKind::LongTerm);
        passes(&request(text('x', it.most)), SignerKind::LongTerm);
        let error = fails(&request(text('x', it.most + 1)), SignerKind::LongTerm, it.parameter);
        assert!(error.limit.contains(&format!("{} to {} characters, not {}", it.least, it.most, it.most + 1)), "{error}");
        if it.least > 0 {
            fails(&request(text('x', it.least - 1)), SignerKind::LongTerm, it.parameter);
        }
        if !it.allowed.is_empty() {
            passes(&request(format!("{}{}", it.allowed, it.allowed)), SignerKind::LongTerm);
        }
        for value in it.forbidden {
            let error = fails(&request((*value).into()), SignerKind::LongTerm, it.parameter);
            assert_eq!(error.value.as_deref(), Some(*value));
        }
    }
    // Characters are counted, not bytes.
    passes(&assume(|it| it.tags = vec![tag(text('日', 128), text('日', 256))]), SignerKind::LongTerm);
}

#[test]
fn only_a_role_can_be_assumed() {
    let role = |arn: &str| assume(|it| it.role_arn = arn.to_owned());
    let path = |length: usize| format!("arn:aws:iam::111122223333:role/{}/x", text('p', length - 33));
    for good in ["arn:aws:iam::111122223333:role/x", "arn:aws-cn:iam::111122223333:role/a/b/Deploy", &path(2048)] {
        passes(&role(good), SignerKind::LongTerm);
    }
    let name = format!("arn:aws:iam::111122223333:role/{}", text('x', 65));
    for (bad, words) in [
        ("Deploy", "is not an ARN"),
        ("arn:aws:iam::1:r/x", "must have 20 to 2048 characters, not 18"),
        (&path(2049), "must have 20 to 2048 characters, not 2049"),
        ("arn:aws:iam::111122223333:user/alice", "is not the ARN of a role"),
        ("arn:aws:sts::111122223333:assumed-role/Deploy/me", "is not the ARN of a role"),
        ("arn:aws:s3::111122223333:role/x", "is not the ARN of a role"),
        ("arn:aws:iam::1111:role/Deploy", "must have an account of twelve digits"),
        ("arn:aws:iam::111122223333:role/a/", "1 to 64 characters"),
        (&name, "1 to 64 characters"),
        ("arn:aws:iam::111122223333:role/a\nb", "may hold no control characters"),
    ] {
        let error = fails(&role(bad), SignerKind::LongTerm, Parameter::RoleArn);
        assert!(error.limit.contains(words), "{bad}: {error}");
    }
}

#[test]
fn durations_have_their_ranges() {
    let assume = |seconds| assume(|it| it.duration_seconds = Some(seconds));
    let session = |seconds| session(|it| it.duration_seconds = Some(seconds));
    let federation = |seconds| federation(|it| it.duration_seconds = Some(seconds));
    type Make<'a> = &'a dyn Fn(i32) -> Request;
    use SignerKind::*;
    for (make, signer, most) in [
        (&assume as Make<'_>, LongTerm, 43_200),
        (&assume, SessionToken { mfa: None }, 43_200),
        (&assume, Unknown, 43_200),
        (&assume, RoleSession, 3600),
        (&session, LongTerm, 129_600),
        (&session, Unknown, 129_600),
        (&session, Root, 3600),
        (&federation, LongTerm, 129_600),
        (&federation, Root, 3600),
    ] {
        passes(&make(900), signer);
        passes(&make(most), signer);
        fails(&make(899), signer, Parameter::DurationSeconds);
        fails(&make(most + 1), signer, Parameter::DurationSeconds);
        fails(&make(-1), signer, Parameter::DurationSeconds);
        fails(&make(i32::MAX), signer, Parameter::DurationSeconds);
    }
    for (request, signer, words) in [
        (
            assume(43_200),
            RoleSession,
            "DurationSeconds 12h: a role session can assume a role for at most 1h; use --duration 1h or sign with --from root",
        ),
        (assume(46_800), LongTerm, "DurationSeconds 13h: a role session lasts 15m to 12h; use --duration 12h"),
        (assume(60), LongTerm, "DurationSeconds 1m: a role session lasts 15m to 12h; use --duration 15m"),
        (session(3601), Root, "DurationSeconds 3601s: a session of the account root lasts 15m to 1h; use --duration 1h"),
        (federation(129_601), LongTerm, "DurationSeconds 129601s: a federation token lasts 15m to 36h; use --duration 36h"),
    ] {
        assert_eq!(request.check(signer).unwrap_err().to_string(), words);
    }
}

#[test]
fn who_may_call_what() {
    use SignerKind::*;
    let temporary = SessionToken { mfa: None };
    for (signer, assume_role, session_token, federation_token) in [
        (LongTerm, true, true, true),
        (Root, false, true, true),
        (RoleSession, true, false, false),
        (temporary, true, false, false),
        (FederatedUser, false, false, false),
        (Unknown, true, true, true),
    ] {
        for (request, may) in
            [(assume(|_| ()), assume_role), (session(|_| ()), session_token), (federation(|_| ()), federation_token)]
        {
            match may {
                true => passes(&request, signer),
                false => {
                    let error = fails(&request, signer, Parameter::Signer);
                    assert!(error.value.is_none() && error.way_out.is_some(), "{error}");
                    assert!(!error.to_string().contains("the signer"), "{error}");
                }
            }
        }
    }
    assert_eq!(
        session(|_| ()).check(RoleSession).unwrap_err().to_string(),
        "a role session cannot call GetSessionToken: that takes the long-term keys of an IAM user; sign with --from root, or \
         with --profile and a profile that has such keys"
    );
}

#[test]
fn only_long_term_keys_show_a_device() {
    use SignerKind::*;
    let with_device = assume(|it| it.serial_number = Some(SERIAL.into()));
    for signer in [LongTerm, Unknown] {
        passes(&with_device, signer);
        passes(&session(|it| it.serial_number = Some(SERIAL.into())), signer);
    }
    passes(&session(|it| it.serial_number = Some(SERIAL.into())), Root);
    for signer in [RoleSession, SessionToken { mfa: None }, SessionToken { mfa: Some(false) }] {
        let error = fails(&with_device, signer, Parameter::SerialNumber);
        assert!(error.to_string().contains(&format!("push session --mfa-serial {SERIAL}")), "{error}");
    }
    let error = fails(&with_device, SessionToken { mfa: Some(true) }, Parameter::SerialNumber);
    assert!(error.to_string().ends_with("leave --mfa-serial out"), "{error}");
}

#[test]
fn what_gives_no_codes_is_no_device() {
    let with = |serial: &str| session(|it| it.serial_number = Some(serial.into()));
    for good in [SERIAL, "GAHT12345678", "arn:aws-us-gov:iam::111122223333:mfa/team/alice"] {
        passes(&with(good), SignerKind::LongTerm);
    }
    for (bad, says) in [
        ("arn:aws:iam::111122223333:u2f/user/alice/default-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "eight devices"),
        ("arn:aws:iam::111122223333:u2f/root-account/key-ABC", "Identity Center"),
        ("arn:aws:iam::111122223333:user/ops/alice", "arn:aws:iam::111122223333:mfa/alice"),
    ] {
        for signer in [SignerKind::LongTerm, SignerKind::Unknown, SignerKind::Root] {
            let error = fails(&with(bad), signer, Parameter::SerialNumber);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}

#[test]
fn how_a_code_is_had_is_no_part_of_what_is_asked() {
    let command = vec!["ykman".to_owned(), "oath".to_owned()];
    for (plain, with) in [
        (
            assume(|it| it.serial_number = Some(SERIAL.into())),
            assume(|it| {
                it.serial_number = Some(SERIAL.into());
                it.mfa_command = command.clone();
            }),
        ),
        (session(|_| ()), session(|it| it.mfa_command = command.clone())),
    ] {
        assert!(plain.asks_the_same(&with) && plain != with);
        assert_eq!(with.mfa_command(), command);
        let written = serde_json::to_value(&plain).unwrap();
        assert_eq!(written.get("mfa_command"), None, "rows of before and after are the same");
        assert_eq!(serde_json::from_value::<Request>(written).unwrap(), plain);
        let kept = serde_json::to_value(&with).unwrap();
        assert_eq!(serde_json::from_value::<Request>(kept).unwrap(), with);
    }
}

#[test]
fn lists_have_their_lengths() {
    let tags = |count| (0..count).map(|i| tag(format!("k{i}"), "v")).collect::<Vec<_>>();
    let keys = |count| (0..count).map(|i| format!("k{i}")).collect::<Vec<_>>();
    let arns = |count| vec![arn_of(40); count];
    let contexts = |count| vec![ProvidedContext { provider_arn: arn_of(40) }; count];
    let signer = SignerKind::LongTerm;
    for (most, parameter, make) in [
        (50, Parameter::Tags, &(|count| assume(|it| it.tags = tags(count))) as &dyn Fn(usize) -> Request),
        (50, Parameter::Tags, &|count| federation(|it| it.tags = tags(count))),
        (10, Parameter::PolicyArns, &|count| assume(|it| it.policy_arns = arns(count))),
        (10, Parameter::PolicyArns, &|count| federation(|it| it.policy_arns = arns(count))),
        (5, Parameter::ProvidedContexts, &|count| assume(|it| it.provided_contexts = contexts(count))),
    ] {
        passes(&make(0), signer);
        passes(&make(most), signer);
        let error = fails(&make(most + 1), signer, parameter);
        assert!(error.to_string().contains(&format!("({} of them): at most {most} ", most + 1)), "{error}");
    }
    let transitive = |count| {
        assume(|it| {
            it.tags = tags(50);
            it.transitive_tag_keys = keys(count);
        })
    };
    passes(&transitive(50), signer);
    fails(&transitive(51), signer, Parameter::TransitiveTagKeys);
}

#[test]
fn tag_keys_are_compared_without_case() {
    let signer = SignerKind::LongTerm;
    let request = |keys: &[&str], transitive: &[&str]| {
        assume(|it| {
            it.tags = keys.iter().map(|key| tag(*key, "v")).collect();
            it.transitive_tag_keys = transitive.iter().map(|key| (*key).to_owned()).collect();
        })
    };
    passes(&request(&["Team", "Cost"], &["team"]), signer);
    passes(&request(&["Team", "cost"], &["Team", "COST"]), signer);
    let error = fails(&request(&["Team", "team"], &[]), signer, Parameter::Tags);
    assert_eq!(error.to_string(), "Tags team: is given twice: tag keys are compared without case");
    fails(&request(&["Ärger", "ärger"], &[]), signer, Parameter::Tags);
    fails(&request(&["Team"], &["Team", "TEAM"]), signer, Parameter::TransitiveTagKeys);
    let error = fails(&request(&["Team"], &["Cost"]), signer, Parameter::TransitiveTagKeys);
    assert!(error.to_string().starts_with("TransitiveTagKeys Cost: is not among the tags of this request; add --tag Cost="));
    fails(&request(&["Team"], &[""]), signer, Parameter::TransitiveTagKeys);
    let twice = federation(|it| it.tags = vec![tag("a", "1"), tag("A", "2")]);
    fails(&twice, signer, Parameter::Tags);
}

/// A policy of this many characters.
fn policy_of(length: usize) -> String {
    let empty = r#"{"a":""}"#;
    format!(r#"{{"a":"{}"}}"#, text('é', length - empty.len()))
}

#[test]
fn policies_are_json_of_some_length() {
    let signer = SignerKind::LongTerm;
    type Make<'a> = &'a dyn Fn(&str) -> Request;
    let in_role = |policy: &str| assume(|it| it.policy = Some(policy.into()));
    let in_token = |policy: &str| federation(|it| it.policy = Some(policy.into()));
    for make in [&in_role as Make<'_>, &in_token] {
        for good in ["{}", "{\t\"a\":\r\n[1, \"ÿ\"]}", &policy_of(2048)] {
            passes(&make(good), signer);
        }
        for bad in ["", "{", "[]", "\"text\"", "{} x", "{\"a\":\"\u{100}\"}", "{\"a\":\"\u{7}\"}", "{a:1}"] {
            fails(&make(bad), signer, Parameter::Policy);
        }
    }
    assert_eq!(fails(&in_role(""), signer, Parameter::Policy).to_string(), "Policy: must have at least 1 character");
    let error = fails(&in_role("{\n \"a\": x}"), signer, Parameter::Policy);
    assert_eq!(error.limit, "is not a JSON object: line 2, column 7");

    fails(&in_token(&policy_of(2049)), signer, Parameter::Policy);
    assert!(in_token(&policy_of(2048)).warnings().is_empty());
    // Where the service model has no maximum, STS is left to decide.
    passes(&in_role(&policy_of(2049)), signer);
    assert!(in_role(&policy_of(2048)).warnings().is_empty());
    assert!(in_role(&policy_of(2049)).warnings()[0].contains("2049 characters"));
}

#[test]
fn a_federated_user_without_a_policy_is_warned_of() {
    assert_eq!(federation(|_| ()).warnings().len(), 1);
    assert!(federation(|it| it.policy_arns = vec![arn_of(30)]).warnings().is_empty());
    assert!(session(|_| ()).warnings().is_empty());
}

#[test]
fn long_values_are_shortened() {
    let error = fails(&assume(|it| it.role_arn = arn_of(3000)), SignerKind::LongTerm, Parameter::RoleArn);
    assert_eq!(error.value.map(|value| value.chars().count()), Some(101));
}
