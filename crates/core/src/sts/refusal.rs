use std::fmt;

use jiff::{civil::DateTime, tz::TimeZone};

use crate::values::display_duration;

/// What STS said when it refused.
///
/// Code and message are STS's own words, cut at 200 and 2,000 characters and otherwise as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The operation, such as `AssumeRole`.
    pub operation: &'static str,
    /// The error code, such as `AccessDenied`.
    pub code: String,
    /// The message; may be empty.
    pub message: String,
    /// STS's id for the request, as CloudTrail has it.
    pub request_id: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// The region asked.
    pub region: String,
    /// Where the answer came from.
    pub endpoint: String,
}

impl Refusal {
    pub(super) fn new(
        operation: &'static str,
        code: &str,
        message: &str,
        request_id: Option<String>,
        status: u16,
        region: String,
        endpoint: String,
    ) -> Refusal {
        let cut = |text: &str, most| text.chars().take(most).collect::<String>();
        let request_id = request_id.map(|id| cut(&id, 200));
        Refusal { operation, code: cut(code, 200), message: cut(message, 2000), request_id, status, region, endpoint }
    }

    /// Whether the request was refused for the time in it.
    pub fn is_of_clock(&self) -> bool {
        match self.code.as_str() {
            "SignatureDoesNotMatch" => {
                ["Signature expired", "Signature not yet current"].iter().any(|it| self.message.contains(it))
            }
            "RequestExpired" | "RequestTimeTooSkewed" => true,
            _ => false,
        }
    }

    /// What the refusal means and what to do about it, in the style of every message: no capital, no full stop.
    ///
    /// The codes are those of the API reference's common errors and of each operation; messages are only looked at where
    /// one code has several causes.
    pub fn next_step(&self) -> String {
        let says = |text: &str| self.message.contains(text);
        match self.code.as_str() {
            "AccessDenied" | "AccessDeniedException" => self.denied(),
            "ExpiredTokenException" if self.is_unsigned() => {
                "the identity provider's token has expired: get a new one, and use it at once".into()
            }
            "ExpiredToken" | "ExpiredTokenException" => {
                "the session that signs has expired: ask for it again with `credstack refresh`, or sign with what is beneath it".into()
            }
            "InvalidClientTokenId" if self.operation == "GetAccessKeyInfo" => {
                "either STS does not know the access key id that was asked about (mind the partition), or not the keys that sign: \
                 `credstack whoami` tells"
                    .into()
            }
            "InvalidClientTokenId" | "UnrecognizedClientException" => {
                "STS does not know the keys that sign: they were deleted or switched off, their session token belongs to other \
                 keys, or they are another partition's; check with `credstack whoami`"
                    .into()
            }
            _ if self.is_of_clock() => "set this machine's clock, and try again".into(),
            "SignatureDoesNotMatch" | "IncompleteSignature" => {
                "the secret access key does not belong to the access key id, or something on the way changed the request: \
                 check the key, and this machine's clock"
                    .into()
            }
            "ValidationError" if says("session limit for roles assumed by role chaining") => {
                "a role session can assume a role for at most 1h: use --duration 1h, or sign with --from root".into()
            }
            "ValidationError" if says("MaxSessionDuration") => {
                "the role allows less: ask for a shorter --duration, or have the role's MaxSessionDuration raised".into()
            }
            "ValidationError" | "InvalidParameterValue" | "MissingParameter" => {
                "STS does not accept one of the values: its message names which".into()
            }
            "MalformedPolicyDocument" => {
                "the session policy is JSON, but not a policy: IAM Access Analyzer's policy check says what is wrong".into()
            }
            "PackedPolicyTooLarge" => {
                "session policies and tags together are too large once packed: shorten the policy, give a managed policy's ARN \
                 instead, or leave tags out"
                    .into()
            }
            "RegionDisabledException" => format!(
                "the account has STS switched off in {}: use another --region, or have it switched on under IAM, Account settings",
                self.region
            ),
            "OptInRequired" => format!("the account has not opted in to {}: use another --region", self.region),
            "InvalidAuthorizationMessageException" => {
                "the message is not whole, is too old, or is about somebody of another account than who signs: paste all of it, \
                 and sign with an identity of that account, by --from or --profile"
                    .into()
            }
            code if code.starts_with("OutboundWebIdentityFederationDisabled") => {
                "the account of who signs has outbound web identity federation switched off: an administrator switches it on \
                 under IAM, Account settings, or with `aws iam enable-outbound-web-identity-federation`"
                    .into()
            }
            code if code.starts_with("JWTPayloadSizeExceeded") => {
                "the token would be too long: give fewer tags, or shorter ones".into()
            }
            code if code.starts_with("SessionDurationEscalation") => {
                "the token would outlive the session that signs: give a shorter --duration, ask for the session anew with \
                 `credstack refresh`, or sign with another identity by --from"
                    .into()
            }
            "InvalidIdentityToken" => {
                "the token is not one of an identity provider that the role's account knows: check that it is the right token, and \
                 the provider in IAM"
                    .into()
            }
            "IDPRejectedClaim" => "the identity provider does not accept its own token any more: sign in there again".into(),
            "IDPCommunicationError" => "STS could not reach the identity provider: try again".into(),
            code if code.starts_with("Throttl") || code == "RequestLimitExceeded" || code == "TooManyRequestsException" => {
                "STS is asked too often by this account, and it was tried several times: wait a little, then try again".into()
            }
            "ServiceUnavailable" | "InternalFailure" | "InternalError" => {
                "the fault is STS's, and it was tried several times: wait a little, or use another --region".into()
            }
            _ => "nothing was changed; the request id finds this call in CloudTrail and in AWS support".into(),
        }
    }

