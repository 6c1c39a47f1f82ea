//! The one block of ours in the AWS configuration file. The rest of the file is kept byte for byte.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use credstack_core::values::StackName;

use crate::failure::Failure;

/// A profile whose `credential_process` is credstack.
pub struct ManagedProfile {
    name: String,
    lines: Vec<String>,
}

impl ManagedProfile {
    /// A profile that follows a stack; `None`: the one that CREDSTACK_STACK names where the client runs. `state` is the state
    /// directory where it is not the usual one.
    pub fn new(
        name: &str,
        program: &Path,
        stack: Option<&StackName>,
        state: Option<&Path>,
        region: Option<&str>,
    ) -> Result<ManagedProfile, Failure> {
        check_name(name)?;
        let mut words = vec![word(program)?, "credential-process".to_owned()];
        words.extend(stack.into_iter().flat_map(|stack| ["--stack".to_owned(), stack.to_string()]));
        if let Some(state) = state {
            words.extend(["--state-dir".to_owned(), word(state)?]);
        }
        let mut lines = vec![format!("[profile {name}]"), format!("credential_process = {}", words.join(" "))];
        lines.extend(region.map(|region| format!("region = {region}")));
        Ok(ManagedProfile { name: name.to_owned(), lines })
    }
}

/// Letters that no client takes for anything else. The default profile is what credstack itself begins with.
fn check_name(name: &str) -> Result<(), Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name == "default" {
        return Err(Failure::usage("--name default: an ambient frame would have nothing to stand on")
            .next_step("choose another name, and set AWS_PROFILE to it"));
    }
    if !(1..=64).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(Failure::usage(format!("--name {name} is no name for a profile"))
            .next_step("use at most 64 letters, digits and _+=,.@-"));
    }
    Ok(())
}

/// A path as one word of a command. Some clients split it as a shell does, others give it to one; in a configuration file
/// ` #` and ` ;` begin a comment for some.
fn word(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.chars().any(|c| c.is_control() || "#;%".contains(c)));
    let text = text.ok_or_else(|| {
        Failure::usage(format!("{} cannot be written into an AWS configuration file for every client", path.display()))
            .next_step("put it under a path without #, ;, % and control characters")
    })?;
    Ok(shell_words::quote(text).into_owned())
}

fn begin(name: &str) -> String {
    format!("# >>> profile {name}, managed by `credstack setup profile` >>>")
}

fn end(name: &str) -> String {
    format!("# <<< profile {name} <<<")
}

/// Said in the first line where the file did not end in a line feed, so that taking the block out gives exactly that back.
const ADDED: &str = " (line feed added before)";

/// The file's text; a file that is not there has none.
pub fn read(path: &Path) -> Result<String, Failure> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| unusable(path, &error)),
    }
}

/// The text with the profile in it, in the place of an earlier one.
pub fn with(text: &str, profile: &ManagedProfile) -> Result<String, Failure> {
    let name = &profile.name;
    let block = |first: &str| {
        let lines = profile.lines.join("\n");
        format!("{first}\n{lines}\n{}\n", end(name))
    };
    if let Some((from, to)) = find(text, name)? {
        let first = text[from..to].lines().next().unwrap_or_default();
        return Ok(format!("{}{}{}", &text[..from], block(first), &text[to..]));
    }
    if has_section(text, &format!("profile {name}")) {
        return Err(Failure::usage(format!("there is a profile {name} already, and it is not credstack's"))
            .next_step("choose another with --name; nothing was changed"));
    }
    Ok(match text.is_empty() || text.ends_with('\n') {
        true => format!("{text}{}", block(&begin(name))),
        false => format!("{text}\n{}", block(&format!("{}{ADDED}", begin(name)))),
    })
}

/// The text without the profile, as it was before it came.
pub fn without(text: &str, name: &str) -> Result<String, Failure> {
    let Some((mut from, to)) = find(text, name)? else { return Ok(text.to_owned()) };
    let added = text[from..to].lines().next().is_some_and(|line| line.ends_with(ADDED));
    // What somebody wrote behind the block needs the line feed.
    if added && to == text.len() {
        from -= 1;
    }
    Ok(format!("{}{}", &text[..from], &text[to..]))
}

/// The profile of ours that follows a stack; `None`: the one that CREDSTACK_STACK names where the client runs.
pub fn profile_of(text: &str, stack: Option<&StackName>) -> Option<String> {
    let wanted = match stack {
        Some(stack) => format!(" credential-process --stack {stack}"),
        None => " credential-process".to_owned(),
    };
    let mut name = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# >>> profile ") {
            name = rest.split(',').next();
        }
        let follows = |line: &str| line.ends_with(&wanted) || line.contains(&format!("{wanted} --state-dir "));
        if line.starts_with("credential_process = ") && follows(line) {
            return name.map(str::to_owned);
        }
        if line.starts_with("# <<< profile ") {
            name = None;
        }
    }
    None
}

