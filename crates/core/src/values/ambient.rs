use serde::{Deserialize, Serialize};

/// A reference to what the AWS SDK's default chain finds without credstack. It is resolved again at every use:
/// no secret is copied out of a profile.
///
/// With every field empty it means "whatever this shell's environment and configuration say".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ambient {
    /// The profile in `~/.aws/config`, where one was named or in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The region in force when the frame was covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The SDK's name for the provider that answered, such as `ProfileFile` or `Ec2InstanceMetadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}
