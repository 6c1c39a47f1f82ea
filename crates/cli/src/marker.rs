//! What `exec` leaves in the environment of its program, so that credstack inside knows under which frame it runs.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use credstack_core::values::{FrameName, StackName};

use crate::{
    context::Context,
    failure::{Failure, Kind},
    process::Process,
};

/// The frame; not set where the program follows the stack.
pub const FRAME: &str = "CREDSTACK_FRAME";
/// How the frame is named, as a prompt shows it.
pub const NAME: &str = "CREDSTACK_NAME";
/// Its ARN, where that is recorded.
pub const ARN: &str = "CREDSTACK_ARN";
/// How the identity is handed over: env, endpoint or profile.
pub const VIA: &str = "CREDSTACK_VIA";
/// Which exec: `PROCESS STACK STATE-DIRECTORY`, the process as [`Process`] writes it.
pub const EXEC: &str = "CREDSTACK_EXEC";
/// All of them.
pub const VARIABLES: [&str; 5] = [FRAME, NAME, ARN, VIA, EXEC];

/// The exec that a program runs under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The frame that the program was given; `None`: it follows the stack.
    pub frame: Option<FrameName>,
    /// How the frame is named: its label, or account and role.
    pub name: Option<String>,
    /// Its ARN, where that is recorded.
    pub arn: Option<String>,
    /// How the identity was handed over: `env`, `endpoint` or `profile`.
    pub via: Option<String>,
    /// Which exec it is. `None`: the variables were changed, and can't be read.
    origin: Option<Origin>,
}

/// Which exec it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The process that became the program, or waits for it.
    pub process: Process,
    /// The stack that the frame was found by.
    pub stack: StackName,
    /// The state directory.
    pub state: PathBuf,
}

impl Origin {
    /// The value of [`EXEC`].
    pub fn value(&self) -> OsString {
        let mut value = OsString::from(format!("{} {} ", self.process, self.stack));
        value.push(&self.state);
        value
    }

    fn read(value: &OsStr) -> Option<Origin> {
        let (text, state) = split(value)?;
        let (process, stack) = text.split_once(' ')?;
        let state = PathBuf::from(state);
        let origin = Origin { process: process.parse().ok()?, stack: stack.parse().ok()?, state };
        origin.state.is_absolute().then_some(origin)
    }
}

/// What stands before the second space, and what follows it. A path need not be text.
#[cfg(unix)]
fn split(value: &OsStr) -> Option<(&str, OsString)> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = value.as_bytes();
    let at = bytes.iter().enumerate().filter(|(_, byte)| **byte == b' ').nth(1)?.0;
    Some((str::from_utf8(&bytes[..at]).ok()?, OsStr::from_bytes(&bytes[at + 1..]).to_owned()))
}

#[cfg(not(unix))]
fn split(value: &OsStr) -> Option<(&str, OsString)> {
    let text = value.to_str()?;
    let at = text.match_indices(' ').nth(1)?.0;
    Some((&text[..at], text[at + 1..].into()))
}

impl Marker {
    /// Reads it. `None`: this is no program of an exec's.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Option<Marker> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).and_then(|value| value.into_string().ok());
        let (frame, exec) = (set(FRAME), set(EXEC));
        if frame.is_none() && exec.is_none() {
            return None;
        }
        let named = frame.map(|frame| frame.to_str().and_then(|frame| frame.parse().ok()));
        let origin = exec.and_then(|value| Origin::read(&value)).filter(|_| named != Some(None));
        Some(Marker { frame: named.flatten(), name: text(NAME), arn: text(ARN), via: text(VIA), origin })
    }

    /// Whether it is of a stack and a state directory. One that can't be read is of all: nothing is handed out by it, and not
    /// the stack's identity instead.
    pub fn is_of(&self, stack: &StackName, state: &Path) -> bool {
        let same = |one: &Path, other: &Path| {
            one == other || one.canonicalize().ok().is_some_and(|it| other.canonicalize().ok() == Some(it))
        };
        self.origin.as_ref().is_none_or(|origin| origin.stack == *stack && same(&origin.state, state))
    }

    /// The stack that its frame was found by, where that is in this state directory.
    pub fn stack_in(&self, state: &Path) -> Option<&StackName> {
        self.origin.as_ref().map(|origin| &origin.stack).filter(|stack| self.is_of(stack, state))
    }

    /// Whether its program is known to have ended. One that follows the stack never ends.
    pub fn has_ended(&self, host: &str) -> bool {
        match &self.origin {
            Some(_) if self.frame.is_none() => false,
            Some(origin) => origin.process.is_gone(host),
            None => true,
        }
    }

    /// The frame in words: its name, else as it is named on a command line.
    pub fn words(&self) -> String {
        let frame = self.frame.map(|frame| frame.to_string());
        match (&self.name, frame) {
            (Some(name), Some(frame)) => format!("{name} ({frame})"),
            (Some(name), None) => name.clone(),
            (None, frame) => frame.unwrap_or_else(|| "its frame".to_owned()),
        }
    }
}

