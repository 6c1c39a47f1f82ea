use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{CredentialId, StackName};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// STS gave a credential set.
    Acquired,
    /// STS answered no.
    Refused,
    /// STS did not answer.
    Failed,
    /// STS issued a session that credstack neither keeps nor hands out: of another identity, in an answer that cannot be
    /// believed, or to a command that was killed before it could write the session down. AWS accepts it until it expires.
    Orphaned,
    /// A credential set was brought from elsewhere.
    Imported,
    /// The environment's own keys were captured, as they were covered for the first time.
    Captured,
    /// A stored credential set became current.
    Used,
    /// A copy of the current frame joined the saved ones.
    Saved,
    /// A saved frame became current.
    Restored,
    /// The current and the newest saved frame changed places.
    Swapped,
    /// Saved frames were discarded.
    Dropped,
    /// A stack went back to one ambient frame.
    Cleared,
    /// A stack was removed.
    Removed,
    /// A credential set keeps its secret on no stack: made so, or left by a push that was cut off.
    Held,
    /// A held credential set was given up.
    Forgotten,
    /// A credential set took the place of another one, for which the same was asked.
    Renewed,
    /// A secret was erased from the secret store.
    Erased,
    /// A secret that should be in the secret store is not there.
    SecretLost,
    /// The secret store was chosen.
    StoreChanged,
    /// Keys were handed to a program, a browser, a shell or an endpoint.
    UsedBy,
    /// The log was verified, and is whole.
    Verified,
    /// Events were written out, or sent to another machine.
    Exported,
    /// The oldest events were removed; this one says how many, and the hash of the last of them.
    Pruned,
    /// A person accepted a log through which the seal of the secret store did not go.
    Resealed,
    /// Nothing that this program writes: an event that somebody else appended, or a newer version. What makes no sense of it
    /// stands in its detail, as `unreadable`.
    Unreadable,
}

text_form!(EventKind {
    Acquired => "acquired",
    Refused => "refused",
    Failed => "failed",
    Orphaned => "orphaned",
    Imported => "imported",
    Captured => "captured",
    Used => "used",
    Saved => "saved",
    Restored => "restored",
    Swapped => "swapped",
    Dropped => "dropped",
    Cleared => "cleared",
    Removed => "removed",
    Held => "held",
    Forgotten => "forgotten",
    Renewed => "renewed",
    Erased => "erased",
    SecretLost => "secret-lost",
    StoreChanged => "store-changed",
    UsedBy => "used-by",
    Verified => "verified",
    Exported => "exported",
    Pruned => "pruned",
    Resealed => "resealed",
    Unreadable => "unreadable",
});

/// Something that is to be written to the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What happened.
    pub event: EventKind,
    /// On which stack.
    pub stack: Option<StackName>,
    /// To which credential set.
    pub credential: Option<CredentialId>,
    /// The credential set that signed, or would have.
    pub parent: Option<CredentialId>,
    /// Its access key id.
    pub access_key_id: Option<String>,
    /// Its account.
    pub account: Option<String>,
    /// Its ARN.
    pub arn: Option<String>,
    /// Everything else, as a JSON object; nothing secret.
    pub detail: serde_json::Map<String, Value>,
}

impl Entry {
    /// An entry that says only what happened.
    pub fn new(event: EventKind) -> Entry {
        Entry {
            event,
            stack: None,
            credential: None,
            parent: None,
            access_key_id: None,
            account: None,
            arn: None,
            detail: serde_json::Map::new(),
        }
    }
}

/// One row of the log.
#[derive(Clone, Debug)]
pub struct Event {
    /// 1, 2, 3, … without gaps.
    pub sequence: i64,
    /// When, UTC, whole seconds.
    pub at: Timestamp,
    /// What happened, to what.
    pub entry: Entry,
    /// SHA-256 over this row and the hash before it.
    pub hash: [u8; 32],
}

/// Who does something: recorded with every event.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Actor {
    /// The operating system's user name.
    pub user: String,
    /// The host name.
    pub host: String,
    /// The controlling terminal, such as `/dev/pts/3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// The process id.
    pub process: u32,
    /// The name of the process that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_process: Option<String>,
    /// This program's version.
    pub version: String,
}
