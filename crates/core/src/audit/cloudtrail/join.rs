//! One pass over all records: which keys are ours, what they did, and which they made.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
};

use jiff::Timestamp;

use super::{Activity, KEYS, KeyActivity, Question, key::Key, record::Record, sieve::Sieve, tally::ROOM};
use crate::{
    stack::{Reader, StackError},
    values::CredentialId,
};

/// How many calls of ours are remembered by their id, to count what stands in two files once.
const REMEMBERED: usize = 900_000;

/// What a pass has gathered.
pub struct Join<'a> {
    reader: &'a Reader,
    question: &'a Question,
    /// The keys that were ever here, and those for which there was no room.
    ours: Sieve,
    /// The keys that called and are not ours, as far as was known then.
    others: Sieve,
    keys: Vec<Key>,
    by_id: HashMap<String, usize>,
    is_late: bool,
    room: usize,
    hasher: RandomState,
    event_ids: HashSet<u64>,
    pub activity: Activity,
}

/// Whose a key is.
#[derive(Clone, Copy)]
enum Whose {
    Ours(usize),
    /// Ours, with no room for it.
    Beyond,
    Others,
}

impl<'a> Join<'a> {
    /// Knows what was ever here, and the sessions that a pass before found to be made elsewhere.
    pub fn new(reader: &'a Reader, question: &'a Question, elsewhere: Vec<Key>) -> Result<Join<'a>, StackError> {
        let mut join = Join {
            reader,
            question,
            ours: Sieve::new(),
            others: Sieve::new(),
            keys: Vec::new(),
            by_id: HashMap::new(),
            is_late: false,
            room: ROOM,
            hasher: RandomState::new(),
            event_ids: HashSet::new(),
            activity: Activity::default(),
        };
        reader.each_access_key(&mut |key| join.ours.add(key))?;
        for key in elsewhere {
            join.insert(key.afresh());
        }
        Ok(join)
    }

    /// One record.
    pub fn take(&mut self, record: &Record<'_>, at: Timestamp) -> Result<(), StackError> {
        self.activity.records += 1;
        let whose = record.key().map_or(Ok(Whose::Others), |key| self.whose(key))?;
        if let (Whose::Others, Some(key)) = (whose, record.key()) {
            self.others.add(key);
        }
        self.made(record, at, whose)?;
        let Question { since, until } = self.question;
        if since.is_some_and(|since| at < since) || until.is_some_and(|until| at >= until) {
            self.activity.outside += 1;
            return Ok(());
        }
        let Activity { first_at, last_at, .. } = &mut self.activity;
        *first_at = Some(first_at.map_or(at, |first| first.min(at)));
        *last_at = Some(last_at.map_or(at, |last| last.max(at)));
        match whose {
            Whose::Ours(_) | Whose::Beyond if self.is_known(record) => self.activity.duplicates += 1,
            Whose::Ours(index) => self.keys[index].call(record, at, &mut self.room),
            Whose::Beyond => self.activity.beyond += 1,
            Whose::Others => self.activity.others += 1,
        }
        Ok(())
    }

    /// A key that a call gave: ours, whose making is noted, or made elsewhere with one of ours.
    fn made(&mut self, record: &Record<'_>, at: Timestamp, by: Whose) -> Result<(), StackError> {
        let Some(new) = record.new_key() else { return Ok(()) };
        let index = match (self.whose(new.access_key_id)?, by) {
            (Whose::Ours(index), _) => index,
            (Whose::Others, Whose::Ours(_) | Whose::Beyond) => {
                self.is_late |= self.others.may_have(new.access_key_id);
                if self.keys.len() >= KEYS {
                    self.ours.add(new.access_key_id);
                    return Ok(());
                }
                self.insert(Key::elsewhere(new.access_key_id))
            }
            _ => return Ok(()),
        };
        self.keys[index].made(record, at, &new);
        Ok(())
    }

    fn whose(&mut self, key: &str) -> Result<Whose, StackError> {
        if let Some(index) = self.by_id.get(key) {
            return Ok(Whose::Ours(*index));
        }
        if !self.ours.may_have(key) {
            return Ok(Whose::Others);
        }
        if self.keys.len() >= KEYS {
            return Ok(Whose::Beyond);
        }
        let past = self.reader.past_keys(key)?;
        Ok(if past.is_empty() { Whose::Others } else { Whose::Ours(self.insert(Key::ours(key, past))) })
    }

    fn insert(&mut self, key: Key) -> usize {
        self.by_id.insert(key.id().to_owned(), self.keys.len());
        self.keys.push(key);
        self.keys.len() - 1
    }

    /// Whether this call was counted: trails overlap, and `lookup-events` overlaps with all of them.
    fn is_known(&mut self, record: &Record<'_>) -> bool {
        let Some(id) = record.event_id.get() else { return false };
        let id = self.hasher.hash_one(id);
        match self.event_ids.len() < REMEMBERED {
            true => !self.event_ids.insert(id),
            false => self.event_ids.contains(&id),
        }
    }

    /// The sessions made elsewhere, if one of them had called before it was known to be ours: all has to be read again.
    pub fn again(&mut self) -> Option<Vec<Key>> {
        self.is_late.then(|| std::mem::take(&mut self.keys).into_iter().filter(Key::is_elsewhere).collect())
    }

    /// The result.
    pub fn finish(self) -> Activity {
        let keys: Vec<KeyActivity> = self.keys.into_iter().map(Key::finish).collect();
        Activity { keys: in_order(keys), ..self.activity }
    }
}

/// What is ours, by id, each followed by what was made from it elsewhere, the oldest first.
fn in_order(mut keys: Vec<KeyActivity>) -> Vec<KeyActivity> {
    let made_at = |key: &KeyActivity| key.made.as_ref().map(|made| made.at);
    keys.sort_by_cached_key(|key| {
        (key.credentials.is_empty(), key.credentials.last().copied(), made_at(key), key.access_key_id.clone())
    });
    let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, key) in keys.iter().enumerate().filter(|(_, key)| key.credentials.is_empty()) {
        if let Some(by) = key.made.as_ref().and_then(|made| made.by.as_deref()) {
            children.entry(by).or_default().push(index);
        }
    }
    let mut order: Vec<(usize, Option<CredentialId>)> = Vec::new();
    let mut is_placed = vec![false; keys.len()];
    // Records are from outside: what names itself as its maker, over any number of steps, comes last.
    for root in 0..keys.len() {
        let mut left = if keys[root].credentials.is_empty() { Vec::new() } else { vec![(root, None)] };
        while let Some((index, ours)) = left.pop() {
            if std::mem::replace(&mut is_placed[index], true) {
                continue;
            }
            order.push((index, ours));
            let ours = keys[index].credentials.first().copied().or(ours);
            let made = children.get(keys[index].access_key_id.as_str()).into_iter().flatten().rev();
            left.extend(made.map(|child| (*child, ours)));
        }
    }
    order.extend((0..keys.len()).filter(|index| !is_placed[*index]).map(|index| (index, None)));
    let owners: HashMap<String, CredentialId> =
        keys.iter().filter_map(|key| Some((key.access_key_id.clone(), *key.credentials.first()?))).collect();
    let mut keys: Vec<Option<KeyActivity>> = keys.into_iter().map(Some).collect();
    let placed = order.into_iter().filter_map(|(index, ours)| {
        let mut key = keys[index].take()?;
        if let Some(made) = &mut key.made {
            made.ours = ours.or_else(|| owners.get(made.by.as_ref()?).copied());
        }
        Some(key)
    });
    placed.collect()
}
