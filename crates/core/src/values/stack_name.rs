use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The name of a stack: 1 to 64 of `A-Z a-z 0-9 . _ - @`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct StackName(String);

/// How the names of the stacks begin that shells have to themselves.
const SHELL: &str = "shell-";

/// The text cannot name a stack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a stack name: use 1 to 64 letters, digits, '.', '_', '-' or '@', beginning with a letter or digit")]
pub struct StackNameError;

impl StackName {
    /// The stack in use when none is named.
    pub const DEFAULT: &'static str = "default";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the stack that always exists.
    pub fn is_default(&self) -> bool {
        self.0 == Self::DEFAULT
    }

    /// The stack that a shell has to itself: its process, when that began, and where. `None` where these are too long for
    /// a name, or have other characters.
    pub fn of_shell(process: u32, start: &str, place: &str) -> Option<StackName> {
        let name: StackName = format!("{SHELL}{process}-{start}@{place}").parse().ok()?;
        (name.shell() == Some((process, start, place))).then_some(name)
    }

    /// What [`StackName::of_shell`] put together.
    pub fn shell(&self) -> Option<(u32, &str, &str)> {
        let (shell, place) = self.0.strip_prefix(SHELL)?.split_once('@')?;
        let (process, start) = shell.split_once('-')?;
        let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        Some((Some(process).filter(is_number)?.parse().ok()?, Some(start).filter(is_number)?, place))
    }

    /// Whether the stack is there before anything is written: the default one, and a shell's own.
    pub fn is_there_unwritten(&self) -> bool {
        self.is_default() || self.shell().is_some()
    }
}

impl Default for StackName {
    fn default() -> Self {
        StackName(Self::DEFAULT.into())
    }
}

impl FromStr for StackName {
    type Err = StackNameError;

    fn from_str(text: &str) -> Result<Self, StackNameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins_well && text.len() <= 64 && text.chars().all(allowed) {
            Ok(StackName(text.into()))
        } else {
            Err(StackNameError)
        }
    }
}

impl TryFrom<String> for StackName {
    type Error = StackNameError;

    fn try_from(text: String) -> Result<Self, StackNameError> {
        text.parse()
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["default", "a", "work.2026", "term@tty-1", &"x".repeat(64)] {
            assert_eq!(good.parse::<StackName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "-x", "a b", "a/b", "é", "$(x)", "a\n", &"x".repeat(65)] {
            assert_eq!(bad.parse::<StackName>(), Err(StackNameError), "{bad}");
        }
    }
}
