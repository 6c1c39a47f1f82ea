//! Clients from the Python environment, with nothing of this machine's own settings.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn python() -> PathBuf {
    let venv = std::env::var_os("CREDSTACK_TEST_VENV").unwrap_or_else(|| {
        panic!(
            "CREDSTACK_TEST_VENV is not set: make an environment with `python3 -m venv target/venv` and \
             `target/venv/bin/pip install boto3 awscli`, and set the variable to its absolute path"
        )
    });
    let python = Path::new(&venv).join("bin/python");
    assert!(python.is_absolute() && python.exists(), "CREDSTACK_TEST_VENV: there is no {}", python.display());
    python
}

fn client(url: &str) -> Command {
    let mut command = Command::new(python());
    command.env_clear().envs([
        ("AWS_ENDPOINT_URL_STS", url),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("HOME", "/nonexistent"),
    ]);
    command
}

/// Runs a script of this folder; its output.
pub fn script(name: &str, url: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name);
    succeeded(client(url).arg(path).output().unwrap())
}

/// Runs `aws sts …`; its output.
pub fn aws(url: &str, keys: &[(&str, &str)], arguments: &[&str]) -> String {
    succeeded(run_aws(url, keys, arguments))
}

/// Runs `aws sts …`, which must fail; its error message.
pub fn aws_error(url: &str, keys: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = run_aws(url, keys, arguments);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn run_aws(url: &str, keys: &[(&str, &str)], arguments: &[&str]) -> Output {
    client(url).args(["-m", "awscli", "sts", "--output=json"]).args(arguments).envs(keys.iter().copied()).output().unwrap()
}

fn succeeded(output: Output) -> String {
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stdout}\n{stderr}");
    stdout
}
