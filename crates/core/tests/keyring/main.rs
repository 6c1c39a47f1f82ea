//! The keyring store on a real gnome-keyring, each scenario on a session bus of its own.
//!
//! The D-Bus library reads the environment, so a scenario runs in a child: this program once more, under
//! `dbus-run-session`, with a cleared environment. Needs the packages `gnome-keyring`, `dbus` and `dbus-bin`; where they
//! are missing these tests fail.
#![cfg(target_os = "linux")]
// Clippy knows a test by its attribute, and not the functions that a test calls.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod desktop;
mod prompter;
mod scenarios;

use std::{
    fs,
    os::unix::{fs::DirBuilderExt, net::UnixListener},
    process::{Command, Output},
    thread,
};

/// Names the scenario to the child.
const SCENARIO: &str = "CREDSTACK_TEST_SCENARIO";

/// Starts nothing on demand: a scenario has exactly the programs that it starts.
const BUS: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>"#;

#[derive(Clone, Copy, PartialEq)]
enum Bus {
    Private,
    /// No address of one.
    None,
    /// The address of one that is not there.
    Gone,
    /// The address of one that hangs up, as another user's does.
    Closing,
}

fn run(scenario: &str, bus: Bus) {
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name);
    for name in ["run", "data", "home"] {
        fs::DirBuilder::new().mode(0o700).create(path(name)).unwrap();
    }
    fs::write(path("bus.conf"), BUS).unwrap();

    let this = std::env::current_exe().unwrap();
    let mut command = match bus {
        Bus::Private => {
            let mut command = Command::new("dbus-run-session");
            command.arg("--config-file").arg(path("bus.conf")).arg("--").arg(this);
            command
        }
        Bus::None | Bus::Gone | Bus::Closing => Command::new(this),
    };
    command.args(["child", "--exact", "--ignored", "--nocapture"]).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env(SCENARIO, scenario);
    command.env("HOME", path("home")).env("XDG_RUNTIME_DIR", path("run")).env("XDG_DATA_HOME", path("data"));
    let address = match bus {
        Bus::Private | Bus::None => None,
        Bus::Gone => Some("/nonexistent/bus".into()),
        Bus::Closing => Some(path("closing")),
    };
    if let Some(address) = address {
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", address.display()));
    }
    if bus == Bus::Closing {
        let listener = UnixListener::bind(path("closing")).unwrap();
        // Ends with this program. An accepted connection is dropped at once.
        thread::spawn(move || listener.incoming().for_each(drop));
    }
    let Output { status, stdout, stderr } = command.output().expect("dbus-run-session (package dbus-daemon) is needed");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && stdout.contains("1 passed"), "{scenario}: {status}\n{stdout}\n{stderr}");
    for secret in [scenarios::SECRET, scenarios::TOKEN] {
        assert!(!stdout.contains(secret) && !stderr.contains(secret), "{scenario} shows a secret");
    }
    // What it says where an item was created over another, before it breaks.
    assert!(!stderr.contains("already registered"), "{scenario}: {stderr}");
    stdout.lines().filter(|line| line.contains(" -> ")).for_each(|line| println!("{line}"));
}

#[test]
#[ignore = "runs as the child of the other tests"]
fn child() {
    let scenario = std::env::var(SCENARIO).expect("only as a child");
    scenarios::play(&scenario);
}

#[test]
fn round_trip() {
    run("round_trip", Bus::Private);
}

#[test]
fn no_bus() {
    run("no_bus", Bus::None);
}

#[test]
fn bus_gone() {
    run("no_bus", Bus::Gone);
}

#[test]
fn closing_bus() {
    run("closing_bus", Bus::Closing);
}

#[test]
fn no_provider() {
    run("no_provider", Bus::Private);
}

#[test]
fn fresh() {
    run("fresh", Bus::Private);
}

#[test]
fn locked() {
    run("locked", Bus::Private);
}

#[test]
fn dismissed() {
    run("dismissed", Bus::Private);
}

#[test]
fn frozen() {
    run("frozen", Bus::Private);
}

#[test]
fn frozen_bus() {
    run("frozen_bus", Bus::Private);
}

#[test]
fn restarted() {
    run("restarted", Bus::Private);
}
