//! The clients, and the ways in which the identity is handed to them.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use super::rust;
use crate::{
    common::{Output, TestEnvironment, programs},
    server::program,
};

/// All of them, in the order of the tables.
pub const CLIENTS: [&str; 5] = ["AWS CLI v1", "AWS CLI v2.9", "boto3", "JavaScript v3", "Rust"];
/// Those that go on running.
pub const LIBRARIES: [&str; 3] = ["boto3", "JavaScript v3", "Rust"];
/// How the identity is handed over.
pub const WAYS: [&str; 5] = ["profile", "exec --via env", "exec --via profile", "exec --via endpoint", "env"];

/// No client may take longer. Nothing waits for that: it bounds a test that goes wrong.
const SECONDS: &str = "100";

/// A client's command.
fn command_of(client: &str, env: &TestEnvironment) -> Vec<String> {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let script = |name: &str| text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/clients").join(name));
    let aws = |program: &Path, more: &[&str]| {
        let arguments = ["sts", "get-caller-identity", "--query", "Arn", "--output", "text"];
        std::iter::once(text(program)).chain(arguments.iter().chain(more).map(|word| (*word).to_owned())).collect()
    };
    match client {
        "AWS CLI v1" => aws(&program("aws"), &[]),
        // It knows no AWS_ENDPOINT_URL.
        "AWS CLI v2.9" => aws(Path::new("/usr/bin/aws"), &["--endpoint-url", env.variable("AWS_ENDPOINT_URL_STS").unwrap()]),
        "boto3" => vec![text(&program("python")), script("client.py")],
        "JavaScript v3" => vec![text(&node()), script("client.js")],
        "Rust" => rust::command(),
        other => panic!("{other}"),
    }
}

/// Node, which need not be in the tests' short PATH.
fn node() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join("node")).find(|program| program.exists());
    found.expect("node is installed: scripts/install")
}

/// Where JavaScript's SDK is.
fn node_modules() -> PathBuf {
    let node = std::env::var_os("CREDSTACK_TEST_NODE").filter(|path| !path.is_empty());
    let modules = PathBuf::from(node.expect("CREDSTACK_TEST_NODE names the npm packages: scripts/install")).join("node_modules");
    assert!(modules.join("@aws-sdk/client-sts").exists(), "CREDSTACK_TEST_NODE has no @aws-sdk/client-sts: scripts/install");
    modules
}

/// A client in one of the ways, not yet started. The region, too, has to come from credstack.
fn command(env: &TestEnvironment, way: &str, client: &str) -> Command {
    let credstack = programs::credstack();
    let client = command_of(client, env);
    let mut command = Command::new("/usr/bin/timeout");
    command.arg(SECONDS);
    match way {
        "profile" | "serve" => {
            command.args(&client);
        }
        "env" => {
            let quoted = client.iter().map(|word| shell_words::quote(word).into_owned()).collect::<Vec<_>>().join(" ");
            command.args(["bash", "-c", &format!("keys=$({} env) && eval \"$keys\" && exec {quoted}", credstack.display())]);
        }
        exec => {
            command.arg(credstack).args(exec.split(' ')).arg("--").args(&client);
        }
    }
    env.prepare(&mut command);
    if matches!(way, "profile" | "serve") {
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    }
    if way == "profile" {
        command.env("AWS_PROFILE", "credstack");
    }
    command.env_remove("AWS_REGION").env("NODE_PATH", node_modules()).env("TEST_CLIENT", "once");
    command
}

/// Runs a client in one of the ways. It is given secrets, and prints none.
pub fn run(env: &TestEnvironment, way: &str, client: &str) -> Output {
    finish(env, command(env, way, client), client, way)
}

/// Runs a client under an endpoint.
pub fn run_under(env: &TestEnvironment, serving: &Serving, client: &str) -> Output {
    let mut command = command(env, "serve", client);
    command.envs(serving.variables());
    finish(env, command, client, "serve")
}

/// Keeps what it printed by its name: a command line would show its variables.
fn finish(env: &TestEnvironment, mut command: Command, client: &str, way: &str) -> Output {
    env.keep(format!("{client} by {way}"), command.output().unwrap())
}

/// The ARN that a client printed.
#[track_caller]
pub fn arn(output: Output) -> String {
    let output = output.ok();
    let line = output.stdout.lines().find(|line| line.starts_with("arn:"));
    line.unwrap_or_else(|| panic!("{}: no ARN: {}", output.command, output.stdout)).to_owned()
}

/// `credstack serve`.
pub struct Serving {
    child: Child,
    printed: serde_json::Value,
}

impl Serving {
    pub fn start(env: &TestEnvironment) -> Serving {
        let mut command = Command::new(programs::credstack());
        command.args(["--json", "serve"]);
        env.prepare(&mut command);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Serving { child, printed: serde_json::from_str(&line).unwrap() }
    }

    /// What it prints, and the region, which is the caller's own here.
    fn variables(&self) -> Vec<(&str, &str)> {
        let printed = self.printed["set"].as_object().unwrap();
        let set = printed.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        set.chain([("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "eu-west-1")]).collect()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One client object that lives on, and asks when it is told to.
pub struct Running {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Running {
    /// In one of the ways, or under an endpoint.
    pub fn start(env: &TestEnvironment, way: &str, serving: &Serving, client: &str) -> Running {
        let mut command = command(env, way, client);
        command.env("TEST_CLIENT", "running").stdin(Stdio::piped()).stdout(Stdio::piped());
        if way == "serve" {
            command.envs(serving.variables());
        }
        let mut child = command.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Running { child, answers }
    }

    /// Lets it ask; the ARN that it is told. What goes wrong is on the test's stderr.
    #[track_caller]
    pub fn ask(&mut self) -> String {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "the client ended");
            if line.starts_with("arn:") {
                return line.trim_end().to_owned();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without stdin it ends; where it does not, `timeout` ends it and what it started.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
