//! CloudTrail's records beside the log: what each credential did, which calls do not fit, and which sessions were made
//! elsewhere with one of ours.
//!
//! [`read`] reads files of any size with bounded memory, one record at a time. Calls are joined by their access key id, and
//! by the answers of STS: a session that was made with a key of ours, or with a key that was made so, belongs to it.

mod activity;
mod file;
mod files;
mod join;
mod key;
mod lenient;
mod record;
mod records;
mod sieve;
mod surrogates;
mod tally;
#[cfg(test)]
mod tests;

use std::{fmt, fs::File, path::PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use join::Join;

pub use activity::{Action, Activity, Count, Counts, KeyActivity, Made, Misfit, Why};

use crate::{
    stack::{Reader, StackError},
    values::text_form,
};

/// How many keys of ours are told apart.
pub const KEYS: usize = 10_000;

/// How many different values of one kind, such as addresses, are told apart for one key.
pub const VALUES: usize = 1_000;

/// How much earlier or later than our clock, or STS's, a call may be. AWS refuses requests of whoever's clock is off by more.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Where records are.
#[derive(Debug)]
pub enum Source {
    /// A file, or a directory with files in it at any depth, gzipped or not. What is not CloudTrail's there is left out.
    Path(PathBuf),
    /// What came through stdin or a pipe, kept in a file: it may be read more than once.
    Kept {
        /// What it is called in messages.
        name: String,
        /// All of it.
        file: File,
    },
}

/// Which calls are asked for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// At that time or later.
    pub since: Option<Timestamp>,
    /// Before that time.
    pub until: Option<Timestamp>,
}

/// Something that could not be read. What stands behind it was read all the same, where that is possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// In which file.
    pub file: String,
    /// At which byte, of what was decompressed.
    pub at: Option<u64>,
    /// What is wrong.
    pub wrong: Wrong,
    /// What the system says of it.
    pub reason: Option<String>,
}

/// What is wrong with a file, or with a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It cannot be read.
    Unreadable,
    /// It is no JSON.
    NotJson,
    /// It ends in the middle.
    CutOff,
    /// One record has more than 8 MiB.
    TooLarge,
    /// The compression is damaged, or ends in the middle.
    Compression,
    /// There are objects in it that are no records of CloudTrail; the first of them is meant.
    Foreign,
    /// The file has no records of CloudTrail at all.
    NoCloudTrail,
}

text_form!(Wrong {
    Unreadable => "unreadable",
    NotJson => "not-json",
    CutOff => "cut-off",
    TooLarge => "too-large",
    Compression => "compression",
    Foreign => "foreign",
    NoCloudTrail => "no-cloudtrail",
});

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.map(|at| format!(" at byte {at}")).unwrap_or_default();
        let what = match self.wrong {
            Wrong::Unreadable => "it cannot be read",
            Wrong::NotJson => "this is no JSON",
            Wrong::CutOff => "it ends in the middle of a record",
            Wrong::TooLarge => "a record is larger than 8 MiB",
            Wrong::Compression => "its compression is damaged, or it was cut off",
            Wrong::Foreign => "this is no record of CloudTrail",
            Wrong::NoCloudTrail => "there is no CloudTrail in it",
        };
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        write!(f, "{}{at}: {what}{reason}", self.file)
    }
}

/// How many bytes the sources have, as they lie there.
pub fn size(sources: &[Source]) -> u64 {
    files::size(sources)
}

/// Reads all records and joins them with what is known here.
///
/// `progress` hears how many bytes of the sources were read, again and again. All is read once more where a session that was
/// made elsewhere calls before the record of its making is read; it hears `None` then.
pub fn read(
    reader: &Reader,
    sources: &mut [Source],
    question: &Question,
    progress: &mut dyn FnMut(Option<u64>),
) -> Result<Activity, StackError> {
    let mut elsewhere = Vec::new();
    loop {
        let mut join = Join::new(reader, question, elsewhere)?;
        let mut result = Ok(());
        files::each(sources, &mut |found| {
            if result.is_ok() {
                result = file::read(found, &mut join, progress);
            }
        });
        result?;
        match join.again() {
            Some(found) => elsewhere = found,
            None => return Ok(join.finish()),
        }
        progress(None);
    }
}
