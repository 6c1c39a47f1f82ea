//! Who signs: what the environment's keys are, and that nothing falls through to another identity.

use serde_json::{Value, json};

use crate::{
    common::{ALICE, ALICE_KEY, ALICE_SECRET, BOB_KEY, BOB_SECRET, TestEnvironment, programs},
    handout::handed_out,
};

const OTHER_KEYS: &str =
    "AWS_ACCESS_KEY_ID in this shell is another identity; using the stack's. --from env signs with the shell's";
const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const DEPLOY: &str = "arn:aws:iam::111122223333:role/ops/Deploy";

fn profile(name: &str, key: &str, secret: &str) -> String {
    format!("[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
}

/// A machine whose default profile is bob.
fn with_bob() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.aws_config(&profile("default", BOB_KEY, BOB_SECRET));
    env.learn(BOB_SECRET);
    env
}

/// `eval "$(credstack env OPTIONS)"`: the keys of a frame come into the environment.
fn take_keys(env: &mut TestEnvironment, options: &[&str]) -> String {
    let printed = handed_out(env, &[&["env", "--reveal"], options].concat()).ok().stdout;
    let text = |name: &str| {
        let value = printed.lines().find_map(|line| line.strip_prefix(&format!("export {name}="))?.strip_prefix('\''));
        value.map(|value| value.trim_end_matches('\'').to_owned())
    };
    let key = text("AWS_ACCESS_KEY_ID").unwrap();
    env.use_keys(&key, &text("AWS_SECRET_ACCESS_KEY").unwrap(), text("AWS_SESSION_TOKEN").as_deref());
    key
}

/// The key ids that signed, the last call last.
fn signers(env: &TestEnvironment, action: &str) -> Vec<Value> {
    env.sandbox.calls().iter().filter(|call| call["action"] == action).map(|call| call["access_key_id"].clone()).collect()
}

/// Who signs the first call of a dry run.
fn planned(env: &TestEnvironment, push: &[&str]) -> String {
    env.json(&[push, &["--dry-run"]].concat()[..])["calls"][0]["signed_by"].as_str().unwrap().to_owned()
}

#[test]
fn keys_that_credstack_handed_out_sign_as_the_frame_that_they_are_of() {
    let mut env = with_bob();
    env.push_role(DEVELOPER);
    let developer = take_keys(&mut env, &[]);
    env.set("CREDSTACK_STACK", "two");
    let push = ["push", "assume", "ops/Deploy", "--label", "deploy"];
    assert!(
        planned(&env, &push).starts_with("c2 (arn:aws:sts::111122223333:assumed-role/Developer/"),
        "{}",
        planned(&env, &push)
    );
    let pushed = env.credstack(push).ok().says("signing with c2 (arn:aws:sts::111122223333:assumed-role/Developer/");
    pushed.says("whose keys are in this shell").says_not(OTHER_KEYS);
    assert_eq!(signers(&env, "AssumeRole"), [json!(ALICE_KEY), json!(developer)]);
    // The frame that they cover is that credential set, and no copy; the push is renewed through it.
    assert_eq!(env.frames(), ["c3", "c2"]);
    assert_eq!(env.list()["frames"][0]["parent"], "c2");
    env.no_keys();
    env.json(["refresh"]);
    assert_eq!(env.frames(), ["c4", "c2"]);
    env.plain(["pop"]).ok();
    assert!(env.json(["whoami"])["arn"].as_str().unwrap().contains("Developer"));
}

#[test]
fn keys_of_a_frame_that_was_renewed_cover_as_the_renewal() {
    let mut env = with_bob();
    env.push_role(DEVELOPER);
    take_keys(&mut env, &[]);
    env.json(["refresh"]);
    env.credstack(["--stack", "two", "save"]).ok();
    assert_eq!(env.json(["--stack", "two", "list"])["frames"][1]["credential"], "c3");
    // In the stack's own shell they are the current frame, and nothing is pointed out.
    env.credstack(["push", "assume", "ops/Deploy"]).ok().says_not(OTHER_KEYS);
}

