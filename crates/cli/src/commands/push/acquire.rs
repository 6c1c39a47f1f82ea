//! What every STS push has in common: ask, and put the answer on the stack, or write down why there was none.

use credstack_core::{
    stack::{Change, Consent, Pushed, Reader, Shell},
    sts::{Granted, Sts, StsError},
    values::{
        Acquired, Arn, EventKind, Identity, Kind, Signer,
        request::{LimitError, OneTime, Parameter, Request},
    },
};
use serde_json::{Map, Value, json};

use super::{common::Common, mfa::Mfa};
use crate::{
    commands::consent::change,
    context::Context,
    failure::Failure,
    shapes::FrameShape,
    signing::{self, Signing},
    store, words,
};

/// What STS granted, to be put somewhere.
pub struct Grant {
    pub acquired: Acquired,
    /// What ambient is in this shell.
    pub shell: Shell,
    /// What the log says of it.
    pub detail: Map<String, Value>,
}

/// One STS request, ready to be sent.
pub struct Acquisition<'a> {
    pub context: &'a Context,
    /// The command's name, for the log.
    pub command: &'static str,
    pub reader: Reader,
    pub common: &'a Common,
    pub signing: Signing,
    pub sts: Sts,
    pub kind: Kind,
    pub request: Request,
    pub one_time: OneTime,
    /// The configuration's key that the duration is from, if it is from there.
    pub configured: Option<&'static str>,
}

impl Acquisition<'_> {
    /// Acquires, and pushes.
    pub fn run(self, mfa: Option<&Mfa>) -> Result<(), Failure> {
        let (context, common, command) = (self.context, self.common, self.command);
        let Grant { acquired, shell, detail } = self.acquire(mfa)?;
        push(context, common, command, acquired, shell, detail)
    }

    /// Checks what can be known locally, asks for the MFA code if there is one to ask for, and asks STS.
    pub fn acquire(mut self, mfa: Option<&Mfa>) -> Result<Grant, Failure> {
        let output = &self.context.output;
        self.check()?;
        if let Some(mfa) = mfa {
            mfa.check(self.context, &self.request)?;
        }
        for warning in self.request.warnings() {
            output.warn(&warning);
        }
        self.reader = store::ensure(self.context)?;
        self.reader.require_store()?;
        if let Some(mfa) = mfa {
            mfa.code(self.context, &self.request, &mut self.one_time)?;
        }
        self.one_time.check(&self.request)?;
        let (granted, signer) = match self.ask() {
            Ok(answer) => answer,
            // Once: who is wrong twice has another device in hand.
            Err(error) if is_wrong_code(&error) && mfa.is_some_and(|mfa| mfa.can_be_asked_again(self.context)) => {
                let refused = self.refused(error);
                output.warn(&format!("{}; a code counts once, so wait for the next one", refused.message));
                if let Some(mfa) = mfa {
                    mfa.code(self.context, &self.request, &mut self.one_time)?;
                }
                self.ask().map_err(|error| self.refused(error))?
            }
            Err(error) => return Err(self.refused(error)),
        };
        let detail = detail_of(&granted);
        output.explain(&format!(
            "granted by {} (request {})",
            granted.endpoint,
            granted.request_id.as_deref().unwrap_or("unknown")
        ));
        if granted.expires_at <= self.context.time() {
            output.warn("by this machine's clock these credentials have expired already: check the clock");
        }
        let acquired = Acquired {
            identity: granted.identity.or_else(|| if self.kind == Kind::SessionToken { signer.clone() } else { None }),
            set: granted.set,
            kind: self.kind,
            region: self.sts.configured_region().map(str::to_owned),
            issued_at: self.context.time(),
            expires_at: Some(granted.expires_at),
            signer: self.signing.signer.clone(),
            request: Some(self.request.clone()),
            label: self.common.label.clone(),
            note: self.common.note.clone(),
        };
        Ok(Grant { acquired, shell: self.shell(signer)?, detail })
    }

    /// Who signs: as it is recorded, or as STS says.
    pub fn caller(&mut self) -> Result<Arn, Failure> {
        let identity = match self.signing.identity.take() {
            Some(identity) => identity,
            None => self.sts.caller_identity(&self.signing.set)?,
        };
        self.signing.learn(identity)
    }

    /// Checks what can be known without asking anybody.
    pub fn check(&self) -> Result<(), Failure> {
        self.request.check(self.signing.kind).map_err(|error| self.over_limit(error))?;
        Ok(self.signing.inherited.check(&self.request)?)
    }

    /// A limit that was run into, with the option or the configuration's key that did.
    fn over_limit(&self, error: LimitError) -> Failure {
        match self.configured {
            Some(key) if error.parameter == Parameter::DurationSeconds => {
                Failure::usage(format!("{} (in {})", words::limit_of(key, &error), self.context.configuration_path.display()))
                    .next_step(format!("correct it there, or {}", error.way_out.as_deref().unwrap_or("give --duration")))
            }
            _ => error.into(),
        }
    }

    /// What ambient is in this shell, with what was found out about it on the way.
    fn shell(&self, signer: Option<Identity>) -> Result<Shell, Failure> {
        let mut shell = signing::shell(self.context, &self.reader)?;
        match (&mut shell.keys, &self.signing.signer) {
            (Some(keys), Signer::ShellKeys) => keys.identity = signer,
            (None, Signer::Ambient(resolved)) if self.signing.is_untouched => {
                shell.reference.profile = resolved.profile.clone();
                shell.reference.provider = resolved.provider.clone();
            }
            _ => {}
        }
        Ok(shell)
    }

    /// Asks STS; if it is not known who signs, that is asked at the same time.
    fn ask(&self) -> Result<(Granted, Option<Identity>), StsError> {
        match &self.signing.identity {
            Some(identity) => {
                let granted = self.sts.ask(&self.signing.set, &self.request, &self.one_time)?;
                Ok((granted, Some(identity.clone())))
            }
            None => self.sts.ask_and_identify(&self.signing.set, &self.request, &self.one_time),
        }
    }

    /// Writes down that STS refused or did not answer. If even that cannot be written, STS's answer matters more.
    fn refused(&self, error: StsError) -> Failure {
        let (event, code) = match &error {
            StsError::Refused(refusal) => (EventKind::Refused, refusal.code.clone()),
            StsError::TimedOut { .. } => (EventKind::Failed, "TimedOut".to_owned()),
            StsError::Unreachable { .. } => (EventKind::Failed, "Unreachable".to_owned()),
            StsError::Malformed { .. } => (EventKind::Failed, "Malformed".to_owned()),
            _ => (EventKind::Failed, "Configuration".to_owned()),
        };
        let mut detail = Map::new();
        detail.insert("operation".into(), json!(self.request.operation()));
        detail.insert("target".into(), json!(self.request.target()));
        detail.insert("request".into(), json!(self.request));
        detail.insert("code".into(), json!(code));
        if let StsError::Refused(refusal) = &error {
            detail.insert("message".into(), json!(refusal.message));
            detail.insert("request_id".into(), json!(refusal.request_id));
        }
        if let Some(note) = &self.common.note {
            detail.insert("note".into(), json!(note));
        }
        let context = self.context;
        let recorded = Change::begin(&context.place, context.terms(self.command, Consent::Only(Default::default()))).and_then(
            |mut change| {
                let parent = self.signing.credential();
                change.record_failure(event, &context.stack, parent, detail)?;
                context.output.notices(&mut change);
                Ok(())
            },
        );
        if let Err(unrecorded) = recorded {
            context.output.warn(&format!("the refusal could not be written into the history: {unrecorded}"));
        }
        error.into()
    }
}

