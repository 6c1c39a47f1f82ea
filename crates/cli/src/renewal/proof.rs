//! What a renewal needs besides a signer, and is given once: a code of an MFA device, a token that a program prints.

use std::{
    thread,
    time::{Duration, Instant},
};

use credstack_core::{
    refresh::Plan,
    stack::{Asking, StackError},
    values::{
        CredentialId,
        request::{Request, TokenSource},
    },
};
use secrecy::SecretString;

use super::{COMMAND, Reason, Work, look};
use crate::{
    acquire::{Code, Mfa, token},
    context::Context,
    failure::{Failure, Kind},
};

/// How long another process that asks is waited for. A dialog is shown that long.
const PATIENCE: Duration = Duration::from_secs(60);
/// What to do then.
const ANSWER_THERE: &str = "answer it there, or end that process";
/// What else to do where a person is needed.
const OR_A_PROGRAM: &str = "or name a program that prints codes in `mfa.command` of the configuration";
/// How often it is looked whether it has its answer.
const POLL: Duration = Duration::from_millis(50);

/// A proof for the first request of a renewal. Nothing, where it needs none.
#[derive(Default)]
pub struct Proof {
    /// For which request.
    request: Option<Request>,
    code: Option<Code>,
    /// The token that a program printed.
    pub token: Option<SecretString>,
    /// As long as others need not ask: until the renewal is done.
    asking: Option<Asking>,
}

/// What came of asking for one.
pub enum Obtained {
    Proof(Box<Proof>),
    /// Another process renewed it meanwhile.
    NotNeeded(CredentialId),
    /// Another process asks for the same, and this one need not wait.
    AskedByAnother,
}

impl Proof {
    /// The code, for the request.
    pub fn code(&self) -> Option<SecretString> {
        self.code.as_ref().map(|code| code.secret.clone())
    }

    /// Whether it is all that a plan needs.
    pub fn fits(&self, plan: &Plan) -> bool {
        let first = plan.steps.first().map(|step| &step.request);
        first.is_none_or(|first| what_for(first).is_none() || self.request.as_ref() == Some(first))
    }

    /// Whether there may be another code when STS does not take this one.
    pub fn has_another(&self, context: &Context) -> bool {
        self.request.as_ref().is_some_and(|request| self.code.is_some() && Mfa::of(None).has_another(context, request))
    }
}

/// What is asked for, by a name that tells it from others: a device, or a command. A file is read under the lock, at once.
fn what_for(request: &Request) -> Option<String> {
    match (request.serial_number(), request.token_source()) {
        (Some(serial), _) => Some(serial.to_owned()),
        (None, Some(TokenSource::Command(command))) => Some(shell_words::join(command)),
        (None, _) => None,
    }
}

/// Gets the proof that the renewal of `id` needs, if it needs one. `refused` is one that STS did not take, and what it said.
pub fn obtain(
    context: &Context,
    id: CredentialId,
    reason: Reason,
    refused: Option<(Box<Proof>, Failure)>,
) -> Result<Obtained, Failure> {
    let deadline = Instant::now() + PATIENCE;
    let (mut asking, refused) = match refused {
        Some((proof, failure)) => (proof.asking, proof.code.map(|code| (code, failure))),
        None => (None, None),
    };
    loop {
        let plan = match look(context, id, reason)? {
            Work::Done(id) => return Ok(Obtained::NotNeeded(id)),
            Work::Ask(plan) => plan,
        };
        let request = plan.steps.into_iter().next().map(|step| step.request);
        let Some((request, what)) = request.and_then(|request| what_for(&request).map(|what| (request, what))) else {
            return Ok(Obtained::Proof(Box::default()));
        };
        can_be_had(context, id, &request)?;
        let begun = asking.take().map_or_else(|| Asking::begin(&context.place, &what, COMMAND), Ok);
        let asking = match (begun, reason) {
            (Ok(asking), _) => asking,
            (Err(StackError::Busy { .. }), Reason::Due) => return Ok(Obtained::AskedByAnother),
            (Err(StackError::Busy { .. }), _) if Instant::now() < deadline => {
                thread::sleep(POLL);
                continue;
            }
            (Err(StackError::Busy { holder }), _) => {
                return Err(Failure::new(
                    Kind::Expired,
                    format!("{holder} asks for what its renewal needs, and has no answer yet"),
                )
                .next_step(ANSWER_THERE));
            }
            (Err(error), _) => return Err(error.into()),
        };
        // Another process that asked may be done.
        if let Work::Done(id) = look(context, id, reason)? {
            return Ok(Obtained::NotNeeded(id));
        }
        // It may have been moved to the background while it asked.
        let why = |failure| can_ask(context, id, &request).err().unwrap_or(failure);
        let mfa = Mfa::of(None).under(asking.file());
        let code = match &refused {
            None => mfa.code(context, &request).map_err(why)?,
            Some((code, failure)) => Some(mfa.another(context, &request, code).map_err(why)?.ok_or_else(|| failure.clone())?),
        };
        let token = match request.token_source() {
            Some(source @ TokenSource::Command(_)) => Some(token::read(context, source)?),
            _ => None,
        };
        let proof = Proof { request: Some(request), code, token, asking: Some(asking) };
        return Ok(Obtained::Proof(proof.into()));
    }
}

/// Sees that there is a program or a person to give it.
fn can_be_had(context: &Context, id: CredentialId, request: &Request) -> Result<(), Failure> {
    can_ask(context, id, request)?;
    Mfa::of(None).check(context, request)
}

/// Sees that there is someone to ask.
fn can_ask(context: &Context, id: CredentialId, request: &Request) -> Result<(), Failure> {
    let Some(serial) = request.serial_number().filter(|_| !Mfa::of(None).is_anybody_there(context, request)) else {
        return Ok(());
    };
    Err(match context.terminal.is_in_background() {
        true => Failure::new(
            Kind::Expired,
            format!(
                "an MFA code for {serial} is needed, and credstack runs in the background, where it can't ask on the terminal"
            ),
        )
        .next_step(format!("run `credstack refresh {id}` in the foreground, {OR_A_PROGRAM}")),
        false => Failure::new(Kind::Expired, format!("an MFA code for {serial} is needed, and nobody is there to ask"))
            .next_step(format!("run `credstack refresh {id}` in a terminal, {OR_A_PROGRAM}")),
    })
}

/// Whether a failure is that a person is needed.
pub fn needs_a_person(failure: &Failure) -> bool {
    failure.next_step.as_deref().is_some_and(|step| step == ANSWER_THERE || step.ends_with(OR_A_PROGRAM))
}
