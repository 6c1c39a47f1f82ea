//! AWS's rules of who may call what of STS, one test for each, through the program. What is known beforehand is said
//! beforehand (exit 2, STS is not asked); that STS would say the same is shown with an identity of which nothing is known
//! here: its keys were imported while STS could not be asked who they are.

use serde_json::{Value, json};

use crate::common::{ALICE_MFA, Output, ROOT_KEY, ROOT_SECRET, TestEnvironment};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
const READ_ONLY_ACCESS: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// What is refused without asking STS, and why.
#[track_caller]
fn known(env: &TestEnvironment, push: &[&str], why: &str) {
    env.sandbox.forget_calls();
    env.plain([&["push"], push].concat()).exits(2).says(why);
    assert_eq!(env.sandbox.actions(), [""; 0], "{push:?}");
}

/// The same as STS says it of the frame `id`, of which nothing is known here.
#[track_caller]
fn by_sts(env: &TestEnvironment, id: &str, push: &[&str]) -> Output {
    let mut export = env.command(["env", "--frame", id, "--format", "json"]);
    export.env("CREDSTACK_TEST", "export");
    let set: Value = serde_json::from_slice(&export.output().unwrap().stdout).unwrap();
    let keys = &set["set"];
    let import = json!({
        "Version": 1,
        "AccessKeyId": keys["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": keys["AWS_SESSION_TOKEN"],
    });
    let mut unknown = env.command(["--stack", "unknown", "push", "import"]);
    unknown.env("HTTP_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "").env("AWS_MAX_ATTEMPTS", "1");
    env.run_with_input(unknown, import.to_string().as_bytes()).ok();
    env.plain([&["--stack", "unknown", "push"], push].concat()).exits(4)
}

#[test]
fn role_sessions_cannot_get_sessions_or_federation_tokens() {
    let env = TestEnvironment::new();
    let id = env.push_role(DEVELOPER);
    known(&env, &["session"], "a role session cannot call GetSessionToken");
    known(&env, &["federation", "ci", "--yes"], "a role session cannot call GetFederationToken");
    by_sts(&env, &id, &["session"]).says("AccessDenied").says("sign with long-term keys");
    by_sts(&env, &id, &["federation", "ci", "--yes"]).says("AccessDenied");
}

#[test]
fn sessions_of_long_term_keys_may_assume_roles_and_nothing_else() {
    let env = TestEnvironment::new();
    let id = env.json(["push", "session"])["credential"].as_str().unwrap().to_owned();
    known(&env, &["session"], "a session from GetSessionToken cannot call GetSessionToken");
    known(&env, &["federation", "ci", "--yes"], "a session from GetSessionToken cannot call GetFederationToken");
    known(&env, &["root", "444455556666", "--task-policy", "S3UnlockBucketPolicy"], "GetSessionToken cannot call AssumeRoot");
    by_sts(&env, &id, &["session"]).says("AccessDenied");
    env.push_role(DEVELOPER);
    assert_eq!(env.json(["whoami"])["account"], "111122223333");
}

#[test]
fn federated_users_may_only_ask_who_they_are() {
    let env = TestEnvironment::new();
    env.plain(["push", "federation", "ci", "--policy-arn", READ_ONLY_ACCESS]).ok();
    known(&env, &["assume", DEVELOPER], "a federated user can call nothing of STS but GetCallerIdentity");
    known(&env, &["session"], "a federated user cannot call GetSessionToken");
    known(&env, &["federation", "ci", "--yes"], "a federated user cannot call GetFederationToken");
    known(&env, &["root", "444455556666", "--task-policy", "S3UnlockBucketPolicy"], "a federated user cannot call AssumeRoot");
    let id = env.frames()[0].clone();
    by_sts(&env, &id, &["assume", DEVELOPER]).says("AccessDenied");
    assert_eq!(env.json(["whoami"])["arn"], "arn:aws:sts::111122223333:federated-user/ci");
}

#[test]
fn federated_users_without_a_policy_may_do_nothing_and_that_is_said_before() {
    let env = TestEnvironment::new();
    env.plain(["push", "federation", "ci"]).exits(2).says("with no session policy these credentials will have no permissions");
    env.plain(["push", "federation", "ci", "--yes"]).ok().says("without a session policy a federated user may do nothing");
}

#[test]
fn an_mfa_device_is_shown_by_long_term_keys_only() {
    let env = TestEnvironment::new();
    for before in ["session", "role"] {
        let id = match before {
            "session" => env.json(["push", "session"])["credential"].as_str().unwrap().to_owned(),
            _ => env.push_role(DEVELOPER),
        };
        let code = env.sandbox.totp(ALICE_MFA);
        let with_code = ["assume", READ_ONLY, "--mfa-serial", ALICE_MFA, "--mfa-code", &code];
        known(&env, &with_code, "only long-term keys can show an MFA device");
        by_sts(&env, &id, &with_code).says("MultiFactorAuthentication failed");
    }
}

#[test]
fn a_session_carries_mfa_into_the_roles_on_top_of_it_and_a_role_session_does_not() {
    let env = TestEnvironment::new();
    let admin = "arn:aws:iam::111122223333:role/Admin";
    env.plain(["push", "assume", admin]).exits(4).says("AccessDenied");
    env.push_session();
    env.push_role(admin);
    env.plain(["push", "assume", admin, "--from", "1"]).ok();
    // A role that requires MFA, from a role session: nobody can show a device any more.
    env.plain(["push", "assume", admin]).exits(4).says("AccessDenied");
    known(&env, &["assume", admin, "--mfa-serial", ALICE_MFA], "only long-term keys can show an MFA device");
}

#[test]
fn the_account_root_assumes_neither_roles_nor_roots() {
    let mut env = TestEnvironment::new();
    env.use_keys(ROOT_KEY, ROOT_SECRET, None);
    env.plain(["push", "assume", DEVELOPER]).exits(4).says("the account root cannot assume roles");
    env.plain(["push", "import", "--env"]).ok();
    known(&env, &["assume", DEVELOPER], "the account root cannot call AssumeRole");
    known(&env, &["root", "444455556666", "--task-policy", "S3UnlockBucketPolicy"], "the account root cannot call AssumeRoot");
    known(&env, &["session", "--duration", "2h"], "a session of the account root lasts 15m to 1h");
}

#[test]
fn another_session_policy_would_widen_a_session_and_is_refused() {
    let env = TestEnvironment::new();
    env.plain(["push", "assume", DEVELOPER, "--policy-arn", READ_ONLY_ACCESS]).ok();
    let more = ["exec", "--policy-arn", "arn:aws:iam::aws:policy/AdministratorAccess", "--", "true"];
    env.plain(more).exits(125).says("session policies are a union, so another one would widen it");
}

#[test]
fn who_one_is_cannot_be_denied() {
    let env = TestEnvironment::new();
    let nothing = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    env.plain(["push", "assume", DEVELOPER, "--policy", nothing]).ok();
    env.plain(["push", "assume", READ_ONLY]).exits(4).says("AccessDenied");
    assert!(env.json(["whoami"])["arn"].as_str().unwrap().contains("assumed-role/Developer"));
}

#[test]
fn source_identity_and_transitive_tags_are_inherited_and_cannot_be_changed() {
    let env = TestEnvironment::new();
    env.plain(["push", "assume", DEVELOPER, "--source-identity", "alice", "--tag", "team=blue", "--transitive-tag", "team"]).ok();
    known(&env, &["assume", READ_ONLY, "--source-identity", "bob"], "cannot be changed down the chain");
    known(&env, &["assume", READ_ONLY, "--tag", "TEAM=red"], "cannot be given again down the chain");
    let id = env.frames()[0].clone();
    by_sts(&env, &id, &["assume", READ_ONLY, "--tag", "team=red"]).says("conflicts with a transitive tag key");
}

#[test]
fn a_role_that_a_role_session_assumes_lasts_an_hour() {
    let env = TestEnvironment::new();
    let id = env.push_role(DEVELOPER);
    known(&env, &["assume", READ_ONLY, "--duration", "61m"], "a role session can assume a role for at most 1h");
    by_sts(&env, &id, &["assume", READ_ONLY, "--duration", "61m"])
        .says("1 hour session limit for roles assumed by role chaining");
}

#[test]
fn what_is_popped_stays_valid_at_aws_and_that_is_said() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.plain(["pop"]).ok().says("its secret is erased here and stays valid at AWS until");
}

#[test]
fn the_path_of_a_role_is_not_in_its_session() {
    let env = TestEnvironment::new();
    env.push_role("arn:aws:iam::111122223333:role/ops/Deploy");
    let arn = env.json(["whoami"])["arn"].as_str().unwrap().to_owned();
    assert!(arn.starts_with("arn:aws:sts::111122223333:assumed-role/Deploy/"), "{arn}");
    // What is recorded has it, so that it can be asked for again.
    assert_eq!(env.json(["explain"])["calls"][0]["target"], "arn:aws:iam::111122223333:role/ops/Deploy");
}
