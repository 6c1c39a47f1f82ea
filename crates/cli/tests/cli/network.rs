//! The way to STS: time-outs, what is tried again, endpoints, regions, proxies, certificates.

use std::{
    io::{Read, Write},
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::common::{TestEnvironment, tls};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

#[test]
fn an_sts_that_says_nothing_is_given_up() {
    let mut env = TestEnvironment::new();
    env.sandbox.faults(json!({"hang": true}));
    // One attempt shows the time-out of the answer, the default three that of the whole call: both at the same time.
    env.set("AWS_MAX_ATTEMPTS", "1");
    let (one, list) = (env.command(["push", "assume", DEVELOPER]), env.list());
    env.unset("AWS_MAX_ATTEMPTS");
    let began = Instant::now();
    let three = env.command(["whoami"]);
    let took = std::thread::scope(|scope| {
        let one = scope.spawn(|| (env.run(one), began.elapsed()));
        let three = scope.spawn(|| (env.run(three), began.elapsed()));
        [one.join().unwrap(), three.join().unwrap()].map(|(output, took)| {
            output.exits(7).says("no answer from STS at http://127.0.0.1:").says("try again");
            took
        })
    });
    assert!(took[0] < Duration::from_secs(25) && took[1] < Duration::from_secs(35), "{took:?}");
    assert_eq!((env.list(), env.events().last().unwrap().as_str()), (list, "failed"));
    assert_eq!(env.json(["history", "--limit", "1"])["events"][0]["detail"]["code"], "TimedOut");
}

#[test]
fn throttling_and_faults_of_sts_are_tried_again() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    for fault in ["throttle", "internal_error", "cut"] {
        env.sandbox.forget_calls();
        env.sandbox.faults(json!({fault: 2}));
        env.credstack(["whoami"]).ok();
        assert_eq!(env.sandbox.actions(), ["GetCallerIdentity"; 3], "{fault}");
    }
}

#[test]
fn an_answer_that_is_cut_is_no_answer_and_changes_nothing() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let (list, files) = (env.list(), env.vault_files());
    env.sandbox.faults(json!({"cut": true}));
    env.credstack(["push", "session", "--from", "root"]).exits(7).says("cannot reach STS at http://127.0.0.1:");
    assert_eq!((env.list(), env.vault_files()), (list, files));
}

#[test]
fn an_mfa_code_is_not_sent_twice_in_vain() {
    let env = TestEnvironment::new();
    env.sandbox.faults(json!({"throttle": 1}));
    assert_eq!(env.push_session(), "c2");
}

#[test]
fn the_endpoint_for_sts_beats_the_one_for_all() {
    let mut env = TestEnvironment::new();
    let url = env.variable("AWS_ENDPOINT_URL_STS").unwrap().to_owned();
    env.set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    env.credstack(["whoami"]).ok();
    env.set("AWS_ENDPOINT_URL", &url);
    env.unset("AWS_ENDPOINT_URL_STS");
    env.credstack(["whoami"]).ok();
    env.unset("AWS_ENDPOINT_URL");
    env.aws_config(&format!("[default]\nservices = here\n[services here]\nsts =\n  endpoint_url = {url}\n"));
    env.credstack(["whoami"]).ok();
    assert_eq!(env.sandbox.calls().len(), 3);
    env.set("AWS_ENDPOINT_URL_STS", "no url");
    env.credstack(["whoami"]).exits(2).says("AWS_ENDPOINT_URL_STS");
}