    /// Whether a token, and no signature, says who asks.
    fn is_unsigned(&self) -> bool {
        ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"].contains(&self.operation)
    }

    /// AccessDenied has more causes than any other code, and only its message tells them apart.
    fn denied(&self) -> String {
        let says = |text: &str| self.message.contains(text);
        if says("unable to validate MFA code") {
            "the device is not one of who signs, or is not in use: name the right one with --mfa-serial (`auto` goes by the user's \
             name, and a virtual device may have another); `aws iam list-mfa-devices` shows them"
        } else if says("MultiFactorAuthentication failed") {
            "the MFA code is wrong, was used already, or belongs to another device: wait for the next code, and check the \
             serial number"
        } else if says("with session credentials") && LOOKUPS.contains(&self.operation) {
            "a session of GetSessionToken or of a federated user cannot call this: sign with a role's session or with long-term \
             keys, by --from or --profile"
        } else if says("with session credentials") {
            "a session cannot call this: sign with long-term keys, by --from root or --profile"
        } else if self.is_unsigned() {
            "the role's trust policy does not let in who the token is for: check the role's ARN, the provider, and the trust \
             policy's conditions on audience and subject"
        } else if self.operation == "AssumeRoot" {
            "root access has to be switched on for the organization, and this takes sts:AssumeRoot in its management account or \
             in a delegated administrator account: check who signs, and the member account"
        } else if says("assumed by root") {
            "the account root cannot assume roles: sign with the keys of an IAM user"
        } else if says("sts:TagSession") {
            "tags need sts:TagSession, both for who signs and in the role's trust policy: have it allowed, or leave the tags out"
        } else if says("sts:SetSourceIdentity") {
            "a source identity needs sts:SetSourceIdentity, both for who signs and in the role's trust policy: have it allowed, \
             or leave --source-identity out"
        } else if says("sts:TagGetWebIdentityToken") {
            "tags in a web identity token need sts:TagGetWebIdentityToken: have it allowed to who signs, or leave the tags out"
        } else if self.operation == "DecodeAuthorizationMessage" {
            "decoding needs sts:DecodeAuthorizationMessage: have it allowed to who signs, or sign with an identity of the same \
             account that has it, by --from or --profile"
        } else if self.operation == "GetAccessKeyInfo" {
            "asking whose a key is needs sts:GetAccessKeyInfo: have it allowed to who signs, or sign with another identity, by \
             --from or --profile; --offline says what is known here"
        } else if self.operation == "GetWebIdentityToken" {
            "a web identity token needs sts:GetWebIdentityToken, for this audience, duration and algorithm: have it allowed to \
             who signs, or sign with another identity, by --from or --profile"
        } else if self.operation == "AssumeRole" {
            "either the role does not exist, or its trust policy does not let in who signs (mind an external id or MFA that it \
             asks for), or a policy of who signs does not allow sts:AssumeRole on it; `credstack whoami` says \
             who signs"
        } else {
            "a policy denies this to who signs; `credstack whoami` says who that is"
        }
        .into()
    }
}

/// The operations that a role's session may call, and one of a user may not.
const LOOKUPS: [&str; 3] = ["DecodeAuthorizationMessage", "GetAccessKeyInfo", "GetWebIdentityToken"];

