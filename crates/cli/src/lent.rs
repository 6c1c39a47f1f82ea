//! What a PowerShell lends for one command: the variables that it has of its own, under other names (`shell/powershell.ps1`).

#![allow(clippy::disallowed_methods, reason = "this is before there is a context: the environment that it will read")]

use std::{
    env,
    ffi::{OsStr, OsString},
    process::Command,
};

use crate::export;

/// Says that something was lent.
const LENT: &str = "CREDSTACK_OWN";

/// This command in the environment that it is meant for: the shell's own where it asks for that, and without the other names, so
/// that no program has them which is started here. `None` where nothing was lent.
pub fn command() -> Option<Command> {
    env::var_os(LENT)?;
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let mut command = Command::new(env::current_exe().ok()?);
    command.args(&words).env_remove(LENT);
    let asked = asks(&words);
    if asked {
        command.env_remove("CREDSTACK_COVERED");
        for name in export::names() {
            command.env_remove(name);
        }
    }
    for (lent, value) in env::vars_os() {
        let Some(name) = lent.to_str().and_then(|lent| lent.strip_prefix(LENT)?.strip_prefix('_')) else { continue };
        command.env_remove(&lent);
        if asked && export::names().contains(&name) {
            command.env(name, value);
        }
    }
    Some(command)
}

/// Whether the keys that sign are to be the shell's own.
fn asks(words: &[OsString]) -> bool {
    let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).take_while(|word| *word != "--").collect();
    words.contains(&OsStr::new("--from=env")) || words.windows(2).any(|pair| pair == ["--from", "env"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_signed_by_the_shells_own_keys_gets_them() {
        let asks = |line: &str| asks(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(asks("push session --from env") && asks("push --from=env session"));
        assert!(!asks("push session --from root") && !asks("exec -- tool --from env") && !asks("push session env --from"));
    }
}
