//! Which source of credentials programs take in this shell, and why: what the AWS CLI and the SDKs were seen to do.

use std::collections::BTreeMap;

use credstack_core::{
    stack::KeyOwner,
    values::{Credential, FrameName},
};
use jiff::Timestamp;

use super::Finding;
use crate::{export::NO_PROFILE, failure::Failure};

const CHECK: &str = "credentials in this shell";

/// What is known of the shell.
pub struct Sources<'a> {
    /// Its `AWS_*` variables, empty ones included.
    pub variables: &'a BTreeMap<String, String>,
    /// Whose the keys in it are, where there are any.
    pub owner: Option<KeyOwner>,
    /// The current frame of the stack; `None`: it is ambient.
    pub current: Option<&'a Credential>,
    /// Whether there is a profile of this name, in either file.
    pub is_profile: &'a dyn Fn(&str) -> bool,
    /// Whether a profile would give credentials to some client.
    pub gives_credentials: &'a dyn Fn(&str) -> bool,
    /// The frame that this shell was given by `exec`.
    pub given: Option<FrameName>,
    /// The profile that `exec` named in AWS_PROFILE, and the one that it names now.
    pub handed: Option<(&'a str, &'a str)>,
    /// The profile that follows the stack.
    pub ours: Option<&'a str>,
    /// Whether the shared credentials file has keys under that name.
    pub is_ours_hidden: bool,
    /// The time.
    pub now: Timestamp,
}

