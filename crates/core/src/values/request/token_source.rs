use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a web identity token or a SAML assertion is found when it is needed again. Never the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenSource {
    /// A file, by its absolute path.
    File(PathBuf),
    /// A program and its arguments, run without a shell.
    Command(Vec<String>),
}
