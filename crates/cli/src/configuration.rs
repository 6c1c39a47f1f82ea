mod mistake;

use std::{
    io,
    path::{Path, PathBuf},
};

use credstack_core::{
    secret_store::{KeySource, StoreChoice},
    values::parse_duration,
};
use serde::Deserialize;
use toml::Spanned;

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
    pub store: Option<Spanned<Store>>,
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
#[serde(deny_unknown_fields)]
pub struct Store {
    kind: StoreKind,
    /// A key file, for the vault.
    key_file: Option<Spanned<PathBuf>>,
    /// A program and its arguments that prints the vault's key.
    key_command: Option<Spanned<Vec<String>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoreKind {
    Keyring,
    Vault,
}

/// What is wrong, and where it stands in the text, if it stands at one place.
type Mistake = (Option<usize>, String);

impl Store {
    /// The choice it makes.
    pub fn choice(&self) -> Result<StoreChoice, Failure> {
        self.chosen().map_err(|(_, reason)| Failure::usage(format!("[store] in the configuration: {reason}")))
    }

    fn chosen(&self) -> Result<StoreChoice, Mistake> {
        let of_vault = self.key_file.as_ref().map(Spanned::span).or(self.key_command.as_ref().map(Spanned::span));
        let key = match (self.kind, &self.key_file, &self.key_command) {
            (StoreKind::Keyring, None, None) => return Ok(StoreChoice::Keyring),
            (StoreKind::Keyring, ..) => {
                return Err((of_vault.map(|span| span.start), "the keyring has no key: only the vault has".to_owned()));
            }
            // It is recorded, and read again from whatever directory a later command runs in.
            (StoreKind::Vault, Some(path), None) if !path.get_ref().is_absolute() => {
                let reason = format!("{} is not an absolute path: neither ~ nor $HOME is expanded", path.get_ref().display());
                return Err((Some(path.span().start), reason));
            }
            (StoreKind::Vault, Some(path), None) => KeySource::File(path.get_ref().clone()),
            (StoreKind::Vault, None, Some(command)) => KeySource::Command(command.get_ref().clone()),
            (StoreKind::Vault, ..) => return Err((None, "needs either key_file or key_command".to_owned())),
        };
        Ok(StoreChoice::Vault { key })
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
            Ok(text) => parse(&text).map_err(unusable),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Configuration::default()),
            Err(error) => Err(unusable(error.to_string())),
        }
    }
}

/// The configuration, or what is wrong with it and where.
fn parse(text: &str) -> Result<Configuration, String> {
    let said = |(at, reason): Mistake| {
        let reason = reason.lines().collect::<Vec<_>>().join(", ");
        at.map_or(reason.clone(), |at| format!("{}: {reason}", mistake::place(text, at)))
    };
    let wrong = |error: toml::de::Error| said((error.span().map(|span| span.start), error.message().to_owned()));
    let configuration: Configuration = toml::from_str(text).map_err(wrong)?;
    if let Some(store) = &configuration.store {
        let whole = |(at, reason): Mistake| (at.or(Some(store.span().start)), reason);
        store.get_ref().chosen().map_err(|mistake| said(whole(mistake)))?;
    }
    Ok(configuration)
}
