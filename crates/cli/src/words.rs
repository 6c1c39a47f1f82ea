//! How things are said: identities, times, durations, limits. One style for every command.

use credstack_core::{
    stack::{Left, Moved, Notice, Work},
    values::{
        Ambient, Credential, CredentialId, Frame, display_duration,
        request::{LimitError, Parameter, Request, TokenSource},
    },
};
use jiff::Timestamp;

/// An identity as a person recognises it: the ARN, or what is known instead.
pub fn identity(credential: &Credential) -> String {
    match &credential.identity {
        Some(identity) => identity.arn.clone(),
        None => format!("keys {}", credential.access_key_id),
    }
}

/// What an ambient frame is.
pub fn ambient(ambient: &Ambient) -> String {
    match (&ambient.profile, &ambient.provider) {
        (Some(profile), _) => format!("ambient (profile {profile})"),
        (None, Some(provider)) => format!("ambient ({provider})"),
        (None, None) => "ambient (what this shell's environment and configuration say)".to_owned(),
    }
}

/// What a frame is, by itself.
pub fn frame(frame: &Frame) -> String {
    match frame {
        Frame::Ambient(reference) => ambient(reference),
        Frame::Credential(id) => id.to_string(),
    }
}

/// When something expires, seen from `now`: the time of day, and how long that is.
pub fn expiry(expires_at: Option<Timestamp>, temporary: bool, now: Timestamp) -> String {
    match expires_at {
        None if temporary => "expires at a time that is not known".to_owned(),
        None => "does not expire".to_owned(),
        Some(at) => {
            // Rounded up: an hour that has just been granted is shown as one.
            let left = -(now.as_millisecond() - at.as_millisecond()).div_euclid(1000);
            let span = display_duration(left.abs());
            if left > 0 { format!("until {at} ({span} left)") } else { format!("expired at {at} ({span} ago)") }
        }
    }
}

/// When a credential set of a stack expires, or that its secret is not there any more.
pub fn standing(credential: &Credential, now: Timestamp) -> String {
    match credential.has_secret() {
        true => expiry(credential.expires_at, credential.temporary, now),
        false => "secret given up".to_owned(),
    }
}

/// The identity in use after a change.
pub fn now_current(moved: &Moved, now: Timestamp) -> String {
    match moved.view.current() {
        Some(credential) => {
            format!(
                "current: {} ({}), {}",
                identity(credential),
                credential.id,
                expiry(credential.expires_at, credential.temporary, now)
            )
        }
        None => format!("current: {}", frame(moved.view.frames.current())),
    }
}

/// That a credential set's secret is gone here, and until when AWS goes on accepting it.
///
/// `how` is what it did: it left the last stack, or was forgotten.
pub fn left(left: &Left, how: &str, now: Timestamp) -> String {
    let Credential { id, expires_at, .. } = &left.credential;
    match expires_at {
        Some(at) if !left.erased && *at > now => {
            format!("{id} {how}; its secret is still to be erased here, and stays valid at AWS until {at}")
        }
        _ if !left.erased => format!("{id} {how}; its secret is still to be erased"),
        Some(at) if *at > now => format!("{id} {how}; its secret is erased here and stays valid at AWS until {at}"),
        Some(at) => format!("{id} {how}; its secret is erased (it had expired at {at})"),
        None if left.credential.temporary => {
            format!("{id} {how}; its secret is erased here and stays valid at AWS until it expires")
        }
        None => format!("{id} {how}; its secret is erased here. Long-term keys stay valid at AWS until they are deleted there"),
    }
}

/// Something a person should hear, whatever the command was about.
pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::CutOff(id) => {
            format!("{id} was left by a push that was cut off: `credstack use {id}` or `credstack forget {id}`")
        }
        Notice::Orphaned(orphan) => {
            let arn = orphan.identity.as_ref().map(|identity| format!(" ({})", identity.arn)).unwrap_or_default();
            let until = orphan.expires_at.map(|at| format!(" until {at}")).unwrap_or_default();
            format!(
                "a credstack process was killed after STS had issued {}{arn}, which isn't stored. AWS accepts it{until}; the history \
                 records it as orphaned",
                orphan.access_key_id
            )
        }
        Notice::Interrupted(asked) => format!(
            "a credstack process was killed while STS was asked for {}: the outcome is unknown, see CloudTrail. AWS accepts a session \
             that was issued until {} at the latest",
            format!("{} {}", asked.operation, asked.target.as_deref().unwrap_or_default()).trim_end(),
            asked.latest_expiry
        ),
        Notice::Postponed { work: Work::Erase, ids, error } => {
            format!("not erased yet: the {} of {}: {error}; the next change tries again", plural(ids, "secret"), list(ids))
        }
        Notice::Postponed { work: Work::Settle, ids, error } => {
            format!(
                "not known yet: whether the {} of {} {} stored, by a push that was cut off or refused: {error}; the next change tries again",
                plural(ids, "secret"),
                list(ids),
                if ids.len() == 1 { "was" } else { "were" }
            )
        }
    }
}

