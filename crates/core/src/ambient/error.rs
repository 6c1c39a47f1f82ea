use std::time::Duration;

/// Why there is no ambient identity. No secret, and nothing that a program or a server printed, is in any of these, except
/// the code and message with which AWS refused.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AmbientError {
    /// Nobody had anything to say.
    #[error("no AWS credentials were found; looked at {}", tried.join(", "))]
    Nothing {
        /// What was looked at, in that order.
        tried: Vec<String>,
    },
    /// The profile asks credstack, which would ask the profile.
    #[error("profile {profile} gets its credentials from credstack: asking it for credstack's own would never end")]
    Loop {
        /// The profile whose `credential_process` is credstack.
        profile: String,
    },
    /// The profile is in no file.
    #[error("there is no profile {profile}{} in {config} or {credentials}", named_by.as_ref().map(|it| format!(", which {it} names,")).unwrap_or_default())]
    NoSuchProfile {
        /// The profile.
        profile: String,
        /// Who names it: `AWS_PROFILE`, or the `source_profile` of another.
        named_by: Option<String>,
        /// The configuration file.
        config: String,
        /// The credentials file.
        credentials: String,
    },
    /// The SDK would assume the profile's role without something that the profile asks for.
    #[error(
        "profile {profile} assumes {role_arn} with {setting}, which cannot be done here: the role would be assumed without it"
    )]
    Unkept {
        /// The profile.
        profile: String,
        /// `mfa_serial` or `duration_seconds`.
        setting: &'static str,
        /// The role.
        role_arn: String,
        /// The profile that was asked for: this one, or one that it is the source of.
        asked: String,
    },
    /// One half of the key in the environment is missing.
    #[error("the environment has {present} without {missing}")]
    HalfAKey {
        /// The variable that is there.
        present: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// The session of a sign-in service is over, or was never begun.
    #[error("profile {profile} needs a sign-in")]
    NeedsLogin {
        /// The profile that signs in.
        profile: String,
        /// The command that does it.
        command: String,
    },
    /// A provider was there, and failed.
    #[error("{provider} failed: {message}")]
    Failed {
        /// The provider, named as in [`super::Resolved`].
        provider: &'static str,
        /// What is known of it.
        message: String,
    },
    /// STS refused the profile's role.
    #[error("{provider} failed: STS refused: {message} ({code})")]
    Refused {
        /// The provider, named as in [`super::Resolved`].
        provider: &'static str,
        /// STS's code.
        code: String,
        /// STS's message, bounded in length and otherwise as it came.
        message: String,
    },
    /// A provider's service could not be reached.
    #[error("{provider} failed: {message}")]
    Unreachable {
        /// The provider, named as in [`super::Resolved`].
        provider: &'static str,
        /// What is known of it.
        message: String,
    },
    /// No answer in time.
    #[error("{provider} gave no credentials within {} seconds", after.as_secs_f32())]
    TimedOut {
        /// The provider, or the whole chain.
        provider: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// The AWS configuration cannot be used.
    #[error("the AWS configuration cannot be used: {what}")]
    Configuration {
        /// What is wrong.
        what: String,
    },
}

impl AmbientError {
    pub(super) fn no_runtime(error: &std::io::Error) -> AmbientError {
        AmbientError::Configuration { what: format!("cannot start the network runtime: {error}") }
    }

    /// What to do next, in the style of every message: no capital, no full stop.
    pub fn next_step(&self) -> String {
        match self {
            AmbientError::Nothing { .. } => {
                "set AWS_PROFILE, export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`, `aws sso login` or `aws login`".into()
            }
            AmbientError::Loop { .. } => "unset AWS_PROFILE, or name a profile that has credentials of its own".into(),
            AmbientError::NoSuchProfile { .. } => "`aws configure list-profiles` shows the profiles that there are".into(),
            AmbientError::Unkept { asked, .. } => format!("let credstack do what it says: `credstack push profile {asked}`"),
            AmbientError::HalfAKey { missing, present } => format!("set {missing}, or unset {present}"),
            AmbientError::NeedsLogin { command, .. } => format!("run `{command}`"),
            AmbientError::Failed { provider: "CredentialProcess", .. } => {
                "run the profile's credential_process by itself to see what it says".into()
            }
            AmbientError::Refused { .. } => "check the profile's role, and who may assume it".into(),
            AmbientError::Failed { .. } | AmbientError::Unreachable { .. } => {
                "check the profile and the network, or name another --profile".into()
            }
            AmbientError::TimedOut { .. } => {
                "try again, or name a --profile; AWS_EC2_METADATA_DISABLED=true leaves instance metadata out".into()
            }
            AmbientError::Configuration { .. } => "check ~/.aws/config, ~/.aws/credentials and the AWS_* variables".into(),
        }
    }
}
