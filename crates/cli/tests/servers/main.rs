//! The program and what others wrote: STS servers (MiniStack, which checks signatures and policies, and moto), clients,
//! and those who read or receive the log.
//!
//! They are in the Python environment that `CREDSTACK_TEST_VENV` names, in the npm packages of `CREDSTACK_TEST_NODE`, and
//! Debian's; without them the tests fail, they do not skip.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is tests; Clippy's own exception ends at helper functions"
)]

mod account;
mod clients;
#[path = "../common/mod.rs"]
mod common;
mod export;
mod receivers;
mod report;
mod server;
mod ship;
mod unsigned;

use common::TestEnvironment;
use server::{EXTERNAL_ID, Server};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// An environment with the keys of the server's user, and the server in the place of the sandbox.
fn environment(server: &Server) -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.set("AWS_ENDPOINT_URL_STS", &server.url());
    env.use_keys(&server.key, &server.secret, None);
    env
}

#[track_caller]
fn whoami(env: &TestEnvironment) -> String {
    env.json(["whoami"])["arn"].as_str().unwrap().to_owned()
}

/// A request that is refused, and nothing but the log has changed. What the program said.
#[track_caller]
fn refused(env: &TestEnvironment, code: i32, arguments: &[&str]) -> String {
    let before = (env.list(), env.vault_files(), env.events().len());
    let output = env.plain(arguments).exits(code);
    assert_eq!((env.list(), env.vault_files(), env.events().len()), (before.0, before.1, before.2 + 1));
    output.stderr
}

/// Learns what the server issued, so that the scan looks for it.
fn learn(env: &TestEnvironment, server: &Server) {
    let issued = server.issued();
    assert!(!issued.is_empty());
    issued.iter().for_each(|secret| env.learn(secret));
}

#[test]
fn ministack_with_the_environments_keys() {
    let server = Server::ministack();
    let env = environment(&server);
    assert_eq!(whoami(&env), server.user);
    let (deploy, plain, closed) = (server.role("Deploy"), server.role("Plain"), server.role("Closed"));

    for arguments in [
        &["push", "assume", &closed][..],
        &["push", "assume", &deploy],
        &["push", "assume", &deploy, "--external-id", "not-the-external-id"],
    ] {
        let said = refused(&env, 4, arguments);
        assert!(said.contains("AccessDenied") && said.contains("sts:AssumeRole"), "{said}");
        assert_eq!(env.frames(), ["ambient"]);
        assert_eq!(env.events().last().unwrap(), "refused");
    }
    let said = refused(&env, 4, &["push", "assume", &plain, "--tag", "team=fake"]);
    assert!(said.contains("AccessDenied") && said.contains("sts:TagSession"), "{said}");

    let push = ["push", "assume", "Deploy", "--external-id", EXTERNAL_ID, "--tag", "team=fake", "--session-name", "test"];
    assert_eq!(env.json(push)["credential"], "c2");
    assert_eq!(whoami(&env), "arn:aws:sts::123456789012:assumed-role/Deploy/test");
    env.plain(["pop"]).ok();
    assert_eq!(env.frames(), ["c1"]);
    assert_eq!(whoami(&env), server.user);

    env.plain(["push", "session"]).ok();
    assert_eq!(whoami(&env), server.user);
    // A session cannot ask for it: that is known before the network.
    env.plain(["push", "federation", "bob", "--policy", POLICY]).exits(2);
    env.plain(["push", "federation", "bob", "--policy", POLICY, "--from", "root"]).ok();
    assert_eq!(whoami(&env), "arn:aws:sts::123456789012:federated-user/bob");
    assert_eq!(env.frames(), ["c4", "c3", "c1"]);
    env.plain(["pop", "--root"]).ok();
    assert_eq!(whoami(&env), server.user);
    learn(&env, &server);
}

#[test]
fn ministack_with_imported_keys() {
    let server = Server::ministack();
    let mut env = environment(&server);
    env.plain(["push", "import", "--env", "--replace"]).ok();
    env.no_keys();
    assert_eq!(env.frames(), ["c1"]);
    assert_eq!(whoami(&env), server.user);
    env.plain(["push", "assume", "Plain", "--session-name", "one"]).ok();
    // Only the user is trusted.
    let said = refused(&env, 4, &["push", "assume", "Plain", "--session-name", "two"]);
    assert!(said.contains("AccessDenied"), "{said}");
    assert_eq!(whoami(&env), "arn:aws:sts::123456789012:assumed-role/Plain/one");
    env.plain(["pop"]).ok();
    assert_eq!(whoami(&env), server.user);
    learn(&env, &server);
}

#[test]
fn ministack_refuses_wrong_keys() {
    let server = Server::ministack();
    let mut env = environment(&server);
    env.use_keys(&server.key, "fake-and-wrong-secret-of-forty-characters", None);
    let said = refused(&env, 4, &["push", "session"]);
    assert!(said.contains("SignatureDoesNotMatch"), "{said}");
    assert_eq!(env.frames(), ["ambient"]);
}

#[test]
fn moto_with_authentication() {
    let server = Server::moto();
    let env = environment(&server);
    assert_eq!(whoami(&env), server.user);
    let deploy = server.role("Deploy");
    env.plain(["push", "assume", &deploy, "--external-id", EXTERNAL_ID, "--session-name", "test"]).ok();
    assert_eq!(whoami(&env), "arn:aws:sts::123456789012:assumed-role/Deploy/test");
    env.plain(["pop"]).ok();
    assert_eq!(whoami(&env), server.user);

    // In this mode moto's errors are not of STS's form. They are told as what they are, and change nothing.
    let said = refused(&env, 7, &["push", "assume", &server.role("Closed")]);
    assert!(said.contains("not one of STS's: HTTP 403"), "{said}");

    // Its sessions and federated users have fixed keys, with which nobody is authenticated: they come and they go.
    for push in [&["push", "session"][..], &["push", "federation", "bob", "--policy", POLICY]] {
        env.plain(push).ok();
        assert_eq!(env.frames().len(), 2);
        env.plain(["pop"]).ok();
        assert_eq!(env.frames(), ["c1"]);
    }
    env.plain(["--stack", "imported", "push", "import", "--env"]).ok();
    assert_eq!(env.json(["--stack", "imported", "whoami"])["arn"], server.user);
    learn(&env, &server);
}
