//! Renewal: what has expired, or soon will, is asked for again from what was recorded of it.

use credstack_core::{
    refresh::{self, Beginning, Plan, PlanError, Step},
    stack::{FailedRenewal, Link, Renewal},
    values::{Acquired, Credential, CredentialId, request::OneTime},
};

use crate::{
    acquire::{About, Acquisition, Grant, Mfa, token},
    consent::change,
    context::Context,
    failure::{Failure, Kind},
    signing::{self, Signing},
    unkept::unkept,
    words,
};

/// The name under which others see it.
const COMMAND: &str = "(renewing credentials)";
/// What to do where a person is needed.
const IN_A_TERMINAL: &str =
    "run `credstack refresh` in a terminal, or name a program that prints codes in `mfa.command` of the configuration";
/// How long a renewal that failed is not tried again while the old one lives, in seconds.
const AGAIN: i64 = 60;

/// The credential set to use for `credential`: itself, or a new one where it is time. While the old one lives, a renewal that
/// fails is a warning, and nobody is asked for anything.
pub fn fresh(context: &Context, credential: &Credential, is_current: bool) -> Result<CredentialId, Failure> {
    let now = context.time();
    let is_expired = credential.is_expired(now);
    if !is_expired && (!context.renews || !refresh::is_due(credential, now)) {
        return Ok(credential.id);
    }
    if !context.renews {
        return Err(signing::expired(context, credential, is_current));
    }
    let id = credential.id;
    if is_expired {
        let renewal = Renewal::begin(&context.place, COMMAND)?;
        return ask(&context.sparing(), &renewal, id, false).map_err(|cause| not_renewed(context, credential, is_current, cause));
    }
    let reader = context.reader()?;
    let just_failed = |failed: FailedRenewal| failed.credential == id && now.as_second() - failed.at.as_second() < AGAIN;
    if reader.failed_renewal()?.is_some_and(just_failed) {
        return Ok(id);
    }
    // Who renews now does it for us.
    let Some(renewal) = Renewal::begin_unless_busy(&context.place, COMMAND)? else { return Ok(id) };
    let cause = match ask(&context.unattended(), &renewal, id, false) {
        Ok(new) => return Ok(new),
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
    let renewal = Renewal::begin(&context.place, COMMAND)?;
    ask(context, &renewal, id, true)
}

/// Asks for a credential set again, and for what it needs for that, unless another process just did.
fn ask(context: &Context, _alone: &Renewal, id: CredentialId, forced: bool) -> Result<CredentialId, Failure> {
    let context = &context.at(context.time());
    let reader = context.reader()?;
    let newest = reader.newest(id)?;
    if newest.has_secret() && !refresh::is_due(&newest, context.now) && (newest.id != id || !forced) {
        return Ok(newest.id);
    }
    let Plan { beginning, steps } = refresh::plan(&reader, newest.id, context.now).map_err(|error| {
        let failure = Failure::from(error);
        Failure { message: format!("{} cannot be asked for again: {}", newest.id, failure.message), ..failure }
    })?;
    let mut signing = match beginning {
        Beginning::Credential(id) => Some(signing::stored(&reader, reader.credential(id)?)?),
        Beginning::Ambient(reference) => Some(signing::from_reference(context, &reader, reference)?),
        Beginning::ShellKeys => Some(signing::from_environment(context, &reader)?),
        Beginning::Nobody => None,
    };
    let mut last = newest.id;
    for step in steps {
        let new = take(context, step, signing)?;
        last = new.0;
        signing = Some(new.1);
    }
    Ok(last)
}

/// Asks for one link of the chain, and puts it into its place.
fn take(context: &Context, step: Step, signing: Option<Signing>) -> Result<(CredentialId, Signing), Failure> {
    let Step { credential: old, request } = step;
    let mfa = Mfa::of(None);
    let sts = match (&old.way, &signing) {
        (Some(way), _) => signing::recorded_sts(way)?,
        (None, Some(signing)) => signing.sts(context, old.region.as_deref())?,
        (None, None) => signing::unsigned_sts(context, old.region.as_deref())?,
    };
    if let Some(serial) = request.serial_number().filter(|_| !mfa.is_anybody_there(context, &request)) {
        return Err(Failure::new(Kind::Expired, format!("an MFA code for {serial} is needed, and nobody is there to ask"))
            .next_step(IN_A_TERMINAL));
    }
    let token = request.token_source().map(|source| token::read(context, source)).transpose()?;
    let acquisition = Acquisition {
        context,
        command: COMMAND,
        reader: context.reader()?,
        about: About { label: old.label.clone(), note: old.note.clone() },
        signing,
        sts,
        request,
        one_time: OneTime { token, ..OneTime::default() },
        configured: None,
    };
    let Grant { acquired, detail, .. } = acquisition.acquire(Some(&mfa))?;
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
    let expired = signing::expired(context, credential, is_current);
    let message = format!("{}; it could not be renewed: {}", expired.message, cause.message);
    match cause.kind {
        Kind::Expired if cause.next_step.as_deref() == Some(IN_A_TERMINAL) => Failure { message, ..cause },
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
