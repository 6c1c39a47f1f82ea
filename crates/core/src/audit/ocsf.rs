//! An event as OCSF has it: <https://schema.ocsf.io/1.7.0>. The table of docs/audit-export.md says which is which.

use serde_json::{Map, Value, json};

use crate::values::{Arn, Event, EventKind};

/// The version of the schema.
pub const VERSION: &str = "1.7.0";
/// Who gives credential sets.
const STS: &str = "sts.amazonaws.com";

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is to be done.
    Informational,
    /// Somebody may want to look.
    Low,
    /// Somebody should look.
    Medium,
}

impl Severity {
    /// Of an event of that kind.
    pub fn of(kind: EventKind) -> Severity {
        match kind {
            EventKind::Refused | EventKind::Failed => Severity::Low,
            EventKind::Orphaned | EventKind::SecretLost | EventKind::Pruned | EventKind::Resealed | EventKind::Unreadable => {
                Severity::Medium
            }
            _ => Severity::Informational,
        }
    }

    fn named(self) -> (u8, &'static str) {
        match self {
            Severity::Informational => (1, "Informational"),
            Severity::Low => (2, "Low"),
            Severity::Medium => (3, "Medium"),
        }
    }
}

/// The id of an event, the same wherever and however often it is exported: its hash, which covers all of it, its number and
/// every event before it.
pub fn uid(event: &Event) -> String {
    hex::encode(event.hash)
}

/// What happened, in one line.
pub fn message(event: &Event) -> String {
    let entry = &event.entry;
    let text = |name| text(&entry.detail, name);
    let whom = match entry.event {
        EventKind::Refused | EventKind::Failed => [text("operation"), text("target"), text("code")],
        EventKind::Unreadable => [Some(format!("event {} of the log", event.sequence)), None, None],
        _ => [entry.credential.map(|id| id.to_string()), entry.arn.clone(), None],
    };
    let words = [Some(entry.event.to_string())].into_iter().chain(whom).flatten();
    words.collect::<Vec<_>>().join(" ")
}

