//! The AWS configuration as text: what of it a program under `exec` may see. No I/O.
//!
//! Every SDK asks the profile files before the container endpoint, and some before the environment's keys. So where the
//! default profile would give credentials, a program gets two files of ours: the user's own, without secrets, and with a
//! default profile that has settings and nothing else.

mod grammar;
mod render;
#[cfg(test)]
mod tests;
mod view;

pub use render::{Handed, Rendering, render, without_profiles};
use secrecy::SecretString;
use view::Both;

use crate::values::CredentialSet;

/// One of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// `~/.aws/config`
    Config,
    /// `~/.aws/credentials`
    Credentials,
}

/// Why a file can't be read as the AWS CLI reads it. It repeats nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Trouble {
    /// Which file.
    pub file: File,
    /// The line, from 1.
    pub line: usize,
    /// What is there.
    pub what: &'static str,
}

/// The texts of the two files; one that is not there is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts<'a> {
    /// `~/.aws/config`
    pub config: &'a str,
    /// `~/.aws/credentials`
    pub credentials: &'a str,
}

/// Whether the default profile would give credentials to some client: presence decides, and what can't be read may.
pub fn default_gives_credentials(texts: Texts<'_>) -> bool {
    gives_credentials(texts, "default")
}

/// The same of any profile.
pub fn gives_credentials(texts: Texts<'_>, name: &str) -> bool {
    Both::read(texts).map_or(true, |both| both.profile(name).is_some_and(|profile| profile.gives_credentials()))
}

/// Whether there is a profile of this name, in either file.
///
/// # Errors
///
/// [`Trouble`]
pub fn has_profile(texts: Texts<'_>, name: &str) -> Result<bool, Trouble> {
    Ok(Both::read(texts)?.profile(name).is_some())
}

/// The static keys of a profile, as the AWS CLI takes them: those of the credentials file before those of the configuration.
///
/// # Errors
///
/// [`Trouble`]
pub fn keys(texts: Texts<'_>, name: &str) -> Result<Option<CredentialSet>, Trouble> {
    let both = Both::read(texts)?;
    let Some(profile) = both.profile(name) else { return Ok(None) };
    let value = |key: &str| profile.keys_value(key).filter(|value| !value.is_empty());
    let (Some(id), Some(secret)) = (value("aws_access_key_id"), value("aws_secret_access_key")) else { return Ok(None) };
    let token = value("aws_session_token").or_else(|| value("aws_security_token"));
    let session_token = token.map(|token| SecretString::from(token.to_owned()));
    Ok(Some(CredentialSet { access_key_id: id.to_owned(), secret_access_key: secret.to_owned().into(), session_token }))
}
