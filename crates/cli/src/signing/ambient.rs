//! Signing with what lies outside the stack: this shell's keys, a profile, whatever the SDK finds.

use credstack_core::{
    ambient::{self, AmbientError, Beside, EnvironmentKeys},
    stack::{KeyOwner, Reader, Shell, ShellKeys},
    values::{
        Ambient, Signer,
        request::{Inherited, SignerKind},
    },
};

use super::{Signing, Who, ca_bundle, check_set, inherited, kind_of};
use crate::{
    context::Context,
    failure::{self, Failure},
    words,
};

/// What ambient is in this shell.
pub fn shell(context: &Context, reader: &Reader) -> Result<Shell, Failure> {
    let owned = |name| context.aws(name).map(str::to_owned);
    let reference = Ambient {
        // A profile that asks credstack is not what was there before credstack.
        profile: owned("AWS_PROFILE").filter(|profile| !asks_us(context, profile)),
        region: context.users_region().map(str::to_owned),
        provider: None,
    };
    let Some(keys) = environment_keys(context)? else { return Ok(Shell { keys: None, reference }) };
    let keys = match reader.key_owner(&keys.set.access_key_id)? {
        KeyOwner::Ours(credential) => {
            context.output.explain(&format!("the keys in this shell are {}, exported by credstack: not ambient", credential.id));
            None
        }
        KeyOwner::Unknown | KeyOwner::Stored(_) => Some(keys),
    };
    Ok(Shell { keys, reference })
}

/// Whether a profile gets its credentials from credstack.
pub fn asks_us(context: &Context, profile: &str) -> bool {
    matches!(
        ambient::refuse_loops(Some(profile), context.files.as_ref(), context.our_program().as_deref()),
        Err(AmbientError::Loop { .. })
    )
}

/// What a covered frame without a profile stands for in a shell that follows the stack: there AWS_PROFILE is ours, and was
/// not when the frame was covered.
pub(super) fn behind_our_profile(context: &Context, reference: Ambient) -> Ambient {
    match context.aws("AWS_PROFILE") {
        Some(profile) if reference.profile.is_none() && asks_us(context, profile) => {
            Ambient { profile: Some("default".to_owned()), ..reference }
        }
        _ => reference,
    }
}

fn environment_keys(context: &Context) -> Result<Option<ShellKeys>, Failure> {
    let found = ambient::environment_keys(|name| context.aws(name).map(str::to_owned))?;
    Ok(found.map(|keys| ShellKeys { set: keys.set, expires_at: keys.expires_at, identity: None }))
}

pub fn from_environment(context: &Context, reader: &Reader) -> Result<Signing, Failure> {
    let keys = environment_keys(context)?.ok_or_else(|| {
        Failure::new(failure::Kind::Nothing, "this shell's environment holds no AWS keys")
            .next_step("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign with another frame")
    })?;
    from_keys(context, reader, keys)
}

pub fn from_keys(context: &Context, reader: &Reader, keys: ShellKeys) -> Result<Signing, Failure> {
    check_set(&keys.set)?;
    if keys.expires_at.is_some_and(|at| at <= context.now) {
        return Err(Failure::new(failure::Kind::Expired, "the keys in this shell have expired")
            .next_step("get new ones where these came from"));
    }
    let mut known_end = None;
    let (signer, identity, kind) = match reader.key_owner(&keys.set.access_key_id)? {
        KeyOwner::Stored(credential) | KeyOwner::Ours(credential) => {
            known_end = credential.expires_at;
            (Signer::Credential(credential.id), credential.identity.clone(), kind_of(&credential))
        }
        KeyOwner::Unknown if keys.set.is_long_term() => (Signer::ShellKeys, None, SignerKind::LongTerm),
        KeyOwner::Unknown => (Signer::ShellKeys, None, SignerKind::Unknown),
    };
    let inherited = match signer {
        Signer::Credential(id) => inherited(reader, id)?,
        _ => Inherited::default(),
    };
    let (set, expires_at) = (keys.set, keys.expires_at.or(known_end));
    let who = Who { identity, kind, signer, region: None, profile: None, is_untouched: false, inherited };
    let beside = Beside { account: context.aws("AWS_ACCOUNT_ID").map(str::to_owned), ..beside_environment(context) };
    Ok(Signing { set, expires_at, who, beside })
}

/// What the profile in force says, which counts beside the environment's keys too. A profile that is not there is the business of
/// the clients that mind it.
fn beside_environment(context: &Context) -> Beside {
    let profile = context.aws("AWS_PROFILE").filter(|profile| !asks_us(context, profile));
    ambient::beside(Some(profile.unwrap_or("default")), context.files.as_ref()).unwrap_or_default()
}

pub fn from_ambient(context: &Context, reader: &Reader, reference: Ambient) -> Result<Signing, Failure> {
    // A profile may say that it begins with the environment's keys.
    let keys = shell(context, reader)?.keys.filter(|_| reference.profile.is_some());
    let resolved = ambient::resolve(&ambient::Question {
        reference: reference.clone(),
        environment_keys: keys.map(|keys| EnvironmentKeys { set: keys.set, expires_at: keys.expires_at }),
        default_region: context.configuration.region.clone(),
        ca_bundle: ca_bundle(context),
        files: context.files.clone(),
        our_exe: context.our_program(),
        time_outs: context.ambient_time_outs(),
        ..ambient::Question::default()
    })?;
    check_set(&resolved.set)?;
    if let Some(at) = resolved.expires_at.filter(|at| *at <= context.now) {
        let what = words::ambient(&resolved.reference);
        return Err(Failure::new(failure::Kind::Expired, format!("{what} gave credentials that expired at {at}"))
            .next_step("renew them where they come from"));
    }
    context.output.explain(&format!("ambient: {}", words::ambient(&resolved.reference)));
    let mut who = Who { region: reference.region, ..foreseen(&resolved.reference) };
    if resolved.set.is_long_term() {
        who.kind = SignerKind::LongTerm;
    }
    Ok(Signing { set: resolved.set, expires_at: resolved.expires_at, who, beside: resolved.beside })
}

/// What is known of an ambient identity before it is found.
pub fn foreseen(reference: &Ambient) -> Who {
    let kind = match reference.provider.as_deref() {
        // These give the sessions of a role and nothing else.
        Some("AssumeRole" | "Sso" | "WebIdentityToken" | "EcsContainer" | "Ec2InstanceMetadata") => SignerKind::RoleSession,
        _ => SignerKind::Unknown,
    };
    Who {
        kind,
        identity: None,
        region: reference.region.clone(),
        profile: reference.profile.clone(),
        signer: Signer::Ambient(reference.clone()),
        is_untouched: false,
        inherited: Inherited::default(),
    }
}
