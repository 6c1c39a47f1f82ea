//! Renewal: what has expired, or soon will, is asked for again from what was recorded of it.

mod proof;

use credstack_core::{
    refresh::{self, Beginning, Plan, PlanError, Step},
    stack::{FailedRenewal, Link, Renewal},
    values::{Acquired, Credential, CredentialId, request::OneTime},
};
use proof::{Obtained, Proof};

use crate::{
    acquire::{About, Acquisition, Grant, Mfa, is_refused_code, token},
    consent::change,
    context::Context,
    expired::{clock_is_ahead, expired, how_to_get_again},
    failure::{Failure, Kind},
    signing::{self, Signing},
    unkept::unkept,
    words,
};

/// The name under which others see it.
const COMMAND: &str = "(renewing credentials)";
/// How long a renewal that failed is not tried again while the old one lives, in seconds.
const AGAIN: i64 = 60;
/// How often a proof is asked for where the database changes meanwhile, so that another is needed.
const MOST_PROOFS: usize = 3;

/// Why a renewal is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// It is time, and the old one lives: another process that renews does it for this one.
    Due,
    /// The old one has ended.
    Expired,
    /// It was asked for.
    Forced,
}

/// The credential set to use for `credential`: itself, or a new one where it is time. While the old one lives, a renewal that
/// fails is a warning, and nobody is asked for anything.
pub fn fresh(context: &Context, credential: &Credential, is_current: bool) -> Result<CredentialId, Failure> {
    let now = context.time();
    let is_expired = credential.is_expired(now);
    if !is_expired && (!context.renews || !refresh::is_due(credential, now)) {
        return Ok(credential.id);
    }
    if !context.renews {
        return Err(expired(context, credential, is_current));
    }
    let id = credential.id;
    if is_expired {
        let renewed = again(&context.sparing(), id, Reason::Expired).map(|new| new.unwrap_or(id));
        let new = renewed.map_err(|cause| not_renewed(context, credential, is_current, cause))?;
        return match clock_is_ahead(&context.reader()?.credential(new)?) {
            Some(clock_is_ahead) => Err(clock_is_ahead),
            None => Ok(new),
        };
    }
    let reader = context.reader()?;
    let just_failed = |failed: FailedRenewal| failed.credential == id && now.as_second() - failed.at.as_second() < AGAIN;
    if reader.failed_renewal()?.is_some_and(just_failed) {
        return Ok(id);
    }
    let cause = match again(&context.unattended(), id, Reason::Due) {
        Ok(new) => return Ok(new.unwrap_or(id)),
        Err(cause) => cause,
    };
    // It may have taken until the end.
    let context = &context.at(context.time());
    if credential.is_expired(context.now) {
        return Err(not_renewed(context, credential, is_current, cause));
    }
    let until = words::expiry(credential.expires_at, credential.temporary, context.now);
    context.output.warn(&format!("{id} ({until}) could not be renewed: {}", cause.message));
    // If that cannot be written either, the next command tries again.
    let _tried_again = change(context, COMMAND, false, |change| change.note_failed_renewal(id));
    Ok(id)
}

/// Asks for a credential set now, though it is not time. What took its place.
pub fn renew(context: &Context, id: CredentialId) -> Result<CredentialId, Failure> {
    let reader = context.reader()?;
    if !reader.is_kept(&reader.newest(id)?)? {
        return Err(Failure::new(Kind::Nothing, format!("{id} is on no stack, and nobody holds it: there is nothing to renew"))
            .next_step("acquire it anew with `credstack push`"));
    }
    Ok(again(context, id, Reason::Forced)?.unwrap_or(id))
}

/// What there is to do.
enum Work {
    /// Nothing: another process did it.
    Done(CredentialId),
    /// These requests.
    Ask(Plan),
}

fn look(context: &Context, id: CredentialId, reason: Reason) -> Result<Work, Failure> {
    let now = context.time();
    let reader = context.reader()?;
    let newest = reader.newest(id)?;
    if newest.has_secret() && !refresh::is_due(&newest, now) && (newest.id != id || reason != Reason::Forced) {
        return Ok(Work::Done(newest.id));
    }
    let plan = refresh::plan(&reader, newest.id, now).map_err(|error| {
        let message = format!("{} cannot be asked for again: {error}", newest.id);
        match (error, reader.stack(&context.stack)) {
            (PlanError::Stack(error), _) => Failure { message, ..error.into() },
            (error, Err(_)) => Failure { message, ..error.into() },
            (error, Ok(view)) => {
                let is_current = view.frames.current().credential() == Some(newest.id);
                let next_step = how_to_get_again(context, &view, &newest, is_current);
                Failure { message, ..error.into() }.next_step(next_step)
            }
        }
    })?;
    Ok(Work::Ask(plan))
}

