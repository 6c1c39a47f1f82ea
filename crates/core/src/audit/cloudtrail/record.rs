//! One record, as far as it is needed. Text that needs no unescaping is not copied, and what is of another type than AWS
//! writes counts as not being there.

use std::{borrow::Cow, fmt, marker::PhantomData};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

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
        self.read_only.0
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

/// A text, where it is one.
#[derive(Clone, Debug, Default)]
pub struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// True or false, where it is that, also as a text.
#[derive(Debug, Default)]
struct Flag(Option<bool>);

/// An object, where it is one; else as if it were empty.
#[derive(Debug, Default)]
struct Lenient<T>(T);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Text<'a>>(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Flag>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Lenient<T>>(PhantomData))
    }
}

/// What is made of each type of JSON; of any other than its own it is nothing.
trait Made<'de>: Default {
    fn of_borrowed(_text: &'de str) -> Self {
        Self::default()
    }
    fn of_text(_text: String) -> Self {
        Self::default()
    }
    fn of_bool(_value: bool) -> Self {
        Self::default()
    }
    fn of_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl<'de: 'a, 'a> Made<'de> for Text<'a> {
    fn of_borrowed(text: &'de str) -> Self {
        Text(Some(Cow::Borrowed(text)))
    }
    fn of_text(text: String) -> Self {
        Text(Some(Cow::Owned(text)))
    }
}

impl<'de> Made<'de> for Flag {
    fn of_borrowed(text: &'de str) -> Self {
        Flag(text.parse().ok())
    }
    fn of_bool(value: bool) -> Self {
        Flag(Some(value))
    }
}

impl<'de, T: Deserialize<'de> + Default> Made<'de> for Lenient<T> {
    fn of_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Lenient)
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Made<'de>> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<T, E> {
        Ok(T::of_borrowed(text))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::of_text(text.to_owned()))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Ok(T::of_bool(value))
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::of_map(map)
    }
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
