//! What STS refuses arrives as a sentence, its code, the request id and a next step; and every exit code.

use serde_json::json;

use crate::common::{ALICE_KEY, ALICE_MFA, BOB_KEY, BOB_SECRET, Output, ROOT_KEY, ROOT_SECRET, TestEnvironment};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const PROD: &str = "arn:aws:iam::444455556666:role";

/// The refusal has all four parts, in text and in JSON, and the id is one that the sandbox gave.
#[track_caller]
fn refused(env: &TestEnvironment, arguments: &[&str], code: &str, sentence: &str, next: &str) {
    let text: Output = env.plain(arguments).exits(4);
    let refused = env.plain([&["--json"], arguments].concat()).exits(4);
    let error = refused.error();
    assert_eq!((&error["code"], &error["kind"]), (&code.into(), &"refused".into()), "{error}");
    let (id, message) = (error["request_id"].as_str().unwrap(), error["message"].as_str().unwrap());
    assert!(env.sandbox.calls().iter().any(|call| call["request_id"] == id), "no call has the id {id}");
    assert!(message.starts_with("STS refused ") && message.contains(sentence), "{message}");
    assert!(message.ends_with(&format!("({code}, request {id})")), "{message}");
    let step = error["next_step"].as_str().unwrap();
    assert!(step.replace('`', "").to_lowercase().contains(&next.to_lowercase()), "{step}");
    assert!(text.stderr.contains(sentence) && text.stderr.contains(&format!("next: {step}")), "{}", text.stderr);
}

#[test]
fn refusals_of_trust_and_policy() {
    let mut env = TestEnvironment::new();
    let role = |name: &str| format!("{PROD}/{name}");
    let assume = "is not authorized to perform: sts:AssumeRole on resource";
    refused(&env, &["push", "assume", "Nobody"], "AccessDenied", assume, "trust policy");
    refused(&env, &["push", "assume", &role("Partner")], "AccessDenied", assume, "external id");
    refused(&env, &["push", "assume", &role("Guarded")], "AccessDenied", assume, "MFA");
    refused(&env, &["push", "assume", &role("Untagged"), "--tag", "a=b"], "AccessDenied", "sts:TagSession", "leave the tags out");
    let source = ["push", "assume", &role("Untagged"), "--source-identity", "alice"];
    refused(&env, &source, "AccessDenied", "sts:SetSourceIdentity", "source identity needs sts:SetSourceIdentity");
    env.use_keys(ROOT_KEY, ROOT_SECRET, None);
    refused(&env, &["push", "assume", DEVELOPER], "AccessDenied", "root", "sign with the keys of an IAM user");
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    let federation = ["push", "federation", "reporter", "--yes"];
    refused(&env, &federation, "AccessDenied", "sts:GetFederationToken", "credstack whoami");
    assert_eq!(env.frames(), ["ambient"]);
    assert!(env.events().iter().skip(1).all(|event| event == "refused"));
}

#[test]
fn refusals_of_keys_and_sessions() {
    let mut env = TestEnvironment::new();
    env.push_session();
    env.sandbox.end_sessions();
    refused(&env, &["push", "assume", DEVELOPER], "ExpiredToken", "expired", "the session that signs has expired");
    refused(&env, &["whoami"], "ExpiredToken", "expired", "the session that signs has expired");
    env.set("CREDSTACK_STACK", "other");
    env.use_keys("AKIAFAKEUNKNOWN00001", "fake+unknown+secret/of+nobody+at+all+001", None);
    let unknown = ["push", "assume", DEVELOPER];
    refused(&env, &unknown, "InvalidClientTokenId", "security token", "STS does not know the keys that sign");
    env.use_keys(ALICE_KEY, "fake+wrong+secret/that+is+not+alices+001", None);
    refused(&env, &unknown, "SignatureDoesNotMatch", "signature", "does not belong to the access key id");
    let mut env = TestEnvironment::new();
    env.set("AWS_MAX_ATTEMPTS", "1");
    env.sandbox.faults(json!({"clock_skew_seconds": 86400}));
    refused(&env, &["push", "session"], "SignatureDoesNotMatch", "expired", "set this machine's clock");
}