/// How far this machine's clock is from STS's, in seconds, as the message says: it names the time of the request and, last, its
/// own. Positive where this machine's is ahead.
fn clock_offset(message: &str) -> Option<i64> {
    let time = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        DateTime::strptime("%Y%m%dT%H%M%SZ", word).ok()?.to_zoned(TimeZone::UTC).ok()
    };
    let mut times = message.split_whitespace().filter_map(time);
    let (ours, theirs) = (times.next()?, times.next_back()?);
    Some(ours.timestamp().as_second() - theirs.timestamp().as_second())
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "STS refused {}", self.operation)?;
        if self.is_of_clock() {
            f.write_str(" because this machine's clock is ")?;
            match clock_offset(&self.message) {
                Some(offset) if offset > 0 => write!(f, "{} ahead", display_duration(offset))?,
                Some(offset) => write!(f, "{} behind", display_duration(-offset))?,
                None => f.write_str("wrong")?,
            }
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message.trim_end_matches('.'))?;
        }
        write!(f, " ({}", self.code)?;
        match &self.request_id {
            Some(id) => write!(f, ", request {id})"),
            None => f.write_str(")"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(operation: &'static str, code: &str, message: &str) -> Refusal {
        Refusal::new(operation, code, message, Some("1234".into()), 403, "eu-west-1".into(), String::new())
    }

    #[test]
    fn says_code_message_and_request() {
        let refused = refusal("AssumeRole", "AccessDenied", "No.");
        assert_eq!(refused.to_string(), "STS refused AssumeRole: No (AccessDenied, request 1234)");
        let refused = Refusal::new("AssumeRole", "X", "", None, 400, "eu-west-1".into(), String::new());
        assert_eq!(refused.to_string(), "STS refused AssumeRole (X)");
    }

    #[test]
    fn a_refusal_for_the_time_of_the_request_names_the_clock() {
        for (message, clock) in [
            (
                "Signature not yet current: 20261130T174500Z is still later than 20261130T160000Z (20261130T154500Z + 15 min.)",
                "this machine's clock is 2h ahead: Signature not yet",
            ),
            (
                "Signature expired: 20261122T064459Z is now earlier than 20261122T064500Z (20261122T070000Z - 15 min.)",
                "this machine's clock is 15m1s behind: Signature exp",
            ),
            ("Signature expired: it is old", "this machine's clock is wrong: Signature exp"),
        ] {
            let refused = refusal("AssumeRole", "SignatureDoesNotMatch", message).to_string();
            assert!(refused.contains(&format!("STS refused AssumeRole because {clock}")), "{refused}");
        }
        assert!(!refusal("AssumeRole", "SignatureDoesNotMatch", "The request signature").to_string().contains("clock"));
    }

    #[test]
    fn each_cause_has_a_next_step_of_its_own() {
        for (code, message, words) in [
            ("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.", "MFA code is wrong"),
            (
                "AccessDenied",
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid",
                "list-mfa-devices",
            ),
            ("AccessDenied", "Cannot call GetSessionToken with session credentials", "sign with long-term keys"),
            ("AccessDenied", "Roles may not be assumed by root accounts.", "root cannot assume"),
            ("AccessDenied", "User: x is not authorized to perform: sts:TagSession on resource: y", "tags need sts:TagSession"),
            ("AccessDenied", "x is not authorized to perform: sts:SetSourceIdentity on y", "source identity needs"),
            (
                "AccessDenied",
                "User: x is not authorized to perform: sts:AssumeRole on resource: y",
                "trust policy does not let in",
            ),
            ("ExpiredToken", "", "has expired"),
            ("ExpiredTokenException", "", "has expired"),
            ("InvalidClientTokenId", "", "does not know the keys"),
            ("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than", "set this machine's clock"),
            ("SignatureDoesNotMatch", "Signature not yet current: 2026", "set this machine's clock"),
            (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match",
                "does not belong to the access key id",
            ),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
                "--duration 1h, or sign with --from root",
            ),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                "MaxSessionDuration raised",
            ),
            ("ValidationError", "1 validation error detected", "names which"),
            ("MalformedPolicyDocument", "", "not a policy"),
            ("PackedPolicyTooLarge", "", "once packed"),
            ("RegionDisabledException", "", "switched off in eu-west-1"),
            ("Throttling", "", "asked too often"),
            ("ThrottlingException", "", "asked too often"),
            ("RequestLimitExceeded", "", "asked too often"),
            ("ServiceUnavailable", "", "fault is STS's"),
            ("SomethingNew", "", "request id finds this call"),
        ] {
            let step = refusal("AssumeRole", code, message).next_step();
            assert!(step.contains(words), "{code} {message}: {step}");
            assert!(!step.ends_with('.') && !step.contains(". "), "{step}");
            assert!(!step.starts_with(char::is_uppercase) || step.starts_with("STS"), "{step}");
        }
        for (operation, code, message, words) in [
            ("DecodeAuthorizationMessage", "InvalidAuthorizationMessageException", "Message is not valid", "paste all of it"),
            ("DecodeAuthorizationMessage", "AccessDenied", "not authorized", "needs sts:DecodeAuthorizationMessage"),
            ("DecodeAuthorizationMessage", "AccessDenied", "Cannot call X with session credentials", "a role's session"),
            ("GetAccessKeyInfo", "AccessDenied", "not authorized", "needs sts:GetAccessKeyInfo"),
            ("GetAccessKeyInfo", "InvalidClientTokenId", "", "id that was asked about"),
            ("GetWebIdentityToken", "AccessDenied", "not authorized to perform: sts:GetWebIdentityToken", "for this audience"),
            (
                "GetWebIdentityToken",
                "AccessDenied",
                "not authorized to perform: sts:TagGetWebIdentityToken",
                "leave the tags out",
            ),
            ("GetWebIdentityToken", "OutboundWebIdentityFederationDisabledException", "", "switches it on"),
            ("GetWebIdentityToken", "JWTPayloadSizeExceededException", "", "fewer tags"),
            ("GetWebIdentityToken", "SessionDurationEscalationException", "", "shorter --duration"),
        ] {
            let step = refusal(operation, code, message).next_step();
            assert!(step.contains(words) && !step.ends_with('.') && !step.contains(". "), "{code} {message}: {step}");
        }
        let other = refusal("GetFederationToken", "AccessDenied", "not authorized").next_step();
        assert!(!other.contains("role"), "{other}");
    }
}
