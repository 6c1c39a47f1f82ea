//! What is gathered of one key, and what does not fit.

use std::collections::{HashMap, hash_map::Entry};

use jiff::Timestamp;

use super::{
    Action, KeyActivity, Made, Misfit, SKEW, VALUES, Why,
    record::{NewKey, Record, is_service},
    tally::{Tally, short},
};
use crate::stack::PastKey;

/// One key of ours, or made with one.
#[derive(Debug, Default)]
pub struct Key {
    access_key_id: String,
    /// What was here with it; nothing for a session that was made elsewhere.
    past: Vec<PastKey>,
    made: Option<Made>,
    expires_at: Option<Timestamp>,
    arn: Option<String>,
    calls: u64,
    errors: u64,
    writes: u64,
    span: Option<(Timestamp, Timestamp)>,
    actions: Tally<Action>,
    error_codes: Tally<String>,
    regions: Tally<String>,
    addresses: Tally<String>,
    user_agents: Tally<String>,
    sights: HashMap<(Option<Why>, String), Sight>,
    unsorted: u64,
}

/// Calls from one address that fit in their time, or do not in the same way.
#[derive(Debug)]
struct Sight {
    calls: u64,
    last_at: Timestamp,
    /// The first call, and its id: the order in which records are read tells nothing.
    first: (Timestamp, Option<String>),
    action: Action,
}

impl Key {
    /// A key that was here.
    pub fn ours(access_key_id: &str, past: Vec<PastKey>) -> Key {
        Key { access_key_id: access_key_id.to_owned(), past, ..Key::default() }
    }

    /// A key that was made elsewhere.
    pub fn elsewhere(access_key_id: &str) -> Key {
        Key::ours(access_key_id, Vec::new())
    }

    /// The same, of which nothing is counted yet.
    pub fn afresh(self) -> Key {
        let Key { access_key_id, past, made, expires_at, arn, .. } = self;
        Key { access_key_id, past, made, expires_at, arn, ..Key::default() }
    }

    /// The record that tells of its making. There may be two, one in the role's account, which does not name who signed.
    pub fn made(&mut self, record: &Record<'_>, at: Timestamp, new: &NewKey<'_>) {
        let made = Made {
            at,
            operation: short(record.event_name.get().unwrap_or_default()),
            by: record.key().map(short),
            ours: None,
            address: record.address.get().map(short),
            event_id: record.event_id.get().map(short),
        };
        let order = |made: &Made| (made.by.is_none(), made.at, made.event_id.clone());
        if self.made.as_ref().is_none_or(|known| order(&made) < order(known)) {
            self.made = Some(made);
            self.expires_at = new.expires_at;
            self.arn = new.arn.map(short).or(self.arn.take());
        }
    }

