//! Profiles whose `credential_process` is credstack. No process is started for such a line: what it asks for is found here. A
//! line that asks for what is being found is a loop.

use std::path::{Path, PathBuf};

use credstack_core::{
    ambient::{self, AmbientError, Process, Question},
    stack::StateDirectory,
    values::{CredentialId, FrameName, SourceId, StackName},
};

use super::Signing;
use crate::{
    aws_config::{Request, Runs, runs},
    context::Context,
    failure::Failure,
    keys,
    signer::{self, Choice},
};

/// What a process is finding the identity of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnderWay {
    /// A frame of this state directory's stack.
    Stack(PathBuf, StackName),
    /// A source outside the stack.
    Source(SourceId),
    /// A credential set that is renewed, under the lock of its state directory.
    Renewal(PathBuf, CredentialId),
}

impl Context {
    /// The same while this is under way.
    #[must_use]
    pub fn during(&self, under_way: UnderWay) -> Context {
        let under_way = self.under_way.iter().cloned().chain([under_way]).collect();
        Context { under_way, ..self.clone() }
    }

    /// Whether this process has the state directory's lock of renewal.
    pub fn is_renewing(&self) -> bool {
        let here = resolved(self.place.path());
        self.under_way.iter().any(|it| matches!(it, UnderWay::Renewal(place, _) if *place == here))
    }

    /// The renewal of a credential set, as something that is under way.
    pub fn renewal_of(&self, id: CredentialId) -> UnderWay {
        UnderWay::Renewal(resolved(self.place.path()), id)
    }

    /// Whether the identity of this stack is being found. A command that has not followed a line of ours yet is about its own.
    fn is_finding(&self, place: &Path, stack: &StackName) -> bool {
        let asked = UnderWay::Stack(resolved(place), stack.clone());
        self.under_way.contains(&asked) || self.own_stack().is_some_and(|own| own == asked)
    }

    fn own_stack(&self) -> Option<UnderWay> {
        let has_followed = self.under_way.iter().any(|it| !matches!(it, UnderWay::Renewal(..)));
        (!has_followed).then(|| UnderWay::Stack(resolved(self.place.path()), self.stack.clone()))
    }

    /// The same where a line of ours is followed.
    fn following(&self, request: &Request) -> Context {
        let place = request.state.clone().map_or_else(|| self.place_of_variable.clone(), StateDirectory::new);
        let stack = request.stack.clone().unwrap_or_else(|| self.stack_of_variable.clone());
        let is_same = resolved(place.path()) == resolved(self.place.path());
        let secrets = if is_same { self.secrets.clone() } else { self.secrets.unopened() };
        // Under the lock of renewal nobody is asked.
        let context = if self.is_renewing() { self.unasked() } else { self.clone() };
        let under_way = self.under_way.iter().cloned().chain(self.own_stack()).collect();
        Context { stack, place, secrets, under_way, output: self.output.silent(), ..context }
    }
}

fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// What a profile's way to credentials leads to, where that is credstack.
pub struct Followed {
    /// The identity.
    pub signing: Signing,
    /// Whether it is of this state directory: elsewhere an id means another credential set.
    pub is_of_this_state: bool,
}

/// Follows the line of ours that a profile runs, if it runs one.
///
/// # Errors
///
/// [`AmbientError::Loop`] where any line on the way asks for what is being found, or can't be read.
pub fn follow(context: &Context, question: &Question) -> Result<Option<Followed>, Failure> {
    let processes = ambient::processes(question)?;
    let lines = lines(context, processes);
    if let Some((process, _)) = lines.iter().find(|(_, request)| request.as_ref().is_none_or(|it| is_loop(context, it))) {
        return Err(AmbientError::Loop { profile: process.profile.clone() }.into());
    }
    let Some((process, Some(request))) = lines.into_iter().find(|(process, _)| process.is_run) else { return Ok(None) };
    let signing = find(context, &request).map_err(|failure| {
        let message = format!("profile {} gets its credentials from credstack: {}", process.profile, failure.message);
        Failure { message, ..failure }
    })?;
    let is_of_this_state = resolved(context.following(&request).place.path()) == resolved(context.place.path());
    Ok(Some(Followed { signing, is_of_this_state }))
}

fn find(context: &Context, request: &Request) -> Result<Signing, Failure> {
    let here = context.following(request);
    keys::refuse_gone(&here)?;
    let frame = here.frame(request.frame)?;
    let here = match frame {
        FrameName::Credential(_) | FrameName::Environment | FrameName::Source(_) => here,
        _ => here.during(UnderWay::Stack(resolved(here.place.path()), here.stack.clone())),
    };
    signer::choose(&here, &here.reader()?, &Choice { from: Some(frame), ..Choice::default() })
}

/// The lines that run credstack; those that can't be read ask for nothing that is known.
fn lines(context: &Context, processes: Vec<Process>) -> Vec<(Process, Option<Request>)> {
    let program = context.our_program();
    let ours = |process: Process| match runs(&process.command, program.as_deref()) {
        Runs::Another => None,
        Runs::CredstackSomehow => Some((process, None)),
        Runs::Credstack(request) => Some((process, Some(request))),
    };
    processes.into_iter().filter_map(ours).collect()
}

fn is_loop(context: &Context, request: &Request) -> bool {
    let there = context.following(request);
    match request.frame {
        Some(FrameName::Environment) => false,
        Some(FrameName::Source(id)) => context.under_way.contains(&UnderWay::Source(id)),
        // Only what is renewed can come back to itself.
        Some(FrameName::Credential(_)) if context.under_way.is_empty() => false,
        Some(FrameName::Credential(id)) => {
            let newest = there.reader().ok().and_then(|reader| reader.newest(id).ok());
            newest.is_some_and(|newest| context.under_way.contains(&there.renewal_of(newest.id)))
        }
        None | Some(_) => context.is_finding(there.place.path(), &there.stack),
    }
}

fn of_profile(context: &Context, profile: &str) -> Vec<(Process, Option<Request>)> {
    let question = Question {
        reference: credstack_core::values::Ambient { profile: Some(profile.to_owned()), ..Default::default() },
        files: context.files.clone(),
        ..Question::default()
    };
    lines(context, ambient::processes(&question).unwrap_or_default())
}

/// Whether a profile gets its credentials from a stack, whichever that is: what the hook or `setup profile` made, and no source
/// of the user's own.
pub fn asks_us(context: &Context, profile: &str) -> bool {
    let is_fixed = |frame| matches!(frame, Some(FrameName::Credential(_) | FrameName::Source(_)));
    of_profile(context, profile).iter().any(|(_, request)| !request.as_ref().is_some_and(|it| is_fixed(it.frame)))
}

/// Whether a profile gets its credentials from the stack at hand, or in a way that can't be read.
pub fn asks_this_stack(context: &Context, profile: &str) -> bool {
    of_profile(context, profile).iter().any(|(_, request)| request.as_ref().is_none_or(|it| is_loop(context, it)))
}

/// Refuses a profile that asks for what is being found.
///
/// # Errors
///
/// As [`follow`].
pub fn refuse_loops(context: &Context, profile: &str) -> Result<(), AmbientError> {
    let lines = of_profile(context, profile);
    let found = lines.into_iter().find(|(_, request)| request.as_ref().is_none_or(|it| is_loop(context, it)));
    found.map_or(Ok(()), |(process, _)| Err(AmbientError::Loop { profile: process.profile }))
}
