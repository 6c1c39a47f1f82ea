//! Where a profile's credentials come from, found the way the SDK finds it but before it is asked.

use aws_config::profile::Profile;

use super::{AmbientError, profiles::Profiles};

/// What the chain of `source_profile`s ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Nothing,
    Keys,
    Process,
    Sso,
    Login,
    WebIdentity,
    Named,
}

/// The way from the profile that counts to the credentials at its end.
#[derive(Debug)]
pub(super) struct Walk {
    /// What is at the end.
    pub(super) base: Base,
    /// The profile at the end.
    pub(super) last: String,
    /// Whether roles are assumed on the way back.
    pub(super) assumes: bool,
}

impl Walk {
    pub(super) fn of(profiles: &Profiles) -> Result<Walk, AmbientError> {
        let mut visited: Vec<&str> = Vec::new();
        let mut name = profiles.selected();
        let mut assumes = false;
        loop {
            let Some(profile) = profiles.get(name) else {
                return match visited.last() {
                    None => Ok(Walk { base: Base::Nothing, last: name.to_owned(), assumes }),
                    Some(last) => Err(profiles.missing(name, Some(format!("the source_profile of {last}")))),
                };
            };
            if visited.contains(&name) {
                let what = format!("the source_profiles go round in a circle: {} -> {name}", visited.join(" -> "));
                return Err(AmbientError::Configuration { what });
            }
            visited.push(name);
            let ends = |base, assumes| Ok(Walk { base, last: name.to_owned(), assumes });
            refuse_half_a_key(profile)?;
            // A source profile's own keys win over the role that it would assume; those of the first profile do not.
            if visited.len() > 1 && has_keys(profile) {
                return ends(Base::Keys, assumes);
            }
            match assumed_role(profile) {
                None if base(profile) == Base::Nothing => {
                    refuse_the_incomplete(profile, assumes)?;
                    return ends(Base::Nothing, assumes);
                }
                None => return ends(base(profile), assumes),
                Some(role_arn) => {
                    refuse_unkept(profile, role_arn)?;
                    assumes = true;
                    match (profile.get("source_profile"), base(profile)) {
                        (Some(source), _) if source != name => name = source,
                        (_, Base::Nothing) => return Err(without_source(profile)),
                        (_, base) => return ends(base, assumes),
                    }
                }
            }
        }
    }

    /// The provider's name, as [`super::Resolved`] has it.
    pub(super) fn provider(&self) -> Option<&'static str> {
        match self.base {
            Base::Nothing => None,
            _ if self.assumes => Some("AssumeRole"),
            Base::Keys => Some("ProfileFile"),
            _ => Some(self.base.name()),
        }
    }

    /// Whether a program or a person's browser may be at work.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self.base, Base::Process | Base::Sso | Base::Login)
    }
}

impl Base {
    pub(super) fn name(self) -> &'static str {
        match self {
            Base::Nothing | Base::Keys | Base::Named => "ProfileFile",
            Base::Process => "CredentialProcess",
            Base::Sso => "Sso",
            Base::Login => "Login",
            Base::WebIdentity => "WebIdentityToken",
        }
    }
}

/// The SDK would pass over half a key, and somebody else would sign.
fn refuse_half_a_key(profile: &Profile) -> Result<(), AmbientError> {
    const ID: &str = "aws_access_key_id";
    const SECRET: &str = "aws_secret_access_key";
    let (present, missing) = match (profile.get(ID), profile.get(SECRET)) {
        (Some(_), None) => (ID, SECRET),
        (None, Some(_)) => (SECRET, ID),
        _ => return Ok(()),
    };
    Err(AmbientError::Configuration { what: format!("profile {} has {present} and no {missing}", profile.name()) })
}

/// The same of a profile that says part of a way to credentials, and of a source of a role's that has none.
fn refuse_the_incomplete(profile: &Profile, is_source: bool) -> Result<(), AmbientError> {
    let parts = ["source_profile", "web_identity_token_file", "aws_session_token"];
    let what = match parts.iter().find(|part| profile.get(part).is_some()) {
        Some(part) => format!("profile {} has {part}, and lacks what goes with it", profile.name()),
        None if is_source => format!("profile {} is to sign for a role, and has no credentials", profile.name()),
        None => return Ok(()),
    };
    Err(AmbientError::Configuration { what })
}

/// The same of a role that nothing is said to sign for.
fn without_source(profile: &Profile) -> AmbientError {
    let what = match profile.get("source_profile") {
        Some(_) => "is its own source_profile, and has no keys of its own",
        None => "has a role_arn, and neither a source_profile nor a credential_source",
    };
    AmbientError::Configuration { what: format!("profile {} {what}", profile.name()) }
}

fn has_keys(profile: &Profile) -> bool {
    profile.get("aws_access_key_id").is_some() && profile.get("aws_secret_access_key").is_some()
}

/// The role that a profile assumes with other credentials; a web identity is a beginning, not a role on top of one.
fn assumed_role(profile: &Profile) -> Option<&str> {
    match profile.get("web_identity_token_file") {
        Some(_) => None,
        None => profile.get("role_arn"),
    }
}

fn base(profile: &Profile) -> Base {
    let has = |names: &[&str]| names.iter().any(|name| profile.get(name).is_some());
    if has(&["credential_source"]) {
        Base::Named
    } else if has(&["web_identity_token_file"]) && has(&["role_arn"]) {
        Base::WebIdentity
    } else if has(&["sso_session", "sso_start_url", "sso_account_id", "sso_role_name", "sso_region"]) {
        Base::Sso
    } else if has(&["login_session"]) {
        Base::Login
    } else if has(&["credential_process"]) {
        Base::Process
    } else if has_keys(profile) {
        Base::Keys
    } else {
        Base::Nothing
    }
}

/// The SDK assumes the role without these and says nothing: <https://github.com/awslabs/aws-sdk-rust/issues/527>.
fn refuse_unkept(profile: &Profile, role_arn: &str) -> Result<(), AmbientError> {
    for setting in ["mfa_serial", "duration_seconds"] {
        if let Some(value) = profile.get(setting) {
            return Err(AmbientError::Unkept {
                profile: profile.name().to_owned(),
                setting,
                value: value.to_owned(),
                role_arn: role_arn.to_owned(),
                source_profile: profile.get("source_profile").map(str::to_owned),
            });
        }
    }
    Ok(())
}
