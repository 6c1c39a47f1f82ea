use std::{
    io,
    path::{Path, PathBuf},
};

use credstack_core::{
    secret_store::{KeySource, StoreChoice},
    values::parse_duration,
};
use serde::Deserialize;

use crate::{failure::Failure, global::ColorWhen};

/// The configuration file. Every key is optional; docs/configuration.md explains each.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// How long a session is asked for where no `--duration` is given.
    #[serde(default)]
    pub duration: Durations,
    /// The region where neither `--region` nor the AWS configuration names one.
    pub region: Option<String>,
    /// When to use colours.
    pub color: Option<ColorWhen>,
    /// The secret store for the first write.
    pub store: Option<Store>,
    /// Whether the uses of `credential-process` are counted.
    #[serde(default)]
    pub count_uses: bool,
    /// What `prompt` shows.
    #[serde(default)]
    pub prompt: Prompt,
    /// Where codes of MFA devices are from.
    #[serde(default)]
    pub mfa: MfaCommand,
}

/// For every request that names an MFA device.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MfaCommand {
    /// A program that prints the present code, and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// The program that shows a dialog where there is no terminal.
    pub pinentry: Option<String>,
}

/// For `prompt`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Patterns, with * and ?, of stacks, accounts, ARNs and labels that are shown in red.
    #[serde(default)]
    pub production: Vec<String>,
}

/// Seconds for each operation, written as `900`, `15m` or `1h30m`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Durations {
    /// For `push assume`; cut to an hour where AWS allows a role session no more.
    pub assume: Option<Duration>,
    /// For `push session`.
    pub session: Option<Duration>,
    /// For `push federation`.
    pub federation: Option<Duration>,
}

/// A duration in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "toml::Value")]
pub struct Duration(pub i32);

impl TryFrom<toml::Value> for Duration {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(seconds) => seconds.to_string(),
            other => return Err(format!("a {} is not a duration", other.type_str())),
        };
        parse_duration(&text).map(Duration).map_err(|error| error.to_string())
    }
}

/// Which secret store is chosen by the first write.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum Store {
    /// The operating system's keyring.
    Keyring,
    /// The vault, with one of the two.
    Vault {
        /// A key file.
        key_file: Option<PathBuf>,
        /// A program and its arguments that prints the key.
        key_command: Option<Vec<String>>,
    },
}

impl Store {
    /// The choice it makes.
    pub fn choice(&self) -> Result<StoreChoice, Failure> {
        match self {
            Store::Keyring => Ok(StoreChoice::Keyring),
            // It is recorded, and read again from whatever directory a later command runs in.
            Store::Vault { key_file: Some(path), key_command: None } if !path.is_absolute() => {
                Err(Failure::usage(format!("key_file {} in the configuration is not an absolute path", path.display()))
                    .next_step("write the whole path: neither ~ nor $HOME is expanded"))
            }
            Store::Vault { key_file: Some(path), key_command: None } => {
                Ok(StoreChoice::Vault { key: KeySource::File(path.clone()) })
            }
            Store::Vault { key_file: None, key_command: Some(command) } => {
                Ok(StoreChoice::Vault { key: KeySource::Command(command.clone()) })
            }
            Store::Vault { .. } => Err(Failure::usage("[store] in the configuration needs either key_file or key_command")
                .next_step("keep one of the two")),
        }
    }
}

impl Configuration {
    /// Reads the file; one that is not there says nothing.
    pub fn read(path: &Path) -> Result<Configuration, Failure> {
        let unusable = |reason: String| {
            Failure::usage(format!("the configuration {} cannot be used: {reason}", path.display()))
                .next_step("docs/configuration.md explains every key")
        };
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| unusable(error.message().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Configuration::default()),
            Err(error) => Err(unusable(error.to_string())),
        }
    }
}