#[test]
fn keys_of_a_frame_that_was_erased_are_captured_again_and_their_push_is_renewable() {
    let mut env = with_bob();
    env.push_role(DEVELOPER);
    let developer = take_keys(&mut env, &[]);
    env.plain(["pop"]).ok();
    env.set("CREDSTACK_STACK", "two");
    env.credstack(["push", "assume", DEPLOY]).ok().says("this shell's keys are saved as c");
    assert_eq!(signers(&env, "AssumeRole"), [json!(ALICE_KEY), json!(developer)]);
    let root = env.list()["frames"][1].clone();
    assert_eq!((&root["access_key_id"], &root["kind"]), (&json!(developer), &json!("ambient")));
    assert!(root["arn"].as_str().unwrap().contains("Developer") && root["expires_at"].is_string(), "{root}");
    env.no_keys();
    env.json(["refresh"]);
    // Once captured they are that set.
    env.use_keys(
        &developer,
        &env.sandbox.issued_as(&developer).secret_access_key,
        Some(&env.sandbox.issued_as(&developer).session_token),
    );
    env.credstack(["--stack", "three", "save"]).ok();
    assert_eq!(env.json(["--stack", "three", "list"])["frames"][0]["credential"], root["credential"]);
}

#[test]
fn keys_of_a_profile_s_frame_are_the_profile_and_none_is_copied_out_of_it() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.aws_config(&profile("profile dev", ALICE_KEY, ALICE_SECRET));
    env.plain(["push", "profile", "dev"]).ok();
    assert_eq!(take_keys(&mut env, &[]), ALICE_KEY);
    env.set("CREDSTACK_STACK", "two");
    let push = ["push", "assume", DEVELOPER];
    assert_eq!(planned(&env, &push), "ambient (profile dev), whose keys are in this shell");
    env.credstack(push).ok().says("signing with ambient (profile dev), whose keys are in this shell");
    assert_eq!(env.frames(), ["c1", "ambient"]);
    assert!(env.plain(["list"]).stdout.contains("ambient (profile dev)"));
    assert!(!env.events().contains(&"captured".to_owned()));
    assert_eq!(env.json(["history", "--event", "acquired"])["events"][0]["detail"]["signed_by"]["profile"], "dev");
    env.no_keys();
    env.json(["refresh"]);
    env.plain(["pop"]).ok();
    assert_eq!(env.json(["whoami"])["arn"], ALICE);
}

#[test]
fn keys_that_a_profile_gave_and_gives_no_more_sign_themselves() {
    let mut env = with_bob();
    env.no_keys();
    env.plain(["--stack", "s", "push", "profile", "default"]).ok();
    assert_eq!(take_keys(&mut env, &["--stack", "s"]), BOB_KEY);
    let push = ["push", "assume", DEVELOPER];
    assert_eq!(planned(&env, &push), "ambient (profile default), whose keys are in this shell");
    // The profile is another user's by now, or is gone.
    for (stack, config) in
        [("two", profile("default", ALICE_KEY, ALICE_SECRET)), ("three", profile("profile x", ALICE_KEY, ALICE_SECRET))]
    {
        env.aws_config(&config);
        env.set("CREDSTACK_STACK", stack);
        env.sandbox.forget_calls();
        assert_eq!(planned(&env, &push), "this shell's keys", "{stack}");
        env.credstack(push).ok().says_not("profile default");
        assert_eq!(signers(&env, "AssumeRole"), [BOB_KEY], "{stack}");
        assert_eq!(env.list()["frames"][1]["access_key_id"], BOB_KEY, "what they cover is they");
    }
    env.set("CREDSTACK_STACK", "four");
    env.plain(["save"]).ok();
    assert_eq!(env.list()["frames"][1]["access_key_id"], BOB_KEY);
}

#[test]
fn a_covered_frame_of_which_a_region_alone_is_known_has_one_signer_in_plan_and_push() {
    let mut env = with_bob();
    env.no_keys();
    let held = env.json(["push", "session", "--profile", "default", "--no-use"])["credential"].as_str().unwrap().to_owned();
    env.plain(["use", &held]).ok();
    env.use_keys(ALICE_KEY, ALICE_SECRET, None);
    let push = ["push", "assume", DEVELOPER, "--from", "root"];
    assert_eq!(planned(&env, &push), "this shell's keys");
    env.json(push);
    assert_eq!(signers(&env, "AssumeRole"), [ALICE_KEY]);
    env.no_keys();
    assert_eq!(planned(&env, &push), "ambient (profile default)");
    env.json(push);
    assert_eq!(signers(&env, "AssumeRole"), [ALICE_KEY, BOB_KEY]);
}

