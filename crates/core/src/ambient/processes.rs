//! The programs that a profile's credentials may come from. One of them may be the caller itself, which only the caller can tell:
//! it looks at the command lines before the profile is asked.

use super::{
    AmbientError, Question, chain,
    profiles::Profiles,
    walk::{Base, Walk},
};

/// A `credential_process` on the way of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The profile that has it.
    pub profile: String,
    /// Its command line.
    pub command: String,
    /// Whether it is what [`super::resolve`] runs. The others are run by other programs, or not at all.
    pub is_run: bool,
}

/// Every `credential_process` that the profile in question may lead to: its own, those of its `source_profile`s, and those of
/// profiles that a program is told to use (`--profile NAME`, `AWS_PROFILE=NAME`).
///
/// # Errors
///
/// [`AmbientError::NoSuchProfile`], [`AmbientError::Configuration`].
pub fn processes(question: &Question) -> Result<Vec<Process>, AmbientError> {
    if chain::only(&question.reference).is_some() {
        return Ok(Vec::new());
    }
    let profiles = Profiles::load_blocking(question.reference.profile.as_deref(), question.files.as_ref())?;
    Ok(of(&profiles, &question.reference.provider))
}

fn of(profiles: &Profiles, provider: &Option<String>) -> Vec<Process> {
    if Walk::own(profiles, provider.as_deref()).is_some() {
        return Vec::new();
    }
    let walk = Walk::of(profiles).ok().filter(|walk| walk.base == Base::Process);
    let mut found: Vec<Process> = Vec::new();
    let mut visited: Vec<String> = Vec::new();
    let mut waiting = vec![profiles.selected().to_owned()];
    while let Some(name) = waiting.pop() {
        let Some(profile) = profiles.get(&name) else { continue };
        if visited.contains(&name) {
            continue;
        }
        if let Some(command) = profile.get("credential_process") {
            waiting.extend(named_profiles(command));
            // A source's own keys win.
            let is_run = |walk: &Walk| walk.last == name && (walk.roles.is_empty() || profile.get("aws_access_key_id").is_none());
            let is_run = walk.as_ref().is_some_and(is_run);
            found.push(Process { profile: name.clone(), command: command.to_owned(), is_run });
        }
        waiting.extend(profile.get("source_profile").map(str::to_owned));
        visited.push(name);
    }
    found
}

/// The words of a command, and of a command within quotes: `sh -c "tool --profile work"`. Where a shell would see fewer words,
/// one too many does no harm.
fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split(|c: char| c.is_whitespace() || "\"'`;|&()<>${}".contains(c)).filter(|word| !word.is_empty())
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

    #[test]
    fn profiles_are_followed_through_commands() {
        assert_eq!(named_profiles("aws configure export-credentials --profile work --format process"), ["work"]);
        assert_eq!(named_profiles("sh -c 'AWS_PROFILE=a tool --profile=b'"), ["a", "b"]);
        assert!(named_profiles("tool --profile").is_empty());
    }
}
