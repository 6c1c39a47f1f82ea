//! `--dry-run` and `explain`: what would be asked of STS, without asking it.

use serde_json::{Value, json};

use crate::common::{ALICE_KEY, ALICE_MFA, ROOT_KEY, ROOT_SECRET, TestEnvironment};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
const CI: &str = "arn:aws:iam::111122223333:role/Ci";

fn dry(env: &TestEnvironment, push: &[&str]) -> Value {
    env.json([&["push"], push, &["--dry-run"]].concat())
}

/// Operation, target, signer and seconds of each call.
fn brief(plan: &Value) -> Vec<(String, Value, String, i64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let calls = plan["calls"].as_array().unwrap().iter();
    calls
        .map(|call| {
            let seconds = call["duration_seconds"].as_i64().unwrap();
            (text(&call["operation"]), call["target"].clone(), text(&call["signed_by"]), seconds)
        })
        .collect()
}

fn one(operation: &str, target: Value, signed_by: &str, seconds: i64) -> Vec<(String, Value, String, i64)> {
    vec![(operation.to_owned(), target, signed_by.to_owned(), seconds)]
}

#[test]
fn every_push_can_be_planned_and_asks_nobody() {
    let env = TestEnvironment::new();
    let (before, keys) = (env.events(), "this shell's keys");
    for (push, expected) in [
        (&["assume", DEVELOPER][..], one("AssumeRole", json!(DEVELOPER), keys, 3600)),
        (&["assume", "Developer", "--duration", "2h"], one("AssumeRole", json!("Developer"), keys, 7200)),
        (&["session"], one("GetSessionToken", Value::Null, keys, 43_200)),
        (&["federation", "ci", "--duration", "36h"], one("GetFederationToken", json!("ci"), keys, 129_600)),
        (&["web-identity", CI, "--token-command", "none"], one("AssumeRoleWithWebIdentity", json!(CI), "nobody", 3600)),
        (
            &["saml", CI, "--principal-arn", "arn:aws:iam::111122223333:saml-provider/idp", "--assertion-command", "false"],
            one("AssumeRoleWithSAML", json!(CI), "nobody", 3600),
        ),
        (&["root", "444455556666", "--task-policy", "S3UnlockBucketPolicy"], one("AssumeRoot", json!("444455556666"), keys, 900)),
    ] {
        assert_eq!(brief(&dry(&env, push)), expected, "{push:?}");
    }
    assert_eq!(dry(&env, &["import", "--env"])["calls"][0]["operation"], "GetCallerIdentity");
    assert_eq!(env.sandbox.calls(), [] as [Value; 0], "nobody is asked");
    assert_eq!((env.events(), env.frames()), (before, vec!["ambient".to_owned()]), "and nothing is written");
}

#[test]
fn a_plan_says_what_rules_make_of_it_and_what_the_result_cannot_do() {
    let mut env = TestEnvironment::new();
    let cannot = |plan: &Value, what: &str| {
        let list = plan["calls"][0]["cannot"].as_array().unwrap();
        assert!(list.iter().any(|it| it.as_str().unwrap().contains(what)), "{what}: {list:?}");
    };
    cannot(&dry(&env, &["session"]), "call the IAM API");
    let with_mfa = dry(&env, &["session", "--mfa-serial", ALICE_MFA]);
    assert!(!with_mfa.to_string().contains("call the IAM API"), "a session with MFA can");
    assert_eq!(with_mfa["calls"][0]["asks"], format!("a code of {ALICE_MFA}, from the terminal"));
    let plan = dry(&env, &["session", "--mfa-serial", ALICE_MFA, "--mfa-command", "ykman oath"]);
    assert_eq!(plan["calls"][0]["asks"], format!("a code of {ALICE_MFA}, from the program ykman"));
    let federation = dry(&env, &["federation", "ci"]);
    cannot(&federation, "assume roles");
    assert!(federation["calls"][0]["warnings"][0].as_str().unwrap().contains("without a session policy"));
    let root = dry(&env, &["root", "444455556666", "--task-policy", "S3UnlockBucketPolicy"]);
    cannot(&root, "anything but the task");
    assert!(root["calls"][0]["warnings"][0].as_str().unwrap().contains("the root of account 444455556666"));
    let token = dry(&env, &["web-identity", CI, "--token-command", "get token"]);
    assert_eq!(token["calls"][0]["asks"], "WebIdentityToken, from the program get");
    // The hour of the account root, and of a chain.
    env.push_role(DEVELOPER);
    let chained = dry(&env, &["assume", READ_ONLY]);
    assert_eq!(chained["calls"][0]["cap"], "a role that a role session assumes: at most 1h");
    cannot(&chained, "GetSessionToken");
    env.use_keys(ROOT_KEY, ROOT_SECRET, None);
    env.plain(["push", "import", "--env"]).ok();
    let session = dry(&env, &["session"]);
    assert_eq!((&session["calls"][0]["duration_seconds"], session["calls"][0]["cap"].is_null()), (&json!(3600), false));
}

