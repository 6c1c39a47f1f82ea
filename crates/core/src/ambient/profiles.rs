use std::{borrow::Cow, path::PathBuf};

use aws_config::profile::{Profile, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

use super::{AmbientError, Question};
use crate::{
    blocking,
    config_files::{builder, env_config_files},
    values::AwsFiles,
};

/// What a source of credentials says besides the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The `region` of the profile in force; no other profile's.
    pub region: Option<String>,
    /// The account id that the provider told, as it told it.
    pub account: Option<String>,
    /// The `endpoint_url` of the profile in force.
    pub endpoint_url: Option<String>,
}

/// The profiles of `~/.aws/config` and `~/.aws/credentials`, as the SDK reads them, and the one that counts.
pub(super) struct Profiles {
    set: ProfileSet,
    selected: String,
    env: Env,
    /// The files, where they are not those of the environment.
    files: Option<AwsFiles>,
}

impl Profiles {
    /// Reads them. `named` is the profile that was asked for; else `AWS_PROFILE`, `default`. `files` say another place, and what
    /// AWS_PROFILE is.
    pub(super) async fn load(named: Option<&str>, files: Option<&AwsFiles>) -> Result<Profiles, AmbientError> {
        let env = Env::real();
        let otherwise = files.map(|files| files.profile.as_deref().unwrap_or("default"));
        let asked = named.or(otherwise).map(|it| Cow::Owned(it.to_owned()));
        let set = aws_config::profile::load(&Fs::real(), &env, &env_config_files(files), asked).await.map_err(|error| {
            AmbientError::Configuration {
                // The parser's words are about lines and their form; they repeat nothing of a line.
                what: [Some(error.to_string()), std::error::Error::source(&error).map(ToString::to_string)]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(": "),
            }
        })?;
        // An empty AWS_PROFILE counts as unset.
        let selected = match set.selected_profile() {
            "" => "default".to_owned(),
            name => name.to_owned(),
        };
        let profiles = Profiles { set, selected, env, files: files.cloned() };
        if profiles.get(&profiles.selected).is_none() && (named.is_some() || profiles.selected != "default") {
            let named_by = named.is_none().then(|| "AWS_PROFILE".to_owned());
            return Err(profiles.missing(&profiles.selected, named_by));
        }
        Ok(profiles)
    }

    /// The same for a caller that is not asynchronous.
    pub(super) fn load_blocking(named: Option<&str>, files: Option<&AwsFiles>) -> Result<Profiles, AmbientError> {
        blocking::run(|| Profiles::load(named, files)).unwrap_or_else(|error| Err(AmbientError::no_runtime(&error)))
    }

    /// The name of the profile that counts; there is one of that name, unless it is `default`.
    pub(super) fn selected(&self) -> &str {
        &self.selected
    }

    /// Where they are read from, for the SDK's own providers.
    pub(super) fn files(&self) -> EnvConfigFiles {
        env_config_files(self.files.as_ref())
    }

    /// The same with one more setting of a profile.
    pub(super) fn files_with(&self, profile: &str, setting: &str) -> EnvConfigFiles {
        let more = format!("[profile {profile}]\n{setting}\n");
        builder(self.files.as_ref()).with_contents(EnvConfigFileKind::Config, more).build()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.set.get_profile(name)
    }

    /// A setting of the profile that counts.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        self.get(&self.selected)?.get(name).filter(|value| !value.is_empty())
    }

    /// The region in force, if any. Instance metadata is not asked.
    pub(super) fn region(&self, question: &Question) -> Option<String> {
        let given = |region: &String| !region.is_empty();
        let variable = |name| self.env.get(name).ok().filter(given).filter(|_| !question.ignores_region_variables);
        let asked = question.region.clone().or_else(|| question.reference.region.clone()).filter(given);
        asked
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(|| self.setting("region").map(str::to_owned))
            .or_else(|| question.default_region.clone())
    }

    /// What the profile that counts says besides the way to keys.
    pub(super) fn beside(&self) -> Beside {
        let owned = |name| self.setting(name).map(str::to_owned);
        Beside { region: owned("region"), account: None, endpoint_url: owned("endpoint_url") }
    }

    pub(super) fn ca_bundle(&self, question: &Question) -> Option<PathBuf> {
        question.ca_bundle.clone().or_else(|| self.setting("ca_bundle").map(PathBuf::from))
    }

    pub(super) fn missing(&self, profile: &str, named_by: Option<String>) -> AmbientError {
        let file = |variable, otherwise: &str| self.env.get(variable).unwrap_or_else(|_| otherwise.to_owned());
        let (config, credentials) = match &self.files {
            Some(files) => (files.config.display().to_string(), files.credentials.display().to_string()),
            None => (file("AWS_CONFIG_FILE", "~/.aws/config"), file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")),
        };
        AmbientError::NoSuchProfile { profile: profile.to_owned(), named_by, config, credentials }
    }
}
