use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;

use super::{
    AmbientError, EnvironmentKeys,
    asking::{self, Asking},
    chain,
    profiles::{Beside, Profiles},
    walk::{Base, Walk},
};
use crate::{
    blocking,
    values::{Ambient, AwsFiles, CredentialSet},
};

/// Which ambient identity is wanted, and how it may be looked for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What is wanted. A profile named here wins over environment keys, as the AWS CLI's `--profile` does; without one
    /// the shell decides. `provider` counts where it is what a profile with a role has of its own, to sign for that role
    /// with: then that is meant, and not the role. Without a profile a provider outside the configuration is the only one
    /// that is asked: `WebIdentityToken`, `EcsContainer` or `Ec2InstanceMetadata`.
    pub reference: Ambient,
    /// The keys in the environment ([`super::environment_keys`]), where the caller finds them usable: not credstack's own.
    pub environment_keys: Option<EnvironmentKeys>,
    /// The region that the user asked for; else the reference's, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's.
    pub region: Option<String>,
    /// Whether `AWS_REGION` and `AWS_DEFAULT_REGION` don't count, because the caller has looked at them: they may be credstack's own.
    pub ignores_region_variables: bool,
    /// The region where neither the question nor the AWS configuration names one.
    pub default_region: Option<String>,
    /// A PEM file whose certificate authorities are trusted instead of the system's: the value of `AWS_CA_BUNDLE`.
    /// Without it the profile's `ca_bundle`.
    pub ca_bundle: Option<PathBuf>,
    /// The AWS configuration to look at; without it what the environment names.
    pub files: Option<AwsFiles>,
    /// What the `credential_process` at the end of the profile's way gives, where the caller knows it: then it is not run.
    /// [`super::processes()`] tells which one that is.
    pub of_process: Option<EnvironmentKeys>,
    /// How long to wait.
    pub time_outs: TimeOuts,
}

/// How long looking may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOuts {
    /// The whole chain. 10 s.
    pub chain: Duration,
    /// The whole chain, where a profile runs a program or asks a sign-in service. 60 s.
    pub slow: Duration,
}

impl Default for TimeOuts {
    fn default() -> Self {
        TimeOuts { chain: Duration::from_secs(10), slow: Duration::from_secs(60) }
    }
}

/// The ambient identity that was found.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The keys.
    pub set: CredentialSet,
    /// When they expire, as the provider says; it may be in the past. `None` for long-term keys, and where nobody says.
    pub expires_at: Option<Timestamp>,
    /// What was found, to be resolved again later: the profile that answered, the region in force, and the provider, one of
    /// `Environment`, `ProfileFile`, `CredentialProcess`, `Sso`, `Login`, `WebIdentityToken`, `AssumeRole`, `EcsContainer`,
    /// `Ec2InstanceMetadata`.
    pub reference: Ambient,
    /// What goes with the keys.
    pub beside: Beside,
}

/// What the AWS configuration says besides credentials: for keys that come from the environment, which say nothing of a region.
/// `profile` is the one in force; else `AWS_PROFILE`, `default`. `files` is the configuration to look at; without it what the
/// environment names.
///
/// # Errors
///
/// [`AmbientError::NoSuchProfile`], [`AmbientError::Configuration`].
pub fn beside(profile: Option<&str>, files: Option<&AwsFiles>) -> Result<Beside, AmbientError> {
    let found = blocking::run(|| async { Ok(Profiles::load(profile, files).await?.beside()) });
    found.unwrap_or_else(|error| Err(AmbientError::no_runtime(&error)))
}

/// Finds the ambient identity.
///
/// In this order: environment keys (unless a profile is named), the profile, a web identity token of the environment
/// (unless a profile is named), a container's credentials, instance metadata. `AWS_EC2_METADATA_DISABLED` is honoured.
///
/// # Errors
///
/// Every [`AmbientError`]; [`AmbientError::Nothing`] when no provider had anything to say.
pub fn resolve(question: &Question) -> Result<Resolved, AmbientError> {
    let answer = blocking::run(|| async {
        let profiles = Profiles::load(question.reference.profile.as_deref(), question.files.as_ref()).await?;
        let region = profiles.region(question);
        if let (None, Some(keys)) = (&question.reference.profile, &question.environment_keys) {
            let reference = Ambient { profile: None, region, provider: Some("Environment".into()) };
            let (set, expires_at) = (keys.set.clone(), keys.expires_at);
            return Ok(Resolved { set, expires_at, reference, beside: profiles.beside() });
        }
        if let Some(own) = Walk::own(&profiles, question.reference.provider.as_deref()) {
            let most = question.time_outs.chain;
            let found = tokio::time::timeout(most, chain::own(question, &profiles, own, region)).await;
            return found.unwrap_or(Err(AmbientError::TimedOut { provider: own.name(), after: most }));
        }
        if chain::only(&question.reference).is_some() {
            let most = question.time_outs.chain;
            let found = tokio::time::timeout(most, chain::others(question, &profiles, region, Vec::new())).await;
            return found.unwrap_or(Err(AmbientError::TimedOut { provider: "the provider that was found before", after: most }));
        }
        let walk = Walk::of(&profiles)?;
        walk.refuse_unkept(&profiles)?;
        let is_slow = walk.is_slow() && (walk.base != Base::Process || question.of_process.is_none());
        if is_slow && asking::asked_by_an_ancestor() {
            return Err(AmbientError::Loop { profile: profiles.selected().to_owned() });
        }
        let _asking = is_slow.then(Asking::begin);
        let (most, provider) = match is_slow {
            true => (question.time_outs.slow, walk.provider()),
            false => (question.time_outs.chain, None),
        };
        let found = chain::ask(question, &profiles, &walk, region);
        match tokio::time::timeout(most, found).await {
            Ok(answer) => answer,
            Err(_) => Err(AmbientError::TimedOut { provider: provider.unwrap_or("the default chain"), after: most }),
        }
    });
    answer.unwrap_or_else(|error| Err(AmbientError::no_runtime(&error)))
}
