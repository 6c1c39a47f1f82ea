//! Every limit of STS that can be known here is checked before the network, and the option is named.

use crate::common::{ALICE_MFA, ROOT_KEY, ROOT_SECRET, TestEnvironment};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const PROVIDER: &str = "arn:aws:iam::aws:contextProvider/IdentityCenter";

#[track_caller]
fn refused(env: &TestEnvironment, arguments: &[&str], option: &str, limit: &str) {
    let error = env.credstack([&["--json"], arguments].concat()).exits(2).error();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains(option) && message.contains(limit),
        "{arguments:?}\nexpected: {option} … {limit}\nmessage: {message}"
    );
    assert_eq!(env.sandbox.calls(), Vec::<serde_json::Value>::new(), "{arguments:?} went to the network");
}

fn repeat(option: &str, count: usize, value: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).flat_map(|index| [option.to_owned(), value(index)]).collect()
}

#[test]
fn of_assume_role() {
    let env = TestEnvironment::new();
    let long = |count: usize| "x".repeat(count);
    let context = |assertion: usize| {
        let file = env.scratch(&format!("assertion-{assertion}"));
        std::fs::write(&file, long(assertion)).unwrap();
        format!("{PROVIDER}=@{}", file.display())
    };
    for (options, option, limit) in [
        (vec!["--duration", "899"], "--duration 899s", "lasts 15m to 12h"),
        (vec!["--duration", "43201"], "--duration 43201s", "lasts 15m to 12h"),
        (vec!["--session-name", "x"], "--session-name x", "2 to 64 characters, not 1"),
        (vec!["--session-name", &long(65)], "--session-name", "2 to 64 characters, not 65"),
        (vec!["--session-name", "a b"], "--session-name a b", "may hold only letters, digits and _+=,.@-"),
        (vec!["--session-name", "é1"], "--session-name", "may hold only"),
        (vec!["--external-id", "x"], "--external-id x", "2 to 1224"),
        (vec!["--external-id", &long(1225)], "--external-id", "2 to 1224"),
        (vec!["--external-id", "a*b"], "--external-id", "may hold only"),
        (vec!["--source-identity", "x"], "--source-identity", "2 to 64"),
        (vec!["--source-identity", "aws:x"], "--source-identity", "must not begin with aws:"),
        (vec!["--source-identity", &long(65)], "--source-identity", "2 to 64"),
        (vec!["--mfa-serial", "short", "--mfa-code", "123456"], "--mfa-serial", "9 to 256"),
        (vec!["--mfa-serial", "with a space", "--mfa-code", "123456"], "--mfa-serial", "may hold only"),
        (vec!["--mfa-serial", ALICE_MFA, "--mfa-code", "12345"], "--mfa-code", "must be six digits"),
        (vec!["--mfa-serial", ALICE_MFA, "--mfa-code", "1234567"], "--mfa-code", "must be six digits"),
        (vec!["--policy", "{"], "--policy", "is not a JSON object"),
        (vec!["--policy", "{\"a\":\"\u{100}\"}"], "--policy", "up to U+00FF"),
        (vec!["--policy-arn", "ReadOnlyAccess"], "--policy-arn", "is not an ARN"),
        (vec!["--tag", "=x"], "--tag", "1 to 128"),
        (vec!["--tag", &format!("{}=x", long(129))], "--tag", "1 to 128"),
        (vec!["--tag", &format!("k={}", long(257))], "--tag", "0 to 256"),
        (vec!["--tag", "k#=v"], "--tag", "may hold only"),
        (vec!["--tag", "k=v#"], "--tag", "may hold only"),
        (vec!["--tag", "k=1", "--tag", "K=2"], "--tag", "given twice"),
        (vec!["--tag", "k"], "--tag", "KEY=VALUE"),
        (vec!["--tag", "AWS:k=1"], "--tag AWS:k", "must not begin with aws:"),
        (vec!["--transitive-tag", "k"], "--transitive-tag k", "is not among the tags"),
        (vec!["--tag", "k=1", "--transitive-tag", "k", "--transitive-tag", "K"], "--transitive-tag", "given twice"),
        (vec!["--provided-context", &context(3)], "--provided-context", "4 to 2048"),
        (vec!["--provided-context", &context(2049)], "--provided-context", "4 to 2048"),
        (vec!["--provided-context", "arn=x"], "--provided-context", "expected ARN=@FILE"),
    ] {
        refused(&env, &[&["push", "assume", DEVELOPER], &options[..]].concat(), option, limit);
    }
    for role in ["", "a/b/", "*", "with space"] {
        refused(&env, &["push", "assume", role], "ROLE", "is neither an ARN nor a role's name");
    }
    for (arn, way_out) in [
        ("arn:aws:iam::111122223333:user/alice", "give arn:aws:iam::ACCOUNT:role/NAME"),
        ("arn:aws:sts::111122223333:assumed-role/Developer/me", "give the role itself: arn:aws:iam::111122223333:role/Developer"),
    ] {
        refused(&env, &["push", "assume", arn], "ROLE", "is not the ARN of a role");
        env.credstack(["push", "assume", arn]).exits(2).says(way_out);
    }
    for (role, limit) in [
        ("arn:aws:iam::12:role/x", "twelve digits"),
        ("arn:aws:iam::111122223333:role/", "1 to 64 characters"),
        (&format!("arn:aws:iam::111122223333:role/a/{}", long(65)), "1 to 64 characters"),
    ] {
        refused(&env, &["push", "assume", role], "ROLE", limit);
    }
    // With a bare name the account is asked for after all that needs none.
    refused(&env, &["push", "assume", "Developer", "--duration", "13h"], "--duration 13h", "lasts 15m to 12h");
    refused(&env, &["push", "assume", &long(65)], "ROLE", "at most 64 characters");
    for role in ["arn:x", &format!("arn:aws:iam::111122223333:role/{}", long(2048))] {
        refused(&env, &["push", "assume", role], "ROLE", "");
    }
    for (many, option, limit) in [
        (repeat("--policy-arn", 11, |n| format!("arn:aws:iam::aws:policy/Policy{n}")), "--policy-arn", "at most 10"),
        (repeat("--tag", 51, |n| format!("k{n}=v")), "--tag", "at most 50"),
        (repeat("--provided-context", 6, |_| context(8)), "--provided-context", "at most 5"),
    ] {
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        refused(&env, &[&["push", "assume", DEVELOPER], &many[..]].concat(), option, limit);
    }
}

