use std::{path::PathBuf, time::Duration};

use crate::values::{AwsFiles, Way};

/// What the caller decides about the way to STS. Everything else comes from the AWS environment and configuration:
/// `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, a profile's `services` section and `endpoint_url`,
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`, `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`, `AWS_MAX_ATTEMPTS`,
/// and the proxies.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The region; else `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's `region`, `default_region`, `us-east-1`.
    pub region: Option<String>,
    /// Whether `AWS_REGION` and `AWS_DEFAULT_REGION` don't count, because the caller has looked at them: they may be credstack's own.
    pub ignores_region_variables: bool,
    /// The region where the AWS configuration names none.
    pub default_region: Option<String>,
    /// The profile whose region, endpoint and `ca_bundle` count; else `AWS_PROFILE`, `default`. Its credentials are not used.
    pub profile: Option<String>,
    /// The AWS configuration to look at; without it what the environment names.
    pub files: Option<AwsFiles>,
    /// A PEM file whose certificate authorities are trusted instead of the system's: the value of `AWS_CA_BUNDLE`.
    /// Without it the profile's `ca_bundle`.
    pub ca_bundle: Option<PathBuf>,
    /// The way that is recorded with what is asked for again: nothing of the environment and the configuration counts then but how
    /// often is tried, and the proxies. A `region` above wins over the one in it.
    pub way: Option<Way>,
    /// How long to wait.
    pub time_outs: TimeOuts,
}

/// How long a call may take. The SDK by itself waits for ever for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOuts {
    /// To connect, name resolution and TLS included. 5 s.
    pub connect: Duration,
    /// From the request to the first byte of the answer, in each attempt. 20 s.
    pub read: Duration,
    /// The whole call, with every attempt (three, unless `AWS_MAX_ATTEMPTS` says otherwise) and the waits between them. 30 s.
    pub operation: Duration,
}

impl Default for TimeOuts {
    fn default() -> Self {
        TimeOuts { connect: Duration::from_secs(5), read: Duration::from_secs(20), operation: Duration::from_secs(30) }
    }
}
