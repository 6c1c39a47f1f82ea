//! `push profile --dry-run` on a table of configurations: `profiles/NAME.config` (and `NAME.credentials`), and the plan that each
//! must give in `NAME.plan`. The first lines of a configuration say what it shows, the profile, and variables.
//! `SNAPSHOTS=overwrite` writes the plans; read them before you commit.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::Value;

use crate::common::{Output, TestEnvironment};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/profiles")
}

#[test]
fn every_configuration_gives_its_plan_and_asks_nobody() {
    let mut names: Vec<_> = fs::read_dir(directory())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().unwrap().strip_suffix(".config").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 40, "{}", names.len());
    let mut env = TestEnvironment::new();
    env.no_keys();
    let usual = env.json(["push", "assume", "arn:aws:iam::111122223333:role/Any", "--dry-run"]);
    let usual = usual["calls"][0]["request"]["role_session_name"].as_str().unwrap().to_owned();
    for name in names {
        let config = fs::read_to_string(directory().join(format!("{name}.config"))).unwrap();
        env.aws_config(&config);
        let credentials = fs::read_to_string(directory().join(format!("{name}.credentials"))).unwrap_or_default();
        env.write(&env.home().join(".aws/credentials"), &credentials);
        let said = |what: &str| -> Vec<String> {
            let head = format!("# {what}: ");
            config.lines().filter_map(|line| line.strip_prefix(&head).map(str::to_owned)).collect()
        };
        let profile = said("profile").pop().unwrap_or_else(|| panic!("{name} names no profile"));
        let mut command = env.command(["--json", "--no-input", "push", "profile", &profile, "--dry-run"]);
        for variable in said("env") {
            let (key, value) = variable.split_once('=').unwrap();
            command.env(key, value);
        }
        let output = env.run(command);
        let shown = plan(&env, &output).replace(&usual, "USER@HOST");
        let expected = snapbox::Data::read_from(&directory().join(format!("{name}.plan")), Some(snapbox::data::DataFormat::Text));
        snapbox::assert_data_eq!(shown, expected.raw());
    }
    assert_eq!(env.sandbox.calls(), [] as [Value; 0]);
    assert_eq!(env.frames(), ["ambient"]);
}

/// The calls, a line each with what is set; then what was said.
fn plan(env: &TestEnvironment, output: &Output) -> String {
    let mut text = String::new();
    let plan: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    for call in plan["calls"].as_array().into_iter().flatten() {
        let part = |key: &str| call[key].as_str().map(|value| format!(" {key}={value}")).unwrap_or_default();
        let request = |key: &str| match &call["request"][key] {
            Value::Null => String::new(),
            value => format!(" {key}={value}"),
        };
        let parts = ["profile", "region", "signed_by", "asks", "cap", "refused"].map(part).concat();
        let requests = ["external_id", "role_session_name", "serial_number", "mfa_command", "token_source"].map(request).concat();
        let target = call["target"].as_str().unwrap_or_default();
        let seconds = &call["duration_seconds"];
        writeln!(text, "{} {target} seconds={seconds}{parts}{requests}", call["operation"].as_str().unwrap()).unwrap();
    }
    if let Some(frame) = plan["frame"].as_str() {
        writeln!(text, "frame: {frame}").unwrap();
    }
    writeln!(text, "exit {}", output.code.unwrap()).unwrap();
    for line in output.stderr.lines() {
        match serde_json::from_str::<Value>(line) {
            Ok(error) => {
                let said = |key: &str| error["error"][key].as_str().unwrap_or_default().to_owned();
                writeln!(text, "error: {}\nnext: {}", said("message"), said("next_step")).unwrap();
            }
            Err(_) => writeln!(text, "{line}").unwrap(),
        }
    }
    text.replace(env.home().to_str().unwrap(), "~")
}
