//! What depends on the environment runs in a process of its own, with an environment of its own: the same test binary,
//! started again for one test that does what it is told and prints what came of it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use credstack_core::{
    ambient::{self, Question, environment_keys},
    sts::{Settings, Sts, StsError, TimeOuts},
    values::{
        Ambient, CredentialSet,
        request::{GetSessionToken, OneTime, Request},
    },
};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::inside_tokio;

const MARK: &str = "=== result ===";

/// A home directory and an environment, both empty but for what a test puts there.
pub struct Shell {
    home: TempDir,
    variables: BTreeMap<String, String>,
}

/// What the child printed, and how long it took in it.
#[derive(Debug)]
pub struct Outcome {
    pub lines: BTreeMap<String, String>,
    pub took: Duration,
}

impl Shell {
    pub fn new() -> Shell {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        let mut shell = Shell { home, variables: BTreeMap::new() };
        let home = shell.home.path().display().to_string();
        shell = shell.with("HOME", home).with("AWS_EC2_METADATA_DISABLED", "true");
        shell.with("PATH", env::var("PATH").unwrap_or_default())
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Shell {
        self.variables.insert(name.into(), value.to_string());
        self
    }

    pub fn without(mut self, name: &str) -> Shell {
        self.variables.remove(name);
        self
    }

    pub fn config(self, text: &str) -> Shell {
        fs::write(self.home.path().join(".aws/config"), text).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file into the home directory.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// An executable script.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.file(name, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Asks for the caller's identity through STS.
    pub fn identify(&self) -> Outcome {
        self.run("identify")
    }

    /// Asks for a session with an MFA device and its code.
    pub fn session(&self) -> Outcome {
        self.run("session")
    }

    /// The same, and who signs.
    pub fn session_and_identity(&self) -> Outcome {
        self.run("session_and_identity")
    }

    /// Asks for the ambient identity.
    pub fn ambient(&self) -> Outcome {
        self.run("ambient")
    }

    /// Does a task.
    pub fn run(&self, task: &str) -> Outcome {
        let output = Command::new(env::current_exe().unwrap())
            .args(["child::does_what_it_is_told", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env_clear()
            .envs(&self.variables)
            .env("TEST_TASK", task)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let (_, result) = text.split_once(MARK).unwrap_or_else(|| panic!("{text}\n{errors}"));
        let lines = result.lines().filter_map(|line| line.split_once(" = "));
        let lines: BTreeMap<String, String> = lines.map(|(name, value)| (name.into(), value.into())).collect();
        let took = Duration::from_millis(lines["took"].parse().unwrap());
        Outcome { lines, took }
    }
}

impl Outcome {
    pub fn get(&self, name: &str) -> &str {
        self.lines.get(name).map_or("", String::as_str)
    }

    /// The error's words; fails if there was none.
    pub fn error(&self) -> &str {
        assert!(self.lines.contains_key("error"), "{self:?}");
        self.get("error")
    }

    /// Everything that was printed.
    pub fn all(&self) -> String {
        format!("{:?}", self.lines)
    }
}

pub fn signer() -> CredentialSet {
    CredentialSet { access_key_id: "AKIAFAKESIGNER".into(), secret_access_key: "signer-secret".into(), session_token: None }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

fn milliseconds(name: &str) -> Option<Duration> {
    variable(name).map(|text| Duration::from_millis(text.parse().unwrap()))
}

#[test]
#[ignore = "started by the other tests, in an environment of its own"]
fn does_what_it_is_told() {
    let started = Instant::now();
    let Some(task) = variable("TEST_TASK") else { return };
    let work = move || match task.as_str() {
        "ambient" => ambient(),
        "lookups" => inside_tokio::lookups(),
        "profiles" => inside_tokio::profiles(),
        task => sts(task),
    };
    let lines = match variable("TEST_INSIDE") {
        Some(place) => inside_tokio::inside(&place, work),
        None => work(),
    };
    println!("\n{MARK}");
    for (name, value) in lines {
        println!("{name} = {}", value.replace('\n', " "));
    }
    println!("took = {}", started.elapsed().as_millis());
}

fn sts(task: &str) -> Vec<(&'static str, String)> {
    let settings = Settings {
        region: variable("TEST_REGION"),
        profile: variable("TEST_PROFILE"),
        default_region: None,
        files: None,
        ca_bundle: variable("AWS_CA_BUNDLE").map(PathBuf::from),
        way: None,
        ignores_region_variables: false,
        time_outs: TimeOuts { operation: milliseconds("TEST_OPERATION").unwrap_or(Duration::from_secs(5)), ..Default::default() },
    };
    try_sts(task, &settings)
        .unwrap_or_else(|error| vec![("error", error.to_string()), ("debug", format!("{error:?}")), ("next", error.next_step())])
}

fn try_sts(task: &str, settings: &Settings) -> Result<Vec<(&'static str, String)>, StsError> {
    let sts = Sts::connect(settings)?;
    let device = GetSessionToken { serial_number: Some("GAHT12345678".into()), ..Default::default() };
    let request = Request::GetSessionToken(device);
    let one_time = OneTime { token_code: Some("271828".into()), ..Default::default() };
    let (granted, identity) = match task {
        "session" => (Some(sts.ask(Some(&signer()), &request, &one_time)?), None),
        "session_and_identity" => {
            let (granted, identity) = sts.ask_and_identify(&signer(), &request, &one_time, |_| ())?;
            (Some(granted), identity)
        }
        _ => (None, Some(sts.caller_identity(&signer())?)),
    };
    let mut lines = vec![("region", sts.region().to_owned())];
    lines.extend(identity.map(|it| ("arn", it.arn)));
    if let Some(granted) = granted {
        let token = granted.set.session_token.as_ref().map(|token| token.expose_secret().to_owned());
        lines.extend([
            ("debug", format!("{granted:?}")),
            ("key", granted.set.access_key_id),
            ("secret", granted.set.secret_access_key.expose_secret().to_owned()),
            ("token", token.unwrap_or_default()),
            ("expires", granted.expires_at.to_string()),
            ("request_id", granted.request_id.unwrap_or_default()),
            ("endpoint", granted.endpoint),
        ]);
    }
    Ok(lines)
}

fn ambient() -> Vec<(&'static str, String)> {
    let environment_keys = match environment_keys(variable) {
        Ok(keys) => keys,
        Err(error) => return vec![("error", error.to_string())],
    };
    let mut time_outs = ambient::TimeOuts::default();
    time_outs.chain = milliseconds("TEST_CHAIN").unwrap_or(time_outs.chain);
    time_outs.slow = milliseconds("TEST_SLOW").unwrap_or(time_outs.slow);
    let question = Question {
        reference: Ambient { profile: variable("TEST_PROFILE"), ..Default::default() },
        environment_keys: environment_keys.filter(|_| variable("TEST_KEYS_ARE_OURS").is_none()),
        time_outs,
        ..Default::default()
    };
    match ambient::resolve(&question) {
        Ok(found) => {
            let text = |it: &Option<String>| it.clone().unwrap_or_else(|| "none".into());
            let token = found.set.session_token.as_ref().map(|token| token.expose_secret().to_owned());
            vec![
                ("key", found.set.access_key_id.clone()),
                ("secret", found.set.secret_access_key.expose_secret().to_owned()),
                ("token", text(&token)),
                ("expires", text(&found.expires_at.map(|it| it.to_string()))),
                ("profile", text(&found.reference.profile)),
                ("region", text(&found.reference.region)),
                ("provider", text(&found.reference.provider)),
            ]
        }
        Err(error) => vec![("error", error.to_string()), ("debug", format!("{error:?}")), ("next", error.next_step())],
    }
}
