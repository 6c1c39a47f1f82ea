//! Who signs an STS call: a frame of the stack, a profile, or this shell's keys.

mod ambient;

use std::path::PathBuf;

pub use ambient::from_environment;
pub use ambient::shell;
use ambient::{behind_our_profile, from_ambient, from_keys};
use credstack_core::{
    secret_store::SecretStoreError,
    stack::{Change, Consent, Reader, StackError},
    sts::{Settings, Sts},
    values::{
        Ambient, Arn, Credential, CredentialId, CredentialSet, Frame, FrameName, Frames, Identity, Kind, Signer,
        request::{Inherited, Request, SignerKind},
    },
};
use jiff::Timestamp;

use crate::{
    configuration::Duration,
    context::Context,
    failure::{self, Failure},
    renewal, words,
};

/// What the command line says about the signer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice<'a> {
    /// `--from FRAME`; else the current frame.
    pub from: Option<FrameName>,
    /// `--profile P`: an ambient profile, whatever the stack says.
    pub profile: Option<&'a str>,
    /// Whether the stack need not exist: a push makes it.
    pub on_new_stack: bool,
}

/// An identity that can sign.
pub struct Signing {
    /// Its keys.
    pub set: CredentialSet,
    /// When they expire.
    pub expires_at: Option<Timestamp>,
    /// Who it is, where that is recorded.
    pub identity: Option<Identity>,
    /// What kind of caller it is, as far as that is known without asking.
    pub kind: SignerKind,
    /// How the log refers to it.
    pub signer: Signer,
    /// The region that goes with it.
    pub region: Option<String>,
    /// The profile that goes with it.
    pub profile: Option<String>,
    /// Whether it is the stack's current frame, ambient of which nothing was recorded yet.
    pub is_untouched: bool,
    /// What it has from the chain behind it.
    pub inherited: Inherited,
}

impl Signing {
    /// The stored credential set that signs, if it is one.
    pub fn credential(&self) -> Option<CredentialId> {
        match self.signer {
            Signer::Credential(id) => Some(id),
            _ => None,
        }
    }

    /// Takes note of who it is, which may tell what kind of caller it is.
    pub fn learn(&mut self, identity: Identity) -> Result<Arn, Failure> {
        let arn: Arn =
            identity.arn.parse().map_err(|_| Failure::internal(format!("STS gave an ARN that is none: {}", identity.arn)))?;
        if let (SignerKind::Unknown | SignerKind::LongTerm, kind) = (self.kind, SignerKind::of(&arn, self.set.is_long_term()))
            && kind != SignerKind::Unknown
        {
            self.kind = kind;
        }
        self.identity = Some(identity);
        Ok(arn)
    }

    /// A configured duration, cut to the hour that AWS allows a role session and the account root.
    pub fn default_duration(&self, configured: Option<Duration>) -> Option<i32> {
        let Duration(seconds) = configured?;
        let most_an_hour = matches!(self.kind, SignerKind::RoleSession | SignerKind::Root);
        Some(if most_an_hour { seconds.min(3600) } else { seconds })
    }

    /// The way to STS for this identity.
    pub fn sts(&self, context: &Context, region: Option<&str>) -> Result<Sts, Failure> {
        let sts = Sts::connect(&Settings {
            region: region.or(self.region.as_deref()).map(str::to_owned),
            default_region: context.configuration.region.clone(),
            profile: self.profile.clone(),
            ca_bundle: ca_bundle(context),
            ..Settings::default()
        })?;
        context.output.explain(&format!("signing with {} in {}", self.set.access_key_id, sts.region()));
        Ok(sts)
    }
}

/// Finds the identity that signs, with its secret.
pub fn choose(context: &Context, reader: &Reader, choice: &Choice<'_>) -> Result<Signing, Failure> {
    if let Some(profile) = choice.profile {
        return from_ambient(context, reader, Ambient { profile: Some(profile.to_owned()), ..Ambient::default() });
    }
    let name = choice.from.unwrap_or(FrameName::Current);
    if name == FrameName::Environment {
        return from_environment(context, reader);
    }
    let frame = match reader.frame(&context.stack, name) {
        // A new stack is ambient.
        Err(StackError::NoSuchStack(_)) if choice.on_new_stack && Frames::default().named(name).is_some() => Frame::untouched(),
        other => other?,
    };
    let untouched = frame.is_untouched();
    if !untouched {
        warn_of_other_keys(context, reader)?;
    }
    let signing = match frame {
        Frame::Credential(id) => from_credential(context, reader, id, name == FrameName::Current),
        Frame::Ambient(reference) => match shell(context, reader)?.keys.filter(|_| untouched) {
            Some(keys) => from_keys(context, reader, keys),
            None if name == FrameName::Current => from_ambient(context, reader, reference),
            None => from_ambient(context, reader, behind_our_profile(context, reference)),
        },
    }?;
    Ok(Signing { is_untouched: untouched && name == FrameName::Current, ..signing })
}

