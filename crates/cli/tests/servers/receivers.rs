//! Those who receive a log: rsyslog, two receivers of OTLP, and ones that misbehave.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use crate::common::tls;

/// How long anything may take that must happen.
const BOUND: Duration = Duration::from_secs(30);

/// A receiver that was started, and what it wrote down.
pub struct Receiver {
    child: Child,
    home: tempfile::TempDir,
    pub port: u16,
    /// The authority behind its certificate, PEM.
    pub authority: PathBuf,
}

impl Receiver {
    /// rsyslog, as Debian has it; port 0 takes a free one.
    pub fn rsyslog(port: u16, is_tls: bool) -> Receiver {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str| home.path().join(name);
        let issued = tls::issue();
        for (name, text) in
            [("ca.pem", issued.authority), ("cert.pem", issued.certificate.pem()), ("key.pem", issued.key.serialize_pem())]
        {
            fs::write(file(name), text).unwrap();
        }
        let at = home.path().display();
        let (global, module) = match is_tls {
            true => (
                format!(
                    "defaultNetstreamDriverCAFile=\"{at}/ca.pem\" defaultNetstreamDriverCertFile=\"{at}/cert.pem\" \
                     defaultNetstreamDriverKeyFile=\"{at}/key.pem\""
                ),
                "streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\"",
            ),
            false => (String::new(), ""),
        };
        let configuration = format!(
            "global(workDirectory=\"{at}\" maxMessageSize=\"64k\" {global})\nmodule(load=\"imtcp\" {module})\n\
             template(name=\"whole\" type=\"string\" string=\"%pri% %rawmsg-after-pri%\\n\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" listenPortFileName=\"{at}/port\")\n\
             action(type=\"omfile\" file=\"{at}/received\" template=\"whole\")\n"
        );
        fs::write(file("rsyslog.conf"), configuration).unwrap();
        // Where AppArmor confines the one that is installed, it may not read what is here.
        fs::copy("/usr/sbin/rsyslogd", file("rsyslogd")).unwrap();
        let mut command = Command::new(file("rsyslogd"));
        command.args(["-n", "-f"]).arg(file("rsyslog.conf")).arg("-i").arg(file("pid"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (authority, said) = (file("ca.pem"), file("port"));
        let mut receiver = Receiver { child, home, port, authority };
        if port == 0 {
            receiver.port = until("rsyslog listens", || fs::read_to_string(&said).ok()?.trim().parse().ok());
        } else {
            until("rsyslog listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
        }
        receiver
    }

    /// oteltap, which prints what it gets.
    pub fn oteltap() -> Receiver {
        Receiver::of_otlp(|port| {
            let mut command = Command::new(venv().join("bin/oteltap"));
            command.args(["--port", &port.to_string()]).env("PYTHONUNBUFFERED", "1");
            command
        })
    }

    /// rotel's agent, which prints what it gets.
    pub fn rotel() -> Receiver {
        Receiver::of_otlp(|port| {
            let find = "import os, rotel; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))";
            let found = Command::new(venv().join("bin/python3")).args(["-c", find]).output().unwrap();
            let mut command = Command::new(String::from_utf8(found.stdout).unwrap().trim());
            command.args(["start", "--exporter", "blackhole", "--debug-log", "logs", "--debug-log-verbosity", "detailed"]);
            command.args(["--otlp-grpc-endpoint", "127.0.0.1:0", "--otlp-http-endpoint", &format!("127.0.0.1:{port}")]);
            command
        })
    }

    fn of_otlp(command: impl Fn(u16) -> Command) -> Receiver {
        let (home, port) = (tempfile::tempdir().unwrap(), free_port());
        let out = fs::File::create(home.path().join("received")).unwrap();
        let mut command = command(port);
        command.env("HOME", home.path()).current_dir(home.path()).stdin(Stdio::null());
        let child = command.stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap();
        let authority = PathBuf::new();
        let receiver = Receiver { child, home, port, authority };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        until("it listens", || TcpStream::connect(address).ok());
        receiver
    }

    /// What it wrote down, as soon as all of these are in it.
    #[track_caller]
    pub fn received(&self, all: &[String]) -> String {
        let path = self.home.path().join("received");
        until("everything is received", || {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
            all.iter().all(|one| text.contains(one)).then_some(text)
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What a receiver that misbehaves does with one connection.
#[derive(Clone, Copy)]
pub enum Does {
    /// Reads everything.
    Reads,
    /// Reads so much, and dies.
    DiesAfter(usize),
    /// Closes its own side, and reads everything.
    ClosesFirst,
    /// Answers a request with that status, headers and body.
    Answers(u16, &'static str, &'static [u8]),
    /// Says nothing until the client goes away.
    Hangs,
}

/// A server that does as it is told, one connection after the other, and then listens no more.
pub struct Misbehaving {
    pub port: u16,
    got: Arc<Mutex<Vec<Vec<u8>>>>,
    done: mpsc::Receiver<()>,
}

impl Misbehaving {
    pub fn start(script: Vec<Does>) -> Misbehaving {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let (all, (end, done)) = (Arc::clone(&got), mpsc::channel());
        thread::spawn(move || {
            for does in script {
                let (client, _) = listener.accept().unwrap();
                client.set_read_timeout(Some(BOUND)).unwrap();
                let bytes = serve(client, does);
                all.lock().unwrap().push(bytes);
            }
            drop(listener);
            end.send(())
        });
        Misbehaving { port, got, done }
    }

    /// What came over each connection, once all of them were there.
    pub fn got(&self) -> Vec<Vec<u8>> {
        self.done.recv_timeout(BOUND).expect("the whole script was played");
        std::mem::take(&mut *self.got.lock().unwrap())
    }
}

fn serve(mut client: TcpStream, does: Does) -> Vec<u8> {
    let mut got = Vec::new();
    match does {
        Does::Reads | Does::Hangs => drop(client.read_to_end(&mut got)),
        Does::DiesAfter(count) => drop(client.take(count as u64).read_to_end(&mut got)),
        Does::ClosesFirst => {
            client.shutdown(Shutdown::Write).unwrap();
            drop(client.read_to_end(&mut got));
        }
        Does::Answers(status, headers, body) => {
            let mut reader = BufReader::new(client.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                got.extend(line.as_bytes());
                let lower = line.to_ascii_lowercase();
                length = lower.strip_prefix("content-length:").map_or(length, |it| it.trim().parse().unwrap());
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut sent = vec![0_u8; length];
            reader.read_exact(&mut sent).unwrap();
            got.extend(sent);
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
            client.write_all(&[head.as_bytes(), body].concat()).unwrap();
        }
    }
    got
}

/// The Python environment of the tests.
pub fn venv() -> PathBuf {
    let path = std::env::var_os("CREDSTACK_TEST_VENV").expect("CREDSTACK_TEST_VENV names the Python environment");
    Path::new(&path).to_owned()
}

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

#[track_caller]
fn until<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + BOUND;
    loop {
        if let Some(it) = is() {
            return it;
        }
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}
