//! `push profile`: what the AWS configuration says, done.

use serde_json::{Value, json};

use crate::{
    common::{ALICE, ALICE_KEY, ALICE_MFA, ALICE_SECRET, BOB_KEY, BOB_SECRET, Sandbox, TestEnvironment, programs},
    handout::keys,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";
const REPORTER: &str = "arn:aws:iam::777788889999:role/Reporter";

/// Alice's keys in a profile, and a chain of three roles on top of it.
fn configured() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.write(
        &env.home().join(".aws/credentials"),
        &format!("[alice]\naws_access_key_id = {ALICE_KEY}\naws_secret_access_key = {ALICE_SECRET}\n"),
    );
    env.aws_config(&format!(
        "[profile dev]\nrole_arn = {DEVELOPER}\nsource_profile = alice\nduration_seconds = 7200\nregion = eu-central-1\n\
         [profile prod]\nrole_arn = {READ_ONLY}\nsource_profile = dev\nrole_session_name = zoe\n\
         [profile audit]\nrole_arn = {REPORTER}\nsource_profile = prod\n\
         [profile admin]\nrole_arn = arn:aws:iam::111122223333:role/Admin\nsource_profile = alice\nmfa_serial = {ALICE_MFA}\n\
         [profile partner]\nrole_arn = arn:aws:iam::444455556666:role/Partner\nsource_profile = alice\nexternal_id = sandbox-external-id\n\
         [profile broken]\nrole_arn = arn:aws:iam::111122223333:role/Nobody\nsource_profile = prod\n"
    ));
    env
}

fn who(env: &TestEnvironment) -> String {
    env.json(["whoami"])["arn"].as_str().unwrap().to_owned()
}

#[test]
fn each_hop_becomes_a_frame_and_pop_goes_back_one_at_a_time() {
    let env = configured();
    let pushed = env.json(["push", "profile", "audit", "--label", "audit", "--note", "why"]);
    assert_eq!(env.sandbox.actions().iter().filter(|action| *action == "AssumeRole").count(), 3);
    assert_eq!((&pushed["kind"], &pushed["label"]), (&json!("assume-role"), &json!("audit")));
    let list = env.list();
    let arns: Vec<_> =
        list["frames"].as_array().unwrap().iter().map(|frame| frame["arn"].as_str().unwrap_or("-").to_owned()).collect();
    assert!(arns[0].contains("assumed-role/Reporter") && arns[1].contains("assumed-role/ReadOnly/zoe"), "{arns:?}");
    assert!(arns[2].contains("assumed-role/Developer") && arns[3] == "-", "{arns:?}");
    assert_eq!((&list["frames"][0]["parent"], &list["frames"][2]["parent"]), (&list["frames"][1]["credential"], &Value::Null));
    let acquired = env.json(["history"])["events"].as_array().unwrap().clone();
    let first = acquired.iter().rev().find(|event| event["event"] == "acquired").unwrap();
    assert_eq!(first["detail"]["request"]["duration_seconds"], 7200);
    assert_eq!(first["detail"]["signed_by"]["profile"], "alice");
    for role in ["ReadOnly", "Developer"] {
        env.plain(["pop"]).ok();
        assert!(who(&env).contains(role));
    }
    env.plain(["pop"]).ok();
    assert_eq!(env.frames(), ["ambient"]);
}

#[test]
fn flattened_it_is_one_frame_that_is_renewed_without_the_configuration() {
    let env = configured();
    env.session_lifetime(Some(4));
    env.json(["push", "profile", "audit", "--flatten"]);
    assert_eq!(env.frames().len(), 2);
    assert_eq!(env.vault_files().len(), 2, "the key check, and the last one's secret");
    let kept = env.list()["frames"][0]["credential"].clone();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while env.plain(["--no-input", "whoami", "--offline"]).ok().stdout.contains("left)") {
        assert!(std::time::Instant::now() < deadline);
    }
    // What the chain is, is recorded; only the keys of its beginning are ambient.
    env.session_lifetime(None);
    env.aws_config("");
    env.sandbox.forget_calls();
    keys(&env, &[]);
    assert_eq!(env.sandbox.actions().iter().filter(|action| *action == "AssumeRole").count(), 3);
    assert!(who(&env).contains("assumed-role/Reporter"));
    assert_ne!(env.list()["frames"][0]["credential"], kept);
}

