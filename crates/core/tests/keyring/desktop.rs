use std::{
    io::Write,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use dbus::{Path, blocking::Connection};
use rustix::process::{Pid, Signal, kill_process};

/// A real gnome-keyring, ended with this value.
pub struct GnomeKeyring(Child);

impl GnomeKeyring {
    /// As a login makes it: with one collection, unlocked.
    pub fn unlocked() -> GnomeKeyring {
        let mut keyring = GnomeKeyring::start(&["--unlock"], Stdio::piped());
        keyring.0.stdin.take().unwrap().write_all(b"test-password").unwrap();
        wait_for_an_answer();
        keyring
    }

    /// As it is where nobody ever logged in: without a collection.
    pub fn fresh() -> GnomeKeyring {
        let keyring = GnomeKeyring::start(&[], Stdio::null());
        wait_for_an_answer();
        keyring
    }

    fn start(arguments: &[&str], stdin: Stdio) -> GnomeKeyring {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).args(arguments).stdin(stdin).stdout(Stdio::null());
        GnomeKeyring(command.spawn().expect("gnome-keyring-daemon (package gnome-keyring) is needed"))
    }

    pub fn stop(&self) -> Stopped {
        Stopped::new(self.0.id())
    }
}

impl Drop for GnomeKeyring {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        if !thread::panicking() {
            wait_for("org.freedesktop.secrets", false);
        }
    }
}

/// A process that was sent SIGSTOP, and is sent SIGCONT with the end of this value.
pub struct Stopped(Pid);

impl Stopped {
    fn new(id: u32) -> Stopped {
        let pid = Pid::from_raw(id as i32).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        Stopped(pid)
    }

    /// The session bus itself.
    pub fn bus() -> Stopped {
        let session = Connection::new_session().unwrap();
        let bus = session.with_proxy("org.freedesktop.DBus", "/", Duration::from_secs(2));
        let name = ("org.freedesktop.DBus",);
        let (pid,): (u32,) = bus.method_call("org.freedesktop.DBus", "GetConnectionUnixProcessID", name).unwrap();
        Stopped::new(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}

pub fn lock() {
    let session = Connection::new_session().unwrap();
    let secrets = session.with_proxy("org.freedesktop.secrets", "/org/freedesktop/secrets", Duration::from_secs(2));
    let login = vec![Path::from("/org/freedesktop/secrets/collection/login")];
    let (locked, _): (Vec<Path<'_>>, Path<'_>) =
        secrets.method_call("org.freedesktop.Secret.Service", "Lock", (login.clone(),)).unwrap();
    assert_eq!(locked, login);
}

/// How many items of ours the keyring has.
pub fn items() -> usize {
    search().unwrap()
}

fn search() -> Result<usize, dbus::Error> {
    let session = Connection::new_session()?;
    let secrets = session.with_proxy("org.freedesktop.secrets", "/org/freedesktop/secrets", Duration::from_secs(2));
    let ours = std::collections::HashMap::from([("service", "credstack")]);
    let (unlocked, locked): (Vec<Path<'_>>, Vec<Path<'_>>) =
        secrets.method_call("org.freedesktop.Secret.Service", "SearchItems", (ours,))?;
    Ok(unlocked.len() + locked.len())
}

/// Waits until a name on the bus is owned, or no longer is.
pub fn wait_for(name: &str, owned: bool) {
    let session = Connection::new_session().unwrap();
    let bus = session.with_proxy("org.freedesktop.DBus", "/", Duration::from_secs(2));
    let started = Instant::now();
    loop {
        let (now,): (bool,) = bus.method_call("org.freedesktop.DBus", "NameHasOwner", (name,)).unwrap();
        if now == owned {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{name} owned: {now}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the keyring answers: it takes its name on the bus a moment before it can be asked anything.
fn wait_for_an_answer() {
    wait_for("org.freedesktop.secrets", true);
    let started = Instant::now();
    while let Err(error) = search() {
        assert!(started.elapsed() < Duration::from_secs(10), "the keyring does not answer: {error}");
        thread::sleep(Duration::from_millis(10));
    }
}
