//! The binary, started and surely ended.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_credstack-sandbox");

/// Runs the program to its end: whether it succeeded, and what it printed.
pub fn program(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(PROGRAM).args(arguments).env_clear().output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// A server that ends with this value.
pub struct Server {
    pub url: String,
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl Server {
    pub fn start(arguments: &[&str]) -> Server {
        let mut child = Command::new(PROGRAM)
            .arg("--exit-with-parent")
            .args(arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "no ready line, but {url:?}");
        let stderr = child.stderr.take().unwrap();
        let log = Some(std::thread::spawn(move || read(stderr)));
        Server { url: url.trim_end().to_owned(), child, log }
    }

    /// The body of an answer.
    pub fn get(&self, path: &str) -> String {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }

    pub fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[cfg(unix)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits for the end, and fails if it does not come.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status,
                None => assert!(Instant::now() < deadline, "the server did not end"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the server; what it wrote on standard error.
    pub fn stop(mut self) -> String {
        self.close_stdin();
        self.wait();
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut stderr: ChildStderr) -> String {
    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    text
}
