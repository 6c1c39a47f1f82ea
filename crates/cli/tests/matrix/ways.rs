//! The ways in which a frame is handed to a program.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{clients::Client, homes::Home};
use crate::common::{TestEnvironment, programs};

/// All of them, in the order of the tables.
pub const WAYS: [&str; 7] =
    ["profile", "exec --via env", "exec --via endpoint", "exec --via profile", "serve", "serve --imds", "env"];

/// No client may take longer. Nothing waits for that: it bounds a test that goes wrong.
const SECONDS: &str = "400";

/// A shell's environment in a home, in which nothing but what stands there gives credentials.
pub fn shell(env: &TestEnvironment, home: &Home, command: &mut Command) {
    env.prepare(command);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"] {
        command.env_remove(name);
    }
    command.env("HOME", &home.path).current_dir(&home.path);
    command.envs(home.variables.iter().map(|(name, value)| (*name, value)));
}

/// A client under a way, not yet started. Only the client's own STS is at `sts`.
pub fn command(env: &TestEnvironment, home: &Home, way: &str, serving: Option<&Serving>, client: &Client, sts: &str) -> Command {
    let mut words = vec!["/usr/bin/env".to_owned(), format!("AWS_ENDPOINT_URL_STS={sts}"), format!("TEST_STS={sts}")];
    words.extend(client.command.iter().cloned());
    let mut command = Command::new("/usr/bin/timeout");
    command.arg(SECONDS);
    let credstack = programs::credstack();
    match way {
        "profile" => {
            command.args(&words);
        }
        "env" => {
            let quoted = words.iter().map(|word| shell_words::quote(word).into_owned()).collect::<Vec<_>>().join(" ");
            let script = format!("keys=$({} env) && eval \"$keys\" && exec {quoted}", credstack.display());
            command.args(["bash", "-c", &script]);
        }
        serve if serve.starts_with("serve") => {
            command.args(&words);
        }
        exec => {
            command.arg(credstack).arg("--quiet").args(exec.split(' ')).arg("--").args(&words);
        }
    }
    shell(env, home, &mut command);
    if way == "profile" {
        command.env("AWS_PROFILE", "credstack");
    }
    if let Some(serving) = serving {
        serving.apply(&mut command);
    }
    command.env("TEST_CLIENT", "once").envs(client.variables.iter().map(|(name, value)| (*name, value)));
    command
}

/// `credstack serve`, started in a home's shell.
pub struct Serving {
    child: Child,
    printed: Value,
}

impl Serving {
    pub fn start(env: &TestEnvironment, home: &Home, way: &str) -> Serving {
        let mut command = Command::new(programs::credstack());
        command.args(["--quiet", "--json"]).args(way.split(' '));
        shell(env, home, &mut command);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let printed = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{way} in {}: {error}: {line:?}", home.name));
        Serving { child, printed }
    }

    /// As a shell takes what it printed.
    fn apply(&self, command: &mut Command) {
        for name in self.printed["unset"].as_array().unwrap() {
            command.env_remove(name.as_str().unwrap());
        }
        for (name, value) in self.printed["set"].as_object().unwrap() {
            command.env(name, value.as_str().unwrap());
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
