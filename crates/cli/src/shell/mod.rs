//! What each shell runs so that it follows the stack. The templates beside this file are in the shells' own languages.

use crate::export::{Format, SOURCES, quote};

/// A shell that can follow the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// What is put into a shell's environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// A profile and a region: no secret
    Profile,
    /// The keys, for tools that read no profile
    Env,
}

impl Shell {
    /// The text that a shell evaluates when it starts. The command that it calls is the program, with options.
    pub fn script(self, command: &[String], mode: Mode) -> String {
        let template = match self {
            Shell::Bash => include_str!("bash.sh"),
            Shell::Zsh => include_str!("zsh.sh"),
            Shell::Fish => include_str!("fish.fish"),
        };
        let names = [&SOURCES[..], &["AWS_REGION", "AWS_DEFAULT_REGION"]].concat().join(" ");
        let command = command.iter().map(|word| self.quote(word)).collect::<Vec<_>>().join(" ");
        let mode = if mode == Mode::Profile { "profile" } else { "env" };
        template
            .replace("@NAMES@", &names)
            .replace("@SOURCES@", &SOURCES.join(" "))
            .replace("@MODE@", mode)
            .replace("@CREDSTACK@", &format!("command {command}"))
    }

    /// A text as one word.
    pub fn quote(self, text: &str) -> String {
        match self {
            Shell::Bash | Shell::Zsh => quote::posix(text),
            Shell::Fish => quote::fish(text),
        }
    }

    /// How its variables are set.
    pub fn format(self) -> Format {
        match self {
            Shell::Bash | Shell::Zsh => Format::Env,
            Shell::Fish => Format::Fish,
        }
    }

    /// Remembers what the shell has followed.
    pub fn remember(self, mark: &str) -> String {
        match self {
            Shell::Bash | Shell::Zsh => format!("__credstack_at={}\n", self.quote(mark)),
            Shell::Fish => format!("set -g __credstack_at {}\n", self.quote(mark)),
        }
    }
}