#[test]
fn a_code_is_asked_for_once_and_comes_from_the_profiles_program_too() {
    let env = configured();
    env.plain(["--no-input", "push", "profile", "admin"]).exits(2).says("an MFA code for").says(ALICE_MFA);
    let code = env.sandbox.totp(ALICE_MFA);
    env.plain(["push", "profile", "admin", "--mfa-code", &code]).ok();
    assert!(who(&env).contains("assumed-role/Admin"));
    env.plain(["push", "profile", "dev", "--mfa-code", "123456"]).exits(2).says("nothing in profile dev asks for an MFA code");
    // While it lives it is taken again, and nobody is asked; --fresh asks.
    env.sandbox.forget_calls();
    env.plain(["--no-input", "push", "profile", "admin"]).ok().says("STS is not asked");
    assert_eq!(env.sandbox.actions(), [""; 0]);
    env.plain(["--no-input", "push", "profile", "admin", "--fresh"]).exits(2);
    let url = format!("{}/_sandbox/totp?serial={ALICE_MFA}", env.sandbox.url());
    let config = std::fs::read_to_string(env.home().join(".aws/config")).unwrap();
    env.aws_config(&config.replace("mfa_serial", &format!("mfa_process = curl -s --noproxy * {url}\nmfa_serial")));
    env.sandbox.faults(json!({ "clock_skew_seconds": 90 }));
    env.plain(["--no-input", "push", "profile", "admin", "--fresh"]).ok();
}

#[test]
fn what_a_later_role_refuses_leaves_nothing_on_the_stack_and_is_written_down() {
    let env = configured();
    let failed = env.plain(["push", "profile", "broken"]).exits(4);
    failed.says("profile broken").says("AccessDenied").says("nothing was pushed");
    assert_eq!((env.frames(), env.held()), (vec!["ambient".to_owned()], Vec::<String>::new()));
    let events = env.events();
    assert_eq!(events.iter().filter(|event| *event == "acquired").count(), 2, "AWS takes what was granted until it expires");
    assert!(events.contains(&"refused".to_owned()));
    assert_eq!(env.vault_files().len(), 1, "the key check");
}

#[test]
fn a_chain_that_lives_is_taken_again_as_frames_or_flattened() {
    let env = configured();
    env.json(["push", "profile", "prod"]);
    let frames = env.frames();
    env.sandbox.forget_calls();
    env.json(["--stack", "other", "push", "profile", "prod"]);
    assert_eq!(env.sandbox.actions(), [""; 0]);
    let other = env.json(["--stack", "other", "list"]);
    let ids: Vec<_> = other["frames"].as_array().unwrap().iter().filter_map(|frame| frame["credential"].as_str()).collect();
    assert_eq!(ids, frames[..2]);
    env.json(["--stack", "third", "push", "profile", "prod", "--flatten"]);
    assert_eq!(env.json(["--stack", "third", "list"])["frames"].as_array().unwrap().len(), 2);
    assert_eq!(env.sandbox.actions(), [""; 0]);
    env.json(["--stack", "fourth", "push", "profile", "prod", "--duration", "30m"]);
    assert!(env.sandbox.actions().contains(&"AssumeRole".to_owned()), "another duration is another request");
}

#[test]
fn a_profile_without_a_role_is_a_reference_and_no_secret_is_copied() {
    let env = configured();
    env.plain(["push", "profile", "alice", "--note", "plain"]).ok().says("ambient (profile alice)");
    assert_eq!((who(&env).as_str(), env.frames()), (ALICE, vec!["ambient".to_owned(), "ambient".to_owned()]));
    assert_eq!(env.vault_files().len(), 1, "the key check");
    assert_eq!(env.json(["history"])["events"][0]["detail"]["note"], "plain");
    env.plain(["pop"]).ok();
    env.plain(["push", "profile", "alice", "--no-use"]).exits(2).says("nothing to store");
    env.plain(["push", "profile", "alice", "--duration", "1h"]).exits(2).says("assumes no role");
    env.plain(["push", "profile", "nobody"]).exits(3).says("there is no profile nobody");
}