/// What an event is in the schema.
struct Class {
    uid: u32,
    name: &'static str,
    category: (u32, &'static str),
    activity: (u32, &'static str),
}

const UNKNOWN: (u32, &str) = (0, "Unknown");
const CREATE: (u32, &str) = (1, "Create");
const READ: (u32, &str) = (2, "Read");
const UPDATE: (u32, &str) = (3, "Update");
const DELETE: (u32, &str) = (4, "Delete");

impl Class {
    fn api(activity: (u32, &'static str)) -> Class {
        Class { uid: 6003, name: "API Activity", category: (6, "Application Activity"), activity }
    }

    /// What STS was asked, and answered, is a logon. Everything else happened on this machine: AWS knows nothing of it, and a
    /// secret that is erased here ends no session there, so nothing is a logoff.
    fn of(kind: EventKind) -> Class {
        match kind {
            EventKind::Acquired | EventKind::Refused | EventKind::Failed | EventKind::Orphaned => {
                Class { uid: 3002, name: "Authentication", category: (3, "Identity & Access Management"), activity: (1, "Logon") }
            }
            EventKind::Imported | EventKind::Captured | EventKind::Saved | EventKind::Held => Class::api(CREATE),
            EventKind::UsedBy | EventKind::Verified | EventKind::Exported => Class::api(READ),
            EventKind::Used
            | EventKind::Restored
            | EventKind::Swapped
            | EventKind::Renewed
            | EventKind::StoreChanged
            | EventKind::Resealed => Class::api(UPDATE),
            EventKind::Dropped
            | EventKind::Cleared
            | EventKind::Removed
            | EventKind::Forgotten
            | EventKind::Erased
            | EventKind::SecretLost
            | EventKind::Pruned => Class::api(DELETE),
            EventKind::Unreadable => Class::api(UNKNOWN),
        }
    }

    fn is_logon(&self) -> bool {
        self.uid == 3002
    }
}

/// An event as one OCSF event.
pub fn event(event: &Event) -> Value {
    let (entry, detail) = (&event.entry, &event.entry.detail);
    let class = Class::of(entry.event);
    let (severity_id, severity) = Severity::of(entry.event).named();
    let (status_id, status) = match entry.event {
        EventKind::Unreadable => (0, "Unknown"),
        EventKind::Refused | EventKind::Failed => (2, "Failure"),
        _ => (1, "Success"),
    };
    let actor = detail.get("actor").and_then(Value::as_object).cloned().unwrap_or_default();
    let host = text(&actor, "host").unwrap_or_else(|| "unknown".into());
    let mut told = json!({
        "metadata": {
            "version": VERSION,
            "product": { "name": "credstack", "vendor_name": "credstack", "version": actor.get("version") },
            "uid": uid(event),
            "sequence": event.sequence,
            "event_code": entry.event.as_str(),
            "original_time": event.at.to_string(),
            "profiles": ["cloud", "host"],
        },
        "time": event.at.as_millisecond(),
        "class_uid": class.uid,
        "class_name": class.name,
        "category_uid": class.category.0,
        "category_name": class.category.1,
        "activity_id": class.activity.0,
        "activity_name": class.activity.1,
        "type_uid": class.uid * 100 + class.activity.0,
        "type_name": format!("{}: {}", class.name, class.activity.1),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "status_code": detail.get("code"),
        "status_detail": detail.get("message"),
        "message": message(event),
        "actor": {
            "user": { "name": text(&actor, "user").unwrap_or_else(|| "unknown".into()) },
            "process": actor.get("process").map(|process| json!({ "pid": process, "name": "credstack" })),
            "session": actor.get("terminal").map(|terminal| json!({ "terminal": terminal })),
            "app_name": "credstack",
        },
        "device": { "hostname": host, "type_id": 0, "type": "Unknown" },
        "src_endpoint": { "hostname": host },
        "cloud": cloud(event),
        "unmapped": {
            "event": entry.event.as_str(),
            "stack": entry.stack.as_ref().map(|name| name.to_string()),
            "credential": entry.credential,
            "parent": entry.parent,
            "hash": uid(event),
            "detail": detail,
        },
    });
    if let Value::Object(told) = &mut told {
        told.extend(if class.is_logon() { logon(event) } else { operation(event) });
        without_nulls(told, 3);
    }
    told
}

/// The account, partition and region that an event is about.
fn cloud(event: &Event) -> Value {
    let (entry, detail) = (&event.entry, &event.entry.detail);
    let arn: Option<Arn> = identity(event).and_then(|arn| arn.parse().ok());
    let account = entry.account.clone().or_else(|| arn.as_ref().map(|arn| arn.account.clone())).filter(|id| !id.is_empty());
    json!({
        "provider": "AWS",
        "account": account.map(|uid| json!({ "uid": uid, "type_id": 10, "type": "AWS Account" })),
        "cloud_partition": arn.map(|arn| arn.partition),
        "region": detail.get("sts_region").or(detail.get("region")),
    })
}

/// Whom an event is about; of a refusal, who was asked for.
fn identity(event: &Event) -> Option<String> {
    event.entry.arn.clone().or_else(|| text(&event.entry.detail, "target"))
}

/// What a call of STS has, granted or not.
fn logon(event: &Event) -> Map<String, Value> {
    let (entry, detail) = (&event.entry, &event.entry.detail);
    let request = detail.get("request").and_then(Value::as_object).cloned().unwrap_or_default();
    let operation = text(&request, "operation").or_else(|| text(detail, "operation")).unwrap_or_else(|| "unknown".into());
    let (protocol, protocol_name) = match operation.as_str() {
        "AssumeRoleWithSAML" => (5, "SAML"),
        "AssumeRoleWithWebIdentity" => (4, "OpenID"),
        _ => (99, "AWS Signature Version 4"),
    };
    // Who asked for a session of its own, and was refused, is known to the log by its parent only.
    let user = identity(event).or_else(|| entry.parent.map(|id| id.to_string())).unwrap_or_else(|| "unknown".into());
    let account = cloud(event)["account"].clone();
    let session = entry.access_key_id.as_ref().map(|key| {
        json!({
            "uid": key,
            "credential_uid": key,
            "issuer": STS,
            "created_time": milliseconds(detail, "issued_at"),
            "expiration_time": milliseconds(detail, "expires_at"),
        })
    });
    object(json!({
        "user": { "uid": user, "account": account, "credential_uid": entry.access_key_id },
        "service": { "name": STS },
        "session": session,
        "auth_protocol_id": protocol,
        "auth_protocol": protocol_name,
        "is_remote": true,
        "is_mfa": (entry.event == EventKind::Acquired).then(|| request.contains_key("serial_number")),
        "api": api(event, &operation, STS),
    }))
}

/// What was done on this machine.
fn operation(event: &Event) -> Map<String, Value> {
    let entry = &event.entry;
    let resources = entry.credential.map(|id| {
        let owner = entry.arn.as_ref().map(|arn| {
            let account = cloud(event)["account"].clone();
            json!({ "uid": arn, "account": account, "credential_uid": entry.access_key_id })
        });
        json!([{ "uid": id, "type": "AWS credential set", "name": entry.arn, "owner": owner }])
    });
    object(json!({ "api": api(event, entry.event.as_str(), "credstack"), "resources": resources }))
}

fn api(event: &Event, operation: &str, service: &str) -> Value {
    let detail = &event.entry.detail;
    let response = detail.get("code").map(|code| json!({ "error": code, "error_message": detail.get("message") }));
    json!({
        "operation": operation,
        "service": { "name": service },
        "request": detail.get("request_id").filter(|id| id.is_string()).map(|id| json!({ "uid": id })),
        "response": response,
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The schema has no nulls: what is not known is not there. The log's own detail, deeper down, stays as it is.
fn without_nulls(map: &mut Map<String, Value>, depth: u8) {
    map.retain(|_, value| !value.is_null());
    for (name, value) in map.iter_mut().filter(|_| depth > 0) {
        let inner = match value {
            Value::Object(inner) if name != "detail" => inner,
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(|inner| without_nulls(inner, depth - 1));
                continue;
            }
            _ => continue,
        };
        without_nulls(inner, depth - 1);
    }
}

fn milliseconds(detail: &Map<String, Value>, name: &str) -> Option<i64> {
    let at: jiff::Timestamp = detail.get(name)?.as_str()?.parse().ok()?;
    Some(at.as_millisecond())
}

fn text(map: &Map<String, Value>, name: &str) -> Option<String> {
    map.get(name).and_then(Value::as_str).map(str::to_owned)
}
