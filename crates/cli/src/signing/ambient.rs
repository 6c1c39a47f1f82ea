//! Signing with what lies outside the stack: this shell's keys, a profile, whatever the SDK finds.

use credstack_core::{
    ambient::{self, Beside, EnvironmentKeys, Resolved},
    stack::{KeyOwner, Reader, Shell, ShellKeys},
    values::{
        Ambient, CredentialSet, FrameName, Signer, SignerKey, Way,
        request::{Inherited, SignerKind},
    },
};

use super::{
    Signing, Who, ca_bundle, check_set, given,
    in_process::{self, Followed, asks_this_stack, asks_us},
    of_credential,
};
use crate::{
    context::Context,
    failure::{self, Failure},
    words,
};

/// What ambient is in this shell.
pub fn shell(context: &Context, reader: &Reader) -> Result<Shell, Failure> {
    let owned = |name| context.aws(name).map(str::to_owned);
    let reference = Ambient {
        // A profile that follows this stack is not what was there before it.
        profile: owned("AWS_PROFILE").filter(|profile| !asks_this_stack(context, profile)),
        region: context.users_region().map(str::to_owned),
        provider: None,
    };
    let keys = match environment_keys(context) {
        // Where nothing is covered they are not asked for.
        Err(_) if !reader.frame(&context.stack, FrameName::Current).is_ok_and(|frame| frame.is_untouched()) => None,
        keys => keys?,
    };
    let Some(keys) = keys else { return Ok(given::known(context, reader, Shell { reference, ..Shell::default() })) };
    Ok(match owner(context, reader, &keys.set.access_key_id, keys.set.is_long_term())? {
        // No secret is copied out of a profile, also not by way of the environment.
        KeyOwner::Reference(found) => {
            let region = reference.region.or(found.region);
            Shell { reference: Ambient { region, ..found }, ..Shell::default() }
        }
        _ => Shell { keys: Some(keys), reference, credential: None },
    })
}

/// Whose keys of the environment these are. Those that credstack handed out for a profile are that profile only while it gives
/// them: it may hold another identity's by now. Files are read and nothing is run, so that a dry run decides the same.
pub fn owner(context: &Context, reader: &Reader, access_key_id: &str, is_long_term: bool) -> Result<KeyOwner, Failure> {
    let owner = reader.key_owner(access_key_id)?;
    let KeyOwner::Reference(reference) = &owner else { return Ok(owner) };
    let files = context.files.as_ref();
    let says = ambient::foresee(reference, files).and_then(|found| found.provider);
    let gives_them = match (is_long_term, reference.provider.as_deref()) {
        // With a role it still has keys of its own, which are what the reference means.
        (true, Some("ProfileFile")) => {
            matches!(says.as_deref(), Some("ProfileFile" | "AssumeRole"))
                && ambient::foresee_key(reference, files) == SignerKey::LongTerm(access_key_id.to_owned())
        }
        // Only asking would tell, and the keys are at hand.
        (true, _) => false,
        // Temporary ones change while the identity does not.
        (false, _) => reference.profile.as_deref().is_none_or(|profile| says.is_some() && !asks_us(context, profile)),
    };
    Ok(if gives_them { owner } else { KeyOwner::Unknown })
}

/// What a covered frame without a profile stands for in a shell that follows the stack: there AWS_PROFILE is ours, and was
/// not when the frame was covered.
pub(super) fn behind_our_profile(context: &Context, reference: Ambient) -> Ambient {
    match context.aws("AWS_PROFILE") {
        Some(profile) if reference.profile.is_none() && reference.provider.is_none() && asks_us(context, profile) => {
            Ambient { profile: Some("default".to_owned()), ..reference }
        }
        _ => reference,
    }
}

