//! What comes out: plain data, for a table, JSON and the report. Every text in it is from outside.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Serialize;

use super::Damage;
use crate::values::{CredentialId, text_form};

/// What CloudTrail tells of the credentials that were ever here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// The keys that called, and those that were made elsewhere with one of them, whether they called or not. What is
    /// ours comes first, by id, each followed by the sessions that were made from it elsewhere.
    pub keys: Vec<KeyActivity>,
    /// How many files were read.
    pub files: u64,
    /// How many records were read.
    pub records: u64,
    /// How many of them are outside the time that was asked for.
    pub outside: u64,
    /// How many calls by keys that are not ours or not asked for, or without one.
    pub others: u64,
    /// How many records of ours stood there before, with the same event id.
    pub duplicates: u64,
    /// How many calls by keys of ours for which there was no room: [`KEYS`](super::KEYS) keys are told apart.
    pub beyond: u64,
    /// The first and the last call of all that were counted, ours or not.
    pub first_at: Option<Timestamp>,
    /// See `first_at`.
    pub last_at: Option<Timestamp>,
    /// Files in a directory, and digests, that are no records of CloudTrail.
    pub skipped: u64,
    /// What could not be read: the first of them.
    pub damage: Vec<Damage>,
    /// How many damages there are in all.
    pub damaged: u64,
}

/// What was done with one access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyActivity {
    /// The access key id.
    pub access_key_id: String,
    /// The credential sets that were here with that key, newest first; none for a session that was made elsewhere.
    pub credentials: Vec<CredentialId>,
    /// How it came to be, where a record tells that.
    pub made: Option<Made>,
    /// Who that is: from our log, else from the records.
    pub arn: Option<String>,
    /// When it was acquired here, or made; not for what was brought here or captured, which is older.
    pub issued_at: Option<Timestamp>,
    /// When it expires, where it does and that is known.
    pub expires_at: Option<Timestamp>,
    /// When its secret was erased here, for what STS gave.
    pub erased_at: Option<Timestamp>,
    /// The address that its calls should come from: that of the call which made it, else the most frequent one.
    pub address: Option<String>,
    /// How many calls.
    pub calls: u64,
    /// How many of them were answered with an error.
    pub errors: u64,
    /// How many of them may have changed something: those that CloudTrail does not call read-only.
    pub writes: u64,
    /// Its first call.
    pub first_at: Option<Timestamp>,
    /// Its last call.
    pub last_at: Option<Timestamp>,
    /// What was called.
    pub actions: Counts<Action>,
    /// The codes of the errors.
    pub error_codes: Counts<String>,
    /// The regions.
    pub regions: Counts<String>,
    /// Where the calls came from; for a call by a service of AWS its name.
    pub addresses: Counts<String>,
    /// With what.
    pub user_agents: Counts<String>,
    /// The calls that do not fit, first the first.
    pub misfits: Vec<Misfit>,
    /// How many further calls do not fit, for which there was no room.
    pub more_misfits: u64,
}

/// How a session came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// When.
    pub at: Timestamp,
    /// By which call, such as `AssumeRole`.
    pub operation: String,
    /// The key that signed that call; none for a call that is not signed.
    pub by: Option<String>,
    /// The newest credential set that was here with that key, or with the key which made that one, and so on.
    pub ours: Option<CredentialId>,
    /// From where.
    pub address: Option<String>,
    /// CloudTrail's id of that call.
    pub event_id: Option<String>,
}

/// What was called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Action {
    /// The service, such as `s3.amazonaws.com`.
    pub service: String,
    /// The action, such as `GetObject`.
    pub action: String,
    /// Whether it changes nothing, where CloudTrail says.
    pub read_only: Option<bool>,
}

/// How often each of several things was seen, the most frequent first. At most [`VALUES`](super::VALUES) are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counts<T> {
    /// The things.
    pub seen: Vec<Count<T>>,
    /// How many calls had another thing, for which there was no room.
    pub more: u64,
}

/// How often one thing was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count<T> {
    /// What.
    pub what: T,
    /// In how many calls.
    pub calls: u64,
    /// How many of them were answered with an error.
    pub errors: u64,
    /// First.
    pub first_at: Timestamp,
    /// Last.
    pub last_at: Timestamp,
}

/// Calls with a key that do not fit in one way, from one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// In which way.
    pub why: Why,
    /// From where.
    pub address: Option<String>,
    /// How many.
    pub calls: u64,
    /// The first of them.
    pub first_at: Timestamp,
    /// The last of them.
    pub last_at: Timestamp,
    /// CloudTrail's id of the first of them.
    pub event_id: Option<String>,
    /// What the first of them called.
    pub action: Action,
}

/// Why a call does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Before STS gave the key.
    BeforeIssued,
    /// After it expired.
    AfterExpiry,
    /// After its secret was erased here: only what had it before could use it.
    AfterErased,
    /// From another address than the one that is expected.
    OtherAddress,
}

text_form!(Why {
    BeforeIssued => "before-issued",
    AfterExpiry => "after-expiry",
    AfterErased => "after-erased",
    OtherAddress => "other-address",
});

impl Activity {
    /// Keeps the keys that are asked for, and what was made from them elsewhere. The calls of all others are counted as such.
    pub fn retain(&mut self, mut is_asked: impl FnMut(&KeyActivity) -> bool) {
        // Who made a session stands before it.
        let mut kept = HashSet::new();
        let others = &mut self.others;
        self.keys.retain(|key| {
            let maker = key.made.as_ref().and_then(|made| made.by.as_ref()).filter(|_| key.credentials.is_empty());
            let is_kept = is_asked(key) || maker.is_some_and(|by| kept.contains(by));
            if is_kept {
                kept.insert(key.access_key_id.clone());
            } else {
                *others += key.calls;
            }
            is_kept
        });
    }
}
