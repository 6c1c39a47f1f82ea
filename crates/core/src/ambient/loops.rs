//! credstack as a profile's `credential_process` is how other programs are served; asking such a profile for the ambient
//! identity would start credstack, which would ask the profile, for ever.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{AmbientError, profiles::Profiles};
use crate::values::AwsFiles;

/// Refuses a profile that gets its credentials from credstack, directly, through its `source_profile`s, or through a program
/// that is told to use such a profile (`--profile NAME`, `AWS_PROFILE=NAME`).
///
/// `profile` is the one asked for; else `AWS_PROFILE`, `default`. `files` is the configuration to look at; without it what
/// the environment names. `our_exe` is the running program, found under any name
/// when the command gives its path.
///
/// # Errors
///
/// [`AmbientError::Loop`] with the profile that names credstack; [`AmbientError::NoSuchProfile`],
/// [`AmbientError::Configuration`].
pub fn refuse_loops(profile: Option<&str>, files: Option<&AwsFiles>, our_exe: Option<&Path>) -> Result<(), AmbientError> {
    let profiles = Profiles::load_blocking(profile, files)?;
    refuse(&profiles, profiles.selected(), our_exe)
}

/// The same for profiles that are at hand.
pub(super) fn refuse(profiles: &Profiles, start: &str, our_exe: Option<&Path>) -> Result<(), AmbientError> {
    let ours = our_exe.and_then(|path| fs::canonicalize(path).ok());
    let mut visited: Vec<String> = Vec::new();
    let mut waiting = vec![start.to_owned()];
    while let Some(name) = waiting.pop() {
        let Some(profile) = profiles.get(&name) else { continue };
        if visited.contains(&name) {
            continue;
        }
        if let Some(command) = profile.get("credential_process") {
            if words(command).any(|word| is_credstack(word, ours.as_ref())) {
                return Err(AmbientError::Loop { profile: name });
            }
            waiting.extend(named_profiles(command));
        }
        waiting.extend(profile.get("source_profile").map(str::to_owned));
        visited.push(name);
    }
    Ok(())
}

/// The words of a command, and of a command within quotes: `sh -c "env A=b credstack …"`. Where a shell would see fewer words,
/// one too many does no harm.
fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split(|c: char| c.is_whitespace() || "\"'`;|&()<>${}".contains(c)).filter(|word| !word.is_empty())
}

fn is_credstack(word: &str, ours: Option<&PathBuf>) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    if name.eq_ignore_ascii_case("credstack") || name.eq_ignore_ascii_case("credstack.exe") {
        return true;
    }
    // Another name for the same file: a link, or a copy under development.
    word.contains(['/', '\\']) && ours.is_some() && fs::canonicalize(word).ok().as_ref() == ours
}

fn named_profiles(command: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut words = words(command).peekable();
    while let Some(word) = words.next() {
        if word == "--profile" {
            names.extend(words.peek().map(|next| (*next).to_owned()));
        }
        let value = ["--profile=", "AWS_PROFILE=", "AWS_DEFAULT_PROFILE="].iter().find_map(|it| word.strip_prefix(it));
        names.extend(value.map(str::to_owned));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ours(command: &str) -> bool {
        words(command).any(|word| is_credstack(word, None))
    }

    #[test]
    fn credstack_is_recognised_however_it_is_called() {
        for command in [
            "credstack",
            "credstack get",
            "/usr/local/bin/credstack get --stack work",
            "credstack.exe get",
            r#""C:\Program Files\Credstack\CREDSTACK.EXE" get"#,
            r#"sh -c "credstack get""#,
            "sh -c 'exec credstack get'",
            "env AWS_REGION=eu-west-1 credstack get",
            r#"bash -lc "cd / && FOO=1 ./bin/credstack get | cat""#,
            "$(which credstack)",
            "\"/opt/my tools/credstack\" get",
        ] {
            assert!(is_ours(command), "{command}");
        }
        for command in [
            "",
            "aws-vault exec work --json",
            "/home/alice/credstack/bin/vault-get",
            "credstack-sandbox",
            "my-credstack",
            "cat credstack.json",
            "tool --name=credstack",
        ] {
            assert!(!is_ours(command), "{command}");
        }
    }

    #[test]
    fn profiles_are_followed_through_commands() {
        assert_eq!(named_profiles("aws configure export-credentials --profile work --format process"), ["work"]);
        assert_eq!(named_profiles("sh -c 'AWS_PROFILE=a tool --profile=b'"), ["a", "b"]);
        assert!(named_profiles("tool --profile").is_empty());
    }
}
