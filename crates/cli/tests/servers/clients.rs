//! Real clients under the identity that is current, in each way that it can be handed to them: the AWS CLI v1 and boto3.

use std::{fmt::Write as _, process::Command};

use crate::{
    common::{Output, TestEnvironment, programs},
    server::program,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const BOTO3: &str = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])";

/// How the identity is handed over.
const WAYS: [&str; 5] = ["profile", "exec --via env", "exec --via profile", "exec --via endpoint", "env"];
const CLIENTS: [&str; 2] = ["AWS CLI v1", "boto3"];

fn client(name: &str) -> Vec<String> {
    let text = |program: std::path::PathBuf| program.to_str().unwrap().to_owned();
    match name {
        "boto3" => vec![text(program("python")), "-c".into(), BOTO3.into()],
        _ => {
            let arguments = ["sts", "get-caller-identity", "--query", "Arn", "--output", "text"];
            std::iter::once(text(program("aws"))).chain(arguments.map(Into::into)).collect()
        }
    }
}

/// Runs a client in one of the ways. It is given secrets, and prints none.
fn run(env: &TestEnvironment, way: &str, client: &[String]) -> Output {
    let credstack = programs::credstack();
    let quoted = client.iter().map(|word| shell_words::quote(word).into_owned()).collect::<Vec<_>>().join(" ");
    let mut command = match way {
        "profile" => {
            let mut command = Command::new(&client[0]);
            command.args(&client[1..]);
            command
        }
        "env" => {
            let mut command = Command::new("bash");
            command.args(["-c", &format!("eval \"$({} env)\"; exec {quoted}", credstack.display())]);
            command
        }
        exec => {
            let mut command = Command::new(&credstack);
            command.args(exec.split(' ')).arg("--").args(client);
            command
        }
    };
    env.prepare(&mut command);
    if way == "profile" {
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.env_remove(name);
        }
        command.env("AWS_PROFILE", "credstack");
    }
    env.run(command)
}

/// The AWS CLI v1 reads no AWS_REGION.
fn environment() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.set("AWS_DEFAULT_REGION", "eu-west-1");
    env.plain(["setup", "profile"]).ok();
    env
}

#[test]
fn every_client_is_who_the_stack_says_in_every_way() {
    let env = environment();
    let alice = "arn:aws:iam::111122223333:user/alice";
    let mut table = "| | ".to_owned() + &CLIENTS.join(" | ") + " |\n";
    let session = env.json(["push", "session"])["arn"].as_str().unwrap().to_owned();
    assert_eq!(session, alice);
    for way in WAYS {
        let _infallible = write!(table, "| {way} |");
        for name in CLIENTS {
            let arguments = client(name);
            let role = env.json(["push", "assume", DEVELOPER, "--session-name", "me"])["arn"].as_str().unwrap().to_owned();
            let during = run(&env, way, &arguments).ok();
            assert_eq!(during.stdout.trim(), role, "{name} by {way}");
            env.plain(["pop"]).ok();
            let after = run(&env, way, &arguments).ok();
            assert_eq!(after.stdout.trim(), alice, "{name} by {way}, after a pop");
            let _infallible = write!(table, " the current frame; after `pop` the one before |");
        }
        table.push('\n');
    }
    println!("{table}");
}

/// Each client says what it can of an expired frame: its exit status is a failure, and credstack's own words are there.
#[test]
fn an_expired_frame_is_an_error_that_names_the_way_out() {
    let env = environment();
    env.session_lifetime(Some(1));
    let id = env.push_role(DEVELOPER);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while env.plain(["whoami"]).code == Some(0) {
        assert!(std::time::Instant::now() < deadline);
    }
    for name in CLIENTS {
        let output = run(&env, "profile", &client(name));
        assert_ne!(output.code, Some(0), "{name}: {}", output.stdout);
        for text in [id.as_str(), "expired at", "credstack push assume"] {
            assert!(output.stderr.contains(text), "{name} does not show {text:?}: {}", output.stderr);
        }
        run(&env, "exec --via env", &client(name)).exits(125).says("expired at");
    }
}