#[test]
fn settings_of_the_profile_reach_sts_and_options_change_the_last_role() {
    let env = configured();
    env.json(["push", "profile", "partner"]);
    assert!(who(&env).contains("assumed-role/Partner"));
    let calls = env.sandbox.calls();
    let assumed = calls.iter().rfind(|call| call["action"] == "AssumeRole").unwrap();
    assert_eq!(assumed["parameters"]["ExternalId"], "sandbox-external-id");
    let options = ["--session-name", "me", "--duration", "20m", "--tag", "team=blue", "--region", "eu-north-1"];
    env.json([&["push", "profile", "dev"][..], &options].concat());
    let calls = env.sandbox.calls();
    let assumed = calls.iter().rfind(|call| call["action"] == "AssumeRole").unwrap();
    assert_eq!((&assumed["parameters"]["DurationSeconds"], &assumed["region"]), (&json!("1200"), &json!("eu-north-1")));
    assert_eq!(env.list()["frames"][0]["region"], "eu-north-1");
}

/// A program's own credentials, as the base of a role.
#[test]
fn a_program_signs_where_the_profile_says_so() {
    let env = configured();
    let document = json!({ "Version": 1, "AccessKeyId": ALICE_KEY, "SecretAccessKey": ALICE_SECRET });
    env.write(&env.scratch("keys.json"), &document.to_string());
    env.aws_config(&format!(
        "[profile program]\ncredential_process = cat {}\n[profile work]\nrole_arn = {DEVELOPER}\nsource_profile = program\n\
         [profile round]\nrole_arn = {DEVELOPER}\nsource_profile = us\n[profile us]\ncredential_process = {} credential-process\n",
        env.scratch("keys.json").display(),
        programs::credstack().display(),
    ));
    env.json(["push", "profile", "work"]);
    assert!(who(&env).contains("assumed-role/Developer"));
    env.plain(["push", "profile", "round"]).exits(2).says("would never end");
}

#[test]
fn the_profiles_region_counts_before_one_that_credstack_exported_and_after_the_users() {
    let mut env = configured();
    let asked = |env: &TestEnvironment, more: &[&str]| {
        env.sandbox.forget_calls();
        env.json(&[&["--stack", "two", "push", "profile", "dev", "--fresh"], more].concat()[..]);
        let call = env.sandbox.calls().into_iter().find(|call| call["action"] == "AssumeRole").unwrap();
        let frame = env.json(["--stack", "two", "list"])["frames"][0]["region"].clone();
        assert_eq!(call["region"], frame);
        frame.as_str().unwrap().to_owned()
    };
    env.set("AWS_REGION", "ap-south-1");
    assert_eq!(asked(&env, &[]), "ap-south-1");
    env.set("CREDSTACK_REGION", "ap-south-1");
    assert_eq!(asked(&env, &[]), "eu-central-1");
    assert_eq!(asked(&env, &["--region", "sa-east-1"]), "sa-east-1");
    // A frame between has what the user says too, and else its own profile's.
    let between = |env: &TestEnvironment, stack: &str| {
        env.json(["--stack", stack, "push", "profile", "prod", "--fresh"]);
        env.json(["--stack", stack, "list"])["frames"][1]["region"].clone()
    };
    assert_eq!(between(&env, "three"), "eu-central-1");
    env.unset("CREDSTACK_REGION");
    assert_eq!(between(&env, "four"), "ap-south-1");
}

/// How often STS was asked for a role by a push of profile `t`, which a dry run foresees.
fn asked_for_t(env: &TestEnvironment, more: &[&str]) -> usize {
    let push = [&["push", "profile", "t"], more].concat();
    let planned = env.json(&[&push[..], &["--dry-run"]].concat()[..])["calls"].as_array().unwrap().len();
    env.sandbox.forget_calls();
    env.plain(&push).ok();
    let asked = env.sandbox.actions().iter().filter(|action| *action == "AssumeRole").count();
    assert_eq!(asked, planned, "{push:?}");
    asked
}