/// Where the block begins and ends.
fn find(text: &str, name: &str) -> Result<Option<(usize, usize)>, Failure> {
    let (first, last) = (begin(name), end(name));
    let mut at = 0;
    let mut from = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if content == first || content == format!("{first}{ADDED}") {
            from = Some(at);
        }
        at += line.len();
        if content == last {
            return match from {
                Some(from) => Ok(Some((from, at))),
                None => Err(cut(name)),
            };
        }
    }
    if from.is_some() { Err(cut(name)) } else { Ok(None) }
}

fn cut(name: &str) -> Failure {
    Failure::usage(format!("the block of profile {name} has lost one of its two marks"))
        .next_step("take what is left of it out by hand; nothing was changed")
}

/// Whether there is a section of that name.
pub fn has_section(text: &str, name: &str) -> bool {
    sections(text).any(|section| section == name)
}

/// The names of the sections, with their white space as one space.
fn sections(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let name = line.trim().strip_prefix('[')?.split(']').next()?;
        Some(name.replace(['"', '\''], "").split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

/// Writes the file whole or not at all. A link is followed; mode and owner stay as they were.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    // A link to where nothing is yet is followed as well.
    let dangling = || fs::read_link(path).ok().map(|link| path.parent().unwrap_or(Path::new(".")).join(link));
    let target = path.canonicalize().ok().or_else(dangling).unwrap_or_else(|| path.to_owned());
    replace(&target, text).map_err(|error| unusable(path, &error))
}

fn replace(target: &Path, text: &str) -> io::Result<()> {
    let directory = target.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    fs::create_dir_all(&directory)?;
    let mut file = tempfile::Builder::new().prefix(".credstack-").tempfile_in(&directory)?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = fs::metadata(target) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            std::os::unix::fs::fchown(file.as_file(), Some(metadata.uid()), Some(metadata.gid()))?;
        }
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    fs::File::open(directory)?.sync_all()
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{} cannot be used: {error}", path.display()))
        .next_step("check the path and its permissions, or set AWS_CONFIG_FILE")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile(name: &str, stack: &str) -> ManagedProfile {
        ManagedProfile::new(name, Path::new("/opt/my tools/credstack"), Some(&stack.parse().unwrap()), None, None).unwrap()
    }

    #[test]
    fn the_command_is_quoted_for_a_shell_and_for_those_that_split_like_one() {
        let text = with("", &profile("credstack", "work")).unwrap();
        assert!(text.contains("\ncredential_process = '/opt/my tools/credstack' credential-process --stack work\n"), "{text}");
        assert_eq!(profile_of(&text, Some(&"work".parse().unwrap())).as_deref(), Some("credstack"));
        assert_eq!(profile_of(&text, Some(&"wor".parse().unwrap())), None);
        assert_eq!(profile_of(&text, None), None);
    }

    #[test]
    fn a_profile_can_leave_the_stack_to_the_variable() {
        for state in [None, Some(Path::new("/srv/state"))] {
            let program = Path::new("/opt/my tools/credstack");
            let text = with("", &ManagedProfile::new("mine", program, None, state, None).unwrap()).unwrap();
            assert_eq!(profile_of(&text, None).as_deref(), Some("mine"), "{text}");
            assert_eq!(profile_of(&text, Some(&StackName::default())), None, "{text}");
        }
    }

    #[test]
    fn a_profile_of_somebody_elses_is_left_alone() {
        for text in ["[profile credstack]\n", "[ profile   credstack ]\nregion = x\n", "[profile \"credstack\"]"] {
            assert!(with(text, &profile("credstack", "default")).is_err(), "{text}");
        }
        assert!(with("[profile credstack2]\n", &profile("credstack", "default")).is_ok());
        assert!(with(&format!("{}\n", begin("credstack")), &profile("credstack", "default")).is_err(), "half a block");
    }

    proptest! {
            #[test]
            fn what_is_taken_out_leaves_every_byte(text in "(\\[[a-z ]{0,9}\\]|#|;|[a-z =]{0,9}|\r?\n|é){0,30}") {
                let once = with(&text, &profile("credstack", "default")).unwrap();
                prop_assert_eq!(&with(&once, &profile("credstack", "default")).unwrap(), &once);
                let moved = with(&once, &profile("credstack", "other")).unwrap();
                prop_assert_eq!(without(&moved, "credstack").unwrap(), text.clone());
                let two = with(&once, &profile("second", "other")).unwrap();
                prop_assert_eq!(without(&two, "second").unwrap(), once);
    let none = without(&without(&two, "credstack").unwrap(), "second").unwrap();
                prop_assert_eq!(none.trim_end_matches('\n'), text.trim_end_matches('\n'));
            }
        }
}
