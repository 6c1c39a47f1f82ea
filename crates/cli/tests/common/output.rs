//! What a command gave.

use serde_json::Value;

/// A finished command's status and what it printed.
#[derive(Clone, Debug)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn new(command: String, output: std::process::Output) -> Output {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
        Output { command, code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Fails unless it succeeded.
    #[track_caller]
    pub fn ok(self) -> Output {
        self.exits(0)
    }

    /// Fails unless it ended with this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Output {
        assert_eq!(self.code, Some(code), "{}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr);
        self
    }

    /// Fails unless stderr says this, in whatever case and with whatever quotes.
    #[track_caller]
    pub fn says(self, text: &str) -> Output {
        assert!(words(&self.stderr).contains(&words(text)), "{}\nexpected: {text}\nstderr: {}", self.command, self.stderr);
        self
    }

    /// Fails if stderr says this.
    #[track_caller]
    pub fn says_not(self, text: &str) -> Output {
        assert!(!words(&self.stderr).contains(&words(text)), "{}\nunexpected: {text}\nstderr: {}", self.command, self.stderr);
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("{}: {error}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr))
    }

    /// The machine-readable error on stderr: the last line.
    #[track_caller]
    pub fn error(&self) -> Value {
        let line = self.stderr.lines().last().unwrap_or_default();
        let parsed: Result<Value, _> = serde_json::from_str(line);
        parsed.unwrap_or_else(|error| panic!("{}: {error}\nstderr: {}", self.command, self.stderr))["error"].clone()
    }
}

fn words(text: &str) -> String {
    text.replace('`', "").to_lowercase()
}
