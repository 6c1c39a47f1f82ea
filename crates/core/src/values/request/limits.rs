//! The words in which a limit is reported, and the rules that several operations share.
//!
//! The numbers come from the AWS service model of STS (2011-06-15); where only the API reference says so, the rule names it.

mod parameter;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub use parameter::Parameter;
use serde::de::IgnoredAny;

use super::{Tag, lookups::is_encoded, signer::SignerKind};
use crate::values::{Arn, display_duration};

/// STS would refuse the request, and that is known before asking.
///
/// Shown as `DurationSeconds 12h: a role session can assume a role for at most 1h; use --duration 1h or …`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitError {
    /// What the limit is about.
    pub parameter: Parameter,
    /// The value as given, at most 100 characters of it; durations as people say them. `None` for secrets, for what was
    /// not given, and for a signer.
    pub value: Option<String>,
    /// The limit in words.
    pub limit: String,
    /// What to do instead, where there is such a thing.
    pub way_out: Option<String>,
}

impl LimitError {
    pub(super) fn new(parameter: Parameter, value: impl Into<Option<String>>, limit: impl Into<String>) -> LimitError {
        LimitError { parameter, value: value.into().map(|value| shorten(&value)), limit: limit.into(), way_out: None }
    }

    pub(super) fn signer(limit: impl Into<String>, way_out: impl Into<String>) -> LimitError {
        LimitError::new(Parameter::Signer, None, limit).way_out(way_out)
    }