impl Sources<'_> {
    /// The winner, then what is wrong with it or disagrees about it.
    pub fn explain(&self) -> Vec<Finding> {
        let (key, secret) = (self.set("AWS_ACCESS_KEY_ID"), self.set("AWS_SECRET_ACCESS_KEY"));
        let profile = self.set("AWS_PROFILE");
        let mut findings = match (key, secret, profile) {
            (Some(key), Some(_), _) => self.keys(key, profile),
            (Some(_), None, _) => vec![half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")],
            (None, Some(_), _) => vec![half("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")],
            (None, None, Some(profile)) => self.profile(profile),
            (None, None, None) => self.neither(),
        };
        if self.variables.get("AWS_PROFILE").is_some_and(String::is_empty) {
            findings.push(bad(
                "AWS_PROFILE is set and empty: the AWS CLI and boto3 look for a profile without a name, and fail",
                "unset it with `unset AWS_PROFILE`",
            ));
        }
        if key.is_none() && (self.set("AWS_SESSION_TOKEN").is_some() || self.set("AWS_SECURITY_TOKEN").is_some()) {
            findings.push(bad("there is a session token without keys", "unset AWS_SESSION_TOKEN and AWS_SECURITY_TOKEN"));
        }
        findings
    }

    fn keys(&self, key: &str, profile: Option<&str>) -> Vec<Finding> {
        let mut findings = vec![good(format!(
            "AWS_ACCESS_KEY_ID wins: environment variables come before profiles, containers and instances; it is {}",
            self.whose(key)
        ))];
        match profile {
            Some(profile) if !(self.is_profile)(profile) => findings.push(bad(
                format!("AWS_PROFILE names {profile}, which is no profile: the AWS CLI, boto3 and JavaScript's SDK fail"),
                "unset AWS_PROFILE, or correct it",
            )),
            Some(profile) => findings.push(bad(
                format!(
                    "AWS_PROFILE {profile} is set beside the keys: JavaScript's SDK and that for .NET, version 3, take the profile, all others the keys"
                ),
                "unset one of the two",
            )),
            None if (self.gives_credentials)("default") => findings.push(note(
                "the AWS SDK for .NET, version 3, and the AWS Tools for PowerShell before 5 are another identity: they take the \
                 default profile before the keys",
                "run those with `credstack exec`, which gives them a default profile without credentials",
            )),
            None => {}
        }
        findings.extend(self.token(key));
        let expiration = self.set("AWS_CREDENTIAL_EXPIRATION").and_then(|at| at.parse::<Timestamp>().ok());
        if let Some(at) = expiration.filter(|at| *at <= self.now) {
            findings.push(bad(
                format!("AWS_CREDENTIAL_EXPIRATION is past ({at}): the AWS CLI and boto3 refuse the keys, the others use them"),
                "get new keys where these came from, or unset what was exported",
            ));
        }
        if let (Some(current), false) = (self.current, self.is_current(key) || self.given.is_some()) {
            findings.push(note(
                format!(
                    "these keys are not the current frame: credstack is {} ({})",
                    current.id,
                    crate::words::identity(current)
                ),
                "unset them, or run programs with `credstack exec`",
            ));
        }
        findings
    }

    /// Whether the token goes with the keys. AWS's long-term keys begin with AKIA and its temporary ones with ASIA
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes>); others may
    /// issue keys of other forms, of which nothing is said.
    fn token(&self, key: &str) -> Option<Finding> {
        let temporary = match &self.owner {
            Some(KeyOwner::Stored(credential) | KeyOwner::Ours { credential, .. }) => Some(credential.temporary),
            _ if key.starts_with("AKIA") => Some(false),
            _ if key.starts_with("ASIA") => Some(true),
            _ => None,
        };
        let has_token = self.set("AWS_SESSION_TOKEN").is_some();
        match (temporary, has_token) {
            (Some(false), true) => Some(bad(
                "AWS_SESSION_TOKEN is another key's: these are long-term keys, which have none, and AWS refuses the two together",
                "unset AWS_SESSION_TOKEN",
            )),
            (Some(true), false) => Some(bad(
                "these are temporary keys without their session token, which AWS refuses",
                "set AWS_SESSION_TOKEN, or unset the keys",
            )),
            _ => None,
        }
    }

    fn profile(&self, profile: &str) -> Vec<Finding> {
        if self.has_endpoint() && (self.is_profile)(profile) && !(self.gives_credentials)(profile) {
            return vec![good(format!(
                "the container's endpoint wins: there are no keys, and AWS_PROFILE {profile} gives none; boto 2, Serverless 3, s3cmd, \
                 s3fs and AsyncAws find nothing"
            ))];
        }
        if profile == NO_PROFILE {
            return vec![bad(
                format!(
                    "this shell can't follow the stack, so that its hook set AWS_PROFILE to {profile}, which is no profile: every \
                     program fails, and none is the default profile"
                ),
                match self.ours {
                    Some(_) => "renew the frame, or run programs with `credstack exec`",
                    None => "write a profile that follows the stack with `credstack setup profile`",
                },
            )];
        }
        if !(self.is_profile)(profile) {
            return vec![bad(
                format!("AWS_PROFILE names {profile}, which is no profile: every program fails"),
                "correct it, or unset it",
            )];
        }
        if let (Some((handed, now)), Some(frame)) = (self.handed, self.given)
            && handed != now
            && (self.gives_credentials)(now)
        {
            return vec![bad(
                format!(
                    "AWS_PROFILE {now} wins: programs here are that profile, and not {frame}, which `credstack exec` gave them"
                ),
                format!("set AWS_PROFILE to {handed} again"),
            )];
        }
        if self.ours != Some(profile) {
            let mut findings = vec![good(format!("AWS_PROFILE {profile} wins: no keys are in the environment"))];
            if let (Some(current), None) = (self.current, self.given) {
                findings.push(note(
                    format!(
                        "{profile} does not follow the stack: credstack is {} ({})",
                        current.id,
                        crate::words::identity(current)
                    ),
                    match self.ours {
                        Some(ours) => format!("set AWS_PROFILE to {ours}, or run programs with `credstack exec`"),
                        None => "write a profile that does with `credstack setup profile`".to_owned(),
                    },
                ));
            }
            return findings;
        }
        if self.is_ours_hidden {
            return vec![bad(
                format!("the shared credentials file has keys for {profile}, which win: it does not follow the stack"),
                "take them out of that file, or write another profile with `credstack setup profile --name NAME`",
            )];
        }
        match self.current {
            Some(current) => {
                let (id, who) = (current.id, crate::words::identity(current));
                vec![good(format!("AWS_PROFILE {profile} wins, and follows the stack: {id} ({who})"))]
            }
            None => vec![bad(
                format!("AWS_PROFILE {profile} asks credstack, and the stack's current frame is what this shell has of its own"),
                "unset AWS_PROFILE, or push something",
            )],
        }
    }

    fn neither(&self) -> Vec<Finding> {
        let text = match self.set("AWS_DEFAULT_PROFILE") {
            Some(profile) => {
                return vec![bad(
                    format!(
                        "AWS_DEFAULT_PROFILE {profile} is read by the AWS CLI and boto3 alone: JavaScript's and Rust's SDK pass it over"
                    ),
                    "set AWS_PROFILE instead",
                )];
            }
            None if self.set("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() && self.set("AWS_ROLE_ARN").is_some() => {
                "AWS_WEB_IDENTITY_TOKEN_FILE wins: there are neither keys nor a profile in the environment".to_owned()
            }
            None if (self.gives_credentials)("default") && self.has_endpoint() => {
                return vec![bad(
                    "the profile default wins over the container's endpoint, in the AWS CLI and in every SDK",
                    "take its credentials out, or run programs with `credstack exec`",
                )];
            }
            None if (self.gives_credentials)("default") => {
                "the profile default wins: there is nothing in the environment".to_owned()
            }
            // It may be ours: that is for whoever set it to know.
            None if self.has_endpoint() => {
                return vec![good("the container's endpoint wins: there are neither keys nor a profile")];
            }
            None => "nothing is set: programs find credentials only where an instance gives them".to_owned(),
        };
        let mut findings = vec![good(text)];
        if let Some(current) = self.current {
            let next = match self.ours {
                Some(ours) => format!("set AWS_PROFILE to {ours}, evaluate `credstack init`, or use `credstack exec`"),
                None => "`credstack setup profile` and `credstack init` make them follow; `credstack exec` runs one".to_owned(),
            };
            let message =
                format!("programs do not see the stack: credstack is {} ({})", current.id, crate::words::identity(current));
            findings.push(note(message, next));
        }
        findings
    }

    /// Whose keys these are, in words.
    fn whose(&self, key: &str) -> String {
        match &self.owner {
            Some(KeyOwner::Ours { credential, .. }) => format!("{}, exported by credstack", credential.id),
            Some(KeyOwner::Reference(reference)) => format!("{}, exported by credstack", crate::words::ambient(reference)),
            Some(KeyOwner::Stored(credential)) => format!("{}, this shell's own, which credstack has stored", credential.id),
            Some(KeyOwner::Unknown) | None => format!("{key}, which credstack does not know"),
        }
    }

    fn has_endpoint(&self) -> bool {
        let names = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
        names.iter().any(|name| self.set(name).is_some())
    }

    fn is_current(&self, key: &str) -> bool {
        self.current.is_some_and(|credential| credential.access_key_id == key)
    }

    fn set(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn half(there: &str, missing: &str) -> Finding {
    bad(
        format!("{there} is set without {missing}: the AWS CLI and boto3 fail, JavaScript's and Rust's SDK look elsewhere"),
        format!("set {missing}, or unset {there}"),
    )
}

fn good(message: impl Into<String>) -> Finding {
    Finding::good(CHECK, message)
}

/// What is no fault, and can be otherwise.
fn note(message: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { next_step: Some(next.into()), ..good(message) }
}

fn bad(message: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding::bad(CHECK, Failure::usage(message.into()).next_step(next.into()))
}