/// Whether STS says that the code of the MFA device is wrong, or was given before.
fn is_wrong_code(error: &StsError) -> bool {
    matches!(error, StsError::Refused(refusal) if refusal.message.contains("invalid MFA one time pass code"))
}

/// Stores what was acquired, makes it current, and shows it.
pub fn push(
    context: &Context,
    common: &Common,
    command: &str,
    acquired: Acquired,
    shell: Shell,
    detail: Map<String, Value>,
) -> Result<(), Failure> {
    let landing = common.landing();
    let pushed: Pushed = change(context, command, common.yes, |change| {
        change.push(&context.stack, acquired.clone(), landing, &shell, detail.clone())
    })?;
    let output = &context.output;
    if output.json() {
        let position = pushed.moved.is_some().then_some(0);
        output.print_done(&FrameShape::of_credential(&pushed.credential, position))?;
    }
    if acquired.signer == Signer::ShellKeys && pushed.credential.parent.is_none() {
        output.warn("signed by keys of this shell that are stored nowhere: it cannot be renewed");
    }
    if let Some(id) = pushed.captured {
        output.say(&format!("this shell's keys are saved as {id}, the root of the stack"));
    }
    let now = context.time();
    match &pushed.moved {
        Some(moved) => output.moved(moved, now),
        None => output.say(&format!(
            "held: {} ({}), {}; `credstack use {}` makes it current",
            words::identity(&pushed.credential),
            pushed.credential.id,
            words::expiry(pushed.credential.expires_at, pushed.credential.temporary, now),
            pushed.credential.id
        )),
    }
    Ok(())
}

fn detail_of(granted: &Granted) -> Map<String, Value> {
    let mut detail = Map::new();
    detail.insert("endpoint".into(), json!(granted.endpoint));
    detail.insert("sts_region".into(), json!(granted.region));
    detail.insert("request_id".into(), json!(granted.request_id));
    if let Some(percent) = granted.packed_policy_size {
        detail.insert("packed_policy_size".into(), json!(percent));
    }
    if let Some(percent) = granted.session_token_utilization {
        detail.insert("session_token_utilization".into(), json!(percent));
    }
    if let Some(source_identity) = &granted.source_identity {
        detail.insert("source_identity".into(), json!(source_identity));
    }
    detail
}