#[test]
fn a_profile_is_asked_for_again_where_its_region_endpoint_or_source_keys_are_others() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.learn(BOB_SECRET);
    let url = env.variable("AWS_ENDPOINT_URL_STS").unwrap().to_owned();
    env.unset("AWS_ENDPOINT_URL_STS");
    env.unset("AWS_REGION");
    let profile = |region: &str, url: &str, key: &str, secret: &str| {
        format!(
            "[profile t]\nrole_arn = {DEVELOPER}\nsource_profile = keys\nregion = {region}\nendpoint_url = {url}\n\
             [profile keys]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        )
    };
    let alice = profile("eu-central-1", &url, ALICE_KEY, ALICE_SECRET);
    env.aws_config(&alice);
    assert_eq!(asked_for_t(&env, &[]), 1);
    assert_eq!(asked_for_t(&env, &[]), 0);
    let first = env.json(["list"])["frames"][0]["credential"].clone();
    env.plain(["push", "profile", "t", "--dry-run"])
        .ok()
        .says(&format!("{} was given for the same request: STS would not be asked", first.as_str().unwrap()));
    assert_eq!(asked_for_t(&env, &["--region", "eu-west-1"]), 1);
    assert_eq!(asked_for_t(&env, &["--region", "eu-west-1"]), 0);
    assert_eq!(env.json(["list"])["frames"][0]["region"], "eu-west-1");
    assert_eq!(asked_for_t(&env, &["--region", "eu-central-1"]), 0, "the profile says the same");
    env.aws_config(&profile("eu-north-1", &url, ALICE_KEY, ALICE_SECRET));
    assert_eq!(asked_for_t(&env, &[]), 1);
    let other = Sandbox::start(&[]);
    env.aws_config(&profile("eu-central-1", &other.url(), ALICE_KEY, ALICE_SECRET));
    env.plain(["push", "profile", "t"]).ok();
    assert!(other.actions().contains(&"AssumeRole".to_owned()), "{:?}", other.actions());
    env.aws_config(&profile("eu-central-1", &url, BOB_KEY, BOB_SECRET));
    assert_eq!(asked_for_t(&env, &[]), 1);
    assert_eq!(asked_for_t(&env, &[]), 0);
    env.aws_config(&alice);
    assert_eq!(asked_for_t(&env, &[]), 0, "alice's live still");
    assert_eq!(env.json(["list"])["frames"][0]["credential"], first);
    // The user's region for one command is another request too.
    env.set("AWS_REGION", "ap-south-1");
    assert_eq!(asked_for_t(&env, &[]), 1);
    env.set("CREDSTACK_REGION", "ap-south-1");
    assert_eq!(asked_for_t(&env, &[]), 0, "credstack exported it");
}

#[test]
fn a_dry_run_says_that_keys_of_a_program_may_be_others_by_now() {
    let env = configured();
    let process = env.home().join("process.json");
    let write = |key: &str, secret: &str| {
        env.write(&process, &json!({ "Version": 1, "AccessKeyId": key, "SecretAccessKey": secret }).to_string());
    };
    env.learn(BOB_SECRET);
    write(ALICE_KEY, ALICE_SECRET);
    env.aws_config(&format!(
        "[profile t]\nrole_arn = {DEVELOPER}\nsource_profile = keys\n[profile keys]\ncredential_process = cat {}\n",
        process.display()
    ));
    assert_eq!(asked_for_t(&env, &[]), 1);
    assert_eq!(asked_for_t(&env, &[]), 0);
    env.plain(["push", "profile", "t", "--dry-run"]).ok().says("unless its signer has another access key by now");
    write(BOB_KEY, BOB_SECRET);
    env.sandbox.forget_calls();
    env.plain(["push", "profile", "t"]).ok();
    assert!(env.sandbox.actions().contains(&"AssumeRole".to_owned()), "bob signs: alice's isn't taken");
}
