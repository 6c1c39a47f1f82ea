use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
};

use jiff::Timestamp;

use super::{Count, Counts, VALUES};

/// How many values are told apart in all, over all keys: what a value takes is bounded, so this bounds all of it.
pub const ROOM: usize = 60_000;

/// How long a text from a record may be. A user agent has no bound of its own.
const LONGEST: usize = 160;

/// Text from outside, cut where it is too long.
pub fn short(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Counts things apart as long as there is room.
#[derive(Debug)]
pub struct Tally<T> {
    seen: HashMap<T, Seen>,
    more: u64,
}

#[derive(Debug)]
struct Seen {
    calls: u64,
    errors: u64,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Tally { seen: HashMap::new(), more: 0 }
    }
}

impl<T: Clone + Eq + Hash + Ord> Tally<T> {
    /// One call with it. `room` is what is left for all.
    pub fn count(&mut self, what: T, at: Timestamp, is_error: bool, room: &mut usize) {
        let is_full = self.seen.len() >= VALUES || *room == 0;
        let seen = match self.seen.entry(what) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(_) if is_full => {
                self.more += 1;
                return;
            }
            Entry::Vacant(new) => {
                *room -= 1;
                new.insert(Seen { calls: 0, errors: 0, first_at: at, last_at: at })
            }
        };
        seen.calls += 1;
        seen.errors += u64::from(is_error);
        (seen.first_at, seen.last_at) = (seen.first_at.min(at), seen.last_at.max(at));
    }

    /// The most frequent first.
    pub fn counts(self) -> Counts<T> {
        let count = |(what, Seen { calls, errors, first_at, last_at })| Count { what, calls, errors, first_at, last_at };
        let mut seen: Vec<_> = self.seen.into_iter().map(count).collect();
        seen.sort_by(|one, other| (other.calls, &one.what).cmp(&(one.calls, &other.what)));
        Counts { seen, more: self.more }
    }
}
