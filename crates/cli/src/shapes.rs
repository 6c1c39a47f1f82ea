//! The JSON shapes that are promised in docs/json.md. Adding a key is a change that users see; removing one breaks them.

use credstack_core::{
    stack::StackView,
    values::{Ambient, Credential, CredentialId, Event, Frame},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// A frame, or a held credential set (then `position` is null).
#[derive(Debug, Serialize)]
pub struct FrameShape {
    pub position: Option<usize>,
    pub current: bool,
    pub credential: Option<CredentialId>,
    pub kind: &'static str,
    pub arn: Option<String>,
    pub account: Option<String>,
    pub access_key_id: Option<String>,
    pub region: Option<String>,
    pub issued_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub parent: Option<CredentialId>,
    pub label: Option<String>,
    pub has_secret: Option<bool>,
}

impl FrameShape {
    /// A credential set at a position, or held.
    pub fn of_credential(credential: &Credential, position: Option<usize>) -> FrameShape {
        let (account, arn) = credential.identity.as_ref().map(|i| (i.account.clone(), i.arn.clone())).unzip();
        FrameShape {
            position,
            current: position == Some(0),
            credential: Some(credential.id),
            kind: credential.kind.as_str(),
            arn,
            account,
            access_key_id: Some(credential.access_key_id.clone()),
            region: credential.region.clone(),
            issued_at: Some(credential.issued_at),
            expires_at: credential.expires_at,
            parent: credential.parent,
            label: credential.label.clone(),
            has_secret: Some(credential.has_secret()),
        }
    }

    fn of_ambient(ambient: &Ambient, position: usize) -> FrameShape {
        FrameShape {
            position: Some(position),
            current: position == 0,
            credential: None,
            kind: "ambient",
            arn: None,
            account: None,
            access_key_id: None,
            region: ambient.region.clone(),
            issued_at: None,
            expires_at: None,
            parent: None,
            label: None,
            has_secret: None,
        }
    }

    /// The frame at a position of a stack.
    fn of_frame(view: &StackView, position: usize, frame: &Frame) -> FrameShape {
        match (frame, frame.credential().and_then(|id| view.credentials.get(&id))) {
            (_, Some(credential)) => FrameShape::of_credential(credential, Some(position)),
            (Frame::Ambient(ambient), None) => FrameShape::of_ambient(ambient, position),
            (Frame::Credential(id), None) => {
                FrameShape { credential: Some(*id), ..FrameShape::of_ambient(&Ambient::default(), position) }
            }
        }
    }

    /// The current frame of a stack.
    pub fn current(view: &StackView) -> FrameShape {
        FrameShape::of_frame(view, 0, view.frames.current())
    }
}

/// What `list` shows.
#[derive(Debug, Serialize)]
pub struct StackShape {
    pub stack: String,
    pub frames: Vec<FrameShape>,
    pub held: Vec<FrameShape>,
}

impl StackShape {
    /// A stack, current frame first.
    pub fn of(view: &StackView) -> StackShape {
        let frames = view.frames.from_current().enumerate();
        let held = view.held.iter().filter_map(|id| view.credentials.get(id));
        StackShape {
            stack: view.name.to_string(),
            frames: frames.map(|(position, frame)| FrameShape::of_frame(view, position, frame)).collect(),
            held: held.map(|credential| FrameShape::of_credential(credential, None)).collect(),
        }
    }
}

/// What `whoami` shows.
#[derive(Clone, Debug, Serialize)]
pub struct IdentityShape {
    pub account: Option<String>,
    pub arn: Option<String>,
    pub user_id: Option<String>,
    pub credential: Option<CredentialId>,
    pub expires_at: Option<Timestamp>,
    /// For the words of a table only.
    #[serde(skip)]
    pub temporary: bool,
}

/// What `whoami --all` shows of a frame: with an error, what is recorded.
#[derive(Debug, Serialize)]
pub struct FrameIdentityShape {
    pub position: usize,
    #[serde(flatten)]
    pub identity: IdentityShape,
    pub error: Option<Value>,
}

/// One event of the log.
#[derive(Debug, Serialize)]
pub struct EventShape {
    pub sequence: i64,
    pub at: Timestamp,
    pub event: &'static str,
    pub stack: Option<String>,
    pub credential: Option<CredentialId>,
    pub parent: Option<CredentialId>,
    pub access_key_id: Option<String>,
    pub account: Option<String>,
    pub arn: Option<String>,
    pub detail: Value,
    pub hash: String,
}

impl From<Event> for EventShape {
    fn from(event: Event) -> EventShape {
        let hash = event.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let entry = event.entry;
        EventShape {
            sequence: event.sequence,
            at: event.at,
            event: entry.event.as_str(),
            stack: entry.stack.map(|name| name.to_string()),
            credential: entry.credential,
            parent: entry.parent,
            access_key_id: entry.access_key_id,
            account: entry.account,
            arn: entry.arn,
            detail: Value::Object(entry.detail),
            hash,
        }
    }
}
