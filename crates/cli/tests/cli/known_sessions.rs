//! Keys of a credential set that come back from outside: by the environment, or by a profile. They are that set's.

use crate::{
    common::{Sandbox, TestEnvironment},
    handout::keys,
};

/// The current set's keys in the environment, and another STS to which the environment points.
fn taken_elsewhere(env: &mut TestEnvironment) -> Sandbox {
    let got = keys(env, &[]);
    let text = |name: &str| got[name].as_str().unwrap().to_owned();
    env.use_keys(&text("AccessKeyId"), &text("SecretAccessKey"), Some(&text("SessionToken")));
    let other = Sandbox::start(&[]);
    env.set("AWS_ENDPOINT_URL_STS", &other.url());
    other
}

#[test]
fn keys_that_were_imported_beside_their_set_are_still_that_sets() {
    let mut env = TestEnvironment::new();
    env.push_role("Developer");
    let url = env.sandbox.url();
    let other = taken_elsewhere(&mut env);
    env.credstack(["push", "import", "--env"]).exits(2).says("its session token isn't sent there");
    assert!(other.calls().is_empty());
    env.set("AWS_ENDPOINT_URL_STS", &url);
    env.json(["push", "import", "--env", "--no-use"]);
    let pushed = env.json(["--stack", "other", "push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]);
    assert_eq!(pushed["parent"], "c2", "{pushed}");
}

#[test]
fn the_session_of_an_erased_set_is_not_imported_at_another_service() {
    let mut env = TestEnvironment::new();
    env.push_role("Developer");
    let other = taken_elsewhere(&mut env);
    env.credstack(["pop"]).ok();
    env.credstack(["push", "import", "--env"]).exits(2).says("its session token isn't sent there");
    assert!(other.calls().is_empty());
}

#[test]
fn a_profile_that_gives_a_known_session_sends_it_to_no_other_service() {
    let mut env = TestEnvironment::new();
    env.push_role("Developer");
    let got = keys(&env, &[]);
    let process = env.scratch("process.json");
    env.write(&process, &got.to_string());
    env.aws_config(&format!("[profile known]\ncredential_process = cat {}\n", process.display()));
    let other = Sandbox::start(&[]);
    env.set("AWS_ENDPOINT_URL_STS", &other.url());
    for command in [&["push", "assume", "ops/Deploy", "--profile", "known"][..], &["push", "import", "--profile", "known"]] {
        env.credstack(command).exits(2);
    }
    assert!(other.calls().is_empty());
}