/// Asks for a credential set again, and for what it needs for that. `None`: another process is at it, and does it for this one.
///
/// What a person or a program has to give is had before the lock of renewal is taken: others wait for that one, and may need
/// nothing of the kind. Afterwards it is looked again what there is to do.
fn again(context: &Context, id: CredentialId, reason: Reason) -> Result<Option<CredentialId>, Failure> {
    let mut refused = None;
    let mut was_refused = false;
    for _ in 0..MOST_PROOFS {
        let proof = match proof::obtain(context, id, reason, refused.take())? {
            Obtained::Proof(proof) => proof,
            Obtained::NotNeeded(id) => return Ok(Some(id)),
            Obtained::AskedByAnother => return Ok(None),
        };
        let renewal = match reason {
            // A profile on the way of what is renewed gets its credentials from another credential set.
            _ if context.is_renewing() => None,
            Reason::Due => match Renewal::begin_unless_busy(&context.place, COMMAND)? {
                None => return Ok(None),
                renewal => renewal,
            },
            Reason::Expired | Reason::Forced => Some(Renewal::begin(&context.place, COMMAND)?),
        };
        let plan = match look(context, id, reason)? {
            Work::Done(id) => return Ok(Some(id)),
            Work::Ask(plan) if proof.fits(&plan) => plan,
            Work::Ask(_) => continue,
        };
        match perform(context, renewal.as_ref(), plan, &proof) {
            // Once: a person who is wrong twice has another device in hand.
            Err(failure) if !was_refused && is_refused_code(&failure) && proof.has_another(context) => {
                context.output.warn(&format!("{}; a code counts once, so wait for the next one", failure.message));
                was_refused = true;
                refused = Some((proof, failure));
            }
            done => return done.map(Some),
        }
    }
    Err(Failure::internal(format!("what {id} needs to be renewed keeps changing")))
}

/// Sends the requests, each signed by what the one before it gave. The lock is this process's, if not this call's.
fn perform(context: &Context, _alone: Option<&Renewal>, plan: Plan, proof: &Proof) -> Result<CredentialId, Failure> {
    let context = &context.at(context.time());
    let reader = context.reader()?;
    let Plan { beginning, steps } = plan;
    let mut signing = match beginning {
        Beginning::Credential(id) => Some(signing::stored(&reader, reader.credential(id)?)?),
        Beginning::Ambient(reference) => {
            let during = |context: Context, step: &Step| context.during(context.renewal_of(step.credential.id));
            let context = steps.iter().fold(context.clone(), during);
            Some(signing::from_reference(&context, &reader, reference)?)
        }
        Beginning::ShellKeys => Some(signing::from_environment(context, &reader)?),
        Beginning::Nobody => None,
    };
    let mut last = None;
    for (i, step) in steps.into_iter().enumerate() {
        // Only the first can need one: no session can present an MFA device, and a token stands for a signature.
        let new = if i == 0 { take(context, step, signing, proof)? } else { take(context, step, signing, &Proof::default())? };
        last = Some(new.0);
        signing = Some(new.1);
    }
    last.ok_or_else(|| Failure::internal("a renewal without a request"))
}

/// Asks for one link of the chain, and puts it into its place.
fn take(context: &Context, step: Step, signing: Option<Signing>, proof: &Proof) -> Result<(CredentialId, Signing), Failure> {
    let Step { credential: old, request } = step;
    let sts = match (&old.way, &signing) {
        (Some(way), _) => signing::recorded_sts(context, way)?,
        (None, Some(signing)) => signing.sts(context, old.region.as_deref())?,
        (None, None) => signing::unsigned_sts(context, old.region.as_deref())?,
    };
    let token = match (request.token_source(), &proof.token) {
        (Some(_), Some(token)) => Some(token.clone()),
        (source, _) => source.map(|source| token::read(context, source)).transpose()?,
    };
    let unattended = &context.unasked();
    let acquisition = Acquisition {
        context: unattended,
        command: COMMAND,
        reader: context.reader()?,
        about: About { label: old.label.clone(), note: old.note.clone() },
        signing,
        sts,
        request,
        one_time: OneTime { token, ..OneTime::default() },
        configured: None,
        renews: old.identity.clone(),
    };
    // Under the lock no one is asked.
    let Grant { acquired, detail, .. } = acquisition.acquire(Some(&Mfa::of(proof.code())))?;
    let acquired = Acquired { region: old.region.clone(), profile: old.profile.clone(), ..acquired };
    let renewed = change(context, COMMAND, false, |change| change.renew(old.id, &acquired, detail.clone()))
        .map_err(|failure| unkept(context, COMMAND, &[Link { acquired: acquired.clone(), detail }], failure))?;
    let new = renewed.credential;
    context.output.explain(&format!("{} is renewed: {} ({})", old.id, new.id, words::identity(&new)));
    let signing = signing::with_set(&context.reader()?, new.clone(), acquired.set)?;
    Ok((new.id, signing))
}

/// That something has expired, and why it could not be had again.
fn not_renewed(context: &Context, credential: &Credential, is_current: bool, cause: Failure) -> Failure {
    let expired = expired(context, credential, is_current);
    let message = format!("{}; it could not be renewed: {}", expired.message, cause.message);
    match cause.kind {
        Kind::Expired if proof::needs_a_person(&cause) => Failure { message, ..cause },
        Kind::Usage | Kind::Nothing | Kind::Expired => Failure { message, ..expired },
        _ => Failure { message, ..cause },
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Failure {
        match error {
            PlanError::Stack(error) => error.into(),
            error => Failure::new(Kind::Expired, error.to_string()).next_step("acquire it anew with `credstack push`"),
        }
    }
}