#[test]
fn what_would_be_refused_is_shown_with_the_reason_and_fails_as_the_push_would() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.sandbox.forget_calls();
    for (push, why) in [
        (&["assume", READ_ONLY, "--duration", "2h"][..], "at most 1h"),
        (&["assume", READ_ONLY, "--mfa-serial", ALICE_MFA], "only long-term keys can show an MFA device"),
        (&["session"], "a role session cannot call GetSessionToken"),
        (&["federation", "ci"], "a role session cannot call GetFederationToken"),
        (&["root", "4444", "--task-policy", "S3UnlockBucketPolicy"], "twelve digits"),
        (&["web-identity", CI, "--token-file", "none"], "cannot be read"),
        (&["root", "444455556666", "--task-policy", "Everything"], "is not a task policy"),
    ] {
        let refused = env.plain([&["--json", "push"], push, &["--dry-run"]].concat()).exits(2).says(why);
        let plan: Value = serde_json::from_str(&refused.stdout).unwrap();
        let refused = plan["calls"][0]["refused"].as_str();
        assert!(refused.is_none_or(|refused| refused.contains(why)), "{plan}");
        assert_eq!(refused.is_none(), why == "cannot be read", "a file is no rule of STS's");
        let pushed = env.plain([&["push"], push].concat()).exits(2).says(why);
        assert_eq!(pushed.stdout, "");
    }
    assert_eq!(env.sandbox.calls(), [] as [Value; 0]);
}

#[test]
fn a_code_at_every_renewal_is_pointed_out_with_the_session_that_asks_once() {
    let env = TestEnvironment::new();
    let role = ["assume", DEVELOPER, "--mfa-serial", ALICE_MFA];
    let suggestion = format!("credstack push session --mfa-serial {ALICE_MFA}");
    assert!(dry(&env, &role)["suggestion"].as_str().unwrap().contains(&suggestion));
    let shown = env.plain(["push", "assume", DEVELOPER, "--dry-run", "--mfa-serial", ALICE_MFA]).ok().stdout;
    assert!(shown.contains(&suggestion), "{shown}");
    assert!(dry(&env, &["session", "--mfa-serial", ALICE_MFA])["suggestion"].is_null());
    env.push_session();
    assert!(dry(&env, &["assume", DEVELOPER])["suggestion"].is_null(), "the session carries it");
}

#[test]
fn a_frame_is_explained_from_its_nearest_living_ancestor() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.push_role(READ_ONLY);
    env.no_keys();
    env.sandbox.forget_calls();
    let plan = env.json(["explain"]);
    let signer = |id: &str| format!("{id} ({})", env.json(["whoami", id, "--offline"])["arn"].as_str().unwrap());
    assert_eq!(brief(&plan), one("AssumeRole", json!(READ_ONLY), &signer("c2"), 3600));
    assert_eq!(plan["calls"][0]["replaces"], "c3");
    // The ancestor is gone: it is asked for first, and the next push on top says so as well.
    env.plain(["drop", "--yes"]).ok();
    let plan = env.json(["explain"]);
    let first = ("AssumeRole".to_owned(), json!(DEVELOPER), signer("c1"), 3600);
    let second = ("AssumeRole".to_owned(), json!(READ_ONLY), "call 1".to_owned(), 3600);
    assert_eq!(brief(&plan), [first, second]);
    assert_eq!(plan["calls"][0]["replaces"], "c2");
    env.plain(["explain"]).ok().says("is asked for again from");
    // What nothing was asked for.
    assert_eq!(env.json(["explain", "root"]), json!({ "calls": [], "suggestion": null }));
    env.plain(["explain", "root"]).ok().says("was not asked of STS by credstack");
    env.plain(["explain", "env"]).ok().says("this shell's keys");
    env.plain(["--stack", "other", "explain"]).exits(3);
    env.plain(["explain", "c9"]).exits(3);
    assert_eq!(env.sandbox.calls(), [] as [Value; 0]);
}

