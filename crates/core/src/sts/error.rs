use std::{error::Error, path::PathBuf};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{Issued, Refusal};
use crate::{
    http::{CaBundleError, TooLong},
    values::CredentialSet,
};

/// Why STS gave nothing. No secret, MFA code or token is in any of these.
///
/// What came over the network is bounded in length and otherwise as it came: escape control characters before showing it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StsError {
    /// STS answered, and refused.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// No connection, or one that ended before the answer did.
    #[error("cannot reach STS at {endpoint}: {what}")]
    Unreachable {
        /// The endpoint's URL.
        endpoint: String,
        /// What went wrong, in words.
        what: String,
        /// Whether the request may have arrived.
        sent: bool,
    },
    /// No answer in time.
    #[error("no answer from STS at {endpoint}: {what}")]
    TimedOut {
        /// The endpoint's URL.
        endpoint: String,
        /// Which time-out it was, in words.
        what: String,
        /// Whether the request may have arrived.
        sent: bool,
    },
    /// The file of certificate authorities cannot be used.
    #[error("the CA bundle {} {what}", path.display())]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// An answer that STS does not give: that of a proxy, a sign-in page, another service.
    #[error("the answer from {endpoint} is not one of STS's: {what}")]
    Malformed {
        /// The endpoint's URL.
        endpoint: String,
        /// The HTTP status, if there was one.
        status: Option<u16>,
        /// What is wrong with it.
        what: String,
    },
    /// An answer that issued credentials and that cannot be believed. They are not handed out, and AWS may accept them.
    #[error("the answer from {endpoint} is not one of STS's: {what}")]
    Suspect {
        /// The endpoint's URL.
        endpoint: String,
        /// What is wrong with it.
        what: String,
        /// What was issued.
        issued: Box<Issued>,
    },
    /// The AWS configuration cannot be used: a file that cannot be read, an endpoint that is no URL.
    #[error("the AWS configuration cannot be used: {what}")]
    Configuration {
        /// What is wrong.
        what: String,
    },
}

impl StsError {
    /// What to do next, in the style of every message: no capital, no full stop.
    pub fn next_step(&self) -> String {
        match self {
            StsError::Refused(refusal) => refusal.next_step(),
            StsError::Unreachable { what, .. } if what.contains("certificate") => {
                "if a proxy or a company's own authority signs here, name its PEM file in AWS_CA_BUNDLE".into()
            }
            StsError::Unreachable { .. } => {
                "check the network, the region, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL and the proxy variables".into()
            }
            StsError::TimedOut { .. } => {
                "nothing was changed; try again, and if it stays so check the network, the proxy variables and the endpoint"
                    .into()
            }
            StsError::CaBundle { .. } => "let AWS_CA_BUNDLE, or ca_bundle in the profile, name a file of PEM certificates".into(),
            StsError::Malformed { .. } | StsError::Suspect { .. } => {
                "check AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL and the proxy variables, and whether this network asks to sign in"
                    .into()
            }
            StsError::Configuration { .. } => "check AWS_REGION, AWS_ENDPOINT_URL_STS, AWS_CONFIG_FILE and the profile".into(),
        }
    }

    /// Whether STS may have done what it was asked for: the request was sent, and no answer came to its end.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, StsError::Unreachable { sent: true, .. } | StsError::TimedOut { sent: true, .. })
    }

    /// Where the request went, if it went anywhere.
    pub fn endpoint(&self) -> Option<&str> {
        let endpoint = match self {
            StsError::Refused(refusal) => &refusal.endpoint,
            StsError::Unreachable { endpoint, .. }
            | StsError::TimedOut { endpoint, .. }
            | StsError::Malformed { endpoint, .. }
            | StsError::Suspect { endpoint, .. } => endpoint,
            StsError::CaBundle { .. } | StsError::Configuration { .. } => return None,
        };
        // Where the time was over before anything was sent, the region stands there.
        Some(endpoint.as_str()).filter(|endpoint| endpoint.contains("://"))
    }

    pub(super) fn from_sdk<E>(error: SdkError<E, HttpResponse>, call: Call) -> StsError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if let Some(CaBundleError { path, what }) = find::<CaBundleError>(&error) {
            return StsError::CaBundle { path: path.clone(), what: what.clone() };
        }
        let redacted = |text: &str| redacted(text, &call.secrets);
        let Call { operation, endpoint, region, .. } = &call;
        let (operation, endpoint, region) = (*operation, endpoint.clone(), region.clone());
        if endpoint.is_empty() {
            return match &error {
                SdkError::TimeoutError(_) => StsError::TimedOut { endpoint: region, what: OVER.into(), sent: false },
                _ => StsError::Configuration { what: sentence(&error) },
            };
        }
        let reached = || endpoint.clone();
        if let Some(issued) = issued_in_response(&error, &call.secrets) {
            let what = format!("{operation} with credentials in a form that STS never uses");
            return StsError::Suspect { endpoint: reached(), what, issued: Box::new(issued) };
        }
        let sent = !is_without_connection(&error);
        match &error {
            SdkError::ServiceError(refused) => {
                let status = refused.raw().status().as_u16();
                let Some(code) = error.code().map(redacted) else {
                    let what = format!("HTTP {status} without a code of STS's");
                    return StsError::Malformed { endpoint: reached(), status: Some(status), what };
                };
                let request_id = error.request_id().map(redacted);
                let message = redacted(error.message().unwrap_or_default());
                StsError::Refused(Refusal::new(operation, &code, &message, request_id, status, region, endpoint).into())
            }
            SdkError::TimeoutError(_) => StsError::TimedOut { endpoint: reached(), what: OVER.into(), sent },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                StsError::TimedOut { endpoint: reached(), what: sentence(&error), sent }
            }
            SdkError::ResponseError(_) if find::<TooLong>(&error).is_some() => {
                let what = "it is longer than any of STS's".into();
                StsError::Malformed { endpoint: reached(), status: None, what }
            }
            SdkError::ResponseError(_) => {
                StsError::Unreachable { endpoint: reached(), what: "the connection ended before the answer did".into(), sent }
            }
            _ => StsError::Unreachable { endpoint: reached(), what: sentence(&error), sent },
        }
    }
}

