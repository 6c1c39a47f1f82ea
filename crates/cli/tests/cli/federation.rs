//! What nobody signs, and a member account's root, at the sandbox.

use serde_json::{Value, json};

use crate::common::{TestEnvironment, environment::path, http, terminal::Terminal};

const CI: &str = "arn:aws:iam::111122223333:role/Ci";
const STAFF: &str = "arn:aws:iam::111122223333:role/sso/Staff";
const IDP: &str = "arn:aws:iam::111122223333:saml-provider/idp";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

/// An environment without any AWS credentials.
fn without_keys() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env
}

/// What the sandbox's identity provider gives, in a file of that name.
fn given(env: &TestEnvironment, name: &str, query: &str) -> String {
    let answer = http::get(&format!("{}/_sandbox/{query}", env.sandbox.url()));
    assert_eq!(answer.status, 200, "{}", answer.body);
    env.learn(answer.body.trim());
    env.write(&env.scratch(name), &answer.body);
    path(&env.scratch(name)).to_owned()
}

fn newest(env: &TestEnvironment, event: &str) -> Value {
    let events = env.json(["history"])["events"].as_array().unwrap().clone();
    events.into_iter().find(|it| it["event"] == event).unwrap_or_else(|| panic!("no {event}"))
}

#[test]
fn a_token_of_an_identity_provider_gives_a_role_without_any_credentials() {
    let env = without_keys();
    let token = given(&env, "token", "web-identity-token?subject=repo:example/app&source_identity=zoe&tag.team=blue");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
    let options = ["--session-name", "job", "--duration", "15m", "--policy", policy, "--label", "ci", "--note", "build 42"];
    let pushed = env.json([&["push", "web-identity", CI, "--token-file", &token][..], &options].concat());
    assert_eq!((&pushed["kind"], &pushed["parent"], &pushed["label"]), (&json!("web-identity"), &Value::Null, &json!("ci")));
    let acquired = newest(&env, "acquired");
    let request = &acquired["detail"]["request"];
    assert_eq!((&request["operation"], &request["duration_seconds"]), (&json!("AssumeRoleWithWebIdentity"), &json!(900)));
    assert_eq!(request["token_source"], json!({ "file": token }));
    assert_eq!((&acquired["detail"]["source_identity"], &acquired["detail"]["note"]), (&json!("zoe"), &json!("build 42")));
    // Roles go on top of it, and the whole chain is renewed from the token.
    env.plain(["use", "c1", "--replace"]).ok();
    env.session_lifetime(Some(1));
    env.json(["push", "web-identity", CI, "--token-file", &token, "--replace"]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while env.plain(["--no-input", "whoami", "--offline"]).ok().stdout.contains("left)") {
        assert!(std::time::Instant::now() < deadline);
    }
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    crate::handout::keys(&env, &[]);
    assert_eq!(env.sandbox.actions(), ["AssumeRoleWithWebIdentity"]);
}

#[test]
fn a_role_session_by_token_is_a_role_session_like_any_other() {
    let env = without_keys();
    let token = given(&env, "token", "web-identity-token?subject=repo:example/app");
    env.json(["push", "web-identity", CI, "--token-file", &token]);
    env.plain(["push", "session"]).exits(2).says("a role session cannot call GetSessionToken");
    env.plain(["push", "assume", READ_ONLY, "--duration", "2h"]).exits(2).says("at most 1h");
    env.plain(["--stack", "two", "push", "web-identity", CI, "--token-file", &token, "--reuse"]).ok().says("STS is not asked");
}

#[test]
fn tokens_that_are_wrong_are_refused_with_a_way_out_and_change_nothing() {
    let env = without_keys();
    for (query, code, next) in [
        ("web-identity-token?seconds=0", "ExpiredTokenException", "get a new one"),
        ("web-identity-token?audience=other", "InvalidIdentityToken", "not one of an identity provider"),
        ("web-identity-token?subject=other", "AccessDenied", "audience and subject"),
    ] {
        let token = given(&env, "token", query);
        env.plain(["push", "web-identity", CI, "--token-file", &token]).exits(4).says(code).says(next);
        assert_eq!(newest(&env, "refused")["detail"]["code"], code);
    }
    env.write(&env.scratch("long"), &"x".repeat(20_001));
    env.write(&env.scratch("binary"), "x");
    std::fs::write(env.scratch("binary"), [0xff, 0xfe, 0x00]).unwrap();
    let (long, binary, missing) = (env.scratch("long"), env.scratch("binary"), env.scratch("missing"));
    env.sandbox.forget_calls();
    for (options, what) in [
        (&["--token-file", path(&long)][..], "at most"),
        (&["--token-file", path(&binary)], "is no text"),
        (&["--token-file", path(&missing)], "cannot be read"),
        (&["--token-command", "false"], "the token command false failed"),
        (&["--token-command", "no-such-program"], "could not be run"),
        (&["--token-command", "'"], "a quote without an end"),
        (&["--token-command", ""], "is empty"),
        (&["--provider-id", "accounts.google.com", "--token-command", "true"], "www.amazon.com"),
        (&[], "no token is given"),
    ] {
        let said = env.plain([&["push", "web-identity", CI], options].concat()).exits(2).stderr;
        assert!(said.contains(what) || what == "at most" && said.contains("4 to 20000 characters"), "{options:?}: {said}");
    }
    env.plain(["push", "web-identity"]).exits(2).says("no role is given").says("AWS_ROLE_ARN");
    env.plain(["push", "web-identity", "Ci", "--token-command", "true"]).exits(2).says("is not an ARN");
    assert_eq!((env.sandbox.actions(), env.frames()), (Vec::<String>::new(), vec!["ambient".to_owned()]));
}

#[test]
fn an_assertion_offers_its_roles_and_one_is_chosen() {
    let env = without_keys();
    let query = format!("saml-assertion?role={CI}&role={STAFF}&session_name=zoe&session_seconds=1800");
    let assertion = given(&env, "assertion", &query);
    let saml = ["push", "saml", "--assertion-file", &assertion];
    env.plain(saml).exits(2).says("offers 2 roles").says(STAFF);
    let mut terminal = Terminal::start(&env, &saml);
    terminal.expect(&format!("2  {STAFF}"));
    terminal.expect("Which role?");
    let (status, shown) = terminal.type_line_and_finish("2");
    assert_eq!(status.code(), Some(0), "{shown}");
    assert_eq!(env.list()["frames"][0]["arn"], "arn:aws:sts::111122223333:assumed-role/Staff/zoe");
    let mut terminal = Terminal::start(&env, &saml);
    terminal.expect("Which role?");
    assert_eq!(terminal.type_line_and_finish("3").0.code(), Some(2), "there is no third");
    // By name, by its whole ARN, and by the provider's.
    for role in ["Staff", "sso/Staff", STAFF] {
        env.json([&saml[..], &[role]].concat());
    }
    env.json(["push", "saml", STAFF, "--principal-arn", IDP, "--assertion-file", &assertion]);
    env.plain([&saml[..], &["Staff", "--principal-arn", "arn:aws:iam::111122223333:saml-provider/other"]].concat()).exits(2);
    env.plain([&saml[..], &["Ci"]].concat()).exits(4).says("AssumeRoleWithSAML").says("AccessDenied");
    // From a program, and from a pipe, which cannot be had again.
    let cat = format!("cat {assertion}");
    env.json(["push", "saml", "Staff", "--assertion-command", &cat]);
    env.json(["refresh"]);
    let text = std::fs::read(&assertion).unwrap();
    env.run_with_input(env.command(["push", "saml", "Staff", "-"]), &text).ok();
    env.plain(["refresh"]).exits(5).says("a SAML assertion, which is given once and not kept");
    env.plain(["explain"]).ok().says("given once");
}

#[test]
fn an_assertion_that_is_too_old_says_so() {
    let env = without_keys();
    let assertion = given(&env, "assertion", &format!("saml-assertion?role={STAFF}"));
    env.sandbox.faults(json!({ "clock_skew_seconds": 301 }));
    let push = ["push", "saml", "--assertion-file", &assertion];
    env.plain(push).exits(4).says("ExpiredTokenException").says("get a new one, and use it at once");
}

#[test]
fn a_member_account_s_root_is_pushed_with_a_warning_and_popped() {
    let env = TestEnvironment::new();
    let push = ["push", "root", "444455556666", "--task-policy", "IAMAuditRootUserCredentials", "--note", "audit"];
    env.plain(push).ok().says("this is the root of account 444455556666").says("15m");
    let frame = env.list()["frames"][0].clone();
    assert_eq!((&frame["kind"], &frame["arn"]), (&json!("assume-root"), &json!("arn:aws:iam::444455556666:root")));
    assert_eq!((&frame["account"], &frame["parent"]), (&json!("444455556666"), &json!("c1")));
    assert_eq!(env.json(["whoami"])["arn"], frame["arn"], "STS says the same as the record");
    let request = newest(&env, "acquired")["detail"]["request"].clone();
    assert_eq!(request["task_policy_arn"], "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials");
    for (push, why) in [
        (&["assume", READ_ONLY][..], "a session from AssumeRoot can call nothing of STS"),
        (&["session"], "a session from AssumeRoot cannot call GetSessionToken"),
        (&["root", "777788889999", "--task-policy", "S3UnlockBucketPolicy"], "a session from AssumeRoot cannot call AssumeRoot"),
    ] {
        env.plain([&["push"], push].concat()).exits(2).says(why);
    }
    env.plain(["console"]).exits(2).says("cannot sign in to the console");
    env.plain(["exec", "--read-only", "--", "true"]).exits(125).says("it may do its task and nothing else");
    env.json(["refresh"]);
    env.plain(["pop"]).ok();
    assert_eq!(env.frames(), ["c1"]);
    for (options, code, why) in [
        (&["111122223333", "--task-policy", "S3UnlockBucketPolicy"][..], 4, "management account"),
        (&["444455556666", "--task-policy", "Everything"], 2, "is not a task policy of AWS's"),
        (&["444455556666", "--task-policy", "S3UnlockBucketPolicy", "--duration", "16m"], 2, "lasts 1s to 15m"),
        (&["444455556666", "--task-policy", "S3UnlockBucketPolicy", "--region", "aws-global"], 2, "global endpoint"),
        (&["444455556666"], 2, "--task-policy"),
    ] {
        env.plain([&["push", "root"], options].concat()).exits(code).says(why);
    }
    env.push_role("arn:aws:iam::111122223333:role/Developer");
    env.push_role(READ_ONLY);
    let other = ["push", "root", "777788889999", "--task-policy", "S3UnlockBucketPolicy"];
    env.plain(other).exits(4).says("management account");
}
