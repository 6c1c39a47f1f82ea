//! `doctor` on which source of credentials programs take in this shell.

use serde_json::Value;

use crate::common::{ALICE_KEY, ALICE_SECRET, TestEnvironment};

/// What it says of this shell: whether that is a problem, and the words.
fn explained(env: &TestEnvironment) -> Vec<(bool, String)> {
    let findings = env.plain(["--json", "doctor"]).json()["findings"].clone();
    let of_shell = |finding: &&Value| finding["check"] == "credentials in this shell";
    let text = |finding: &Value| finding["message"].as_str().unwrap().to_owned();
    findings.as_array().unwrap().iter().filter(of_shell).map(|it| (it["ok"].as_bool().unwrap(), text(it))).collect()
}

#[test]
fn doctor_says_which_source_wins_and_who_disagrees() {
    let dev = "[profile dev]\naws_access_key_id = AKIAFAKE000000000001\naws_secret_access_key = fake\n";
    let keys = [("AWS_ACCESS_KEY_ID", ALICE_KEY), ("AWS_SECRET_ACCESS_KEY", ALICE_SECRET)];
    let with = |more: &[(&'static str, &'static str)]| [&keys[..], more].concat();
    let half = vec![("AWS_ACCESS_KEY_ID", ALICE_KEY)];
    // The variables; what is said first, and whether it is a problem; the problem that is said beside it.
    for (variables, ok, first, problem) in [
        (with(&[]), true, "AWS_ACCESS_KEY_ID wins", None),
        (with(&[("AWS_PROFILE", "dev")]), true, "wins", Some("JavaScript's SDK and that for .NET, version 3, take the profile")),
        (with(&[("AWS_PROFILE", "nowhere")]), true, "wins", Some("names nowhere, which is no profile")),
        (with(&[("AWS_PROFILE", "")]), true, "wins", Some("AWS_PROFILE is set and empty")),
        (with(&[("AWS_SESSION_TOKEN", "fake-stale-token-of-other-keys")]), true, "wins", Some("is another key's")),
        (with(&[("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")]), true, "wins", Some("is past")),
        (half, false, "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY", None),
        (vec![("AWS_PROFILE", "dev")], true, "AWS_PROFILE dev wins", None),
        (vec![("AWS_PROFILE", "nowhere")], false, "every program fails", None),
        (vec![("AWS_PROFILE", "credstack")], false, "asks credstack, and the stack's current frame is what this shell has", None),
        (vec![("AWS_DEFAULT_PROFILE", "dev")], false, "the AWS CLI and boto3 alone", None),
        (
            vec![("AWS_SESSION_TOKEN", "fake-token-without-any-keys")],
            true,
            "nothing is set",
            Some("a session token without keys"),
        ),
        (vec![("AWS_WEB_IDENTITY_TOKEN_FILE", "/x"), ("AWS_ROLE_ARN", "x")], true, "AWS_WEB_IDENTITY_TOKEN_FILE wins", None),
        (vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/")], true, "the container's endpoint wins", None),
        (vec![], true, "nothing is set", None),
    ] {
        let mut env = TestEnvironment::new();
        env.no_keys();
        env.aws_config(dev);
        env.plain(["setup", "profile"]).ok();
        for (name, value) in &variables {
            env.set(name, value);
        }
        let said = explained(&env);
        assert!(said[0].0 == ok && said[0].1.contains(first), "{variables:?}: {said:?}");
        let problems: Vec<_> = said[1..].iter().filter(|(ok, _)| !ok).map(|(_, text)| text).collect();
        assert_eq!(problems.len(), usize::from(problem.is_some()), "{variables:?}: {said:?}");
        assert!(problem.is_none_or(|problem| problems[0].contains(problem)), "{variables:?}: {said:?}");
        env.plain(["doctor"]).exits(if ok && problem.is_none() { 0 } else { 2 });
    }
}

#[test]
fn doctor_says_whether_programs_see_the_stack() {
    let mut env = TestEnvironment::new();
    let role = env.push_role("Developer");
    let said = |env: &TestEnvironment| explained(env).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n");
    assert!(said(&env).contains("c1, this shell's own"), "{}", said(&env));
    assert!(said(&env).contains(&format!("these keys are not the current frame: credstack is {role}")), "{}", said(&env));
    env.no_keys();
    assert!(said(&env).contains("programs do not see the stack"), "{}", said(&env));
    let doctor = crate::common::programs::credstack();
    for (arguments, wins) in [
        (&["exec"][..], format!("it is {role}, exported by credstack")),
        (
            &["exec", "--via", "endpoint"],
            "the container's endpoint wins: there are no keys, and AWS_PROFILE credstack gives none".to_owned(),
        ),
        (&["exec", "--via", "profile"], "AWS_PROFILE credstack wins: no keys are in the environment".to_owned()),
    ] {
        let arguments = [arguments, &["--", doctor.to_str().unwrap(), "doctor"]].concat();
        let under = crate::handout::handed_out(&env, &arguments).ok();
        assert!(under.stdout.contains(&wins) && !under.stdout.contains("do not see"), "{arguments:?} {}", under.stdout);
        assert!(under.stdout.contains(&format!("programs get 111122223333/Developer ({role}) by ")), "{}", under.stdout);
    }
    env.plain(["setup", "profile"]).ok();
    env.set("AWS_PROFILE", "credstack");
    assert!(said(&env).contains(&format!("AWS_PROFILE credstack wins, and follows the stack: {role}")), "{}", said(&env));
    env.aws_config("[profile dev]\n");
    env.set("AWS_PROFILE", "dev");
    assert!(said(&env).contains("dev does not follow the stack"), "{}", said(&env));
    env.plain(["doctor"]).ok();
    let exported = crate::handout::keys(&env, &[]);
    let text = |name: &str| exported[name].as_str().unwrap().to_owned();
    env.unset("AWS_PROFILE");
    env.use_keys(&text("AccessKeyId"), &text("SecretAccessKey"), None);
    assert!(said(&env).contains(&format!("it is {role}, exported by credstack")), "{}", said(&env));
    assert!(said(&env).contains("temporary keys without their session token"), "{}", said(&env));
    env.use_keys(&text("AccessKeyId"), &text("SecretAccessKey"), Some(&text("SessionToken")));
    env.plain(["doctor"]).ok();
}

#[test]
fn doctor_names_the_clients_that_a_default_profile_makes_another() {
    let mut env = TestEnvironment::new();
    env.push_role("Developer");
    env.write(
        &env.home().join(".aws/credentials"),
        "[default]\naws_access_key_id = AKIAFAKE000000000001\naws_secret_access_key = fake\n",
    );
    let said = |env: &TestEnvironment| explained(env).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n");
    assert!(
        said(&env).contains("the AWS SDK for .NET, version 3, and the AWS Tools for PowerShell before 5 are another"),
        "{}",
        said(&env)
    );
    env.no_keys();
    assert!(said(&env).contains("the profile default wins: there is nothing"), "{}", said(&env));
    env.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
    assert!(said(&env).contains("the profile default wins over the container's endpoint"), "{}", said(&env));
}
