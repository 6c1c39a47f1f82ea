//! One record, as far as it is needed.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::Deserialize;

use super::lenient::{Flag, Lenient, Text};

/// A record of CloudTrail, or what `lookup-events` wraps around one, or a digest, or anything else that is an object.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record<'a> {
    #[serde(borrow)]
    event_time: Text<'a>,
    #[serde(borrow)]
    pub event_source: Text<'a>,
    #[serde(borrow)]
    pub event_name: Text<'a>,
    #[serde(borrow, rename = "eventID")]
    pub event_id: Text<'a>,
    #[serde(borrow)]
    pub aws_region: Text<'a>,
    #[serde(borrow, rename = "sourceIPAddress")]
    pub address: Text<'a>,
    #[serde(borrow)]
    pub user_agent: Text<'a>,
    #[serde(borrow)]
    pub error_code: Text<'a>,
    read_only: Flag,
    #[serde(borrow)]
    user_identity: Lenient<Caller<'a>>,
    #[serde(borrow)]
    response_elements: Lenient<Answer<'a>>,
    #[serde(borrow, rename = "CloudTrailEvent")]
    pub wrapped: Text<'a>,
    #[serde(borrow)]
    digest_start_time: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Caller<'a> {
    #[serde(borrow)]
    access_key_id: Text<'a>,
    #[serde(borrow)]
    arn: Text<'a>,
    #[serde(borrow)]
    invoked_by: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer<'a> {
    #[serde(borrow)]
    credentials: Lenient<Given<'a>>,
    #[serde(borrow)]
    access_key: Lenient<Given<'a>>,
    #[serde(borrow)]
    assumed_role_user: Lenient<Who<'a>>,
    #[serde(borrow)]
    federated_user: Lenient<Who<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Given<'a> {
    #[serde(borrow)]
    access_key_id: Text<'a>,
    #[serde(borrow)]
    expiration: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Who<'a> {
    #[serde(borrow)]
    arn: Text<'a>,
}

/// A key that a call gave.
pub struct NewKey<'a> {
    pub access_key_id: &'a str,
    pub arn: Option<&'a str>,
    pub expires_at: Option<Timestamp>,
}

impl Record<'_> {
    /// When it was; `None` where this is no record of CloudTrail.
    pub fn at(&self) -> Option<Timestamp> {
        let _named = (self.event_source.get()?, self.event_name.get()?);
        self.event_time.get()?.parse().ok()
    }

    /// Whether it is one of the signed digests, which lie beside the log files.
    pub fn is_digest(&self) -> bool {
        self.digest_start_time.get().is_some()
    }

    /// The key that signed the call.
    pub fn key(&self) -> Option<&str> {
        self.user_identity.0.access_key_id.get().filter(|key| !key.is_empty())
    }

    /// Who called.
    pub fn arn(&self) -> Option<&str> {
        self.user_identity.0.arn.get()
    }

    /// Whether a service of AWS called on behalf of the key: it is named where the address of others is.
    pub fn is_by_service(&self) -> bool {
        self.user_identity.0.invoked_by.get().is_some() || self.address.get().is_some_and(is_service)
    }

    /// Whether the call changes nothing, where CloudTrail says.
    pub fn read_only(&self) -> Option<bool> {
        self.read_only.get()
    }

    /// The key that the call gave: a session of STS, or a new key of a user.
    pub fn new_key(&self) -> Option<NewKey<'_>> {
        let answer = &self.response_elements.0;
        let given = match self.event_source.get()? {
            "sts.amazonaws.com" => &answer.credentials.0,
            "iam.amazonaws.com" => &answer.access_key.0,
            _ => return None,
        };
        let who = answer.assumed_role_user.0.arn.get().or(answer.federated_user.0.arn.get());
        Some(NewKey {
            access_key_id: given.access_key_id.get().filter(|key| !key.is_empty())?,
            arn: who,
            expires_at: given.expiration.get().and_then(expiration),
        })
    }
}

/// Whether what stands where the address of a caller does is the name of a service.
pub fn is_service(address: &str) -> bool {
    address.ends_with(".amazonaws.com") || address == "AWS Internal"
}

/// The expiry in an answer: CloudTrail writes it as Java does, `Nov 22, 2026, 4:55:21 PM`, in UTC.
fn expiration(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    // Newer Javas put a comma behind the year and a narrow space before AM and PM.
    let plain = text.replace(',', "").replace('\u{202f}', " ");
    let at = DateTime::strptime("%b %d %Y %I:%M:%S %p", plain).or_else(|_| DateTime::strptime("%Y%m%dT%H%M%SZ", text)).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expiry_is_read_as_cloudtrail_writes_it() {
        let at: Timestamp = "2026-11-22T16:55:21Z".parse().unwrap();
        for text in [
            "Nov 22, 2026 4:55:21 PM",
            "Nov 22, 2026, 4:55:21 PM",
            "Nov 22, 2026, 4:55:21\u{202f}PM",
            "20261122T165521Z",
            "2026-11-22T16:55:21Z",
        ] {
            assert_eq!(expiration(text), Some(at), "{text}");
        }
        for text in ["", "soon", "Nov 31, 2026 4:55:21 PM", "4:55"] {
            assert_eq!(expiration(text), None, "{text}");
        }
    }

    /// AWS writes null, a text or an object in the same place; somebody else may write anything.
    #[test]
    fn what_is_of_another_type_is_not_there() {
        for other in ["null", "7", "-7", "1.5", "true", "\"text\"", "[1, {\"a\": []}]", "{\"a\": {\"b\": 1}}"] {
            let fields = ["eventID", "userIdentity", "responseElements", "readOnly", "userAgent", "errorCode"];
            let fields = fields.map(|name| format!("\"{name}\": {other}")).join(", ");
            let text = format!(
                "{{\"eventTime\": \"2026-11-22T16:55:21Z\", \"eventSource\": \"sts.amazonaws.com\", \"eventName\": \"X\", {fields}}}"
            );
            let record: Record<'_> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(record.at().is_some() && record.key().is_none() && record.new_key().is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_no_record_has_no_time() {
        for text in [
            "{}",
            "{\"eventTime\": \"2026-11-22T16:55:21Z\"}",
            "{\"eventTime\": 5, \"eventSource\": \"a\", \"eventName\": \"b\"}",
        ] {
            assert!(serde_json::from_str::<Record<'_>>(text).unwrap().at().is_none(), "{text}");
        }
    }
}