/// What a program is told of the frame that it is given.
pub struct Told {
    /// The frame; `None`: it follows the stack.
    pub frame: Option<FrameName>,
    /// How it is named.
    pub name: Option<String>,
    /// Its ARN, where that is recorded.
    pub arn: Option<String>,
    /// How it is handed over.
    pub via: &'static str,
}

/// The variables that tell it, and those that lead it to the same stack and state directory; `None` is taken away.
pub fn variables(context: &Context, told: Told) -> Vec<(&'static str, Option<OsString>)> {
    let Told { frame, name, arn, via } = told;
    let process = Process::new(std::process::id(), &context.host());
    // Where it isn't known when processes began, an ended one is not told from another with its number.
    let process = process.unwrap_or_else(|| Process { number: std::process::id(), start: "0".to_owned(), place: context.host() });
    let origin = Origin { process, stack: context.stack.clone(), state: context.place.path().to_owned() };
    let frame = frame.map(|frame| frame.to_string().into());
    let mut variables = vec![
        (FRAME, frame),
        (NAME, name.map(Into::into)),
        (ARN, arn.map(Into::into)),
        (VIA, Some(via.into())),
        (EXEC, Some(origin.value())),
    ];
    let is_given = |option: &str| context.given.iter().any(|word| word == option);
    if is_given("--stack") {
        variables.push(("CREDSTACK_STACK", Some(context.stack.to_string().into())));
    }
    if is_given("--state-dir") {
        variables.push(("CREDSTACK_STATE_DIR", Some(context.place.path().into())));
    }
    variables
}

impl Context {
    /// The exec that this command runs under, where its frame counts: on the same stack and state directory, and with a frame.
    pub fn pin(&self) -> Option<&Marker> {
        let counts = |marker: &&Marker| {
            (marker.frame.is_some() || marker.has_ended(&self.host())) && marker.is_of(&self.stack, self.place.path())
        };
        self.marker.as_ref().filter(counts)
    }

    /// The frame that a command takes: the one that was given, else the one that this program runs under, else the stack's
    /// current one. Of an exec that has ended nothing is handed out, and not the stack's identity instead.
    pub fn frame(&self, given: Option<FrameName>) -> Result<FrameName, Failure> {
        if let Some(given) = given {
            return Ok(given);
        }
        let Some(marker) = self.pin() else { return Ok(FrameName::Current) };
        match marker.frame {
            Some(frame) if !marker.has_ended(&self.host()) => Ok(frame),
            _ => {
                let what = match marker.origin.is_some() {
                    true => format!("the `credstack exec` that this shell has {} from has ended", marker.words()),
                    false => format!("{FRAME} and {EXEC} say that this runs under `credstack exec`, and can't be read"),
                };
                Err(Failure::new(Kind::Nothing, what)
                    .next_step(format!("run `unset {}` to use the stack, or name a frame", VARIABLES.join(" "))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Option<Marker> {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        Marker::read(|name| variables.get(name).map(Into::into))
    }

    #[test]
    fn what_is_written_is_read() {
        let process = Process::new(std::process::id(), "laptop").unwrap();
        let origin = Origin { process, stack: "work".parse().unwrap(), state: "/a state/dir".into() };
        let value = origin.value().into_string().unwrap();
        let marker = read(&[(EXEC, &value), (FRAME, "c7"), (NAME, "prod"), (ARN, ""), (VIA, "env")]).unwrap();
        assert_eq!((marker.frame, marker.name.as_deref(), &marker.arn), (Some("c7".parse().unwrap()), Some("prod"), &None));
        assert!(marker.is_of(&"work".parse().unwrap(), Path::new("/a state/dir")) && !marker.has_ended("laptop"));
        assert!(
            !marker.is_of(&"work".parse().unwrap(), Path::new("/another"))
                && !marker.is_of(&StackName::default(), Path::new("/a state/dir"))
        );
        assert_eq!(marker.words(), "prod (c7)");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn one_that_follows_the_stack_never_ends_and_another_does() {
        let gone = format!("{}-1@laptop default /state", std::process::id());
        // In a container the place has the namespace as well.
        let gone = gone.replace("laptop", &Process::new(std::process::id(), "laptop").unwrap().place);
        assert!(!read(&[(EXEC, &gone)]).unwrap().has_ended("laptop"));
        assert!(read(&[(EXEC, &gone), (FRAME, "c1")]).unwrap().has_ended("laptop"));
    }

    #[test]
    fn what_cant_be_read_has_ended_and_is_of_every_stack() {
        assert_eq!(read(&[(NAME, "prod"), (EXEC, "")]), None);
        for variables in [
            vec![(FRAME, "c1")],
            vec![(EXEC, "nonsense")],
            vec![(FRAME, "no frame"), (EXEC, "1-1@laptop default /state")],
            vec![(FRAME, "c1"), (EXEC, "1-1@laptop default relative")],
        ] {
            let marker = read(&variables).unwrap();
            assert!(marker.has_ended("laptop") && marker.is_of(&StackName::default(), Path::new("/x")), "{variables:?}");
        }
    }
}
