//! What a profile says is to be done, as the AWS CLI would do it: which roles are assumed, with what, and who signs first.
//! Nothing is asked and nothing is run.

use std::path::PathBuf;

use aws_config::profile::Profile;

use super::{
    AmbientError, Question,
    profiles::Profiles,
    walk::{Base, Named, Walk},
};
use crate::values::{
    Ambient, AwsFiles, SignerKey,
    request::{AssumeRole, AssumeRoleWithWebIdentity, Request, TokenSource},
};

/// What a profile says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfilePlan {
    /// The profile.
    pub profile: String,
    /// The region in force, where STS is asked for every hop, as the AWS CLI does.
    pub region: Option<String>,
    /// What signs the first hop; without one, what the profile is.
    pub base: ProfileBase,
    /// The calls, each signed by what the one before it gives.
    pub hops: Vec<Hop>,
    /// What is there and does not count. As every message: no capital, no full stop.
    pub warnings: Vec<String>,
}

/// What a profile's roles begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileBase {
    /// Nobody signs: a web identity token says who asks.
    Nobody,
    /// The keys in the environment.
    Environment,
    /// What [`super::resolve`] finds for this reference.
    Ambient(Ambient),
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The profile that has the role.
    pub profile: String,
    /// What is asked.
    pub request: Request,
    /// The profile's own region.
    pub region: Option<String>,
}

/// Reads what the profile of `question` says. `session_name` is that of roles whose profile has none.
///
/// # Errors
///
/// [`AmbientError::NoSuchProfile`] and [`AmbientError::Configuration`].
pub fn read_profile(question: &Question, session_name: &str) -> Result<ProfilePlan, AmbientError> {
    let profiles = Profiles::load_blocking(question.reference.profile.as_deref(), question.files.as_ref())?;
    if profiles.get(profiles.selected()).is_none() {
        return Err(profiles.missing(profiles.selected(), None));
    }
    let walk = Walk::of(&profiles)?;
    let mut warnings = Vec::new();
    let mut hops = Vec::new();
    let last = profiles.get(&walk.last);
    let provider = match walk.base {
        Base::Nothing => None,
        Base::Named(named) => Some(named.name()),
        base => Some(base.name()),
    };
    let base = match (walk.base, last) {
        (Base::WebIdentity, Some(profile)) => {
            hops.push(web_identity(profile, session_name));
            if let Some(seconds) = profile.get("duration_seconds") {
                warnings.push(format!(
                    "duration_seconds = {seconds} of profile {} does not count with a web identity, as in the AWS CLI: --duration does",
                    profile.name()
                ));
            }
            ProfileBase::Nobody
        }
        // Without a role the AWS CLI does not look at credential_source.
        (Base::Named(Named::Environment), _) if !walk.roles.is_empty() => ProfileBase::Environment,
        _ => ProfileBase::Ambient(Ambient {
            profile: Some(walk.last.clone()),
            region: None,
            provider: provider.map(str::to_owned),
        }),
    };
    for profile in walk.roles.iter().rev().filter_map(|name| profiles.get(name)) {
        hops.push(role(&profiles, profile, session_name)?);
    }
    Ok(ProfilePlan { profile: profiles.selected().to_owned(), region: profiles.region(question), base, hops, warnings })
}

/// What [`super::resolve`] would find in the AWS configuration for a reference that names no provider: its profile, else the one
/// in force, if that has credentials. None where they would come from elsewhere, which only asking tells.
pub fn foresee(reference: &Ambient, files: Option<&AwsFiles>) -> Option<Ambient> {
    let profiles = Profiles::load_blocking(reference.profile.as_deref(), files).ok()?;
    let provider = Walk::of(&profiles).ok()?.provider()?;
    let (profile, provider) = (Some(profiles.selected().to_owned()), Some(provider.to_owned()));
    Some(Ambient { profile, provider, region: reference.region.clone() })
}

/// The key that a reference signs with, as far as the AWS configuration tells.
pub fn foresee_key(reference: &Ambient, files: Option<&AwsFiles>) -> SignerKey {
    let in_profile = || {
        let profiles = Profiles::load_blocking(reference.profile.as_deref(), files).ok()?;
        let temporary = profiles.setting("aws_session_token").map(|_| SignerKey::Temporary);
        temporary.or_else(|| Some(SignerKey::LongTerm(profiles.setting("aws_access_key_id")?.to_owned())))
    };
    match reference.provider.as_deref() {
        Some("ProfileFile") => in_profile().unwrap_or(SignerKey::Unknown),
        Some("AssumeRole" | "Sso" | "Login" | "WebIdentityToken" | "EcsContainer" | "Ec2InstanceMetadata") => {
            SignerKey::Temporary
        }
        _ => SignerKey::Unknown,
    }
}

fn role(profiles: &Profiles, profile: &Profile, session_name: &str) -> Result<Hop, AmbientError> {
    let setting = |name| profile.get(name).map(str::to_owned);
    let duration_seconds = match profile.get("duration_seconds").map(str::parse) {
        None => None,
        Some(Ok(seconds)) => Some(seconds),
        Some(Err(_)) => {
            let what = format!("duration_seconds of profile {} is not a whole number of seconds", profile.name());
            return Err(AmbientError::Configuration { what });
        }
    };
    let source = profile.get("source_profile").and_then(|source| profiles.get(source));
    // aws-vault's key: of the profile, else of the source, whose user has the device.
    let process = profile.get("mfa_process").or_else(|| source?.get("mfa_process"));
    let mfa_command = process.filter(|_| profile.get("mfa_serial").is_some()).map(shell_words::split).transpose();
    let mfa_command = mfa_command.map_err(|_| AmbientError::Configuration {
        what: format!("the mfa_process of profile {} has a quote without an end", profile.name()),
    })?;
    let request = Request::AssumeRole(AssumeRole {
        role_arn: setting("role_arn").unwrap_or_default(),
        role_session_name: setting("role_session_name").unwrap_or_else(|| session_name.to_owned()),
        duration_seconds,
        external_id: setting("external_id"),
        serial_number: setting("mfa_serial"),
        mfa_command: mfa_command.unwrap_or_default(),
        ..AssumeRole::default()
    });
    Ok(Hop { profile: profile.name().to_owned(), request, region: setting("region") })
}

fn web_identity(profile: &Profile, session_name: &str) -> Hop {
    let setting = |name| profile.get(name).map(str::to_owned);
    let request = Request::AssumeRoleWithWebIdentity(AssumeRoleWithWebIdentity {
        role_arn: setting("role_arn").unwrap_or_default(),
        role_session_name: setting("role_session_name").unwrap_or_else(|| session_name.to_owned()),
        token_source: setting("web_identity_token_file").map(|file| TokenSource::File(PathBuf::from(file))),
        ..AssumeRoleWithWebIdentity::default()
    });
    Hop { profile: profile.name().to_owned(), request, region: setting("region") }
}
