//! How often `credential-process` handed keys out, for each credential set and hour.
//!
//! A use is counted without the database: it is one short append to the file of its hour, which is neither locked nor synced.
//! The next change puts the hours that are over into the log.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;

use super::{
    Change, Reader, StackError, StateDirectory,
    record::{by, entry_about},
};
use crate::{
    database::{credentials, events, settings},
    private_files::{private_file, private_file_to_append, remove_if_there, sync_directory_of},
    values::{Ambient, CredentialId, Entry, EventKind},
};

const HOUR: i64 = 3600;
/// How long after its end an hour is over: whoever looked at the clock just before that has written by then.
const LATE: i64 = 60;
/// How the names of the files begin. What follows is the hour, counted from 1970.
const PREFIX: &str = "uses.";
/// Of a file no more than this is read, in bytes: more than a thousand uses in each second.
const MOST: u64 = 64 << 20;
/// Digits of a record: as many as make it 16 bytes, so that a full disk takes all of it or nothing.
const DIGITS: usize = 14;
/// The setting that says how much of which file is in the log already, in bytes by hour. A file of one that is not named in it
/// is not in the log at all.
const FOLDED: &str = "folded_uses";

/// How much of the files is in the log, by hour.
pub(super) type Folded = BTreeMap<i64, u64>;

impl Reader {
    /// Counts one use of a credential set's keys, or with `None` of ambient ones, by `credential-process`. Where that cannot be
    /// done it is left out: whoever needs the keys is not made to wait, and not told.
    pub fn count_use(&self, id: Option<CredentialId>, now: Timestamp) {
        if self.database.is_some() {
            let _left_out = count(&self.place, id, now);
        }
    }
}

/// Between line feeds: whatever else is in the file does not spoil it.
fn count(place: &StateDirectory, id: Option<CredentialId>, now: Timestamp) -> io::Result<()> {
    let mut file = private_file_to_append(&path_of(place, now.as_second().div_euclid(HOUR)))?;
    file.write_all(format!("\n{:0DIGITS$}\n", id.map_or(0, |id| id.0)).as_bytes())
}

impl Change {
    /// Puts the hours that are over into the log, and removes their files.
    ///
    /// The setting is written with the events: a file that is still there after that, because this process was killed, is
    /// not put into the log again. It is taken back when the files are gone, so that one of the same name is a new one.
    pub(super) fn fold_uses(&mut self) -> Result<(), StackError> {
        let over = hours_over(&self.place, self.now)?;
        let before = self.folded()?;
        let was_cut_off = !before.is_empty();
        let logged = self.log_uses(over, before)?;
        if logged.is_empty() && !was_cut_off {
            return Ok(());
        }
        for hour in logged {
            let path = path_of(&self.place, hour);
            remove_if_there(&path).map_err(|error| unusable(&path, &error))?;
        }
        let any = path_of(&self.place, 0);
        sync_directory_of(&any).map_err(|error| unusable(&any, &error))?;
        let mut folded = self.folded()?;
        folded.retain(|hour, _| path_of(&self.place, *hour).exists());
        Ok(self.write(|transaction| settings::put(transaction, FOLDED, &folded))?)
    }

    /// Writes the uses of these hours down, as far as they are not yet. The hours of which that is done: a file that cannot be
    /// read stays, and is no reason to leave out another one.
    pub(super) fn log_uses(&mut self, hours: Vec<i64>, mut folded: Folded) -> Result<Vec<i64>, StackError> {
        let (mut done, mut entries) = (Vec::new(), Vec::new());
        for hour in hours {
            let from = folded.get(&hour).copied().unwrap_or_default();
            let Ok((uses, length)) = uses_in(&path_of(&self.place, hour), from) else { continue };
            for (id, count) in uses {
                entries.extend(self.database.read(|connection| entry(connection, hour, id, count))?);
            }
            folded.insert(hour, length);
            done.push(hour);
        }
        if done.is_empty() {
            return Ok(done);
        }
        let (now, actor) = (self.now, self.actor_json());
        self.write(|transaction| -> Result<(), StackError> {
            for entry in entries {
                events::append(transaction, now, &by(entry, &actor))?;
            }
            Ok(settings::put(transaction, FOLDED, &folded)?)
        })?;
        Ok(done)
    }

    pub(super) fn folded(&self) -> Result<Folded, StackError> {
        Ok(self.database.read(|connection| settings::get(connection, FOLDED))?.unwrap_or_default())
    }
}

/// What the log says of the uses of an hour; nothing of what was never a credential set.
fn entry(connection: &Connection, hour: i64, id: i64, count: u64) -> Result<Option<Entry>, StackError> {
    let about = match id {
        0 => {
            let mut ambient = Entry::new(EventKind::UsedBy);
            ambient.detail.insert("ambient".into(), json!(Ambient::default()));
            Some(ambient)
        }
        id => credentials::find(connection, CredentialId(id))?.map(|credential| entry_about(EventKind::UsedBy, &credential)),
    };
    Ok(about.zip(hour.checked_mul(HOUR).and_then(|at| Timestamp::from_second(at).ok())).map(|(mut entry, hour)| {
        entry.detail.insert("by".into(), json!("credential-process"));
        entry.detail.insert("hour".into(), json!(hour));
        entry.detail.insert("count".into(), json!(count));
        entry
    }))
}

/// How often each was used, by what a file says behind the first `from` bytes, and how long it is. Whatever is no record is
/// passed over.
fn uses_in(path: &Path, from: u64) -> io::Result<(BTreeMap<i64, u64>, u64)> {
    let mut bytes = Vec::new();
    private_file(path)?.take(MOST).read_to_end(&mut bytes)?;
    let new = bytes.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default();
    let mut uses = BTreeMap::new();
    for line in new.split(|byte| *byte == b'\n').filter(|line| line.len() == DIGITS && line.iter().all(u8::is_ascii_digit)) {
        if let Some(id) = std::str::from_utf8(line).ok().and_then(|digits| digits.parse().ok()) {
            *uses.entry(id).or_default() += 1;
        }
    }
    Ok((uses, bytes.len() as u64))
}

/// The hours that are over and of which something was counted, oldest first.
pub(super) fn hours_over(place: &StateDirectory, now: Timestamp) -> Result<Vec<i64>, StackError> {
    let newest = (now.as_second() - LATE).div_euclid(HOUR);
    let mut hours = all_hours(place)?;
    hours.retain(|hour| *hour < newest);
    hours.sort_unstable();
    Ok(hours)
}

fn all_hours(place: &StateDirectory) -> Result<Vec<i64>, StackError> {
    let listed = fs::read_dir(place.path()).map_err(|error| unusable(place.path(), &error))?;
    let hour = |name: &str| name.strip_prefix(PREFIX)?.parse().ok().filter(|hour| name == format!("{PREFIX}{hour}"));
    Ok(listed.flatten().filter_map(|file| hour(file.file_name().to_str()?)).collect())
}

/// Removes what was counted, without a look at it. The caller holds the lock.
pub(super) fn remove_uses(place: &StateDirectory) -> Result<(), StackError> {
    for path in all_hours(place)?.into_iter().map(|hour| path_of(place, hour)) {
        remove_if_there(&path).map_err(|error| unusable(&path, &error))?;
    }
    Ok(())
}

pub(super) fn path_of(place: &StateDirectory, hour: i64) -> PathBuf {
    place.path().join(format!("{PREFIX}{hour}"))
}

fn unusable(path: &Path, error: &io::Error) -> StackError {
    StackError::Place { path: path.to_owned(), reason: error.to_string() }
}