#[test]
fn a_push_on_top_of_what_is_due_is_planned_with_the_renewal() {
    let env = TestEnvironment::new();
    // Half of two seconds is over at once, or nearly so.
    env.session_lifetime(Some(2));
    env.push_role(DEVELOPER);
    env.session_lifetime(None);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let plan = loop {
        let plan = dry(&env, &["assume", READ_ONLY]);
        if plan["calls"].as_array().unwrap().len() == 2 {
            break plan;
        }
        assert!(std::time::Instant::now() < deadline, "{plan}");
    };
    assert_eq!((&plan["calls"][0]["replaces"], &plan["calls"][1]["replaces"]), (&json!("c2"), &Value::Null));
    assert_eq!(plan["calls"][1]["signed_by"], "call 1");
}

#[test]
fn the_same_push_is_answered_from_what_lives_with_reuse_and_only_then() {
    let env = TestEnvironment::new();
    let asked = |arguments: &[&str]| {
        env.sandbox.forget_calls();
        env.plain([&["push", "assume"], arguments].concat()).ok();
        env.sandbox.actions().iter().filter(|action| *action == "AssumeRole").count()
    };
    assert_eq!(asked(&[DEVELOPER, "--reuse"]), 1, "there is nothing yet");
    assert_eq!(asked(&[DEVELOPER, "--from", "root", "--reuse"]), 0);
    assert_eq!(env.frames(), ["c2", "c2", "c1"]);
    assert_eq!(env.events().last().unwrap(), "used");
    assert_eq!(asked(&["Developer", "--from", "root", "--reuse"]), 0, "a bare name is the same role");
    assert_eq!(asked(&[DEVELOPER, "--from", "root"]), 1, "off by default");
    assert_eq!(asked(&[DEVELOPER, "--from", "root", "--reuse", "--fresh"]), 1, "the last one counts");
    let another = env.json(["push", "assume", DEVELOPER, "--from", "root", "--no-use"])["credential"].clone();
    let another = another.as_str().unwrap();
    // Anything else that is asked is another request, and so is another signer.
    assert_eq!(asked(&[DEVELOPER, "--from", "root", "--reuse", "--duration", "30m"]), 1);
    assert_eq!(asked(&[DEVELOPER, "--from", "root", "--reuse", "--session-name", "other"]), 1);
    assert_eq!(asked(&[READ_ONLY, "--from", "c2", "--reuse"]), 1);
    assert_eq!(asked(&[READ_ONLY, "--from", another, "--reuse"]), 1);
    assert_eq!(asked(&[READ_ONLY, "--from", "c2", "--reuse", "--no-use"]), 0);
    assert_eq!(env.held(), [another], "what is on the stack need not be held");
    // What has left, or will soon, is no answer.
    env.plain(["clear", "--yes"]).ok();
    assert_eq!(asked(&[DEVELOPER, "--reuse"]), 1);
    env.session_lifetime(Some(6));
    env.plain(["clear", "--yes"]).ok();
    assert_eq!(asked(&[DEVELOPER, "--reuse"]), 1);
    env.session_lifetime(None);
    let due = env.frames()[0].clone();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while asked(&[DEVELOPER, "--from", "root", "--reuse"]) == 0 {
        assert!(std::time::Instant::now() < deadline, "{due} is due after three seconds");
    }
    assert!(env.variable("AWS_ACCESS_KEY_ID") == Some(ALICE_KEY));
}

#[test]
fn a_role_of_another_partition_is_refused_by_a_dry_run_too_and_a_bare_name_is_of_the_regions() {
    let mut env = TestEnvironment::new();
    env.unset("AWS_ENDPOINT_URL_STS");
    env.set("HTTPS_PROXY", "http://127.0.0.1:1");
    env.set("AWS_MAX_ATTEMPTS", "1");
    let role = "arn:aws-us-gov:iam::111122223333:role/Developer";
    for more in [&[][..], &["--dry-run"]] {
        let push = [&["push", "assume", role], more].concat();
        env.plain(&push).exits(2).says("the role is in partition aws-us-gov").says("--region");
    }
    env.plain(["push", "assume", role, "--region", "us-gov-west-1", "--dry-run"]).ok();
    env.set("AWS_REGION", "cn-north-1");
    env.plain(["push", "assume", "Developer", "--dry-run"]).ok();
    env.plain(["push", "assume", "Developer"]).exits(7);
}