#[test]
fn on_a_frame_that_names_a_profile_keys_of_another_identity_are_passed_over_and_that_is_said() {
    let mut env = TestEnvironment::new();
    env.aws_config(&profile("profile bob", BOB_KEY, BOB_SECRET));
    env.learn(BOB_SECRET);
    env.no_keys();
    env.plain(["push", "profile", "bob"]).ok();
    env.use_keys(ALICE_KEY, ALICE_SECRET, None);
    let push = ["push", "session", "--no-use"];
    assert_eq!(planned(&env, &push), "ambient (profile bob)");
    env.credstack(push).ok().says(OTHER_KEYS);
    assert_eq!(signers(&env, "GetSessionToken"), [BOB_KEY]);
    env.no_keys();
    env.set("AWS_ACCESS_KEY_ID", ALICE_KEY);
    env.credstack(push).ok().says(OTHER_KEYS);
    assert_eq!(signers(&env, "GetSessionToken"), [BOB_KEY; 2], "half a key changes nothing there");
}

#[test]
fn nothing_falls_through_half_a_key_or_a_profile_that_gives_nothing() {
    let mut env = with_bob();
    env.unset("AWS_SECRET_ACCESS_KEY");
    for command in [&["whoami"][..], &["push", "assume", DEVELOPER], &["push", "assume", DEVELOPER, "--dry-run"], &["save"]] {
        env.credstack(command).exits(2).says("the environment has AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY");
    }
    env.no_keys();
    env.set("AWS_PROFILE", "half");
    for half in ["aws_access_key_id = AKIAFAKEHALF00000001", "role_arn = arn:aws:iam::111122223333:role/Developer"] {
        env.aws_config(&format!("{}[profile half]\n{half}\n", profile("default", BOB_KEY, BOB_SECRET)));
        env.credstack(["whoami"]).exits(2).says("profile half");
    }
    assert!(env.sandbox.calls().is_empty());
}

#[test]
fn what_other_keys_of_a_profile_signed_for_is_not_taken_again() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.learn(BOB_SECRET);
    let push = ["push", "assume", DEVELOPER, "--profile", "p", "--reuse"];
    let asked = |env: &TestEnvironment| {
        let planned = env.json(&[&push[..], &["--dry-run"]].concat()[..])["calls"].as_array().unwrap().len();
        env.sandbox.forget_calls();
        env.plain(push).ok();
        let signers = signers(env, "AssumeRole");
        assert_eq!(signers.len(), planned);
        signers
    };
    env.aws_config(&profile("profile p", ALICE_KEY, ALICE_SECRET));
    assert_eq!(asked(&env), [ALICE_KEY]);
    assert_eq!(asked(&env), [""; 0]);
    env.aws_config(&profile("profile p", BOB_KEY, BOB_SECRET));
    assert_eq!(asked(&env), [BOB_KEY]);
    assert_eq!(asked(&env), [""; 0]);
    let event = env.json(["history", "--event", "acquired", "--limit", "1"])["events"][0]["detail"].clone();
    assert_eq!(event["signer_access_key_id"], BOB_KEY);
    // A renewal records the key that signs for it by then.
    env.plain(["refresh"]).ok();
    assert_eq!(asked(&env), [""; 0]);
    env.aws_config(&profile("profile p", ALICE_KEY, ALICE_SECRET));
    assert_eq!(asked(&env), [""; 0], "what alice's keys gave lives still");
}

#[test]
fn inside_exec_an_untouched_stack_is_the_frame_that_the_program_was_given_by_any_way() {
    let mut env = with_bob();
    env.push_role(DEVELOPER);
    env.no_keys();
    let developer = env.list()["frames"][0]["access_key_id"].clone();
    let credstack = programs::credstack();
    let credstack = credstack.display();
    for (number, options) in
        [&["--via", "profile"][..], &["--via", "endpoint"], &["--via", "endpoint", "--follow"]].into_iter().enumerate()
    {
        let stack = format!("s{number}");
        env.sandbox.forget_calls();
        let script = format!(
            "{credstack} --stack {stack} push assume {DEPLOY} --dry-run --json; {credstack} --stack {stack} push assume {DEPLOY}; \
             CREDSTACK_STACK={stack}-saved {credstack} save; {credstack} --state-dir \"$HOME/other\" push assume {DEPLOY}"
        );
        let said = env.credstack([&["exec"], options, &["--", "sh", "-c", &script]].concat());
        let said =
            said.says("signing with c2 (").says("under `credstack exec` with it").says("name the signer: --profile PROFILE");
        assert!(said.stdout.contains("\"c2 (arn:aws:sts::111122223333:assumed-role/Developer/"), "{}", said.stdout);
        assert_eq!(signers(&env, "AssumeRole"), std::slice::from_ref(&developer), "{options:?}");
        assert_eq!(env.json(["--stack", &stack, "list"])["frames"][1]["credential"], "c2", "{options:?}");
        assert_eq!(env.json(["--stack", &format!("{stack}-saved"), "list"])["frames"][1]["credential"], "c2", "{options:?}");
    }
}
