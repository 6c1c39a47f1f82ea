//! The program on a real gnome-keyring: secrets outlive it, and its troubles are told apart and lose nothing.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{
    common::{ALICE_MFA, Output, terminal::Terminal},
    machine::{Machine, Store},
};

const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

/// What the program says within 3 seconds and a little for itself, with exit code 6.
#[track_caller]
fn fails(machine: &Machine, arguments: &[&str]) -> Output {
    let started = Instant::now();
    let output = machine.env.plain(arguments).exits(6);
    let took = started.elapsed();
    assert!(took < Duration::from_millis(3_500), "{arguments:?} took {took:?}");
    output
}

#[test]
fn secrets_outlive_a_restart() {
    let mut machine = Machine::new(Store::Keyring);
    let session = machine.env.push_session();
    let role = machine.env.push_role("Developer");
    let frames = machine.env.frames();
    assert_eq!(frames, [role.as_str(), session.as_str(), "c1"]);
    assert_eq!(machine.secrets().len(), 3);

    let desktop = machine.desktop.as_mut().unwrap();
    desktop.end_keyring();
    fails(&machine, &["whoami"]);
    machine.desktop.as_mut().unwrap().start_unlocked();
    assert_eq!(machine.env.frames(), frames);
    machine.assert_settled();

    machine.env.plain(["pop"]).ok();
    assert_eq!(machine.secrets().len(), 2);
    machine.env.plain(["clear", "--yes"]).ok();
    assert_eq!(machine.secrets().len(), 0);
    machine.assert_settled();
}

#[test]
fn five_troubles_have_five_messages_and_lose_nothing() {
    let mut machine = Machine::new(Store::Keyring);
    machine.env.push_role("Developer");
    let (content, secrets) = (machine.content(), machine.secrets());
    let mut messages = Vec::new();
    let address = machine.env.variable("DBUS_SESSION_BUS_ADDRESS").unwrap().to_owned();

    machine.env.unset("DBUS_SESSION_BUS_ADDRESS");
    messages.push(("no bus", trouble(&machine)));
    machine.env.set("DBUS_SESSION_BUS_ADDRESS", &address);

    let desktop = machine.desktop.as_mut().unwrap();
    desktop.end_keyring();
    messages.push(("no provider", trouble(&machine)));

    let desktop = machine.desktop.as_mut().unwrap();
    let aside = desktop.directory.join("aside");
    fs::rename(desktop.keyrings(), &aside).unwrap();
    desktop.start_as_it_is();
    messages.push(("fresh", trouble(&machine)));
    let desktop = machine.desktop.as_mut().unwrap();
    desktop.end_keyring();
    // The daemon may have made its directory, without a keyring in it.
    if desktop.keyrings().exists() {
        fs::remove_dir_all(desktop.keyrings()).unwrap();
    }
    fs::rename(&aside, desktop.keyrings()).unwrap();
    desktop.start_unlocked();

    desktop.lock();
    messages.push(("locked", trouble(&machine)));
    messages.push(("denied", denied(&mut machine)));
    let desktop = machine.desktop.as_mut().unwrap();
    desktop.end_keyring();
    desktop.start_unlocked();

    desktop.signal("STOP");
    messages.push(("frozen", trouble(&machine)));
    machine.desktop.as_ref().unwrap().signal("CONT");

    for (index, (trouble, message)) in messages.iter().enumerate() {
        println!("{trouble}: {message}");
        assert!(messages[..index].iter().all(|(_, other)| other != message), "{trouble}: {message}");
    }
    machine.run(&["forget", "--expired"]).ok();
    assert_eq!(machine.content(), content);
    assert_eq!(machine.secrets(), secrets);
    machine.assert_settled();
}