    pub(super) fn way_out(mut self, way_out: impl Into<String>) -> LimitError {
        self.way_out = Some(way_out.into());
        self
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parameter != Parameter::Signer {
            write!(f, "{}", self.parameter)?;
            match &self.value {
                Some(value) if value.is_empty() => f.write_str(" (empty): ")?,
                Some(value) => write!(f, " {value}: ")?,
                None => f.write_str(": ")?,
            }
        }
        f.write_str(&self.limit)?;
        match &self.way_out {
            Some(way_out) => write!(f, "; {way_out}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for LimitError {}

/// A policy or an ARN may be long; the first line of it is enough to recognise it.
fn shorten(value: &str) -> String {
    const MOST: usize = 100;
    if value.chars().count() <= MOST {
        return value.to_owned();
    }
    value.chars().take(MOST).chain(['…']).collect()
}

/// The length of a text, in characters as STS counts them, and the characters that it may hold.
pub(super) struct Shape {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) allowed: fn(char) -> bool,
    pub(super) allowed_in_words: &'static str,
}

/// `[\w+=,.@-]*`: names of sessions and of federated users, and source identities.
pub(super) const fn name(least: usize, most: usize) -> Shape {
    Shape { least, most, allowed: |c| is_word(c) || "+=,.@-".contains(c), allowed_in_words: "letters, digits and _+=,.@-" }
}

/// `[\w+=,.@:\/-]*` and, the same set, `[\w+=/:,.@-]*`: external ids and MFA serial numbers.
pub(super) const fn identifier(least: usize, most: usize) -> Shape {
    Shape { least, most, allowed: |c| is_word(c) || "+=,.@:/-".contains(c), allowed_in_words: "letters, digits and _+=,.@:/-" }
}

/// `[\w]*`: access key ids.
pub(super) const WORD: Shape = Shape { least: 16, most: 128, allowed: is_word, allowed_in_words: "letters, digits and _" };

/// Encoded authorization messages. The service model has no characters; AWS refuses others, line breaks for one.
pub(super) const ENCODED: Shape =
    Shape { least: 1, most: 10_240, allowed: is_encoded, allowed_in_words: "letters, digits and -_+/=" };

/// Whom a web identity token is for: any characters.
pub(super) const AUDIENCE: Shape = Shape { least: 1, most: 1000, allowed: |_| true, allowed_in_words: "any characters" };

const TAG: Shape = Shape {
    least: 0,
    most: 256,
    allowed: |c| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c),
    allowed_in_words: "letters, digits, spaces and _.:/=+-@",
};

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl Shape {
    pub(super) fn check(&self, parameter: Parameter, value: &str) -> Result<(), LimitError> {
        let length = value.chars().count();
        if length < self.least || length > self.most {
            let limit = format!("must have {} to {} characters, not {length}", self.least, self.most);
            return Err(LimitError::new(parameter, value.to_owned(), limit));
        }
        match value.chars().find(|c| !(self.allowed)(*c)) {
            None => Ok(()),
            Some(c) => {
                let limit = format!("may hold only {}, not {c:?}", self.allowed_in_words);
                Err(LimitError::new(parameter, value.to_owned(), limit))
            }
        }
    }
}

/// An ARN of 20 to 2,048 characters.
pub(super) fn arn(parameter: Parameter, value: &str) -> Result<(), LimitError> {
    let length = value.chars().count();
    if value.parse::<Arn>().is_err() {
        let limit = "is not an ARN: expected arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE";
        return Err(LimitError::new(parameter, value.to_owned(), limit));
    }
    if !(20..=2048).contains(&length) {
        return Err(LimitError::new(parameter, value.to_owned(), format!("must have 20 to 2048 characters, not {length}")));
    }
    if value.chars().any(|c| c.is_control()) {
        return Err(LimitError::new(parameter, value.to_owned(), "may hold no control characters"));
    }
    Ok(())
}

/// Seconds as somebody may have written them: `14m59s` was most likely given as 899.
pub(super) fn as_given(seconds: i32) -> String {
    if seconds % 60 == 0 { display_duration(seconds.into()) } else { format!("{seconds}s") }
}

/// A range of seconds, told as `15m` to `12h`.
pub(super) fn duration(value: Option<i32>, least: i32, most: i32, whose: &str) -> Result<(), LimitError> {
    match value {
        Some(seconds) if seconds < least || seconds > most => {
            let limit = format!("{whose} lasts {} to {}", display_duration(least.into()), display_duration(most.into()));
            let nearest = if seconds < least { least } else { most };
            Err(LimitError::new(Parameter::DurationSeconds, as_given(seconds), limit)
                .way_out(format!("use --duration {}", display_duration(nearest.into()))))
        }
        _ => Ok(()),
    }
}

/// An inline session policy: its characters, that it is a JSON object, and its length where the service model has one.
pub(super) fn policy(policy: Option<&str>, most: Option<usize>) -> Result<(), LimitError> {
    let Some(policy) = policy else { return Ok(()) };
    // Not repeated: it may be the contents of a file that somebody took for a policy.
    let refuse = |limit: String| Err(LimitError::new(Parameter::Policy, None, limit));
    let length = policy.chars().count();
    if length == 0 {
        return refuse("must have at least 1 character".into());
    }
    if let Some(most) = most.filter(|most| length > *most) {
        return refuse(format!("must have at most {most} characters, not {length}"));
    }
    if let Some(c) = policy.chars().find(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FF}')) {
        return refuse(format!("may hold only characters up to U+00FF, not {c:?}"));
    }
    match serde_json::from_str::<BTreeMap<String, IgnoredAny>>(policy) {
        // The column and the line come from the parser; its words would repeat the policy.
        Err(error) => refuse(format!("is not a JSON object: line {}, column {}", error.line(), error.column())),
        // A policy is kept with its request. What somebody took for one by mistake must not be.
        Ok(keys) if ["SecretAccessKey", "SessionToken", "Credentials"].iter().any(|key| keys.contains_key(*key)) => {
            refuse("holds credentials, and is no policy".into())
        }
        Ok(_) => Ok(()),
    }
}

/// At most ten ARNs of managed policies (API reference; the service model has no number).
pub(super) fn policy_arns(arns: &[String]) -> Result<(), LimitError> {
    count(Parameter::PolicyArns, arns.len(), 10, "managed session policies")?;
    arns.iter().try_for_each(|value| arn(Parameter::PolicyArns, value))
}

/// At most fifty tags, their keys different without regard to case, and every transitive key one of them.
pub(super) fn tags(tags: &[Tag], transitive: &[String]) -> Result<(), LimitError> {
    count(Parameter::Tags, tags.len(), 50, "session tags")?;
    let mut keys = BTreeSet::new();
    for Tag { key, value } in tags {
        Shape { least: 1, most: 128, ..TAG }.check(Parameter::Tags, key)?;
        TAG.check(Parameter::Tags, value)?;
        if key.to_lowercase().starts_with("aws:") {
            let limit = "must not begin with aws:, which AWS keeps for itself";
            return Err(LimitError::new(Parameter::Tags, key.clone(), limit));
        }
        if !keys.insert(key.to_lowercase()) {
            return Err(LimitError::new(Parameter::Tags, key.clone(), "is given twice: tag keys are compared without case"));
        }
    }
    count(Parameter::TransitiveTagKeys, transitive.len(), 50, "transitive tag keys")?;
    let mut seen = BTreeSet::new();
    for key in transitive {
        Shape { least: 1, most: 128, ..TAG }.check(Parameter::TransitiveTagKeys, key)?;
        if !keys.contains(&key.to_lowercase()) {
            return Err(LimitError::new(Parameter::TransitiveTagKeys, key.clone(), "is not among the tags of this request")
                .way_out(format!("add --tag {key}=VALUE, or leave it out: what is inherited as transitive stays so by itself")));
        }
        if !seen.insert(key.to_lowercase()) {
            let limit = "is given twice: tag keys are compared without case";
            return Err(LimitError::new(Parameter::TransitiveTagKeys, key.clone(), limit));
        }
    }
    Ok(())
}

/// The serial number of an MFA device, and that who signs may show one at all.
///
/// Only long-term keys can (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html>).
pub(super) fn mfa(serial_number: Option<&str>, signer: SignerKind) -> Result<(), LimitError> {
    let Some(serial) = serial_number else { return Ok(()) };
    gives_codes(serial)?;
    identifier(9, 256).check(Parameter::SerialNumber, serial)?;
    let limit = match signer {
        SignerKind::LongTerm | SignerKind::Root | SignerKind::Unknown => return Ok(()),
        SignerKind::SessionToken { mfa: Some(true) } => {
            let limit = "this session carries MFA already, and temporary credentials cannot show a device again";
            return Err(LimitError::new(Parameter::SerialNumber, serial.to_owned(), limit).way_out("leave --mfa-serial out"));
        }
        SignerKind::SessionToken { .. } => "only long-term keys can show an MFA device, not a session",
        SignerKind::RoleSession => "only long-term keys can show an MFA device, not a role session",
        SignerKind::FederatedUser => "only long-term keys can show an MFA device, not a federated user",
        SignerKind::RootSession => "only long-term keys can show an MFA device, not a session from AssumeRoot",
    };
    Err(LimitError::new(Parameter::SerialNumber, serial.to_owned(), limit).way_out(format!(
        "run `credstack push session --mfa-serial {serial}` with --from root, and then assume the role on top of it"
    )))
}

/// Security keys and passkeys answer a browser, and give no codes; and people give their user's ARN for the device's.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html>; the form of their ARNs is
/// that of ListMFADevices.
fn gives_codes(serial: &str) -> Result<(), LimitError> {
    let Ok(arn) = serial.parse::<Arn>() else { return Ok(()) };
    let refuse = |limit: &str| LimitError::new(Parameter::SerialNumber, serial.to_owned(), limit);
    if arn.service == "iam" && arn.resource.starts_with("u2f/") {
        return Err(refuse("a FIDO security key or passkey gives no code, and STS takes nothing else").way_out(
            "register a virtual device beside it, which gives codes (a user can have eight devices), and name that, or sign in \
             through IAM Identity Center",
        ));
    }
    match arn.own_device() {
        Some(device) => {
            let way_out = format!("give the device's, which by convention is {device}, or `auto`");
            Err(refuse("is the ARN of a user, not of a device").way_out(way_out))
        }
        None => Ok(()),
    }
}

/// How many of something can be given.
pub(super) fn count(parameter: Parameter, given: usize, most: usize, what: &str) -> Result<(), LimitError> {
    if given <= most {
        return Ok(());
    }
    Err(LimitError::new(parameter, format!("({given} of them)"), format!("at most {most} {what} can be given")))
}