/// So many events.
pub fn events(count: i64) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

fn plural(ids: &[CredentialId], what: &str) -> String {
    if ids.len() == 1 { what.to_owned() } else { format!("{what}s") }
}

/// Credential ids, one after the other.
pub fn list(ids: &[CredentialId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The command that acquires such a credential set again.
pub fn push_command(credential: &Credential) -> String {
    let device = credential.request.as_ref().map(device_options).unwrap_or_default();
    match &credential.request {
        Some(Request::AssumeRole(role)) => format!("push assume {}{device}", role.role_arn),
        Some(Request::GetSessionToken(_)) => format!("push session{device}"),
        Some(Request::GetFederationToken(user)) => format!("push federation {}", user.name),
        Some(Request::AssumeRoleWithWebIdentity(role)) => {
            format!("push web-identity {} {}", role.role_arn, token_option("--token", role.token_source.as_ref()))
        }
        Some(Request::AssumeRoleWithSaml(role)) => {
            let token = token_option("--assertion", role.token_source.as_ref());
            format!("push saml {} --principal-arn {} {token}", role.role_arn, role.principal_arn)
        }
        Some(Request::AssumeRoot(root)) => {
            let task = root.task_policy_arn.rsplit('/').next().unwrap_or_default();
            format!("push root {} --task-policy {task}", root.target_principal)
        }
        None => "push import".to_owned(),
    }
}

/// The options that say which MFA device there is, and what gives its codes.
fn device_options(request: &Request) -> String {
    let serial = request.serial_number().map(|serial| format!(" --mfa-serial {serial}")).unwrap_or_default();
    match request.mfa_command() {
        [] => serial,
        command => format!("{serial} --mfa-command {}", shell_words::quote(&shell_words::join(command))),
    }
}

/// The option that says where a token is.
fn token_option(option: &str, source: Option<&TokenSource>) -> String {
    match source {
        None => "-".to_owned(),
        Some(TokenSource::File(path)) => format!("{option}-file {}", shell_words::quote(&path.to_string_lossy())),
        Some(TokenSource::Command(command)) => format!("{option}-command {}", shell_words::quote(&shell_words::join(command))),
    }
}

/// A limit, with the option that ran into it.
pub fn limit(error: &LimitError) -> String {
    match option(error.parameter) {
        Some(option) => limit_of(option, error),
        None => error.limit.clone(),
    }
}

/// A limit, with whatever ran into it.
pub fn limit_of(option: &str, error: &LimitError) -> String {
    match &error.value {
        Some(value) if value.is_empty() => format!("{option} is empty: {}", error.limit),
        Some(value) => format!("{option} {value}: {}", error.limit),
        None => format!("{option}: {}", error.limit),
    }
}

/// The setting of a profile that says a parameter.
pub fn setting(parameter: Parameter) -> Option<&'static str> {
    Some(match parameter {
        Parameter::RoleArn => "role_arn",
        Parameter::RoleSessionName => "role_session_name",
        Parameter::DurationSeconds => "duration_seconds",
        Parameter::ExternalId => "external_id",
        Parameter::SerialNumber => "mfa_serial",
        _ => return None,
    })
}

fn option(parameter: Parameter) -> Option<&'static str> {
    Some(match parameter {
        Parameter::Signer => return None,
        Parameter::RoleArn => "ROLE",
        Parameter::RoleSessionName => "--session-name",
        Parameter::Name => "NAME",
        Parameter::DurationSeconds => "--duration",
        Parameter::ExternalId => "--external-id",
        Parameter::Policy => "--policy",
        Parameter::PolicyArns => "--policy-arn",
        Parameter::Tags => "--tag",
        Parameter::TransitiveTagKeys => "--transitive-tag",
        Parameter::SerialNumber => "--mfa-serial",
        Parameter::TokenCode => "--mfa-code",
        Parameter::SourceIdentity => "--source-identity",
        Parameter::EncodedMessage => "MESSAGE",
        Parameter::AccessKeyId => "ID",
        Parameter::Audience => "--audience",
        Parameter::ProvidedContexts | Parameter::ContextAssertion => "--provided-context",
        Parameter::ProviderId => "--provider-id",
        Parameter::PrincipalArn => "--principal-arn",
        Parameter::WebIdentityToken => "the web identity token",
        Parameter::SamlAssertion => "the SAML assertion",
        Parameter::TargetPrincipal => "ACCOUNT",
        Parameter::TaskPolicyArn => "--task-policy",
    })
}
