//! The one block of ours in the AWS configuration file. The rest of the file is kept byte for byte.

mod command_line;
mod file;
mod request;

use std::{ops::Range, path::Path};

pub use command_line::{CommandLine, StateToken};

use credstack_core::values::StackName;
pub use file::{read, write};
pub use request::{Request, Runs, runs};

use crate::failure::Failure;

/// A profile whose `credential_process` is credstack.
pub struct ManagedProfile {
    name: String,
    lines: Vec<String>,
}

impl ManagedProfile {
    /// A profile that runs a command line of ours.
    pub fn new(name: &str, command: &str, region: Option<&str>) -> Result<ManagedProfile, Failure> {
        check_name(name)?;
        let mut lines = vec![format!("[profile {name}]"), format!("credential_process = {command}")];
        lines.extend(region.map(|region| format!("region = {region}")));
        Ok(ManagedProfile { name: name.to_owned(), lines })
    }

    /// Its block, from the first mark on.
    fn block(&self, first: &str, ending: &str) -> Vec<u8> {
        let last = end(&self.name);
        let lines = std::iter::once(first).chain(self.lines.iter().map(String::as_str)).chain([last.as_str()]);
        lines.flat_map(|line| [line, ending]).collect::<String>().into_bytes()
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

fn begin(name: &str) -> String {
    format!("# >>> profile {name}, managed by `credstack setup profile` >>>")
}

fn end(name: &str) -> String {
    format!("# <<< profile {name} <<<")
}

/// Said in the first line where the file did not end in a line feed, so that taking the block out gives exactly that back.
const ADDED: &str = " (line feed added before)";

/// The text with the profile in it, in the place of an earlier one.
pub fn with(text: &[u8], profile: &ManagedProfile) -> Result<Vec<u8>, Failure> {
    let name = &profile.name;
    if let Some(block) = find(text, name)? {
        let first = lines(&text[block.clone()]).next().unwrap_or_default();
        return Ok([&text[..block.start], &profile.block(content(first), ending(first)), &text[block.end..]].concat());
    }
    if has_section(text, &format!("profile {name}")) {
        return Err(Failure::usage(format!("there is a profile {name} already, and it is not credstack's"))
            .next_step("choose another with --name; nothing was changed"));
    }
    let ending = ending(lines(text).next().unwrap_or_default());
    Ok(match text.is_empty() || text.ends_with(b"\n") {
        true => [text, &profile.block(&begin(name), ending)].concat(),
        false => [text, ending.as_bytes(), &profile.block(&format!("{}{ADDED}", begin(name)), ending)].concat(),
    })
}

/// The text without the profile, as it was before it came.
pub fn without(text: &[u8], name: &str) -> Result<Vec<u8>, Failure> {
    let Some(block) = find(text, name)? else { return Ok(text.to_owned()) };
    let first = lines(&text[block.clone()]).next().unwrap_or_default();
    let (mut before, after) = (&text[..block.start], &text[block.end..]);
    // What somebody wrote behind the block needs the line feed.
    if content(first).ends_with(ADDED) && after.is_empty() {
        before = before.strip_suffix(ending(first).as_bytes()).unwrap_or(before);
    }
    Ok([before, after].concat())
}

/// The profile of ours that follows a stack; `None`: the one that CREDSTACK_STACK names where the client runs. `is_state` tells
/// whether a state directory is the one in use; an earlier version's line names none where it was the usual one.
pub fn profile_of(text: &[u8], stack: Option<&StackName>, is_state: impl Fn(Option<&Path>) -> bool) -> Option<String> {
    let mut name = None;
    for line in String::from_utf8_lossy(text).lines() {
        if let Some(rest) = line.strip_prefix("# >>> profile ") {
            name = rest.split(',').next().map(str::to_owned);
        }
        if let Some(followed) = line.strip_prefix("credential_process = ").and_then(followed)
            && followed.stack.as_ref() == stack
            && is_state(followed.state.as_deref())
        {
            return name;
        }
        if line.starts_with("# <<< profile ") {
            name = None;
        }
    }
    None
}

/// What a command line of ours follows, this version's or an earlier one's. One that names a frame follows nothing.
fn followed(command: &str) -> Option<Request> {
    let words = shell_words::split(command).ok()?;
    request::request(words.get(1..)?).filter(|request| request.frame.is_none())
}

/// Where the block is.
fn find(text: &[u8], name: &str) -> Result<Option<Range<usize>>, Failure> {
    let (first, last) = (begin(name), end(name));
    let (mut begins, mut ends, mut at) = (Vec::new(), Vec::new(), 0);
    for line in lines(text) {
        let content = content(line);
        if content == first || content == format!("{first}{ADDED}") {
            begins.push(at);
        }
        at += line.len();
        if content == last {
            ends.push(at);
        }
    }
    let trouble = match (&begins[..], &ends[..]) {
        ([], []) => return Ok(None),
        ([from], [to]) if from < to => return Ok(Some(*from..*to)),
        ([_, _, ..], [_, _, ..]) => format!("there is more than one block of profile {name}"),
        _ => format!("the block of profile {name} has lost one of its two marks"),
    };
    Err(Failure::usage(trouble).next_step("take what is too much of it out by hand; nothing was changed"))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// What a line says. Of one that is not text, nothing.
fn content(line: &[u8]) -> &str {
    str::from_utf8(line).unwrap_or_default().trim_end()
}

/// How a line ends, and so its whole file.
fn ending(line: &[u8]) -> &'static str {
    if line.ends_with(b"\r\n") { "\r\n" } else { "\n" }
}

/// Whether there is a section of that name.
pub fn has_section(text: &[u8], name: &str) -> bool {
    String::from_utf8_lossy(text).lines().any(|line| section(line).is_some_and(|section| section == name))
}

/// The region that a profile of the configuration file has.
pub fn region_of(text: &[u8], profile: &str) -> Option<String> {
    let names = [format!("profile {profile}"), if profile == "default" { "default".to_owned() } else { String::new() }];
    let (text, mut within) = (String::from_utf8_lossy(text), false);
    for line in text.lines() {
        if let Some(section) = section(line) {
            within = names.contains(&section);
        } else if let Some(("region", value)) = line.split_once('=').map(|(name, value)| (name.trim_end(), value.trim()))
            && within
            && !value.is_empty()
        {
            return Some(value.to_owned());
        }
    }
    None
}

/// The name of the section that begins in this line, with its white space as one space.
fn section(line: &str) -> Option<String> {
    let name = line.trim().strip_prefix('[')?.split(']').next()?;
    Some(name.replace(['"', '\''], "").split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile(name: &str, stack: &str) -> ManagedProfile {
        let state = StateToken("/srv/it's".into()).text().unwrap();
        let command = format!("'/opt/my tools/credstack' credential-process --stack {stack} --state {state}");
        ManagedProfile::new(name, &command, None).unwrap()
    }

    #[test]
    fn a_profile_is_found_by_its_stack_and_its_state_directory() {
        let text = with(b"", &profile("credstack", "work")).unwrap();
        let (work, other) = ("work".parse().unwrap(), "wor".parse().unwrap());
        let ours = |state: Option<&Path>| state == Some(Path::new("/srv/it's"));
        assert_eq!(profile_of(&text, Some(&work), ours).as_deref(), Some("credstack"));
        assert_eq!(profile_of(&text, Some(&other), ours), None);
        assert_eq!(profile_of(&text, None, ours), None);
        assert_eq!(profile_of(&text, Some(&work), |state| state == Some(Path::new("/elsewhere"))), None, "another state");
    }

    #[test]
    fn lines_of_earlier_versions_are_known() {
        let find = |line: &str, stack: Option<&str>, state: Option<&str>| {
            let text = with(b"", &ManagedProfile::new("mine", line, None).unwrap()).unwrap();
            let stack = stack.map(|stack| stack.parse().unwrap());
            profile_of(&text, stack.as_ref(), |found| found == state.map(Path::new)).is_some()
        };
        let program = "'/opt/my tools/credstack' credential-process";
        assert!(find(&format!("{program} --stack work"), Some("work"), None));
        assert!(find(&format!("{program} --stack work --state-dir '/srv/a b'"), Some("work"), Some("/srv/a b")));
        assert!(find(program, None, None));
        assert!(find(&format!("{program} --state-dir /srv"), None, Some("/srv")));
        assert!(!find(&format!("{program} --stack work --frame c7"), Some("work"), None), "a frame, and not the stack");
        assert!(!find("other-tool --stack work", Some("work"), None));
    }

    #[test]
    fn a_profile_of_somebody_elses_is_left_alone() {
        for text in ["[profile credstack]\n", "[ profile   credstack ]\nregion = x\n", "[profile \"credstack\"]"] {
            assert!(with(text.as_bytes(), &profile("credstack", "default")).is_err(), "{text}");
        }
        assert!(with(b"[profile credstack2]\n", &profile("credstack", "default")).is_ok());
    }

    #[test]
    fn half_a_block_and_two_blocks_are_left_alone() {
        let once = with(b"", &profile("credstack", "default")).unwrap();
        let half = format!("{}\n", begin("credstack"));
        for (text, said) in [(half.as_bytes(), "lost one of its two marks"), (&once.repeat(2), "more than one block")] {
            for failure in [with(text, &profile("credstack", "default")).err(), without(text, "credstack").err()] {
                let failure = failure.unwrap();
                assert!(failure.message.contains(said), "{}", failure.message);
            }
        }
    }

    #[test]
    fn a_region_is_its_profiles_own() {
        let text = b"[default]\nregion = eu-west-3\n[profile dev]\nregion=us-east-1\r\n[profile none]\n#region = x\ns3 =\n  region = y\n";
        assert_eq!(region_of(text, "default").as_deref(), Some("eu-west-3"));
        assert_eq!(region_of(text, "dev").as_deref(), Some("us-east-1"));
        assert_eq!((region_of(text, "none"), region_of(text, "other")), (None, None));
    }

    proptest! {
        #[test]
        fn what_is_taken_out_leaves_every_byte(
            text in proptest::string::bytes_regex("(?s-u)(\\[[a-z ]{0,9}\\]|#|;|[a-z =]{0,9}|\r?\n|\r|\\xc3\\xa9|\\xff){0,30}").unwrap()
        ) {
            let once = with(&text, &profile("credstack", "default")).unwrap();
            prop_assert_eq!(&with(&once, &profile("credstack", "default")).unwrap(), &once);
            let moved = with(&once, &profile("credstack", "other")).unwrap();
            prop_assert_eq!(without(&moved, "credstack").unwrap(), text.clone());
            let two = with(&once, &profile("second", "other")).unwrap();
            prop_assert_eq!(without(&two, "second").unwrap(), once);
            let none = without(&without(&two, "credstack").unwrap(), "second").unwrap();
            prop_assert_eq!(none.trim_ascii_end(), text.trim_ascii_end());
        }
    }
}
