//! Servers from the test's Python environment, each on a port of its own, with a seeded user and roles.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::common::recorder::Recorder;

/// What the trust policy of `Deploy` asks for.
pub const EXTERNAL_ID: &str = "fake-external-id";
/// With any secret, this is the root of MiniStack's account.
const ROOT: &str = "AKIAROOTROOTROOTROOT";

pub struct Server {
    child: Child,
    _home: tempfile::TempDir,
    recorder: Recorder,
    /// The seeded user's ARN and keys.
    pub user: String,
    pub key: String,
    pub secret: String,
}

impl Server {
    pub fn ministack() -> Server {
        let port = free_port();
        let mut command = Command::new(program("ministack"));
        command.env_clear().env("AUTH", "true").env("MINISTACK_ACCOUNT_ID", "123456789012");
        command.env("AWS_ACCESS_KEY_ID", ROOT).env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1");
        Server::start(command, port)
    }

    /// It authenticates nobody: where it does, it has no answer to a request that nobody signs.
    pub fn open_moto() -> Server {
        Server::moto_at(free_port())
    }

    fn moto_at(port: u16) -> Server {
        let mut command = Command::new(program("moto_server"));
        command.env_clear().args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        Server::start(command, port)
    }

    /// It authenticates from the moment on when it is seeded.
    pub fn moto() -> Server {
        let port = free_port();
        let server = Server::moto_at(port);
        let mut set = Command::new(program("python3"));
        let script = "import sys, urllib.request as r\n\
                      r.build_opener(r.ProxyHandler({})).open(r.Request(sys.argv[1], b'0', {'Content-Type': 'text/plain'}))";
        set.env_clear().args(["-c", script, &format!("http://127.0.0.1:{port}/moto-api/reset-auth")]);
        assert!(set.status().unwrap().success());
        server
    }

    fn start(mut command: Command, port: u16) -> Server {
        let home = tempfile::tempdir().unwrap();
        let command = command.env("PATH", "/usr/bin:/bin").env("HOME", home.path()).current_dir(home.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "{command:?} ended");
            assert!(Instant::now() < deadline, "{command:?} does not listen");
            thread::sleep(Duration::from_millis(50));
        }
        let mut seed = Command::new(program("python3"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/seed.py");
        seed.arg(script).args([&format!("http://{address}"), ROOT]);
        let seeded = seed.env_clear().env("HOME", home.path()).output().unwrap();
        assert!(seeded.status.success(), "{}", String::from_utf8_lossy(&seeded.stderr));
        let seeded: Value = serde_json::from_slice(&seeded.stdout).unwrap();
        let text = |name: &str| seeded[name].as_str().unwrap().to_owned();
        let (user, key, secret) = (text("user"), text("key"), text("secret"));
        Server { child, _home: home, recorder: Recorder::start(address), user, key, secret }
    }

    /// The endpoint for the program; what is answered there is recorded.
    pub fn url(&self) -> String {
        self.recorder.url()
    }

    pub fn role(&self, name: &str) -> String {
        format!("arn:aws:iam::123456789012:role/{name}")
    }

    /// The secret keys and session tokens that it issued to whoever asked through [`Server::url`].
    pub fn issued(&self) -> Vec<String> {
        let answers = self.recorder.answers();
        let texts = answers.iter().map(|answer| String::from_utf8_lossy(answer));
        let secrets = texts.flat_map(|text| {
            let of = |name: &str| {
                let after = text.split_once(&format!("<{name}>"))?.1;
                Some(after.split('<').next()?.trim().to_owned())
            };
            [of("SecretAccessKey"), of("SessionToken")]
        });
        secrets.flatten().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn program(name: &str) -> PathBuf {
    let venv = std::env::var_os("CREDSTACK_TEST_VENV").filter(|path| !path.is_empty());
    let venv = PathBuf::from(venv.expect("CREDSTACK_TEST_VENV names a Python environment with ministack, moto and boto3"));
    let path = venv.join("bin").join(name);
    assert!(path.exists(), "CREDSTACK_TEST_VENV has no {name}: pip install ministack 'moto[server,sts,iam]' boto3");
    path
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