/// hyper's word for it.
const NO_CONNECTION: &str = "client error (Connect)";

const OVER: &str = "the time for the whole call is over";

/// Of a call, what an error tells. The endpoint is empty as long as nothing has been sent.
pub(super) struct Call {
    pub(super) operation: &'static str,
    pub(super) endpoint: String,
    pub(super) region: String,
    /// What was sent and must not come back in a message.
    pub(super) secrets: Vec<SecretString>,
}

/// Whether an attempt ended before there was a connection: nothing can have arrived.
fn is_without_connection(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (*error).source()).any(|error| {
        let text = error.to_string();
        text == NO_CONNECTION || text.starts_with("HTTP connect timeout")
    })
}

fn issued_in_response<E>(error: &SdkError<E, HttpResponse>, secrets: &[SecretString]) -> Option<Issued> {
    let response = error.raw_response().filter(|it| it.status().is_success())?;
    issued_in(response.body().bytes()?, secrets)
}

/// The credentials in an answer that cannot be read as a whole.
pub(super) fn issued_in(answer: &[u8], secrets: &[SecretString]) -> Option<Issued> {
    let text = Zeroizing::new(String::from_utf8_lossy(answer).into_owned());
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        // A name may be cut as well.
        let (value, _) = rest.split_once('<')?;
        Some(value.trim().to_owned())
    };
    let access_key_id = element("AccessKeyId").filter(|id| CredentialSet::is_key_id(id) && !is_echo(id, secrets))?;
    let expires_at = element("Expiration").and_then(|at| at.parse().ok());
    Some(Issued { access_key_id, expires_at, identity: None, request_id: None })
}

/// Whether a text repeats a secret of the request. What is as short as the code of an MFA device, or a made-up secret of an
/// emulator, stands in many a name by chance.
pub(super) fn is_echo(text: &str, secrets: &[SecretString]) -> bool {
    const SHORTEST: usize = 16;
    secrets.iter().map(ExposeSecret::expose_secret).any(|secret| secret.len() >= SHORTEST && text.contains(secret))
}

/// A text without the secrets that an answer may repeat, as they are or as the request had them.
fn redacted(text: &str, secrets: &[SecretString]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty()) {
        for form in [Zeroizing::new(secret.to_owned()), Zeroizing::new(percent_encoded(secret))] {
            text = text.replace(form.as_str(), "…");
        }
    }
    text
}

/// The form in a request's body.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

impl Call {
    pub(super) fn incomplete(self, missing: &str) -> StsError {
        let what = format!("{} without {missing}", self.operation);
        StsError::Malformed { endpoint: self.endpoint, status: Some(200), what }
    }

    /// The same of an answer that issued credentials. An access key id that is a secret of the request is none.
    pub(super) fn suspect(self, missing: &str, issued: Option<Issued>) -> StsError {
        let is_echo = |text: &str| is_echo(text, &self.secrets);
        let Some(Issued { access_key_id, expires_at, identity, request_id }) = issued.filter(|it| !is_echo(&it.access_key_id))
        else {
            return self.incomplete(missing);
        };
        let identity = identity.filter(|identity| !is_echo(&identity.arn) && !is_echo(&identity.user_id));
        let request_id = request_id.filter(|id| !is_echo(id));
        let issued = Issued { access_key_id, expires_at, identity, request_id };
        let what = format!("{} without {missing}", self.operation);
        StsError::Suspect { endpoint: self.endpoint, what, issued: Box::new(issued) }
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |error| (*error).source()).find_map(|error| error.downcast_ref())
}

/// An error and its sources, joined, without what a source only repeats and without the SDK's own empty words.
///
/// Some of the SDK's words hold the whole request, MFA code and all; those are left out.
pub(super) fn sentence(error: &(dyn Error + 'static)) -> String {
    const EMPTY: [&str; 6] = ["dispatch failure", "io error", "other", "user error", "timeout", NO_CONNECTION];
    let mut parts: Vec<String> = Vec::new();
    for error in std::iter::successors(Some(error), |error| (*error).source()) {
        let text = error.to_string();
        if !text.contains("SdkBody") && !EMPTY.contains(&text.as_str()) && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    if parts.is_empty() {
        return "for a reason that the SDK does not tell".into();
    }
    parts.join(": ").chars().take(1000).collect()
}