#[test]
fn refusals_of_values() {
    let mut env = TestEnvironment::new();
    let duration = ["push", "assume", "ops/Deploy", "--duration", "2h"];
    refused(&env, &duration, "ValidationError", "MaxSessionDuration", "shorter --duration");
    let policy = ["push", "assume", DEVELOPER, "--policy", r#"{"Version":"2012-10-17","Statement":"nothing"}"#];
    refused(&env, &policy, "MalformedPolicyDocument", "policy", "Access Analyzer");
    let resource = format!("arn:aws:s3:::{}", "x".repeat(2100));
    let long = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": resource}]});
    let large = long.to_string();
    env.plain(["push", "assume", DEVELOPER, "--policy", &large]).exits(4).says("warning: ").says("at most 2048");
    let tags: Vec<String> = (0..10).flat_map(|n| ["--tag".to_owned(), format!("key{n}={}", "x".repeat(256))]).collect();
    let tags: Vec<&str> = ["push", "assume", DEVELOPER].into_iter().chain(tags.iter().map(String::as_str)).collect();
    refused(&env, &tags, "PackedPolicyTooLarge", "allotted space", "shorten the policy");
    let region = ["push", "session", "--region", "ap-east-1"];
    refused(&env, &region, "RegionDisabledException", "not activated in this region", "another --region");
    let used = env.sandbox.totp(ALICE_MFA);
    let mfa = ["push", "session", "--mfa-serial", ALICE_MFA, "--mfa-code", &used];
    env.plain([&mfa[..], &["--no-use"]].concat()).ok();
    refused(&env, &mfa, "AccessDenied", "MultiFactorAuthentication failed", "wait for the next code");
    // What cannot be known of keys that STS has not named yet is left to STS.
    let key = env.json(["push", "assume", DEVELOPER, "--no-use"])["access_key_id"].as_str().unwrap().to_owned();
    let issued = env.sandbox.issued_as(&key);
    env.set("CREDSTACK_STATE_DIR", env.scratch("second").to_str().unwrap());
    env.plain(["setup", "--store", "vault", "--key-file", env.scratch("second.key").to_str().unwrap()]).ok();
    env.use_keys(&issued.access_key_id, &issued.secret_access_key, Some(&issued.session_token));
    let read_only = format!("{PROD}/ReadOnly");
    let chained = ["push", "assume", &read_only, "--duration", "2h"];
    refused(&env, &chained, "ValidationError", "1 hour session limit", "at most 1h");
    refused(&env, &["push", "session"], "AccessDenied", "session credentials", "long-term keys");
}

#[test]
fn refusals_when_sts_is_unwell() {
    let env = TestEnvironment::new();
    env.sandbox.faults(json!({"throttle": true}));
    refused(&env, &["push", "assume", DEVELOPER], "Throttling", "Rate exceeded", "wait a little");
    env.sandbox.faults(json!({"internal_error": true}));
    refused(&env, &["push", "assume", DEVELOPER], "InternalFailure", "STS refused AssumeRole", "another --region");
}

#[test]
fn every_exit_code() {
    let env = TestEnvironment::new();
    env.credstack(["list"]).exits(0);
    let mut full = env.command(["list"]);
    // The one fault that every machine has: a device that is always full.
    full.stdout(std::fs::File::create("/dev/full").unwrap()).stderr(std::process::Stdio::piped());
    let output = full.spawn().unwrap().wait_with_output().unwrap();
    env.keep("list > /dev/full".into(), output).exits(1).says("stdout cannot be written");
    env.credstack(["push"]).exits(2);
    env.credstack(["pop"]).exits(3);
    env.credstack(["--stack", "unknown", "list"]).exits(3).says("there is no stack unknown");
    env.credstack(["whoami", "7"]).exits(3).says("stack default has no frame at position 7");
    env.credstack(["whoami", "c7"]).exits(3).says("there is no credential set c7");
    env.credstack(["push", "assume", "Nobody"]).exits(4);
    env.push_role(DEVELOPER);
    std::fs::rename(env.key_file(), env.scratch("away")).unwrap();
    env.credstack(["whoami"]).exits(6).says("key file").says("does not exist");
    std::fs::rename(env.scratch("away"), env.key_file()).unwrap();
    let mut nowhere = env.command(["whoami", "root"]);
    nowhere.env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    env.run(nowhere).exits(7).says("cannot reach STS at http://127.0.0.1:1");
    rusqlite::Connection::open(env.database()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    env.credstack(["list"]).exits(8);
}
