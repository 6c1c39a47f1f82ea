//! What each shell runs so that it follows the stack. The templates beside this file are in the shells' own languages.

pub mod inheritance;
pub mod own_stack;

use inheritance::{TRACE, Trace};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::{
    export::{self, Exports, Format, SOURCES, quote},
    failure::Failure,
};

/// A shell that can follow the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Nushell,
    Powershell,
}

/// What is put into a shell's environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// A profile and a region: no secret
    Profile,
    /// The keys, for tools that read no profile
    Env,
}

/// What a shell has to do.
pub struct Step {
    /// Whose the variables are that it has, where that shows only now.
    pub begins: Option<Begins>,
    /// What else changes in its environment, for good.
    pub also: Exports,
    pub then: Then,
}

/// Whose the variables are that a shell was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Its own
    Own,
    /// Those of a shell or program that it was started in: nothing is to be brought back
    Inherited,
}

pub enum Then {
    /// Cover what it has of its own with these variables
    Cover(Exports),
    /// Bring it back
    Restore,
    /// Take these variables away, and leave the rest as it is
    Unset(Vec<&'static str>),
}

impl From<Then> for Step {
    fn from(then: Then) -> Step {
        Step { begins: None, also: Exports::default(), then }
    }
}

impl Begins {
    fn word(self) -> &'static str {
        match self {
            Begins::Own => "own",
            Begins::Inherited => "inherited",
        }
    }
}

impl Shell {
    /// The text that a shell evaluates when it starts. The command that it calls is the program, with options.
    pub fn script(self, command: &[String], mode: Mode, per_shell: bool) -> String {
        let (own_stack, template) = match self {
            Shell::Bash => (include_str!("per_shell/bash.sh"), include_str!("bash.sh")),
            Shell::Zsh => (include_str!("per_shell/zsh.sh"), include_str!("zsh.sh")),
            Shell::Fish => (include_str!("per_shell/fish.fish"), include_str!("fish.fish")),
            Shell::Nushell => (include_str!("per_shell/nushell.nu"), include_str!("nushell.nu")),
            Shell::Powershell => (include_str!("per_shell/powershell.ps1"), include_str!("powershell.ps1")),
        };
        let template = if per_shell { format!("{own_stack}{template}") } else { template.to_owned() };
        let mode = if mode == Mode::Profile { "profile" } else { "env" };
        template
            .replace("@NAMES@", &self.list(&export::names()))
            .replace("@SOURCES@", &self.list(&SOURCES))
            .replace("@MODE@", mode)
            .replace("@CREDSTACK@", &self.call(command))
            .replace("@PROGRAM@", &self.quote(command.first().map_or("", String::as_str)))
            .replace("@OPTIONS@", &self.options(command))
    }

    /// What `init` was told, for a shell in which `credstack` is the program itself: as variables.
    fn options(self, command: &[String]) -> String {
        let given = |option: &str| command.iter().skip_while(|word| *word != option).nth(1);
        let variables = [("--stack", "CREDSTACK_STACK"), ("--state-dir", "CREDSTACK_STATE_DIR")];
        let set = variables
            .iter()
            .filter_map(|(option, name)| given(option).map(|value| format!("$Env:{name} = {}", self.quote(value))));
        set.collect::<Vec<_>>().join("; ")
    }

    /// A program as a command that no function hides.
    fn call(self, command: &[String]) -> String {
        let words = command.iter().map(|word| self.quote(word)).collect::<Vec<_>>().join(" ");
        match self {
            Shell::Bash | Shell::Zsh | Shell::Fish => format!("command {words}"),
            Shell::Nushell => format!("^{words}"),
            Shell::Powershell => format!("& {words}"),
        }
    }

    /// Names of variables as the items of a list.
    fn list(self, names: &[&str]) -> String {
        match self {
            Shell::Powershell => names.iter().map(|name| self.quote(name)).collect::<Vec<_>>().join(", "),
            _ => names.join(" "),
        }
    }

    /// A text as one word.
    fn quote(self, text: &str) -> String {
        match self {
            Shell::Bash | Shell::Zsh => quote::posix(text),
            Shell::Fish => quote::fish(text),
            Shell::Nushell => quote::nushell(text),
            Shell::Powershell => quote::powershell(text),
        }
    }

    /// What a shell has to do, and what it is to remember: what it has followed, and a trace for the shells that are started in it.
    pub fn follow(self, step: Step, trace: &Trace, mark: &str) -> Result<Zeroizing<String>, Failure> {
        let trace = (TRACE, Zeroizing::new(trace.to_string()));
        let Step { begins, also, then } = step;
        let (what, mut exports) = match then {
            Then::Cover(exports) => (Some("cover"), Exports { unset: Vec::new(), ..exports }),
            Then::Restore => (Some("restore"), Exports::default()),
            Then::Unset(unset) => (None, Exports { unset, ..Exports::default() }),
        };
        exports.set.extend(also.set);
        exports.unset.extend(also.unset);
        exports.set.push(trace);
        if self == Shell::Nushell {
            return data(begins, what, &exports, mark);
        }
        let mut code = Zeroizing::new(String::new());
        if let Some(begins) = begins {
            code.push_str(&format!("__credstack_begin {}\n", begins.word()));
        }
        if let Some(what) = what {
            code.push_str(match self {
                Shell::Bash | Shell::Zsh => "__credstack_is_free || return 0\n",
                Shell::Fish => "__credstack_is_free; or return 0\n",
                Shell::Nushell | Shell::Powershell => "",
            });
            code.push_str(&format!("__credstack_{what}\n"));
        }
        code.push_str(&self.format().text(&exports)?);
        let mark = self.quote(mark);
        code.push_str(&match self {
            Shell::Fish => format!("set -g __credstack_at {mark}"),
            Shell::Powershell => format!("$Global:__credstack_at = {mark}"),
            _ => format!("__credstack_at={mark}"),
        });
        Ok(code)
    }

    /// How its variables are set.
    fn format(self) -> Format {
        match self {
            Shell::Bash | Shell::Zsh => Format::Env,
            Shell::Fish => Format::Fish,
            Shell::Nushell => Format::Nushell,
            Shell::Powershell => Format::Powershell,
        }
    }
}

/// The same for a shell that cannot evaluate a text.
fn data(begins: Option<Begins>, then: Option<&str>, exports: &Exports, mark: &str) -> Result<Zeroizing<String>, Failure> {
    exports.check()?;
    let set: Map<String, Value> = exports.set.iter().map(|(name, value)| ((*name).to_owned(), json!(**value))).collect();
    let begins = begins.map(Begins::word);
    let text =
        serde_json::to_string(&json!({ "begins": begins, "then": then, "unset": exports.unset, "set": set, "mark": mark }));
    text.map(Zeroizing::new).map_err(|error| Failure::internal(error.to_string()))
}
