use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, IsTerminal, Read, Write},
};

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The person at the terminal, if there is one. Questions go to the terminal itself, never through stdin or stdout.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    may_ask: bool,
}

const TERMINAL: &str = if cfg!(windows) { "CON" } else { "/dev/tty" };

impl Terminal {
    /// A person may be asked, unless `--no-input` says otherwise or there is no terminal.
    pub fn new(no_input: bool) -> Terminal {
        let has_terminal =
            || OpenOptions::new().read(true).write(true).open(TERMINAL).is_ok_and(|terminal| terminal.is_terminal());
        Terminal { may_ask: !no_input && has_terminal() }
    }

    /// Whether somebody can answer.
    pub fn may_ask(self) -> bool {
        self.may_ask
    }

    /// Asks a question that is answered by yes or no; `None` when nobody can be asked.
    pub fn confirm(self, question: &str) -> Option<bool> {
        let answer = self.ask(&format!("{question} [y/N] "))?;
        Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a line of text; `None` when nobody can be asked.
    pub fn ask(self, question: &str) -> Option<String> {
        if !self.may_ask {
            return None;
        }
        let mut terminal = OpenOptions::new().read(true).write(true).open(TERMINAL).ok()?;
        terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).ok()?;
        let mut line = String::new();
        BufReader::new(terminal).read_line(&mut line).ok()?;
        Some(line)
    }

    /// Asks for something that is not echoed; `None` when nobody can be asked.
    pub fn ask_hidden(self, question: &str) -> Option<SecretString> {
        if !self.may_ask {
            return None;
        }
        let answer = hidden(question).ok()?;
        Some(SecretString::from(answer.trim().to_owned()))
    }
}

/// Refuses to print a secret where stdout is a terminal, which would show it, unless that was asked for.
pub fn hide(what: &str, instead: &str, reveal: bool) -> Result<(), Failure> {
    match io::stdout().is_terminal() && !reveal {
        true => Err(Failure::usage(format!("{what}, and stdout is a terminal that would show it"))
            .next_step(format!("{instead}, or give --reveal"))),
        false => Ok(()),
    }
}

/// Asks with the echo off before the question is there: what is typed at once is not shown either.
#[cfg(unix)]
fn hidden(question: &str) -> io::Result<Zeroizing<String>> {
    let mut terminal = OpenOptions::new().read(true).write(true).open(TERMINAL)?;
    let shown = tcgetattr(&terminal)?;
    let mut silent = shown.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    let signals = show_again_on_signals(terminal.try_clone()?, shown.clone(), silent.clone())?;
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    // A terminal gives one line at a time; no buffer of somebody else's keeps it.
    let mut line = Zeroizing::new([0; 1024]);
    let read = terminal.write_all(question.as_bytes()).and_then(|()| terminal.read(&mut line[..]));
    signals.close();
    tcsetattr(&terminal, OptionalActions::Now, &shown)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&line[..read?]).into_owned()))
}

/// Whoever ends or stops us at the question finds the terminal as it was. After a stop it is silent again.
#[cfg(unix)]
fn show_again_on_signals(terminal: File, shown: Termios, silent: Termios) -> io::Result<signal_hook::iterator::Handle> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP},
        iterator::Signals,
        low_level::emulate_default_handler,
    };
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP])?;
    let handle = signals.handle();
    std::thread::Builder::new().name("terminal".into()).spawn(move || {
        for signal in &mut signals {
            // What cannot be set back now cannot be later either.
            let _as_it_was = tcsetattr(&terminal, OptionalActions::Now, &shown);
            let _ended_or_stopped = emulate_default_handler(signal);
            let _continued = tcsetattr(&terminal, OptionalActions::Now, &silent);
        }
    })?;
    Ok(handle)
}

#[cfg(not(unix))]
fn hidden(question: &str) -> io::Result<Zeroizing<String>> {
    rpassword::prompt_password(question).map(Zeroizing::new)
}
