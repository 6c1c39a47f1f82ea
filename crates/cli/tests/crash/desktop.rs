//! A session bus of its own, and a real gnome-keyring on it.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use dbus::{
    Path,
    arg::{RefArg, Variant},
    blocking::{Connection, Proxy, stdintf::org_freedesktop_dbus::Properties},
    channel::Channel,
};

const NEEDED: &str = "the packages gnome-keyring, dbus, dbus-bin and libsecret-tools are needed";

/// Starts nothing on demand: there is exactly the keyring that a test starts.
const CONFIGURATION: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>"#;

/// A session bus, and the keyring daemon if there is one now.
pub struct Desktop {
    bus: Child,
    pub address: String,
    pub directory: PathBuf,
    daemon: Mutex<Option<Child>>,
}

impl Desktop {
    /// A bus without a keyring. Its files and the keyring's lie in `directory`.
    pub fn without_keyring(directory: PathBuf) -> Desktop {
        for name in ["run", "data"] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(directory.join(name)).unwrap();
        }
        let configuration = directory.join("bus.conf");
        fs::write(&configuration, CONFIGURATION).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address", "--config-file"])
            .arg(&configuration)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect(NEEDED);
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Desktop { bus, address: address.trim_end().to_owned(), directory, daemon: Mutex::default() }
    }

    /// A bus with an unlocked keyring, as a login makes it.
    pub fn new(directory: PathBuf) -> Desktop {
        let desktop = Desktop::without_keyring(directory);
        desktop.start_unlocked();
        desktop
    }

    /// Starts the daemon and unlocks its keyring, which is made if it is not there.
    pub fn start_unlocked(&self) {
        self.start(&["--unlock"], b"test-password");
    }

    /// Starts the daemon and unlocks nothing.
    pub fn start_as_it_is(&self) {
        self.start(&[], b"");
    }

    fn start(&self, arguments: &[&str], password: &[u8]) {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).args(arguments);
        self.prepare(&mut command);
        let command = command.env("HOME", &self.directory).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut daemon = command.spawn().expect(NEEDED);
        daemon.stdin.take().unwrap().write_all(password).unwrap();
        *self.daemon.lock().unwrap() = Some(daemon);
        self.wait_for_owner(true);
    }

    /// Ends the daemon as a power cut does.
    pub fn end_keyring(&self) {
        let daemon = self.daemon.lock().unwrap().take();
        if let Some(mut daemon) = daemon {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
            self.wait_for_owner(false);
        }
    }

    /// Sends the daemon a signal: STOP or CONT.
    pub fn signal(&self, signal: &str) {
        let id = self.daemon.lock().unwrap().as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    /// Locks the keyring.
    pub fn lock(&self) {
        let login = "array:objpath:/org/freedesktop/secrets/collection/login";
        let path = "/org/freedesktop/secrets";
        self.call(&["--dest=org.freedesktop.secrets", path, "org.freedesktop.Secret.Service.Lock", login]);
    }

    /// Where the keyrings lie at rest.
    pub fn keyrings(&self) -> PathBuf {
        self.directory.join("data/keyrings")
    }

    /// The names of our items, with nothing of their content.
    pub fn items(&self) -> Vec<String> {
        self.asked(|bus| {
            let mut names = Vec::new();
            for item in search(bus, &[("service", "credstack")])? {
                let attributes: Attributes = proxy(bus, item).get("org.freedesktop.Secret.Item", "Attributes")?;
                names.extend(attributes.get("username").cloned());
            }
            Ok(names)
        })
    }

    /// Removes an item of ours.
    pub fn forget(&self, name: &str) {
        self.asked(|bus| {
            for item in search(bus, &[("service", "credstack"), ("username", name)])? {
                let (_no_prompt,): (Path<'_>,) = proxy(bus, item).method_call("org.freedesktop.Secret.Item", "Delete", ())?;
            }
            Ok(())
        });
    }

    /// The secrets of our items, by their names, to put them back later: a restart of the daemon takes long.
    pub fn secrets(&self) -> BTreeMap<String, Vec<u8>> {
        let secret = |name: String| {
            let secret = self.asked(|bus| {
                let session = open_session(bus)?;
                let item = search(bus, &[("service", "credstack"), ("username", &name)])?.remove(0);
                let ((_, _, secret, _),): (Secret,) =
                    proxy(bus, item).method_call("org.freedesktop.Secret.Item", "GetSecret", (session,))?;
                Ok(secret)
            });
            (name, secret)
        };
        self.items().into_iter().map(secret).collect()
    }

    /// Puts an item of ours back, as the program writes it. There is none of that name: gnome-keyring 42 breaks where items
    /// are created over others.
    pub fn put(&self, name: &str, secret: &[u8]) {
        let prompt: Path<'_> = self.asked(|bus| {
            let session = open_session(bus)?;
            let attributes: Attributes = [("service", "credstack"), ("username", name)].map(|(k, v)| (k.into(), v.into())).into();
            let properties: HashMap<&str, Variant<Box<dyn RefArg>>> = HashMap::from([
                ("org.freedesktop.Secret.Item.Label", Variant(Box::new(format!("credstack {name}")) as Box<dyn RefArg>)),
                ("org.freedesktop.Secret.Item.Attributes", Variant(Box::new(attributes))),
            ]);
            let secret = (session, Vec::<u8>::new(), secret, "application/octet-stream");
            let (_item, prompt): (Path<'_>, Path<'_>) = proxy(bus, "/org/freedesktop/secrets/collection/login".into())
                .method_call("org.freedesktop.Secret.Collection", "CreateItem", (properties, secret, false))?;
            Ok(prompt)
        });
        assert_eq!(&*prompt, "/");
    }

    /// What the daemon answers. It aborts now and then after a client was killed while it opened a session, as it does up to
    /// its version 50; then it is started anew, as a desktop does, and asked again.
    fn asked<T>(&self, ask: impl Fn(&Connection) -> Result<T, dbus::Error>) -> T {
        let answer = ask(&self.connect());
        if answer.is_err() && self.has_ended() {
            self.wait_for_owner(false);
            self.start_unlocked();
            return ask(&self.connect()).unwrap();
        }
        answer.unwrap()
    }

    /// Whether the daemon has ended by itself. Who hung up is about to.
    fn has_ended(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(5);
        let ended = || self.daemon.lock().unwrap().as_mut().is_some_and(|daemon| daemon.try_wait().unwrap().is_some());
        while !ended() {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }

    fn connect(&self) -> Connection {
        let mut channel = Channel::open_private(&self.address).unwrap();
        channel.register().unwrap();
        channel.into()
    }

    /// Gives a command this bus.
    pub fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("XDG_RUNTIME_DIR", self.directory.join("run"))
            .env("XDG_DATA_HOME", self.directory.join("data"))
    }

    fn wait_for_owner(&self, owned: bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let question = [
            "--dest=org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner",
            "string:org.freedesktop.secrets",
        ];
        while self.call(&question).contains("boolean true") != owned {
            assert!(Instant::now() < deadline, "gnome-keyring on the bus: {}", !owned);
            thread::sleep(Duration::from_millis(5));
        }
        // It takes its name a moment before it can be asked anything.
        let bus = self.connect();
        while owned && search(&bus, &[]).is_err() {
            assert!(Instant::now() < deadline, "gnome-keyring does not answer");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn call(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("dbus-send");
        self.prepare(command.args(["--session", "--print-reply"]).args(arguments));
        let output = command.output().expect(NEEDED);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // They may have ended by themselves.
        for process in self.daemon.get_mut().unwrap().iter_mut().chain([&mut self.bus]) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

type Attributes = HashMap<String, String>;
/// Session, parameters, value, content type.
type Secret = (Path<'static>, Vec<u8>, Vec<u8>, String);

/// A session without encryption: these secrets are made up.
fn open_session(bus: &Connection) -> Result<Path<'static>, dbus::Error> {
    let service = proxy(bus, "/org/freedesktop/secrets".into());
    let (_output, session): (Variant<Box<dyn RefArg>>, Path<'static>) =
        service.method_call("org.freedesktop.Secret.Service", "OpenSession", ("plain", Variant("")))?;
    Ok(session)
}

fn search(bus: &Connection, attributes: &[(&str, &str)]) -> Result<Vec<Path<'static>>, dbus::Error> {
    let attributes: HashMap<&str, &str> = attributes.iter().copied().collect();
    let service = proxy(bus, "/org/freedesktop/secrets".into());
    let (unlocked, locked): (Vec<_>, Vec<_>) =
        service.method_call("org.freedesktop.Secret.Service", "SearchItems", (attributes,))?;
    Ok(unlocked.into_iter().chain(locked).collect())
}

fn proxy<'a>(bus: &'a Connection, path: Path<'static>) -> Proxy<'static, &'a Connection> {
    Proxy::new("org.freedesktop.secrets", path, Duration::from_secs(20), bus)
}

/// Copies the files below a directory, with their modes.
pub fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
