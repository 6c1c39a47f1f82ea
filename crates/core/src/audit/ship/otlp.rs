use std::{fmt, time::Duration};

use jiff::Timestamp;
use opentelemetry_proto::tonic::{
    collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse},
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber},
    resource::v1::Resource,
};
use percent_encoding::percent_decode_str;
use prost::Message;
use secrecy::SecretString;
use serde_json::Value;

use super::{AddressError, ShipError, Terms, plain_url};
use crate::{
    audit::ocsf::{self, Severity},
    http::{self, Post, PostError, Posted},
    values::{Arn, Event},
};

/// No request is larger, in bytes, unless one event is.
const MOST: usize = 2 << 20;

/// A receiver of OpenTelemetry logs over HTTP: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>
#[derive(Debug)]
pub struct Otlp {
    url: String,
    headers: Vec<(String, SecretString)>,
    /// Of this machine, and of this program.
    host: String,
    version: String,
}

impl fmt::Display for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url)
    }
}

impl Otlp {
    /// The receiver at a URL. Its logs go to `/v1/logs` behind that, unless the URL says `is_whole` or ends so.
    ///
    /// # Errors
    ///
    /// [`AddressError`] for what is no URL of a web server, or may hold a secret.
    pub fn new(url: &str, is_whole: bool, host: &str, version: &str) -> Result<Otlp, AddressError> {
        let change = "give a token by OTEL_EXPORTER_OTLP_HEADERS, such as Authorization=Bearer%20…; change this one, it was seen";
        let form = "write it as https://logs.example.com:4318; a token is given by OTEL_EXPORTER_OTLP_HEADERS";
        let parsed = plain_url(url, form, change)?;
        if !matches!(parsed.scheme(), "http" | "https") {
            let next_step = "write it as https://logs.example.com:4318";
            return Err(AddressError { what: "it is neither https:// nor http://", next_step });
        }
        let base = parsed.as_str().trim_end_matches('/');
        let url = if is_whole || base.ends_with("/v1/logs") { parsed.to_string() } else { format!("{base}/v1/logs") };
        Ok(Otlp { url, headers: Vec::new(), host: host.to_owned(), version: version.to_owned() })
    }

    /// The same with headers, as `OTEL_EXPORTER_OTLP_HEADERS` has them: `name=value,name=value`, the values percent-encoded.
    ///
    /// # Errors
    ///
    /// [`AddressError`]: it is not of that form.
    pub fn with_headers(mut self, text: &str) -> Result<Otlp, AddressError> {
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let value = pair.split_once('=').and_then(|(name, value)| {
                let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
                Some((name.trim().to_owned(), SecretString::from(value.into_owned())))
            });
            let next_step = "write it as name=value,name=value with the values percent-encoded: Authorization=Bearer%20…";
            self.headers.push(value.ok_or(AddressError { what: "it is not a list of headers", next_step })?);
        }
        Ok(self)
    }

    /// Whether headers, which may hold a secret, would go over the network as they are.
    pub fn is_in_clear(&self) -> bool {
        !self.headers.is_empty() && self.url.starts_with("http://") && !http::is_plain_loopback(&self.url)
    }

    /// Sends events in as many requests as they need.
    pub(super) fn send(&self, events: &[Event], now: Timestamp, terms: &Terms) -> Result<(), ShipError> {
        let body = self.request(events, now).encode_to_vec();
        let halves = |events: &[Event]| {
            let (older, newer) = events.split_at(events.len() / 2);
            self.send(older, now, terms).and_then(|()| self.send(newer, now, terms))
        };
        if body.len() > MOST && events.len() > 1 {
            return halves(events);
        }
        let answer = http::post(Post {
            url: &self.url,
            content_type: "application/x-protobuf",
            accept: "application/x-protobuf",
            headers: &self.headers,
            body: &body,
            ca_bundle: terms.ca_file.clone(),
            time_out: terms.time_out,
        });
        match answer {
            Ok(Posted { status: 413, .. }) if events.len() > 1 => halves(events),
            Ok(posted) => judge(&posted),
            Err(PostError::TimedOut) => Err(ShipError::passing("it did not answer in time")),
            Err(PostError::Runtime(error)) => Err(ShipError::lasting(error.to_string())),
            Err(PostError::Connector(error)) => {
                let mut innermost: &(dyn std::error::Error + 'static) = error.as_ref();
                let mut is_lasting = false;
                loop {
                    is_lasting |= innermost.is::<http::CaBundleError>()
                        || matches!(innermost.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)));
                    let Some(source) = innermost.source() else { break };
                    innermost = source;
                }
                Err(ShipError { may_pass: !is_lasting, ..ShipError::passing(innermost.to_string()) })
            }
        }
    }

    fn request(&self, events: &[Event], now: Timestamp) -> ExportLogsServiceRequest {
        let resource = [
            ("service.name", Some("credstack".to_owned())),
            ("service.version", Some(self.version.clone())),
            ("host.name", Some(self.host.clone())),
        ];
        let scope = InstrumentationScope { name: "credstack.audit".into(), ..InstrumentationScope::default() };
        let log_records = events.iter().map(|event| record(event, now)).collect();
        ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(Resource { attributes: attributes(resource), ..Resource::default() }),
                scope_logs: vec![ScopeLogs { scope: Some(scope), log_records, ..ScopeLogs::default() }],
                ..ResourceLogs::default()
            }],
        }
    }
}

