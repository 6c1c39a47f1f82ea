//! A scratch machine for one test. Long because it is all that tests say about one: its files, variables, commands, stack.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

use serde_json::{Value, json};

use super::{ALICE_KEY, ALICE_MFA, ALICE_SECRET, Output, Sandbox, programs, secrets};

/// A home and a state directory of their own, a cleared environment with alice's keys, and a sandbox to ask.
///
/// Everything that a command printed is kept. When the environment ends, no secret that was ever in it may be in that,
/// or in any file of the state directory.
pub struct TestEnvironment {
    root: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    kept: Mutex<Vec<(String, Vec<u8>)>>,
    learned: Mutex<Vec<String>>,
    pub sandbox: Sandbox,
}

impl TestEnvironment {
    /// With the vault chosen as the secret store.
    pub fn new() -> TestEnvironment {
        let env = TestEnvironment::without_store();
        env.credstack(["setup", "--store", "vault", "--key-file", path(&env.key_file())]).ok();
        env
    }

    /// As `credstack` finds it on a machine that it was never run on.
    pub fn without_store() -> TestEnvironment {
        TestEnvironment::with_sandbox(&[])
    }

    /// The same, with arguments for the sandbox.
    pub fn with_sandbox(arguments: &[&str]) -> TestEnvironment {
        let memory = Path::new("/dev/shm");
        let mut builder = tempfile::Builder::new();
        builder.prefix("credstack-test-");
        // Files in memory make hundreds of synchronous commits cheap.
        let root = if memory.is_dir() { builder.tempdir_in(memory) } else { builder.tempdir() }.unwrap();
        std::fs::create_dir(root.path().join("home")).unwrap();
        let sandbox = Sandbox::start(arguments);
        let mut env =
            TestEnvironment { root, variables: BTreeMap::new(), kept: Mutex::default(), learned: Mutex::default(), sandbox };
        let (home, state, url) = (env.home(), env.state(), env.sandbox.url());
        for (name, value) in [
            ("PATH", "/usr/bin:/bin"),
            ("HOME", path(&home)),
            ("CREDSTACK_STATE_DIR", path(&state)),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL_STS", &url),
            ("AWS_REGION", "eu-west-1"),
        ] {
            env.set(name, value);
        }
        env.use_keys(ALICE_KEY, ALICE_SECRET, None);
        env
    }

