//! One file: its records are joined, and what cannot be read is noted.

use std::io;

use super::{
    Activity, Damage, Wrong,
    files::{self, Found},
    join::Join,
    record::Record,
    records::{self, Piece},
    surrogates::mend,
};
use crate::stack::StackError;

/// How many damages are told apart, and how many places in one file: one wrong byte may tear many.
const DAMAGES: usize = 100;
const PLACES: usize = 10;

/// What was found in a file.
#[derive(Default)]
struct Content {
    has_records: bool,
    has_array: bool,
    is_digest: bool,
    foreign: Option<u64>,
}

/// Reads a file to its end, or to where nothing can be read any more.
pub fn read(found: Found, join: &mut Join<'_>, progress: &mut dyn FnMut(Option<u64>)) -> Result<(), StackError> {
    let Found { name, is_named, file } = found;
    let (is_said, is_named) = (is_named, is_named || files::has_name(&name));
    let mut progress = |count| progress(Some(count));
    let (mut content, mut result) = (Content::default(), Ok(()));
    let (before, told) = (join.activity.damaged, join.activity.damage.len());
    let read = file.and_then(|file| files::content(file, &mut progress)).map_err(|error| (0, error)).and_then(|bytes| {
        records::each(bytes, &mut |piece| match piece {
            Piece::Envelope(true) => content.has_records = true,
            Piece::Envelope(false) => content.has_array = true,
            Piece::Damage(at, wrong) if join.activity.damaged - before < PLACES as u64 => {
                damage(&mut join.activity, &name, Some(at), wrong, None)
            }
            Piece::Damage(..) => join.activity.damaged += 1,
            Piece::Object(at, object) => {
                if result.is_ok() {
                    result = take(object, at, join, &mut content);
                }
            }
        })
    });
    result?;
    if let Err((at, error)) = read {
        let (at, wrong) = match error.kind() {
            // These are what decompression says; a file does not.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                (Some(at), Wrong::Compression)
            }
            _ => (None, Wrong::Unreadable),
        };
        damage(&mut join.activity, &name, at, wrong, Some(error.to_string()));
    }
    let activity = &mut join.activity;
    let is_unreadable = activity.damage[told..].iter().any(|damage| damage.wrong == Wrong::Unreadable);
    // A list of nothing may be one of records, where somebody says so.
    content.has_records |= content.has_array && is_named;
    match (content.has_records, content.foreign) {
        _ if content.is_digest => activity.skipped += 1,
        (false, _) if !is_named && !is_unreadable => {
            activity.skipped += 1;
            activity.damage.truncate(told);
            activity.damaged = before;
        }
        (true, Some(at)) => damage(activity, &name, Some(at), Wrong::Foreign, None),
        // Beside a trail lie other things.
        (false, Some(_)) if !is_said => activity.skipped += 1,
        (false, _) if activity.damaged == before => damage(activity, &name, None, Wrong::NoCloudTrail, None),
        _ => {}
    }
    activity.files += u64::from(content.has_records);
    Ok(())
}

/// An object: a record, one that is wrapped as a text, or none.
fn take(object: &Record<'_>, at: u64, join: &mut Join<'_>, content: &mut Content) -> Result<(), StackError> {
    let mut text = object.wrapped.get().map(|text| text.as_bytes().to_vec());
    if let Some(text) = &mut text {
        mend(text);
    }
    let wrapped = text.as_deref().map(serde_json::from_slice::<Record<'_>>);
    let record = match &wrapped {
        Some(Ok(record)) => record,
        Some(Err(_)) => &Record::default(),
        None => object,
    };
    match record.at() {
        Some(time) => {
            content.has_records = true;
            join.take(record, time)
        }
        None => {
            content.is_digest |= object.is_digest();
            content.foreign.get_or_insert(at);
            Ok(())
        }
    }
}

fn damage(activity: &mut Activity, file: &str, at: Option<u64>, wrong: Wrong, reason: Option<String>) {
    activity.damaged += 1;
    if activity.damage.len() < DAMAGES {
        activity.damage.push(Damage { file: file.to_owned(), at, wrong, reason });
    }
}
