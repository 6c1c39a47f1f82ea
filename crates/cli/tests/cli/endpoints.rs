//! Where STS is asked: at the endpoint that a set came from, and nowhere else with its token.

use serde_json::{Value, json};

use crate::{
    common::{Sandbox, TestEnvironment},
    handout::keys,
    renewal::wait_until_expired,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// Another STS, to which the environment points.
fn elsewhere(env: &mut TestEnvironment) -> Sandbox {
    let other = Sandbox::start(&[]);
    env.set("AWS_ENDPOINT_URL_STS", &other.url());
    other
}

fn acquired(env: &TestEnvironment) -> Value {
    env.json(["history", "--event", "acquired", "--limit", "1"])["events"][0]["detail"].clone()
}

#[test]
fn how_sts_was_reached_is_recorded_with_the_set_and_in_its_event() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    assert_eq!(acquired(&env)["way"], json!({ "endpoint": env.sandbox.url(), "region": "eu-west-1" }));
    assert_eq!(acquired(&env).get("profile"), None);
    let bundle = env.scratch("ca.pem");
    env.write(&bundle, "");
    env.set("AWS_CA_BUNDLE", bundle.to_str().unwrap());
    env.aws_config(&format!("[profile dev]\nrole_arn = {DEVELOPER}\ncredential_source = Environment\nregion = eu-central-1\n"));
    env.unset("AWS_REGION");
    env.json(["push", "profile", "dev", "--fresh"]);
    let detail = acquired(&env);
    assert_eq!(detail["way"], json!({ "endpoint": env.sandbox.url(), "region": "eu-central-1", "ca_bundle": bundle }));
    assert_eq!(detail["profile"], "dev");
}

#[test]
fn a_renewal_asks_where_the_set_came_from_and_the_environment_s_endpoint_gets_nothing() {
    let mut env = TestEnvironment::new();
    env.session_lifetime(Some(3));
    env.push_role(DEVELOPER);
    env.no_keys();
    wait_until_expired(&env);
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    let other = elsewhere(&mut env);
    for (name, value) in [("AWS_REGION", "no region"), ("AWS_MAX_ATTEMPTS", "many"), ("AWS_USE_FIPS_ENDPOINT", "true")] {
        env.set(name, value);
    }
    env.aws_config("a line of no form\n");
    let got = keys(&env, &[]);
    assert_eq!(env.sandbox.actions(), ["AssumeRole"]);
    assert_eq!(env.sandbox.calls()[0]["region"], "eu-west-1");
    assert_eq!(env.list()["frames"][0]["access_key_id"], got["AccessKeyId"]);
    env.plain(["refresh"]).ok();
    assert_eq!(env.sandbox.actions(), ["AssumeRole"; 2]);
    assert_eq!(other.calls(), [] as [Value; 0]);
    assert_eq!(env.list()["frames"][0]["region"], "eu-west-1");
    assert_eq!(acquired(&env)["way"], json!({ "endpoint": env.sandbox.url(), "region": "eu-west-1" }));
}

#[test]
fn a_set_without_a_record_is_asked_for_as_the_environment_says() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.forget_how_sts_was_reached();
    let other = elsewhere(&mut env);
    env.plain(["refresh"]).ok();
    assert_eq!(other.actions(), ["AssumeRole"]);
}

#[test]
fn a_recorded_ca_bundle_that_is_gone_is_named() {
    let mut env = TestEnvironment::new();
    let bundle = env.scratch("ca.pem");
    env.write(&bundle, "");
    env.set("AWS_CA_BUNDLE", bundle.to_str().unwrap());
    env.push_role(DEVELOPER);
    env.unset("AWS_CA_BUNDLE");
    std::fs::remove_file(&bundle).unwrap();
    env.sandbox.forget_calls();
    env.plain(["refresh"]).exits(2).says(bundle.to_str().unwrap()).says("was trusted when these credentials were asked for");
    assert_eq!(env.sandbox.actions(), [""; 0]);
}

#[test]
fn a_session_token_is_not_sent_to_another_service_than_its_own() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let url = env.sandbox.url();
    let other = elsewhere(&mut env);
    let commands = [
        &["whoami"][..],
        &["push", "assume", "ops/Deploy"],
        &["push", "assume", "arn:aws:iam::111122223333:role/ops/Deploy", "--mfa-serial", "auto"],
        &["console"],
        &["decode", "message"],
        // Its signer's keys are long-term ones, and what another service gives is not this frame's identity.
        &["exec", "--read-only", "--", "true"],
    ];
    for command in commands {
        let refused = env.plain(command).exits(if command[0] == "exec" { 125 } else { 2 });
        refused.says("c2 is from").says("its session token isn't sent there").says(&format!("export AWS_ENDPOINT_URL_STS={url}"));
    }
    // AWS's own is another one as well.
    env.unset("AWS_ENDPOINT_URL_STS");
    env.plain(["whoami"]).exits(2).says("AWS's endpoints of partition aws");
    assert_eq!(other.calls(), [] as [Value; 0]);
    // Long-term keys have no token; they may be known at both.
    env.set("AWS_ENDPOINT_URL_STS", &other.url());
    env.plain(["whoami", "root"]).ok();
    env.set("AWS_ENDPOINT_URL_STS", &format!("{url}/"));
    env.plain(["whoami"]).ok();
}

#[test]
fn what_another_server_or_region_gave_is_not_taken_again() {
    let mut env = TestEnvironment::new();
    let asked = |env: &TestEnvironment, more: &[&str]| {
        let push = [&["push", "assume", DEVELOPER, "--from", "root", "--reuse"], more].concat();
        let planned = env.json(&[&push[..], &["--dry-run"]].concat()[..])["calls"].as_array().unwrap().len();
        let before = env.list()["frames"][0]["credential"].clone();
        env.plain(&push).ok();
        let is_another = env.list()["frames"][0]["credential"] != before;
        assert_eq!(planned, usize::from(is_another), "{more:?}");
        is_another
    };
    env.push_role(DEVELOPER);
    assert!(!asked(&env, &[]));
    env.plain(["push", "assume", DEVELOPER, "--from", "root", "--reuse", "--dry-run"]).ok().says("c2 was given for the same");
    assert!(asked(&env, &["--region", "eu-central-1"]));
    assert!(!asked(&env, &["--region", "eu-central-1"]));
    env.set("AWS_REGION", "eu-north-1");
    assert!(asked(&env, &[]));
    let other = elsewhere(&mut env);
    assert!(asked(&env, &[]));
    assert_eq!(other.actions().iter().filter(|action| *action == "AssumeRole").count(), 1);
    assert!(!asked(&env, &[]));
    // What earlier versions acquired may be from any server.
    let database = rusqlite::Connection::open(env.database()).unwrap();
    database.execute("UPDATE credential SET way = NULL", []).unwrap();
    crate::common::forget_what_pins(&database);
    drop(database);
    assert!(asked(&env, &[]));
}
