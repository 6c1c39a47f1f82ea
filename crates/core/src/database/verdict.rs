//! What is found where a log is verified.

use super::Head;
use crate::values::CredentialId;

/// A log that verifies.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Where it begins: after the last event that was pruned, if any was.
    pub begin: Head,
    /// The event that says so, which has to be sealed.
    pub pruned_by: Option<i64>,
    /// Where it ends.
    pub head: Head,
    /// Which of the anchors the chain goes through, in their order.
    pub through: Vec<bool>,
    /// What is wrong although the chain is whole. It says less than an anchor that is missed.
    pub beside: Option<BadLog>,
}

/// The first thing that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLog {
    /// The first bad event; `None` where it is not about one.
    pub event: Option<i64>,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A column of the event is not what was hashed, or the hash is not.
    Changed,
    /// The event that belongs here is gone.
    Missing,
    /// The event was put in.
    Inserted,
    /// The event belongs elsewhere.
    Reordered,
    /// This event and those after it are gone: the log once went further.
    CutOff,
    /// The chain is whole, but it is not the one that this event was part of.
    Replaced,
    /// This event was pruned: whether the log ever went through it cannot be said any more.
    Pruned,
    /// This event says that those before it were pruned, and no seal covers it.
    PrunedUnsealed,
    /// The secret store has no seal, and a log that was kept whole has one.
    Unsealed,
    /// The table of the events is not the one that credstack makes.
    Foreign(String),
    /// The event verifies, and is nothing that credstack writes.
    Nonsense,
    /// The row of a credential set is missing, was put in, or says other than the event that brought it.
    Disagrees(CredentialId),
    /// What guards the log in the database, or makes it findable, is missing or not credstack's.
    Unguarded(String),
    /// An index has otherwise than the events.
    Misindexed(String),
}

impl Wrong {
    /// Its name, in JSON too.
    pub fn name(&self) -> &'static str {
        match self {
            Wrong::Changed => "changed",
            Wrong::Missing => "missing",
            Wrong::Inserted => "inserted",
            Wrong::Reordered => "reordered",
            Wrong::CutOff => "cut-off",
            Wrong::Replaced => "replaced",
            Wrong::Pruned => "pruned",
            Wrong::PrunedUnsealed => "pruned-unsealed",
            Wrong::Unsealed => "unsealed",
            Wrong::Foreign(_) => "foreign",
            Wrong::Nonsense => "nonsense",
            Wrong::Disagrees(_) => "disagrees",
            Wrong::Unguarded(_) => "unguarded",
            Wrong::Misindexed(_) => "misindexed",
        }
    }
}

impl Verified {
    /// What there is to say of a log that has no event.
    pub(crate) fn nothing(anchors: &[Head]) -> Result<Verified, BadLog> {
        Ok(Verified {
            begin: Head::default(),
            pruned_by: None,
            head: Head::default(),
            through: anchors.iter().map(|anchor| anchor.count == 0).collect(),
            beside: None,
        })
    }

    /// What is wrong with a log that does not go through `anchor`.
    pub fn misses(&self, anchor: &Head) -> BadLog {
        match anchor.count {
            past if past < self.begin.count => BadLog { event: Some(past), wrong: Wrong::Pruned },
            past if past > self.head.count => BadLog { event: Some(self.head.count.saturating_add(1)), wrong: Wrong::CutOff },
            past => BadLog { event: Some(past), wrong: Wrong::Replaced },
        }
    }
}