#[test]
fn the_region_is_the_option_then_the_users_then_the_frames_then_the_profiles_then_ours() {
    let mut env = TestEnvironment::new();
    let region = |env: &TestEnvironment, arguments: &[&str]| {
        env.sandbox.forget_calls();
        env.credstack(arguments).ok();
        env.sandbox.calls()[0]["region"].as_str().unwrap().to_owned()
    };
    env.set("AWS_DEFAULT_REGION", "eu-north-1");
    assert_eq!(region(&env, &["whoami", "--region", "us-west-1"]), "us-west-1");
    assert_eq!(region(&env, &["whoami"]), "eu-west-1");
    env.unset("AWS_REGION");
    assert_eq!(region(&env, &["whoami"]), "eu-north-1");
    env.set("AWS_DEFAULT_REGION", "");
    env.configuration("region = \"ca-central-1\"\n");
    env.aws_config("[default]\nregion = eu-south-1\n");
    assert_eq!(region(&env, &["whoami"]), "eu-south-1");
    env.aws_config("");
    assert_eq!(region(&env, &["whoami"]), "ca-central-1");
    env.configuration("");
    let began = Instant::now();
    assert_eq!(region(&env, &["whoami"]), "us-east-1");
    assert!(began.elapsed() < Duration::from_secs(2), "instance metadata was asked for a region");
    env.json(["push", "session", "--region", "us-west-2"]);
    assert_eq!(region(&env, &["whoami"]), "us-west-2", "the frame has its region");
    env.set("AWS_REGION", "eu-west-1");
    assert_eq!(region(&env, &["whoami"]), "eu-west-1", "the user's");
    assert_eq!(region(&env, &["whoami", "--region", "us-west-1"]), "us-west-1");
    // What credstack exported is not the user's.
    env.set("CREDSTACK_REGION", "eu-west-1");
    assert_eq!(region(&env, &["whoami"]), "us-west-2");
    env.set("AWS_DEFAULT_REGION", "eu-north-1");
    assert_eq!(region(&env, &["whoami"]), "eu-north-1", "one of the two may be the user's");
}

#[test]
fn a_new_frame_has_the_users_region_before_its_signers_and_never_one_that_credstack_exported() {
    let mut env = TestEnvironment::new();
    env.unset("AWS_REGION");
    env.json(["push", "session", "--region", "us-west-2"]);
    let push = |env: &TestEnvironment, more: &[&str]| {
        let pushed = env.json([&["push", "assume", "Developer", "--from", "current"], more].concat());
        let shown = env.json(["list"]);
        let region = shown["frames"][0]["region"].as_str().map(str::to_owned);
        assert_eq!(env.sandbox.calls().last().unwrap()["region"].as_str().map(str::to_owned), region, "{pushed}");
        env.plain(["pop", "--yes"]).ok();
        region
    };
    assert_eq!(push(&env, &[]).as_deref(), Some("us-west-2"), "the signer's");
    env.set("AWS_REGION", "ap-south-1");
    assert_eq!(push(&env, &[]).as_deref(), Some("ap-south-1"));
    assert_eq!(push(&env, &["--region", "sa-east-1"]).as_deref(), Some("sa-east-1"));
    env.set("CREDSTACK_REGION", "ap-south-1");
    assert_eq!(push(&env, &[]).as_deref(), Some("us-west-2"));
}

#[test]
fn proxies_are_used_and_left_out_as_the_environment_says() {
    let mut env = TestEnvironment::new();
    let sandbox = env.variable("AWS_ENDPOINT_URL_STS").unwrap().to_owned();
    // Nothing listens there. The sandbox, as the proxy, answers in its place.
    env.set("AWS_ENDPOINT_URL_STS", "http://localhost:1");
    env.credstack(["whoami"]).exits(7);
    env.set("HTTP_PROXY", &sandbox);
    env.credstack(["whoami"]).ok();
    env.set("NO_PROXY", "localhost");
    env.credstack(["whoami"]).exits(7).says("cannot reach STS at http://localhost:1");
    assert_eq!(env.sandbox.calls().len(), 1);
}

#[test]
fn a_server_is_trusted_by_aws_ca_bundle() {
    let mut env = TestEnvironment::new();
    let server = tls::Server::start(env.variable("AWS_ENDPOINT_URL_STS").unwrap());
    env.set("AWS_ENDPOINT_URL_STS", &server.url());
    env.credstack(["whoami"]).exits(7).says("certificate").says("AWS_CA_BUNDLE");
    let bundle = env.scratch("ca.pem");
    env.write(&bundle, &server.authority);
    env.set("AWS_CA_BUNDLE", bundle.to_str().unwrap());
    env.credstack(["whoami"]).ok();
    env.credstack(["push", "assume", DEVELOPER]).ok();
    env.write(&bundle, "no certificate");
    env.credstack(["whoami"]).exits(2).says("the CA bundle").says(bundle.to_str().unwrap());
    env.set("AWS_CA_BUNDLE", "/nowhere.pem");
    env.credstack(["whoami"]).exits(2).says("the CA bundle /nowhere.pem");
}

