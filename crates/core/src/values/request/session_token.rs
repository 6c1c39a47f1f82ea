use serde::{Deserialize, Serialize};

use super::{LimitError, SignerKind, limits};

/// The parameters of GetSessionToken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GetSessionToken {
    /// `DurationSeconds`; STS's default is 43200, and 3600 for the account root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i32>,
    /// `SerialNumber` of the MFA device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// The program that gives the device's code when this is asked for again, and its arguments, where one was named. STS is
    /// not told of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mfa_command: Vec<String>,
}

impl GetSessionToken {
    pub(super) fn check(&self, signer: SignerKind) -> Result<(), LimitError> {
        signer.long_term_only("GetSessionToken")?;
        match signer {
            SignerKind::Root => limits::duration(self.duration_seconds, 900, 3600, "a session of the account root")?,
            _ => limits::duration(self.duration_seconds, 900, 129_600, "a session")?,
        }
        limits::mfa(self.serial_number.as_deref(), signer)
    }
}
