//! Values that AWS or a user makes up may begin with a hyphen. They are values; an option in the place of one is not.

use serde_json::json;

use crate::common::TestEnvironment;

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const PARTNER: &str = "arn:aws:iam::444455556666:role/Partner";

/// One encoded message in 64 begins with a hyphen; some begin with two, or with the letter of an option.
#[test]
fn an_encoded_message_may_begin_with_a_hyphen() {
    let env = TestEnvironment::new();
    for message in ["-xyzWodyRNrtlQARDip", "--EXAMPLE_lAbl5pAK", "-vEXAMPLEWodyRNrt", "-_q1-AbC"] {
        for arguments in [&["decode", message][..], &["decode", "--explain", message], &["decode", message, "--explain"]] {
            env.sandbox.forget_calls();
            env.plain(arguments).exits(4).says("InvalidAuthorizationMessage");
            assert_eq!(env.sandbox.actions(), ["DecodeAuthorizationMessage"], "{arguments:?}");
        }
    }
    env.plain(["decode", "--explian"]).exits(2).says("--explian").says("looks like an option");
}

#[test]
fn what_a_push_is_given_may_begin_with_a_hyphen() {
    let env = TestEnvironment::new();
    let push = [
        &["push", "assume", DEVELOPER, "--session-name", "-me", "--label", "-l", "--note", "-n why"][..],
        &["--tag", "-k=-v", "--transitive-tag", "-k", "--source-identity", "-alice"],
    ];
    let pushed = env.json(push.concat());
    assert_eq!(pushed["arn"], "arn:aws:sts::111122223333:assumed-role/Developer/-me");
    let call = env.sandbox.calls().into_iter().find(|call| call["action"] == "AssumeRole").unwrap();
    let parameters = &call["parameters"];
    assert_eq!(parameters["Tags.member.1.Key"], "-k");
    assert_eq!(parameters["Tags.member.1.Value"], "-v");
    assert_eq!(parameters["TransitiveTagKeys.member.1"], "-k");
    assert_eq!(parameters["SourceIdentity"], "-alice");
    assert_eq!(env.list()["frames"][0]["label"], "-l");
    let found = env.json(["history", "--note", "-n why"]);
    assert_eq!(found["events"].as_array().unwrap().len(), 1, "{found}");
    env.plain(["pop"]).ok();

    // Refused for what they are, by STS.
    env.plain(["push", "assume", PARTNER, "--external-id", "-not-it"]).exits(4).says("AccessDenied");
    assert_eq!(env.sandbox.calls().last().unwrap()["parameters"]["ExternalId"], "-not-it");
    env.plain(["web-token", "--audience", "-a", "--tag", "-k=v"]).ok();
    assert_eq!(env.sandbox.calls().last().unwrap()["parameters"]["Audience.member.1"], "-a");
    env.plain(["push", "assume", DEVELOPER, "--profile", "-nowhere"]).exits(3).says("-nowhere");
    assert_eq!(env.json(["history", "--role", "-none"])["events"], json!([]));
}

#[test]
fn an_option_is_not_taken_for_the_value_of_the_one_before() {
    let env = TestEnvironment::new();
    for arguments in [
        &["push", "assume", DEVELOPER, "--note", "--dry-run"][..],
        &["push", "assume", DEVELOPER, "--external-id", "--mfa-serial"],
        &["push", "assume", DEVELOPER, "--label", "--note=why"],
        &["push", "assume", DEVELOPER, "--tag", "--note=why"],
    ] {
        env.plain(arguments).exits(2).says("looks like an option");
        assert_eq!(env.sandbox.calls(), Vec::<serde_json::Value>::new(), "{arguments:?}");
    }
}