    /// The home directory.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The state directory; nothing is in it before the first change.
    pub fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.state().join("credstack.db")
    }

    /// The vault's key file, outside the state directory.
    pub fn key_file(&self) -> PathBuf {
        self.home().join("vault.key")
    }

    /// A place for files of the test's own.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Makes the credential sets and their events those of a version that did not record how STS was reached: then the
    /// environment says it.
    pub fn forget_how_sts_was_reached(&self) {
        let database = rusqlite::Connection::open(self.database()).unwrap();
        database.execute("UPDATE credential SET way = NULL, profile = NULL", []).unwrap();
        forget_what_pins(&database);
    }

    /// Writes a file of the test's own, directories included.
    pub fn write(&self, path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes the AWS configuration.
    pub fn aws_config(&self, text: &str) {
        self.write(&self.home().join(".aws/config"), text);
    }

    /// Writes credstack's configuration.
    pub fn configuration(&self, text: &str) {
        self.write(&self.home().join(".config/credstack/config.toml"), text);
    }

    /// Sets a variable for all further commands. A secret in one is learned.
    pub fn set(&mut self, name: &str, value: &str) {
        if ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"].contains(&name) {
            self.learn(value);
        }
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Unsets a variable.
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// A variable's value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// All variables.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Puts keys into the environment, in the place of those that are there.
    pub fn use_keys(&mut self, access_key_id: &str, secret: &str, token: Option<&str>) {
        self.set("AWS_ACCESS_KEY_ID", access_key_id);
        self.set("AWS_SECRET_ACCESS_KEY", secret);
        match token {
            Some(token) => self.set("AWS_SESSION_TOKEN", token),
            None => self.unset("AWS_SESSION_TOKEN"),
        }
    }

    /// Takes all keys out of the environment.
    pub fn no_keys(&mut self) {
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"] {
            self.unset(name);
        }
    }

    /// Lets the scan know of a secret that neither the sandbox issued nor a variable held.
    pub fn learn(&self, secret: &str) {
        self.learned.lock().unwrap().push(secret.to_owned());
    }

    /// The program with arguments, in this environment, not yet started. It has no terminal, even if the tests have one:
    /// `setsid` takes it away and becomes the program.
    pub fn command<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new("/usr/bin/setsid");
        command.arg(programs::credstack()).args(arguments);
        self.prepare(&mut command);
        command
    }

    /// Gives any command this environment: the variables, the home directory as working directory, no stdin.
    pub fn prepare(&self, command: &mut Command) {
        command.env_clear().envs(&self.variables).current_dir(self.home()).stdin(Stdio::null());
    }

    /// Runs the program, as loud as it can be.
    pub fn credstack<I, S>(&self, arguments: I) -> Output
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command(["-vvv"]);
        command.args(arguments);
        self.run(command)
    }

    /// Runs the program as people do.
    pub fn plain<I, S>(&self, arguments: I) -> Output
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.run(self.command(arguments))
    }

    /// Runs the program with `--json`; the document that it prints. It has to succeed.
    #[track_caller]
    pub fn json<I, S>(&self, arguments: I) -> Value
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command(["-vvv", "--json"]);
        command.args(arguments);
        self.run(command).ok().json()
    }

    /// Runs a prepared command to its end, and keeps what it printed.
    pub fn run(&self, mut command: Command) -> Output {
        let line = format!("{command:?}");
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        self.keep(line, output.expect("the command starts"))
    }

    /// The same, with something on stdin.
    pub fn run_with_input(&self, mut command: Command, input: &[u8]) -> Output {
        let line = format!("{command:?}");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that does not want its input may have ended: that is for the test to judge.
        let _ = child.stdin.take().unwrap().write_all(input);
        self.keep(line, child.wait_with_output().unwrap())
    }

    /// Keeps what a command printed for the scan.
    pub fn keep(&self, line: String, output: std::process::Output) -> Output {
        let line = shown(&line);
        let mut kept = self.kept.lock().unwrap();
        kept.push((format!("stdout of {line}"), output.stdout.clone()));
        kept.push((format!("stderr of {line}"), output.stderr.clone()));
        drop(kept);
        Output::new(line, output)
    }

    /// The JSON of `list`.
    #[track_caller]
    pub fn list(&self) -> Value {
        self.json(["list"])
    }

    /// The stack, current first: the credential id of each frame, `ambient` where it has none.
    #[track_caller]
    pub fn frames(&self) -> Vec<String> {
        let frame = |frame: &Value| frame["credential"].as_str().unwrap_or("ambient").to_owned();
        self.list()["frames"].as_array().unwrap().iter().map(frame).collect()
    }

    /// The ids of the held credential sets.
    #[track_caller]
    pub fn held(&self) -> Vec<String> {
        self.list()["held"].as_array().unwrap().iter().map(|held| held["credential"].as_str().unwrap().to_owned()).collect()
    }

    /// The kinds of the events so far, oldest first.
    #[track_caller]
    pub fn events(&self) -> Vec<String> {
        let history = self.json(["history", "--limit", "100000"]);
        let events = history["events"].as_array().unwrap().iter().rev();
        events.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }

    /// The names of the vault's files, without the seal of the log.
    pub fn vault_files(&self) -> Vec<String> {
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let is_seal = |name: &String| name.ends_with("-000000000002");
        secrets::files(&self.state().join("vault")).into_iter().map(name).filter(|name| !is_seal(name)).collect()
    }

    /// Pushes a session with MFA; its id.
    #[track_caller]
    pub fn push_session(&self) -> String {
        let code = self.sandbox.totp(ALICE_MFA);
        let pushed = self.json(["push", "session", "--mfa-serial", ALICE_MFA, "--mfa-code", &code]);
        pushed["credential"].as_str().unwrap().to_owned()
    }

    /// Pushes a role; its id.
    #[track_caller]
    pub fn push_role(&self, role: &str) -> String {
        self.json(["push", "assume", role])["credential"].as_str().unwrap().to_owned()
    }

    /// New sessions live this long, whatever is asked for; `None` as asked.
    pub fn session_lifetime(&self, seconds: Option<u32>) {
        self.sandbox.faults(seconds.map_or(json!({}), |seconds| json!({ "lifetime_seconds": seconds })));
    }

    /// Looks for every secret that there was, now. Also done when the environment ends.
    pub fn assert_no_secret_shows(&self) {
        let mut known = self.learned.lock().unwrap().clone();
        for issued in self.sandbox.issued() {
            known.extend([issued.secret_access_key, issued.session_token]);
        }
        if let Ok(key) = std::fs::read_to_string(self.key_file()) {
            known.push(key.trim().to_owned());
        }
        known.sort();
        known.dedup();
        secrets::assert_absent(&known, &self.kept.lock().unwrap(), &self.state());
    }
}

impl Drop for TestEnvironment {
    fn drop(&mut self) {
        // A second panic would hide the first.
        if !std::thread::panicking() {
            self.assert_no_secret_shows();
        }
    }
}

/// A path as an argument.
pub fn path(path: &Path) -> &str {
    path.to_str().expect("test paths are UTF-8")
}

/// A command line without the environment, which `Debug` prints before the program.
fn shown(line: &str) -> String {
    line.rfind("credstack\" ").map_or_else(|| line.to_owned(), |at| format!("credstack {}", &line[at + "credstack\" ".len()..]))
}

/// Takes out of the events what earlier versions did not write into them.
pub fn forget_what_pins(database: &rusqlite::Connection) {
    let migration = include_str!("../../../../migrations/0001_stack.sql");
    let guard = &migration[migration.find("CREATE TRIGGER event_is_never_updated").unwrap()..];
    let guard = &guard[..guard.find("CREATE TRIGGER event_is_never_deleted").unwrap()];
    let less = "DROP TRIGGER event_is_never_updated;
                UPDATE event SET detail = json_remove(detail, '$.item', '$.nonce', '$.way', '$.profile');";
    database.execute_batch(&format!("{less} {guard}")).unwrap();
}