/// The keys in the environment, of any owner.
pub fn environment_keys(context: &Context) -> Result<Option<ShellKeys>, Failure> {
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
    let unknown = |signer| {
        let kind = if keys.set.is_long_term() { SignerKind::LongTerm } else { SignerKind::Unknown };
        let inherited = Inherited::default();
        Who { identity: None, kind, signer, region: None, profile: None, is_untouched: false, inherited, way: None }
    };
    let (who, known_end) = match owner(context, reader, &keys.set.access_key_id, keys.set.is_long_term())? {
        KeyOwner::Stored(credential) | KeyOwner::Ours { credential, .. } => {
            let end = credential.expires_at;
            (Who { region: None, ..of_credential(reader, *credential)? }, end)
        }
        KeyOwner::Reference(reference) => (unknown(Signer::Ambient(reference)), None),
        KeyOwner::Unknown => (unknown(Signer::ShellKeys), None),
    };
    let (set, expires_at) = (keys.set, keys.expires_at.or(known_end));
    if expires_at.is_some_and(|at| at <= context.now) {
        return Err(Failure::new(failure::Kind::Expired, "the keys in this shell have expired")
            .next_step("get new ones where these came from"));
    }
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
    let keys = reference.profile.as_ref().and_then(|_| environment_keys(context).ok().flatten());
    let is_ours = |keys: &ShellKeys| -> Result<bool, Failure> {
        let owner = owner(context, reader, &keys.set.access_key_id, keys.set.is_long_term())?;
        Ok(matches!(owner, KeyOwner::Ours { .. } | KeyOwner::Reference(_)))
    };
    // What credstack handed out may be another frame's.
    let keys = if keys.as_ref().map(is_ours).transpose()?.unwrap_or_default() { None } else { keys };
    let mut question = ambient::Question {
        reference: reference.clone(),
        environment_keys: keys.map(|keys| EnvironmentKeys { set: keys.set, expires_at: keys.expires_at }),
        region: context.users_region().map(str::to_owned),
        ignores_region_variables: true,
        default_region: context.configuration.region.clone(),
        ca_bundle: ca_bundle(context),
        files: context.files.clone(),
        time_outs: context.ambient_time_outs(),
        of_process: None,
    };
    let followed = in_process::follow(context, &question)?;
    question.of_process = followed
        .as_ref()
        .map(|Followed { signing, .. }| EnvironmentKeys { set: signing.set.clone(), expires_at: signing.expires_at });
    let resolved = ambient::resolve(&question)?;
    check_set(&resolved.set)?;
    if let Some(at) = resolved.expires_at.filter(|at| *at <= context.now) {
        let what = words::ambient(&resolved.reference);
        return Err(Failure::new(failure::Kind::Expired, format!("{what} gave credentials that expired at {at}"))
            .next_step("renew them where they come from"));
    }
    context.output.explain(&format!("ambient: {}", words::ambient(&resolved.reference)));
    if let (Some(followed), Some("CredentialProcess")) = (&followed, resolved.reference.provider.as_deref()) {
        return Ok(as_profile(followed, resolved, reference.region));
    }
    let way = recorded_way(reader, &resolved.set)?;
    let mut who = Who { region: reference.region, way, ..foreseen(&resolved.reference) };
    if resolved.set.is_long_term() {
        who.kind = SignerKind::LongTerm;
    }
    Ok(Signing { set: resolved.set, expires_at: resolved.expires_at, who, beside: resolved.beside })
}

/// The way to STS that is recorded of keys from outside, where they are those of a credential set: their session token is that
/// set's, whoever hands it over.
pub fn recorded_way(reader: &Reader, set: &CredentialSet) -> Result<Option<Way>, Failure> {
    Ok(match reader.key_owner(&set.access_key_id)? {
        KeyOwner::Stored(credential) | KeyOwner::Ours { credential, .. } => credential.way,
        KeyOwner::Reference(_) | KeyOwner::Unknown => None,
    })
}

/// A frame of ours by way of a profile: it is that frame, with what the profile says besides keys.
fn as_profile(followed: &Followed, resolved: Resolved, region: Option<String>) -> Signing {
    let Followed { signing: Signing { who, beside, .. }, is_of_this_state } = followed;
    let signer = match is_of_this_state {
        true => who.signer.clone(),
        false => Signer::Ambient(resolved.reference.clone()),
    };
    let profile = if *is_of_this_state { who.profile.clone() } else { resolved.reference.profile };
    let region = region.or(who.region.clone());
    let beside = Beside {
        region: resolved.beside.region.or(beside.region.clone()),
        account: beside.account.clone(),
        endpoint_url: resolved.beside.endpoint_url.or(beside.endpoint_url.clone()),
    };
    let who = Who { signer, region, profile, ..who.clone() };
    Signing { set: resolved.set, expires_at: resolved.expires_at, who, beside }
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
        way: None,
    }
}
