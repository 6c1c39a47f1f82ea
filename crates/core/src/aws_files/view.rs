//! A profile as both files have it, and what of it decides by the AWS CLI's order.

use super::{
    File, Texts, Trouble,
    grammar::{Entry, Section, is_secret, parse},
};

/// Both files, read.
pub(super) struct Both {
    pub(super) config: Vec<Section>,
    pub(super) credentials: Vec<Section>,
}

/// One profile.
pub(super) struct Profile<'a> {
    /// Its entries in the configuration file.
    config: Vec<&'a Entry>,
    /// Its entries in the credentials file, which win.
    credentials: Vec<&'a Entry>,
}

/// What gives a profile's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decides {
    Role,
    WebIdentity,
    Sso,
    Keys,
    Login,
    Process,
    Nothing,
}

/// What belongs to a role that is assumed.
const ROLE: [&str; 8] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "role_session_name",
    "external_id",
    "mfa_serial",
    "mfa_process",
    "duration_seconds",
];

/// Whether a key is of a role.
pub(super) fn is_of_role(key: &str) -> bool {
    ROLE.contains(&key)
}

/// Whether a key is of another way to credentials than keys and roles.
pub(super) fn is_of_another_way(key: &str) -> bool {
    key == "login_session" || key == "credential_process" || key.starts_with("sso_")
}

/// Whether a key gives credentials, or says how they are got.
pub(super) fn is_of_credentials(key: &str) -> bool {
    is_secret(key) || is_of_role(key) || is_of_another_way(key) || key == "web_identity_token_file"
}

impl Both {
    pub(super) fn read(texts: Texts<'_>) -> Result<Both, Trouble> {
        let (config, credentials) = (parse(texts.config, File::Config)?, parse(texts.credentials, File::Credentials)?);
        Ok(Both { config, credentials })
    }

    /// `[profile default]` and `[default]` are one: the later counts, and for what gives credentials either does.
    pub(super) fn profile(&self, name: &str) -> Option<Profile<'_>> {
        let config: Vec<_> = self.config.iter().filter(|section| section.profile().as_deref() == Some(name)).collect();
        let credentials: Vec<_> = self.credentials.iter().filter(|section| section.header == name).collect();
        if config.is_empty() && credentials.is_empty() {
            return None;
        }
        let mut merged: Vec<&Entry> = Vec::new();
        for entry in config.iter().rev().flat_map(|section| &section.entries) {
            if merged.iter().all(|there| there.key != entry.key) {
                merged.push(entry);
            }
        }
        Some(Profile { config: merged, credentials: credentials.iter().flat_map(|section| &section.entries).collect() })
    }
}

impl<'a> Profile<'a> {
    /// All that counts of it: the credentials file wins.
    pub(super) fn entries(&self) -> impl Iterator<Item = &'a Entry> + '_ {
        let of_config = self.config.iter().filter(|entry| self.credentials.iter().all(|other| other.key != entry.key));
        of_config.chain(&self.credentials).copied()
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a str> {
        self.entries().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    /// Whether it has static keys, or a half of them.
    pub(super) fn has_keys(&self) -> bool {
        has_keys(&self.config) || has_keys(&self.credentials)
    }

    /// A value that goes with its static keys: the pair of the credentials file counts before the other.
    pub(super) fn keys_value(&self, key: &str) -> Option<&'a str> {
        let entries = if has_keys(&self.credentials) { &self.credentials } else { &self.config };
        entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    pub(super) fn gives_credentials(&self) -> bool {
        self.entries().any(|entry| is_of_credentials(&entry.key))
    }

    /// What gives its credentials. As the source of a role its own role does not count.
    pub(super) fn decides(&self, as_source: bool) -> Decides {
        let has = |key: &str| self.value(key).is_some();
        if has("web_identity_token_file") {
            Decides::WebIdentity
        } else if !as_source && has("role_arn") && (has("source_profile") || has("credential_source")) {
            Decides::Role
        } else if has("sso_account_id") || has("sso_role_name") {
            Decides::Sso
        } else if has_keys(&self.credentials) {
            Decides::Keys
        } else if has("login_session") {
            Decides::Login
        } else if has("credential_process") {
            Decides::Process
        } else if has_keys(&self.config) {
            Decides::Keys
        } else {
            Decides::Nothing
        }
    }
}

fn has_keys(entries: &[&Entry]) -> bool {
    entries.iter().any(|entry| entry.key == "aws_access_key_id" || entry.key == "aws_secret_access_key")
}
