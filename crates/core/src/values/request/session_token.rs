use serde::{Deserialize, Serialize};

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
}