#[test]
fn of_get_session_token_and_get_federation_token() {
    let env = TestEnvironment::new();
    let long = "x".repeat(33);
    let policy = format!(r#"{{"a":"{}"}}"#, "x".repeat(2048));
    for (arguments, option, limit) in [
        (vec!["session", "--duration", "899"], "--duration", "15m to 36h"),
        (vec!["session", "--duration", "129601"], "--duration", "15m to 36h"),
        (vec!["session", "--mfa-serial", "short", "--mfa-code", "123456"], "--mfa-serial", "9 to 256"),
        (vec!["session", "--mfa-serial", ALICE_MFA, "--mfa-code", "abcdef"], "--mfa-code", "must be six digits"),
        (vec!["session", "--mfa-code", "123456"], "--mfa-serial", ""),
        (vec!["federation", "x", "--yes"], "NAME x", "2 to 32"),
        (vec!["federation", &long, "--yes"], "NAME", "2 to 32"),
        (vec!["federation", "a b", "--yes"], "NAME", "may hold only"),
        (vec!["federation", "reporter", "--yes", "--duration", "129601"], "--duration", "15m to 36h"),
        (vec!["federation", "reporter", "--policy", &policy], "--policy", "at most 2048"),
        (vec!["federation", "reporter", "--policy", "{}}"], "--policy", "is not a JSON object"),
        (vec!["federation", "reporter", "--yes", "--tag", "k=1", "--tag", "K=1"], "--tag", "given twice"),
    ] {
        refused(&env, &[&["push"], &arguments[..]].concat(), option, limit);
    }
}

#[test]
fn of_who_signs() {
    let mut env = TestEnvironment::new();
    env.push_session();
    env.sandbox.forget_calls();
    let mfa = ["--mfa-serial", ALICE_MFA, "--mfa-code", "123456"];
    refused(&env, &["push", "session"], "a session from GetSessionToken cannot call GetSessionToken", "long-term keys");
    refused(&env, &["push", "federation", "reporter", "--yes"], "cannot call GetFederationToken", "long-term keys");
    refused(&env, &[&["push", "assume", DEVELOPER], &mfa[..]].concat(), "--mfa-serial", "this session carries MFA already");
    env.push_role(DEVELOPER);
    env.sandbox.forget_calls();
    refused(&env, &["push", "session"], "a role session cannot call GetSessionToken", "long-term keys");
    refused(
        &env,
        &["push", "assume", DEVELOPER, "--duration", "3601"],
        "--duration 3601s",
        "a role session can assume a role for at most 1h",
    );
    refused(&env, &[&["push", "assume", DEVELOPER], &mfa[..]].concat(), "--mfa-serial", "not a role session");
    env.json(["push", "federation", "reporter", "--yes", "--from", "root"]);
    env.sandbox.forget_calls();
    refused(&env, &["push", "assume", DEVELOPER], "a federated user can call nothing of STS", "");
    refused(&env, &["push", "session"], "a federated user cannot call GetSessionToken", "");
    env.use_keys(ROOT_KEY, ROOT_SECRET, None);
    env.json(["push", "import", "--env"]);
    env.sandbox.forget_calls();
    refused(&env, &["push", "assume", DEVELOPER], "the account root cannot call AssumeRole", "");
    refused(&env, &["push", "session", "--duration", "3601"], "--duration", "15m to 1h");
}

#[test]
fn of_the_configuration() {
    let env = TestEnvironment::new();
    env.configuration("[duration]\nassume = 10\n");
    let arguments = ["push", "assume", DEVELOPER];
    refused(&env, &arguments, "duration.assume 10s: a role session lasts 15m to 12h", "config.toml");
    env.credstack(arguments).exits(2).says("correct it there, or use --duration 15m").says_not("--duration 10s");
    env.credstack(["push", "assume", DEVELOPER, "--duration", "15m"]).ok();
}

#[test]
fn of_our_own() {
    let env = TestEnvironment::new();
    refused(&env, &["push", "session", "--label", &"x".repeat(101)], "--label is too long", "at most 100");
    refused(&env, &["push", "session", "--note", &"x".repeat(1001)], "--note is too long", "at most 1000");
    refused(&env, &["--stack", "no/slash", "push", "session"], "--stack", "");
    refused(&env, &["push", "session", "--from", "root", "--profile", "dev"], "--profile", "cannot be used with");
    refused(&env, &["push", "session", "--no-use", "--replace"], "--replace", "cannot be used with");
}

/// Each next step of a limit is a command line that works.
#[test]
fn the_way_out_is_a_way_out() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let refused = env.credstack(["push", "assume", DEVELOPER, "--duration", "12h"]).exits(2);
    refused.says("use --duration 1h or sign with --from root");
    env.credstack(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly", "--duration", "1h"]).ok();
    env.credstack(["push", "assume", DEVELOPER, "--duration", "12h", "--from", "root"]).ok();
}

/// What somebody took for a policy may be anything, a key file included.
#[test]
fn a_file_that_is_no_policy_is_not_shown() {
    let env = TestEnvironment::new();
    let process = r#"{"Version":1,"AccessKeyId":"AKIAFAKE000000000001","SecretAccessKey":"fake-secret-as-a-policy"}"#;
    env.learn("fake-secret-as-a-policy");
    let file = env.scratch("process.json");
    env.write(&file, process);
    let arguments = ["push", "assume", DEVELOPER, "--policy", file.to_str().unwrap()];
    refused(&env, &arguments, "--policy", "holds credentials, and is no policy");
    let key = env.key_file();
    let refused = env.credstack(["push", "assume", DEVELOPER, "--policy", key.to_str().unwrap()]).exits(2);
    refused.says("--policy: is not a JSON object: line 1");
    env.credstack(["push", "federation", "reporter", "--policy", key.to_str().unwrap()]).exits(2);
}

/// A command line that cannot be carried out chooses no store, makes no key, and asks nobody for one.
#[test]
fn limits_come_before_the_choice_of_a_store() {
    let env = TestEnvironment::without_store();
    env.configuration(&format!("[store]\nkind = \"vault\"\nkey_file = \"{}\"\n", env.key_file().display()));
    for command in [&["push", "assume", DEVELOPER, "--session-name", "x"][..], &["push", "session", "--duration", "899"]] {
        env.credstack(command).exits(2).says_not("no secret store");
    }
    let mfa = ["push", "assume", DEVELOPER, "--mfa-serial", ALICE_MFA];
    env.credstack(mfa).exits(2).says("nobody is there to ask");
    env.credstack([&mfa[..], &["--mfa-code", "abc"]].concat()).exits(2).says("must be six digits");
    env.credstack(["push", "federation", "x"]).exits(2).says("2 to 32").says_not("no permissions");
    assert!(!env.state().exists() && !env.key_file().exists());
}
