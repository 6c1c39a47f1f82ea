use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Read, Write},
    sync::Arc,
};

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The person at the terminal, if there is one. Questions go to the terminal itself, never through stdin or stdout.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    is_there: bool,
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// There is no terminal, or none may be used.
    NoTerminal,
    /// This process runs in the background of its terminal, where another program has the person's attention. A question
    /// would stop it.
    Background,
    /// It was ended before.
    Stopped,
}

const TERMINAL: &str = if cfg!(windows) { "CON" } else { "/dev/tty" };
/// No line of a terminal is longer.
const LONGEST: usize = 4096;

impl Terminal {
    /// A person may be asked, unless `--no-input` says otherwise or there is no terminal.
    pub fn new(no_input: bool) -> Terminal {
        Terminal { is_there: !no_input && open().is_some() }
    }

    /// Whether there is a terminal, be it this process's turn on it or another's.
    pub fn is_there(self) -> bool {
        self.is_there
    }

    /// Whether a question would be answered now. That changes: a shell moves its jobs between foreground and background.
    pub fn may_ask(self) -> bool {
        self.turn().is_ok()
    }

    /// Whether another program has the terminal now.
    pub fn is_in_background(self) -> bool {
        self.turn().is_err_and(|why| why == Unanswered::Background)
    }

    /// Asks a question that is answered by yes or no; `None` where no one can answer.
    pub fn confirm(self, question: &str) -> Option<bool> {
        let answer = self.ask(&format!("{question} [y/N] "))?;
        Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a line of text; `None` where no one can answer.
    pub fn ask(self, question: &str) -> Option<String> {
        let mut terminal = self.turn().ok()?;
        terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).ok()?;
        line(&terminal, None).ok().map(|line| line.to_string())
    }

    /// Asks for something that is not echoed. `lock` is given up while this process is stopped.
    pub fn ask_hidden(self, question: &str, lock: Option<Arc<File>>) -> Result<SecretString, Unanswered> {
        let answer = hidden(&self.turn()?, question, lock)?;
        Ok(SecretString::from(answer.trim().to_owned()))
    }

    /// The terminal, where it is this process's turn.
    fn turn(self) -> Result<File, Unanswered> {
        let terminal = if self.is_there { open() } else { None };
        let terminal = terminal.ok_or(Unanswered::NoTerminal)?;
        if is_in_foreground(&terminal) { Ok(terminal) } else { Err(Unanswered::Background) }
    }
}

fn open() -> Option<File> {
    let terminal = OpenOptions::new().read(true).write(true).open(TERMINAL).ok()?;
    terminal.is_terminal().then_some(terminal)
}

/// Whether stdout is a terminal.
pub fn is_stdout() -> bool {
    io::stdout().is_terminal()
}

/// Refuses to print a secret where stdout is a terminal, which would show it, unless that was asked for.
pub fn hide(what: &str, instead: &str, reveal: bool) -> Result<(), Failure> {
    match is_stdout() && !reveal {
        true => Err(Failure::usage(format!("{what}, and stdout is a terminal that would show it"))
            .next_step(format!("{instead}, or give --reveal"))),
        false => Ok(()),
    }
}

/// Whether this process may read from the terminal and change it. The system stops one in the background that tries.
#[cfg(unix)]
pub fn is_in_foreground(terminal: &File) -> bool {
    // A terminal that is lost, or whose foreground is outside this container, stops no one.
    rustix::termios::tcgetpgrp(terminal).map_or(true, |group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn is_in_foreground(_terminal: &File) -> bool {
    true
}

#[cfg(unix)]
fn hidden(terminal: &File, question: &str, lock: Option<Arc<File>>) -> Result<Zeroizing<String>, Unanswered> {
    let asked = crate::signals::HiddenInput::ask(terminal, question, lock).map_err(|_| Unanswered::Stopped)?;
    line(terminal, Some(asked.cancelled()))
}

#[cfg(not(unix))]
fn hidden(_terminal: &File, question: &str, _lock: Option<Arc<File>>) -> Result<Zeroizing<String>, Unanswered> {
    rpassword::prompt_password(question).map(Zeroizing::new).map_err(|_| Unanswered::Stopped)
}

/// Reads a line. It waits for one before it reads: a process that was moved to the background meanwhile must not.
#[cfg(unix)]
fn line(terminal: &File, cancelled: Option<&std::os::unix::net::UnixStream>) -> Result<Zeroizing<String>, Unanswered> {
    use rustix::{
        event::{PollFd, PollFlags, poll},
        io::Errno,
    };
    let given_up = || if is_in_foreground(terminal) { Unanswered::Stopped } else { Unanswered::Background };
    let mut waiting = vec![PollFd::new(terminal, PollFlags::IN)];
    waiting.extend(cancelled.map(|cancelled| PollFd::new(cancelled, PollFlags::IN)));
    loop {
        match poll(&mut waiting, None) {
            Err(Errno::INTR) => continue,
            Err(_) => return Err(Unanswered::Stopped),
            Ok(_) if waiting.get(1).is_some_and(|cancelled| !cancelled.revents().is_empty()) => return Err(given_up()),
            // On macOS a terminal can't be waited for: it is read at once.
            Ok(_) => break,
        }
    }
    if is_in_foreground(terminal) { read(terminal) } else { Err(Unanswered::Background) }
}

#[cfg(not(unix))]
fn line(terminal: &File, _cancelled: Option<()>) -> Result<Zeroizing<String>, Unanswered> {
    read(terminal)
}

/// A terminal gives one line at a time; no one else's buffer keeps it.
fn read(mut terminal: &File) -> Result<Zeroizing<String>, Unanswered> {
    let mut line = Zeroizing::new([0; LONGEST]);
    let length = terminal.read(&mut line[..]).map_err(|_| Unanswered::Stopped)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&line[..length]).into_owned()))
}
