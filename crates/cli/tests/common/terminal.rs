//! A person at a terminal: the program on a pseudo-terminal of its own.

use std::{
    io::{Read, Write},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use super::{TestEnvironment, programs};

/// The program, running on a terminal.
pub struct Terminal<'a> {
    env: &'a TestEnvironment,
    pty: pty_process::blocking::Pty,
    child: std::process::Child,
    line: String,
    shown: Vec<u8>,
}

impl<'a> Terminal<'a> {
    /// Starts the program on a new terminal: stdin, stdout and stderr, and `/dev/tty`.
    pub fn start(env: &'a TestEnvironment, arguments: &[&str]) -> Terminal<'a> {
        Terminal::start_with(env, arguments, None)
    }

    /// The same with stdin from elsewhere; only `/dev/tty` is the terminal then.
    pub fn start_with(env: &'a TestEnvironment, arguments: &[&str], stdin: Option<Stdio>) -> Terminal<'a> {
        Terminal::spawn(env, arguments, stdin, None)
    }

    /// The same with one more variable.
    pub fn start_in(env: &'a TestEnvironment, arguments: &[&str], variable: Option<(&str, &str)>) -> Terminal<'a> {
        Terminal::spawn(env, arguments, None, variable)
    }

    fn spawn(env: &'a TestEnvironment, arguments: &[&str], stdin: Option<Stdio>, variable: Option<(&str, &str)>) -> Terminal<'a> {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(50, 200)).unwrap();
        let mut command = pty_process::blocking::Command::new(programs::credstack())
            .args(arguments)
            .env_clear()
            .envs(env.variables())
            .env("TERM", "xterm")
            .envs(variable)
            .current_dir(env.home());
        if let Some(stdin) = stdin {
            command = command.stdin(stdin);
        }
        let child = command.spawn(pts).unwrap();
        Terminal { env, pty, child, line: format!("credstack {arguments:?}"), shown: Vec::new() }
    }

    /// Waits until the terminal shows a text.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.text().contains(text) {
            assert!(Instant::now() < deadline && self.read(), "expected {text:?}, the terminal shows:\n{}", self.text());
        }
        self
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) -> &mut Self {
        self.pty.write_all(format!("{line}\n").as_bytes()).unwrap();
        self
    }

    /// Types a line and waits for the end.
    pub fn type_line_and_finish(mut self, line: &str) -> (ExitStatus, String) {
        self.type_line(line);
        self.finish()
    }

    /// Types a control character: `c` for Ctrl-C.
    pub fn type_control(&mut self, letter: char) -> &mut Self {
        self.pty.write_all(&[letter as u8 & 0x1f]).unwrap();
        self
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        rustix::termios::tcgetattr(&self.pty).unwrap().local_modes.contains(rustix::termios::LocalModes::ECHO)
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end without losing the terminal: whether it shows what is typed after it.
    pub fn echoes_in_the_end(&mut self) -> bool {
        while self.read() {}
        self.child.wait().unwrap();
        self.echoes()
    }

    /// Waits for the end: how it ended, and everything that was shown.
    pub fn finish(mut self) -> (ExitStatus, String) {
        while self.read() {}
        let status = self.child.wait().unwrap();
        let output = std::process::Output { status, stdout: self.shown.clone(), stderr: Vec::new() };
        self.env.keep(self.line.clone(), output);
        (status, self.text())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Reads once; false at the end. A pseudo-terminal whose other side is closed gives an error on Linux.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.pty.read(&mut buffer) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.shown.extend_from_slice(&buffer[..count]);
                true
            }
        }
    }
}