/// What an answer says of what was sent.
///
/// The protocol lets a sender drop what a receiver does not take. Nothing of this log is dropped: what the protocol calls
/// not to be sent again in this run is not, and the next one begins there.
fn judge(posted: &Posted) -> Result<(), ShipError> {
    match posted.status {
        200..=299 => {
            // Some receivers answer with nothing, or with JSON: both are a yes.
            let answer = ExportLogsServiceResponse::decode(&posted.body[..]).unwrap_or_default();
            match answer.partial_success {
                Some(partial) if partial.rejected_log_records > 0 => {
                    let rejected = partial.rejected_log_records.unsigned_abs();
                    let said: String = partial.error_message.chars().take(200).collect();
                    Err(ShipError { rejected, ..ShipError::lasting(format!("it rejected {rejected} of the events: {said}")) })
                }
                _ => Ok(()),
            }
        }
        status @ (408 | 429 | 500..=599) => {
            let wait = posted.retry_after.map(Duration::from_secs);
            Err(ShipError { wait, ..ShipError::passing(format!("it answered HTTP {status}")) })
        }
        status => Err(ShipError::lasting(format!("it answered HTTP {status}"))),
    }
}

/// An event as a log record. Its body is OCSF; the attributes are what a rule is written for.
fn record(event: &Event, now: Timestamp) -> LogRecord {
    let (entry, detail) = (&event.entry, &event.entry.detail);
    let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
    let actor = |name: &str| detail.get("actor").and_then(|actor| actor.get(name));
    let actor_text = |name: &str| actor(name).and_then(Value::as_str).map(str::to_owned);
    let arn: Option<Arn> = entry.arn.clone().or_else(|| text("target")).and_then(|arn| arn.parse().ok());
    let (severity, severity_text) = match Severity::of(entry.event) {
        Severity::Informational => (SeverityNumber::Info, "INFO"),
        Severity::Low | Severity::Medium => (SeverityNumber::Warn, "WARN"),
    };
    let mut attributes = attributes([
        ("log.record.uid", Some(ocsf::uid(event))),
        ("event.name", Some(name(event))),
        ("cloud.provider", Some("aws".to_owned())),
        ("cloud.account.id", entry.account.clone().or(arn.map(|arn| arn.account)).filter(|id| !id.is_empty())),
        ("cloud.region", text("sts_region").or_else(|| text("region"))),
        ("aws.request_id", text("request_id")),
        ("rpc.method", text("operation")),
        ("error.type", text("code")),
        ("user.name", actor_text("user")),
        ("host.name", actor_text("host")),
        ("credstack.event", Some(entry.event.to_string())),
        ("credstack.stack", entry.stack.as_ref().map(|name| name.to_string())),
        ("credstack.credential", entry.credential.map(|id| id.to_string())),
        ("credstack.parent", entry.parent.map(|id| id.to_string())),
        ("credstack.access_key_id", entry.access_key_id.clone()),
        ("credstack.arn", entry.arn.clone()),
        ("credstack.target", text("target")),
        ("credstack.note", text("note")),
    ]);
    attributes.push(attribute("credstack.sequence", any(&event.sequence.into())));
    attributes.extend(actor("process").map(|process| attribute("process.pid", any(process))));
    LogRecord {
        time_unix_nano: nanoseconds(event.at),
        observed_time_unix_nano: nanoseconds(now),
        severity_number: severity.into(),
        severity_text: severity_text.to_owned(),
        event_name: name(event),
        body: Some(any(&ocsf::event(event))),
        attributes,
        ..LogRecord::default()
    }
}

fn name(event: &Event) -> String {
    format!("credstack.{}", event.entry.event)
}

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}

fn attributes<const N: usize>(given: [(&str, Option<String>); N]) -> Vec<KeyValue> {
    given.into_iter().filter_map(|(key, value)| Some(attribute(key, any(&value?.into())))).collect()
}

fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// JSON as the protocol has it.
fn any(value: &Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(value) => Some(any_value::Value::BoolValue(*value)),
        Value::Number(number) => Some(match number.as_i64() {
            Some(value) => any_value::Value::IntValue(value),
            None => any_value::Value::DoubleValue(number.as_f64().unwrap_or_default()),
        }),
        Value::String(text) => Some(any_value::Value::StringValue(text.clone())),
        Value::Array(items) => Some(any_value::Value::ArrayValue(ArrayValue { values: items.iter().map(any).collect() })),
        Value::Object(map) => {
            let values = map.iter().map(|(key, value)| attribute(key, any(value))).collect();
            Some(any_value::Value::KvlistValue(KeyValueList { values }))
        }
    };
    AnyValue { value }
}
