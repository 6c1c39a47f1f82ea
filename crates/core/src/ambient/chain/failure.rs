//! What a provider's error may say. The SDK's errors hold what a program wrote to stderr and the bytes at which an answer
//! stopped being JSON, and some hold a whole request: any of these may be a secret, so none is passed on.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::{
    error::{ConnectorError, ProvideErrorMetadata},
    operation::{assume_role::AssumeRoleError, assume_role_with_web_identity::AssumeRoleWithWebIdentityError},
};

use crate::ambient::{
    AmbientError,
    walk::{Base, Walk},
};

/// Of a profile, which may be a sign-in, a program, or roles on top of either.
pub(super) fn of_profile(error: CredentialsError, walk: &Walk, provider: &'static str) -> AmbientError {
    if let Some((code, message)) = refusal(&error) {
        return AmbientError::Refused { provider, code, message };
    }
    let unreachable = is_unreachable(&error);
    match walk.base {
        Base::Process if !unreachable => AmbientError::Failed {
            provider: Base::Process.name(),
            message: format!("the credential_process of profile {} {}", walk.last, of_process(&error)),
        },
        Base::Sso | Base::Login if !unreachable && !is_denied(&error) => {
            let command = match walk.base {
                Base::Sso => "aws sso login",
                _ => "aws login",
            };
            let profile = walk.last.clone();
            AmbientError::NeedsLogin { command: format!("{command} --profile {profile}"), profile }
        }
        _ if unreachable => AmbientError::Unreachable { provider, message: sentence(&error) },
        _ => AmbientError::Failed { provider, message: sentence(&error) },
    }
}

/// Of a provider without a profile.
pub(super) fn of_provider(error: CredentialsError, provider: &'static str) -> AmbientError {
    match refusal(&error) {
        Some((code, message)) => AmbientError::Refused { provider, code, message },
        None if is_unreachable(&error) => AmbientError::Unreachable { provider, message: sentence(&error) },
        None => AmbientError::Failed { provider, message: sentence(&error) },
    }
}

fn is_unreachable(error: &CredentialsError) -> bool {
    sources(error).any(|error| error.is::<ConnectorError>())
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// STS's code and message when it refused the profile's role.
fn refusal(error: &(dyn Error + 'static)) -> Option<(String, String)> {
    sources(error).find_map(|error| {
        let said = |it: &dyn ProvideErrorMetadata| {
            let code = it.code()?;
            let message = it.message().unwrap_or_default().trim_end_matches('.');
            Some((code.chars().take(100).collect(), message.chars().take(2000).collect()))
        };
        let role = error.downcast_ref::<AssumeRoleError>().and_then(|it| said(it));
        role.or_else(|| error.downcast_ref::<AssumeRoleWithWebIdentityError>().and_then(|it| said(it)))
    })
}

/// IAM Identity Center knows who asks, and says no: signing in again changes nothing.
fn is_denied(error: &(dyn Error + 'static)) -> bool {
    const DENIALS: [&str; 4] =
        ["ForbiddenException", "ResourceNotFoundException", "InvalidRequestException", "TooManyRequestsException"];
    sources(error).any(|error| DENIALS.iter().any(|denial| error.to_string().contains(denial)))
}

/// How a program failed: its exit status or the missing field, both in our own words.
fn of_process(error: &(dyn Error + 'static)) -> String {
    const EXITED: &str = "external process exited with code ";
    for text in sources(error).map(ToString::to_string) {
        if let Some((_, rest)) = text.split_once(EXITED) {
            let status = rest.split(". Stderr").next().unwrap_or_default();
            return match status.strip_prefix("exit status: ").or(status.strip_prefix("exit code: ")).map(str::parse::<u32>) {
                Some(Ok(127)) => "was not found (exit status 127)".into(),
                Some(Ok(status)) => format!("ended with exit status {status}"),
                _ => "was ended by a signal".into(),
            };
        }
        for field in ["Version", "AccessKeyId", "SecretAccessKey"] {
            if text.contains(&format!("Expected field `{field}`")) {
                return format!("gave no {field}");
            }
        }
    }
    "gave something other than the JSON of a credential process".into()
}

/// An error and its sources, joined, up to the first that is about JSON, whose words may repeat some of it.
fn sentence(error: &(dyn Error + 'static)) -> String {
    const EMPTY: [&str; 7] = [
        "an error occurred while loading credentials",
        "dispatch failure",
        "client error (Connect)",
        "io error",
        "other",
        "the credentials provider was not properly configured",
        "unexpected credentials error",
    ];
    let mut parts: Vec<String> = Vec::new();
    for text in sources(error).map(ToString::to_string) {
        if let Some(end) = text.find("JSON") {
            parts.push(text[..end + "JSON".len()].to_owned());
            break;
        }
        if !text.contains("SdkBody") && !EMPTY.contains(&text.as_str()) && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    if parts.is_empty() {
        return "for a reason that the SDK does not tell".into();
    }
    parts.join(": ").chars().take(1000).collect()
}
