//! What each shell runs so that it follows the stack. The templates beside this file are in the shells' own languages.

pub mod own_stack;

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

    /// What a shell has to do: cover what it has of its own with these variables, or with `None` bring it back; and
    /// remember what it has followed.
    pub fn follow(self, exports: Option<Exports>, mark: &str) -> Result<Zeroizing<String>, Failure> {
        if self == Shell::Nushell {
            return data(exports, mark);
        }
        let set = match exports {
            Some(exports) => {
                let code = self.format().text(&Exports { unset: Vec::new(), ..exports })?;
                Zeroizing::new(format!("__credstack_cover\n{}", code.as_str()))
            }
            None => Zeroizing::new("__credstack_restore\n".to_owned()),
        };
        let mark = self.quote(mark);
        Ok(Zeroizing::new(match self {
            Shell::Fish => format!("{}set -g __credstack_at {mark}", set.as_str()),
            Shell::Powershell => format!("{}$Global:__credstack_at = {mark}", set.as_str()),
            _ => format!("{}__credstack_at={mark}", set.as_str()),
        }))
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
fn data(exports: Option<Exports>, mark: &str) -> Result<Zeroizing<String>, Failure> {
    exports.iter().try_for_each(Exports::check)?;
    let cover = exports.is_some();
    let set = exports.map(|exports| exports.set).unwrap_or_default();
    let set: Map<String, Value> = set.iter().map(|(name, value)| ((*name).to_owned(), json!(**value))).collect();
    let text = serde_json::to_string(&json!({ "cover": cover, "set": set, "mark": mark }));
    text.map(Zeroizing::new).map_err(|error| Failure::internal(error.to_string()))
}
