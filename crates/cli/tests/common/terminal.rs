//! A person at a terminal: the program, or a shell, on a pseudo-terminal of its own.

use std::{
    io::{Read, Write},
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    time::{Duration, Instant},
};

use super::{TestEnvironment, programs};

/// Within this, everything is shown that will be.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program, running on a terminal. It ends with this at the latest.
pub struct Terminal<'a> {
    env: &'a TestEnvironment,
    pty: Arc<pty_process::blocking::Pty>,
    output: Receiver<Vec<u8>>,
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
        Terminal::spawn(env, &programs::credstack(), arguments, stdin, None)
    }

    /// The same with one more variable.
    pub fn start_in(env: &'a TestEnvironment, arguments: &[&str], variable: Option<(&str, &str)>) -> Terminal<'a> {
        Terminal::spawn(env, &programs::credstack(), arguments, None, variable)
    }

    /// An interactive bash that reads a start-up file.
    pub fn bash(env: &'a TestEnvironment, start_up: &Path, variable: Option<(&str, &str)>) -> Terminal<'a> {
        let arguments = ["--noprofile", "--rcfile", start_up.to_str().unwrap(), "-i"];
        Terminal::spawn(env, Path::new("/usr/bin/bash"), &arguments, None, variable)
    }

    /// Any interactive program.
    pub fn program(env: &'a TestEnvironment, program: &Path, arguments: &[&str]) -> Terminal<'a> {
        Terminal::spawn(env, program, arguments, None, None)
    }

    fn spawn(
        env: &'a TestEnvironment,
        program: &Path,
        arguments: &[&str],
        stdin: Option<Stdio>,
        variable: Option<(&str, &str)>,
    ) -> Terminal<'a> {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(50, 200)).unwrap();
        let mut command = pty_process::blocking::Command::new(program)
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
        let pty = Arc::new(pty);
        let output = shown_on(Arc::clone(&pty));
        Terminal { env, pty, output, child, line: format!("{} {arguments:?}", program.display()), shown: Vec::new() }
    }

    /// Waits until the terminal shows a text.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        while !self.text().contains(text) {
            assert!(Instant::now() < deadline && self.read(), "expected {text:?}, the terminal shows:\n{}", self.text());
        }
        self
    }

    /// Forgets what was shown until now.
    pub fn forget_what_was_shown(&mut self) -> &mut Self {
        self.shown.clear();
        self
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) -> &mut Self {
        (&*self.pty).write_all(format!("{line}\n").as_bytes()).unwrap();
        self
    }

    /// Types a line as the Enter key ends it, which some line editors tell apart.
    pub fn enter_line(&mut self, line: &str) -> &mut Self {
        (&*self.pty).write_all(format!("{line}\r").as_bytes()).unwrap();
        self
    }

    /// Types a line and waits for the end.
    pub fn type_line_and_finish(mut self, line: &str) -> (ExitStatus, String) {
        self.type_line(line);
        self.finish()
    }

    /// Types a control character: `c` for Ctrl-C.
    pub fn type_control(&mut self, letter: char) -> &mut Self {
        (&*self.pty).write_all(&[letter as u8 & 0x1f]).unwrap();
        self
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        rustix::termios::tcgetattr(&*self.pty).unwrap().local_modes.contains(rustix::termios::LocalModes::ECHO)
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

    /// Takes what is shown next; false at the end. A terminal that shows nothing for long and does not end fails.
    fn read(&mut self) -> bool {
        match self.output.recv_timeout(PATIENCE) {
            Ok(bytes) => {
                self.shown.extend_from_slice(&bytes);
                // A line editor that asks where the cursor is waits for the answer.
                if bytes.windows(4).any(|asked| asked == b"\x1b[6n") {
                    (&*self.pty).write_all(b"\x1b[1;1R").unwrap();
                }
                true
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => false,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("nothing more came, the terminal shows:\n{}", self.text()),
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        // It has ended, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal shows, read in a thread: only so can one wait for it with a bound. It ends when nobody has the other side
/// open any more, which is an error on Linux.
fn shown_on(pty: Arc<pty_process::blocking::Pty>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = (&*pty).read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}
