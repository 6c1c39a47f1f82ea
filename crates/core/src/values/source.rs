use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Ambient;

/// The two AWS configuration files, and the profile that counts where none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsFiles {
    /// The configuration file; it need not be there.
    pub config: PathBuf,
    /// The shared credentials file; it need not be there.
    pub credentials: PathBuf,
    /// What AWS_PROFILE names; else `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// A source of credentials outside the stack, with all that says which one it is. It holds no secret, and is found again at
/// every use. Whatever the stack or the environment say later, it stays the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedSource {
    /// What it is.
    pub reference: Ambient,
    /// Whether it is the profile's static keys alone, whatever else the profile has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keys_only: bool,
    /// The access key id, where it is the keys of an environment: other keys there are not it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The AWS configuration that it is found in.
    pub files: AwsFiles,
}

/// The name of a [`FixedSource`]: the beginning of its hash. As text `source-` and 16 hexadecimal digits, which no shell and
/// no configuration file takes for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub [u8; 8]);

const PREFIX: &str = "source-";

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.0))
    }
}

impl FromStr for SourceId {
    type Err = ();

    fn from_str(text: &str) -> Result<SourceId, ()> {
        let digits = text.strip_prefix(PREFIX).ok_or(())?;
        let mut bytes = [0; 8];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| ())?;
        // One spelling for each.
        (SourceId(bytes).to_string() == text).then_some(SourceId(bytes)).ok_or(())
    }
}
