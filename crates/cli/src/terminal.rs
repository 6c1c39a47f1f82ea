use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, IsTerminal, Write},
};

use secrecy::SecretString;

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
        rpassword::prompt_password(question).ok().map(|answer| SecretString::from(answer.trim().to_owned()))
    }
}