#[test]
fn an_answer_of_somebody_else_is_called_that() {
    let mut env = TestEnvironment::new();
    let web = env.sandbox.url();
    // The sandbox's own pages are not STS's.
    env.set("AWS_ENDPOINT_URL_STS", &format!("{web}/_sandbox/faults"));
    env.set("AWS_MAX_ATTEMPTS", "1");
    env.credstack(["whoami"]).exits(7).says("is not one of STS's").says("AWS_ENDPOINT_URL_STS");
}

/// A server that never stops talking costs a megabyte, and not the memory of the machine.
#[test]
fn an_answer_without_end_is_broken_off() {
    let mut env = TestEnvironment::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    env.set("AWS_ENDPOINT_URL_STS", &format!("http://{}", server.local_addr().unwrap()));
    env.set("AWS_MAX_ATTEMPTS", "1");
    let talk = std::thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        let _request = client.read(&mut [0; 4096]).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n").unwrap();
        let mut said = 0;
        while said < 200 * 1024 * 1024 && client.write_all(&[b' '; 65536]).is_ok() {
            said += 65536;
        }
        said
    });
    env.credstack(["whoami"]).exits(7).says("is not one of STS's: it is longer than any of STS's");
    assert!(talk.join().unwrap() < 20 * 1024 * 1024);
}

#[test]
fn what_is_no_region_is_blamed_on_who_named_it() {
    let mut env = TestEnvironment::new();
    env.credstack(["push", "session", "--region", "a b"]).exits(2).says("--region").says("expected a region such as eu-west-1");
    env.credstack(["whoami", "--region", ""]).exits(2).says("--region");
    env.set("AWS_REGION", "eu west");
    env.credstack(["whoami"]).exits(2).says("the region \"eu west\" is none").says("AWS_REGION");
}

#[test]
fn empty_settings_are_none_and_senseless_ones_are_named() {
    let mut env = TestEnvironment::new();
    let url = env.variable("AWS_ENDPOINT_URL_STS").unwrap().to_owned();
    env.set("AWS_ENDPOINT_URL_STS", "");
    env.set("AWS_ENDPOINT_URL", &url);
    env.credstack(["whoami"]).ok();
    env.set("AWS_ENDPOINT_URL", "");
    env.aws_config(&format!("[default]\nendpoint_url = {url}\n"));
    env.credstack(["whoami"]).ok();
    env.unset("AWS_ENDPOINT_URL");
    env.set("AWS_ENDPOINT_URL_STS", &url);
    env.aws_config("[default]\nendpoint_url =\n");
    env.credstack(["whoami"]).ok();
    env.aws_config("");
    for (name, value) in
        [("AWS_MAX_ATTEMPTS", ""), ("AWS_RETRY_MODE", ""), ("AWS_RETRY_MODE", "legacy"), ("AWS_RETRY_MODE", "adaptive")]
    {
        env.set(name, value);
        env.credstack(["whoami"]).ok();
        env.unset(name);
    }
    for (name, value) in [("AWS_MAX_ATTEMPTS", "0"), ("AWS_MAX_ATTEMPTS", "4294967295"), ("AWS_RETRY_MODE", "bogus")] {
        env.set(name, value);
        env.credstack(["whoami"]).exits(2).says(&format!("{name} is \"{value}\": expected"));
        env.unset(name);
    }
    env.unset("AWS_ENDPOINT_URL_STS");
    let services = format!("[default]\nservices = here\nendpoint_url = {url}\n[services here]\nsts =\n  endpoint_url =\n");
    env.aws_config(&services);
    env.credstack(["whoami"]).ok();
    env.aws_config("[default]\nmax_attempts = 0\n");
    env.credstack(["whoami"]).exits(2).says("max_attempts is \"0\": expected a whole number from 1 to 100");
}

#[test]
fn a_password_in_the_endpoint_is_not_shown() {
    let mut env = TestEnvironment::new();
    env.learn("fake-endpoint-password");
    env.set("AWS_ENDPOINT_URL_STS", "http://eu:fake-endpoint-password@127.0.0.1:1");
    env.set("AWS_MAX_ATTEMPTS", "1");
    env.credstack(["whoami"]).exits(7).says("cannot reach STS at http://127.0.0.1:1");
}