/// What needs a secret fails and changes nothing; what needs none goes on.
fn trouble(machine: &Machine) -> String {
    let content = machine.content();
    machine.env.sandbox.forget_calls();
    let read = fails(machine, &["whoami"]);
    fails(machine, &["push", "assume", READ_ONLY]);
    // Signed by a shell's own keys, so that only the write is in the way. STS is not asked for what cannot be kept.
    fails(machine, &["push", "assume", "Developer", "--from", "env"]);
    assert_eq!(machine.env.sandbox.calls().len(), 0);
    fails(machine, &["doctor"]);
    fails(machine, &["setup", "--store", "keyring"]);
    machine.env.plain(["whoami", "--offline"]).ok();
    machine.env.plain(["history"]).ok();
    assert_eq!(machine.content(), content);
    read.stderr.lines().find(|line| line.contains("keyring")).unwrap_or_else(|| panic!("{}", read.stderr)).to_owned()
}

/// A person is there to answer, and the prompt cannot be shown.
fn denied(machine: &mut Machine) -> String {
    machine.env.set("DISPLAY", ":99");
    let (status, shown) = Terminal::start(&machine.env, &["whoami"]).finish();
    machine.env.unset("DISPLAY");
    assert_eq!(status.code(), Some(6), "{shown}");
    shown.lines().find(|line| line.contains("keyring")).unwrap_or_else(|| panic!("{shown}")).trim().to_owned()
}

/// A pop takes effect although the secret cannot be erased now; that is said, and made up for.
#[test]
fn a_pop_on_a_locked_keyring_is_finished_later() {
    let mut machine = Machine::new(Store::Keyring);
    let role = machine.env.push_role("Developer");
    machine.desktop.as_ref().unwrap().lock();
    let popped = machine.env.plain(["pop"]).ok();
    assert!(popped.stderr.contains(&format!("not erased yet: the secret of {role}: the keyring is locked")), "{}", popped.stderr);
    assert_eq!(machine.env.frames(), ["c1"]);
    let desktop = machine.desktop.as_mut().unwrap();
    desktop.end_keyring();
    desktop.start_unlocked();
    assert_eq!(machine.secrets().len(), 2);
    machine.env.plain(["forget", "--expired"]).ok();
    assert_eq!(machine.secrets().len(), 1);
    machine.assert_settled();
}

/// Several secrets that wait for one reason are one notice, and a frozen keyring is waited for once.
#[test]
fn what_waits_for_the_same_reason_is_one_notice() {
    let machine = Machine::new(Store::Keyring);
    let session = machine.env.push_session();
    let role = machine.env.push_role("Developer");
    machine.desktop.as_ref().unwrap().signal("STOP");
    let started = Instant::now();
    let cleared = machine.env.plain(["clear", "--yes"]).ok();
    assert!(started.elapsed() < Duration::from_millis(3_500), "{:?}", started.elapsed());
    cleared.says(&format!("not erased yet: the secrets of c1, {session}, {role}: the keyring did not answer"));
    machine.desktop.as_ref().unwrap().signal("CONT");
    machine.env.plain(["forget", "--expired"]).ok();
    assert_eq!(machine.secrets().len(), 0);
    machine.assert_settled();
}

/// Nobody can tell whether a keyring that freezes while it is given a secret has kept it: the log tells of the session at
/// once, and what became of it later.
#[test]
fn a_keyring_that_freezes_under_a_push_loses_no_history() {
    let machine = Machine::new(Store::Keyring);
    machine.env.push_role("Developer");
    let code = machine.env.sandbox.totp(ALICE_MFA);
    let mut terminal = Terminal::start(&machine.env, &["push", "session", "--from", "root", "--mfa-serial", ALICE_MFA]);
    terminal.expect("MFA code for");
    machine.desktop.as_ref().unwrap().signal("STOP");
    let (status, shown) = terminal.type_line_and_finish(&code);
    assert_eq!(status.code(), Some(6), "{shown}");
    assert_eq!(machine.env.events().last().unwrap(), "acquired");
    let waiting = machine.env.plain(["save"]).ok();
    waiting.says("not known yet: whether the secret of c3 was stored, by a push that was cut off or refused");
    machine.desktop.as_ref().unwrap().signal("CONT");
    machine.env.plain(["forget", "--expired"]).ok();
    let events = machine.env.events();
    let count = |kind: &str| events.iter().filter(|event| *event == kind).count();
    assert_eq!((count("acquired"), count("secret-lost") + count("held")), (2, 1), "{events:?}");
    machine.assert_settled();
}