/// Finds what signed the call that gave a credential set, to have it sign again.
pub fn again(context: &Context, reader: &Reader, credential: &Credential) -> Result<Signing, Failure> {
    let found = match (credential.parent, &credential.signed_by) {
        (Some(parent), _) => from_credential(context, reader, parent, false),
        (None, Some(keys)) if keys.provider.as_deref() == Some("Environment") => from_environment(context, reader),
        (None, Some(reference)) => from_reference(context, reader, reference.clone()),
        (None, None) => Err(Failure::new(failure::Kind::Nothing, "what signed it is not known")
            .next_step("acquire it anew with `credstack push`")),
    };
    let what = words::identity(credential);
    found.map_err(|failure| {
        let message = format!("{} ({what}) cannot be asked for again: {}", credential.id, failure.message);
        Failure { message, ..failure }
    })
}

/// An ambient identity that was recorded, found again.
pub fn from_reference(context: &Context, reader: &Reader, reference: Ambient) -> Result<Signing, Failure> {
    from_ambient(context, reader, behind_our_profile(context, reference))
}

/// Refuses what cannot be AWS credentials, before anything is done with it.
pub fn check_set(set: &CredentialSet) -> Result<(), Failure> {
    set.fault().map_or(Ok(()), |fault| Err(Failure::usage(fault).next_step("check where these credentials come from")))
}

fn from_credential(context: &Context, reader: &Reader, id: CredentialId, is_current: bool) -> Result<Signing, Failure> {
    let id = renewal::fresh(context, &reader.newest(id)?, is_current)?;
    let credential = reader.credential(id)?;
    let set = reader.secret(id).inspect_err(|error| note_loss(context, id, error))?;
    with_set(reader, credential, set)
}

/// A stored credential set as a signer, whether it is time to renew it or not.
pub fn stored(reader: &Reader, credential: Credential) -> Result<Signing, Failure> {
    let set = reader.secret(credential.id)?;
    with_set(reader, credential, set)
}

/// A stored credential set as a signer, whose secret is at hand.
pub fn with_set(reader: &Reader, credential: Credential, set: CredentialSet) -> Result<Signing, Failure> {
    let id = credential.id;
    Ok(Signing {
        kind: kind_of(&credential, &set),
        set,
        expires_at: credential.expires_at,
        identity: credential.identity,
        signer: Signer::Credential(id),
        region: credential.region,
        profile: None,
        is_untouched: false,
        inherited: inherited(reader, id)?,
    })
}

/// That a credential set has expired, and how to get it again.
pub fn expired(context: &Context, credential: &Credential, is_current: bool) -> Failure {
    let again = words::push_command(credential);
    let first = if is_current { "go back with `credstack pop`, then " } else { "" };
    let until = words::expiry(credential.expires_at, credential.temporary, context.now);
    Failure::new(failure::Kind::Expired, format!("{} ({}) {until}", credential.id, words::identity(credential)))
        .next_step(format!("{first}acquire it again with `credstack {again}`"))
}

/// What a credential set has from the requests behind it.
fn inherited(reader: &Reader, id: CredentialId) -> Result<Inherited, StackError> {
    let mut inherited = Inherited::default();
    let mut next = Some(id);
    while let Some(id) = next {
        let credential = reader.credential(id)?;
        if let Some(request) = &credential.request {
            inherited.add(request);
        }
        // A parent is older than what it signed, so this ends.
        next = credential.parent.filter(|parent| *parent < id);
    }
    Ok(inherited)
}

/// Writes into the history that a secret is gone. That it is gone matters more than whether that could be written.
pub fn note_loss(context: &Context, id: CredentialId, error: &StackError) {
    if matches!(error, StackError::SecretStore(SecretStoreError::NoEntry { .. } | SecretStoreError::Stale { .. })) {
        let change = Change::begin(&context.place, context.terms("note a lost secret", Consent::Only(Default::default())));
        let _unrecorded = change.and_then(|mut change| {
            context.output.notices(&mut change);
            change.record_secret_lost(id)
        });
    }
}

/// What kind of caller a stored credential set is.
fn kind_of(credential: &Credential, set: &CredentialSet) -> SignerKind {
    let long_term = set.is_long_term();
    match credential.kind {
        Kind::AssumeRole => SignerKind::RoleSession,
        Kind::FederationToken => SignerKind::FederatedUser,
        Kind::SessionToken => {
            let serial = credential.request.as_ref().and_then(Request::serial_number);
            SignerKind::SessionToken { mfa: Some(serial.is_some()) }
        }
        Kind::Imported | Kind::Ambient => match credential.arn() {
            Some(arn) => SignerKind::of(&arn, long_term),
            None if long_term => SignerKind::LongTerm,
            None => SignerKind::Unknown,
        },
    }
}

/// The stack decides; keys in the shell that are none of it are pointed out.
fn warn_of_other_keys(context: &Context, reader: &Reader) -> Result<(), Failure> {
    let Some(key) = context.aws("AWS_ACCESS_KEY_ID") else { return Ok(()) };
    let view = match reader.stack(&context.stack) {
        Err(StackError::NoSuchStack(_)) => return Ok(()),
        view => view?,
    };
    let known = view.frames.from_current().filter_map(Frame::credential);
    if !known.filter_map(|id| view.credentials.get(&id)).any(|credential| credential.access_key_id == key) {
        context
            .output
            .warn("AWS_ACCESS_KEY_ID in this shell is another identity; using the stack's. --from env signs with the shell's");
    }
    Ok(())
}

fn ca_bundle(context: &Context) -> Option<PathBuf> {
    context.aws("AWS_CA_BUNDLE").map(PathBuf::from)
}
