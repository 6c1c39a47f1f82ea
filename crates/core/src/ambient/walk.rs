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
    Named(Named),
}

/// A `credential_source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Environment,
    EcsContainer,
    Ec2InstanceMetadata,
}

/// The way from the profile that counts to the credentials at its end, by the rules of the AWS CLI (botocore's
/// `AssumeRoleProvider`): a source's own keys win over its role, a profile may be its own source if it has keys, and nothing
/// but credentials is taken over from a source.
#[derive(Debug)]
pub(super) struct Walk {
    /// What is at the end.
    pub(super) base: Base,
    /// The profile at the end.
    pub(super) last: String,
    /// The profiles whose roles are assumed, the one that counts first. A web identity is not among them.
    pub(super) roles: Vec<String>,
}

impl Walk {
    pub(super) fn of(profiles: &Profiles) -> Result<Walk, AmbientError> {
        let mut roles: Vec<String> = Vec::new();
        let mut name = profiles.selected();
        loop {
            let Some(profile) = profiles.get(name) else {
                return match roles.last() {
                    None => Ok(Walk { base: Base::Nothing, last: name.to_owned(), roles }),
                    Some(last) => Err(profiles.missing(name, Some(format!("the source_profile of {last}")))),
                };
            };
            if roles.iter().any(|visited| visited == name) {
                return Err(in_a_circle(&roles, name));
            }
            refuse_half_a_key(profile)?;
            refuse_half_a_web_identity(profile)?;
            let is_source = !roles.is_empty();
            let ends = |base, roles| Ok(Walk { base, last: name.to_owned(), roles });
            let Some(_) = assumed_role(profile).filter(|_| !(is_source && has_keys(profile))) else {
                let base = base(profile, is_source)?;
                if base == Base::Nothing {
                    refuse_the_incomplete(profile, is_source)?;
                }
                return ends(base, roles);
            };
            roles.push(name.to_owned());
            match (profile.get("source_profile"), profile.get("credential_source")) {
                (Some(_), Some(_)) => {
                    let what = format!("profile {name} has both a source_profile and a credential_source");
                    return Err(AmbientError::Configuration { what });
                }
                (Some(source), None) if source == name && has_keys(profile) => return ends(Base::Keys, roles),
                (Some(source), None) if source != name => name = source,
                (None, Some(source)) => return ends(Base::Named(Named::of(name, source)?), roles),
                _ => return Err(without_source(profile)),
            }
        }
    }

    /// What the profile that counts has of its own, where a reference means that and not the profile's role: what signs the
    /// first call of [`super::ProfilePlan`].
    pub(super) fn own(profiles: &Profiles, provider: Option<&str>) -> Option<Base> {
        let profile = profiles.get(profiles.selected())?;
        assumed_role(profile)?;
        match provider? {
            "ProfileFile" if has_keys(profile) => Some(Base::Keys),
            provider if profile.get("credential_source") == Some(provider) => {
                Named::of(profile.name(), provider).ok().map(Base::Named)
            }
            _ => None,
        }
    }

    /// The SDK assumes a role without these and says nothing: <https://github.com/awslabs/aws-sdk-rust/issues/527>.
    pub(super) fn refuse_unkept(&self, profiles: &Profiles) -> Result<(), AmbientError> {
        for profile in self.roles.iter().filter_map(|name| profiles.get(name)) {
            for setting in ["mfa_serial", "duration_seconds"] {
                if profile.get(setting).is_some() {
                    return Err(AmbientError::Unkept {
                        profile: profile.name().to_owned(),
                        setting,
                        role_arn: profile.get("role_arn").unwrap_or_default().to_owned(),
                        asked: profiles.selected().to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The provider's name, as [`super::Resolved`] has it.
    pub(super) fn provider(&self) -> Option<&'static str> {
        match self.base {
            Base::Nothing => None,
            _ if !self.roles.is_empty() => Some("AssumeRole"),
            Base::Keys => Some("ProfileFile"),
            _ => Some(self.base.name()),
        }
    }

    /// Whether a program or a person's browser may be at work.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self.base, Base::Process | Base::Sso | Base::Login)
    }
}

impl Named {
    /// AWS's names, which are compared with case as the AWS CLI does.
    const ALL: [Named; 3] = [Named::Environment, Named::EcsContainer, Named::Ec2InstanceMetadata];

    fn of(profile: &str, source: &str) -> Result<Named, AmbientError> {
        Named::ALL.into_iter().find(|named| named.name() == source).ok_or_else(|| AmbientError::Configuration {
            what: format!(
                "the credential_source of profile {profile} is {source}: expected Environment, EcsContainer or Ec2InstanceMetadata"
            ),
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Named::Environment => "Environment",
            Named::EcsContainer => "EcsContainer",
            Named::Ec2InstanceMetadata => "Ec2InstanceMetadata",
        }
    }
}

impl Base {
    pub(super) fn name(self) -> &'static str {
        match self {
            Base::Nothing | Base::Keys | Base::Named(_) => "ProfileFile",
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
    let parts = ["source_profile", "aws_session_token"];
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

fn base(profile: &Profile, is_source: bool) -> Result<Base, AmbientError> {
    let has = |names: &[&str]| names.iter().any(|name| profile.get(name).is_some());
    Ok(if has(&["web_identity_token_file"]) {
        Base::WebIdentity
    } else if let (false, Some(source)) = (is_source, profile.get("credential_source")) {
        Base::Named(Named::of(profile.name(), source)?)
    } else if has_keys(profile) && has(&["role_arn"]) {
        Base::Keys
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
    })
}

fn in_a_circle(visited: &[String], name: &str) -> AmbientError {
    let what = format!("the source_profiles go round in a circle: {} -> {name}", visited.join(" -> "));
    AmbientError::Configuration { what }
}

/// The AWS CLI ends here; the SDK would look elsewhere.
fn refuse_half_a_web_identity(profile: &Profile) -> Result<(), AmbientError> {
    match (profile.get("web_identity_token_file"), profile.get("role_arn")) {
        (Some(_), None) => {
            let what =
                format!("profile {} has web_identity_token_file, and lacks the role_arn that goes with it", profile.name());
            Err(AmbientError::Configuration { what })
        }
        _ => Ok(()),
    }
}