    /// A call with it.
    pub fn call(&mut self, record: &Record<'_>, at: Timestamp, room: &mut usize) {
        let text = |text: Option<&str>| text.map(short).unwrap_or_default();
        let action = Action {
            service: text(record.event_source.get()),
            action: text(record.event_name.get()),
            read_only: record.read_only(),
        };
        let is_error = record.error_code.get().is_some();
        self.calls += 1;
        self.errors += u64::from(is_error);
        self.writes += u64::from(action.read_only != Some(true));
        self.span = Some(self.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        if self.arn.is_none() {
            self.arn = record.arn().map(short);
        }
        let tallies = [
            (&mut self.error_codes, &record.error_code),
            (&mut self.regions, &record.aws_region),
            (&mut self.addresses, &record.address),
            (&mut self.user_agents, &record.user_agent),
        ];
        for (tally, text) in tallies {
            if let Some(text) = text.get() {
                tally.count(short(text), at, is_error, room);
            }
        }
        // A service that acts for the key does so from AWS's own addresses, and may take its time.
        if !record.is_by_service() {
            self.sight(self.why(at), record, at, &action, room);
        }
        self.actions.count(action, at, is_error, room);
    }

    fn sight(&mut self, why: Option<Why>, record: &Record<'_>, at: Timestamp, action: &Action, room: &mut usize) {
        let address = record.address.get().map(short).unwrap_or_default();
        let is_home = why.is_none() && self.home_of_making() == Some(&*address);
        let is_full = !is_home && (self.sights.len() >= VALUES || *room == 0);
        let first = (at, record.event_id.get().map(short));
        match self.sights.entry((why, address)) {
            Entry::Occupied(mut sight) => {
                let sight = sight.get_mut();
                sight.calls += 1;
                sight.last_at = sight.last_at.max(at);
                if first < sight.first {
                    (sight.first, sight.action) = (first, action.clone());
                }
            }
            Entry::Vacant(_) if is_full => self.unsorted += 1,
            Entry::Vacant(new) => {
                *room = room.saturating_sub(1);
                new.insert(Sight { calls: 1, last_at: at, first, action: action.clone() });
            }
        }
    }

    /// Where a call is out of its time, by each credential set that was here with the key.
    fn why(&self, at: Timestamp) -> Option<Why> {
        let before = |bound: Option<Timestamp>| bound.is_some_and(|bound| at.duration_since(bound) < -SKEW);
        let after = |bound: Option<Timestamp>| bound.is_some_and(|bound| at.duration_since(bound) > SKEW);
        let why = |issued_at, expires_at, erased_at| match () {
            () if before(issued_at) => Some(Why::BeforeIssued),
            () if after(expires_at) => Some(Why::AfterExpiry),
            () if after(erased_at) => Some(Why::AfterErased),
            () => None,
        };
        let mut reasons = self.past.iter().map(|past| why(past.issued_at, past.expires_at, past.erased_at));
        match reasons.next() {
            None => why(self.made.as_ref().map(|made| made.at), self.expires_at, None),
            Some(first) if first.is_some() && reasons.all(|other| other.is_some()) => first,
            Some(_) => None,
        }
    }

    /// The address of the call that made it.
    fn home_of_making(&self) -> Option<&str> {
        self.made.as_ref()?.address.as_deref().filter(|address| !is_service(address))
    }

    /// The address from which its calls are expected: that of the call which made it, else the most frequent one.
    fn home(&self) -> Option<String> {
        if let Some(home) = self.home_of_making() {
            return Some(home.to_owned());
        }
        let fitting = self.sights.iter().filter(|((why, address), _)| why.is_none() && !address.is_empty());
        let home = fitting.min_by_key(|((_, address), sight)| (u64::MAX - sight.calls, sight.first.0, address.as_str()));
        home.map(|((_, address), _)| address.clone())
    }

    /// The result.
    pub fn finish(self) -> KeyActivity {
        let address = self.home();
        let mut misfits = Vec::new();
        for ((why, from), sight) in self.sights {
            let is_elsewhere = !from.is_empty() && address.as_ref() != Some(&from);
            let Some(why) = why.or(is_elsewhere.then_some(Why::OtherAddress)) else { continue };
            misfits.push(Misfit {
                why,
                address: Some(from).filter(|from| !from.is_empty()),
                calls: sight.calls,
                first_at: sight.first.0,
                last_at: sight.last_at,
                event_id: sight.first.1,
                action: sight.action,
            });
        }
        misfits.sort_by(|one, other| (one.first_at, one.why, &one.address).cmp(&(other.first_at, other.why, &other.address)));
        let newest = self.past.first();
        KeyActivity {
            access_key_id: self.access_key_id,
            credentials: self.past.iter().map(|past| past.id).collect(),
            arn: newest.and_then(|past| past.arn.clone()).or(self.arn),
            issued_at: newest.map_or(self.made.as_ref().map(|made| made.at), |past| past.issued_at),
            expires_at: newest.map_or(self.expires_at, |past| past.expires_at),
            erased_at: newest.and_then(|past| past.erased_at),
            made: self.made,
            address,
            calls: self.calls,
            errors: self.errors,
            writes: self.writes,
            first_at: self.span.map(|(first, _)| first),
            last_at: self.span.map(|(_, last)| last),
            actions: self.actions.counts(),
            error_codes: self.error_codes.counts(),
            regions: self.regions.counts(),
            addresses: self.addresses.counts(),
            user_agents: self.user_agents.counts(),
            misfits,
            more_misfits: self.unsorted,
        }
    }

    /// Its access key id.
    pub fn id(&self) -> &str {
        &self.access_key_id
    }

    /// Whether it was made elsewhere.
    pub fn is_elsewhere(&self) -> bool {
        self.past.is_empty()
    }
}
