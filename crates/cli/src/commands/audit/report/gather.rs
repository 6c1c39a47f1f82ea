//! What the page shows, gathered in one pass over the log: counts and bounded lists, however long the log is.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use credstack_core::{
    database::EventFilter,
    stack::{KnownKey, Reader},
    values::{Credential, CredentialId, Event, EventKind},
};
use jiff::Timestamp;
use serde_json::Value;

use super::lanes::Lanes;
use crate::{commands::history::each, failure::Failure};

/// How many refusals, and how many credential sets, are told one by one.
pub const ROWS: usize = 200;

/// How many different identities and people are told apart.
const DISTINCT: usize = 10_000;

/// Everything the page says of the log.
pub struct Gathered {
    /// How many events.
    pub events: u64,
    /// The time of the first and of the last of them.
    pub span: Option<(Timestamp, Timestamp)>,
    /// How many credential sets came: from STS, from elsewhere, from the environment.
    pub sets: u64,
    /// How many of them STS gave.
    pub sessions: u64,
    /// How often keys were handed out.
    pub uses: u64,
    /// ARNs.
    pub identities: HashSet<String>,
    /// Who did it: user and host.
    pub people: BTreeSet<String>,
    /// What was refused or had no answer: how often, and the newest.
    pub refusals: (u64, VecDeque<Event>),
    /// The newest credential sets with their ancestors.
    pub lineage: BTreeMap<CredentialId, Credential>,
    /// The newest credential sets, oldest first.
    pub newest: VecDeque<CredentialId>,
    /// What AWS still accepts.
    pub live: Vec<KnownKey>,
    /// Who was current when.
    pub lanes: Lanes,
}

/// Reads the log once.
pub fn gather(reader: &Reader, filter: &EventFilter, now: Timestamp) -> Result<Gathered, Failure> {
    let oldest = EventFilter { oldest_first: true, ..filter.clone() };
    let span = reader.span(filter)?;
    let mut gathered = Gathered {
        events: 0,
        span,
        sets: 0,
        sessions: 0,
        uses: 0,
        identities: HashSet::new(),
        people: BTreeSet::new(),
        refusals: (0, VecDeque::new()),
        lineage: BTreeMap::new(),
        newest: VecDeque::new(),
        live: reader.live_keys(now)?,
        // Who was current last still is.
        lanes: Lanes::between(span.map(|(first, last)| (first, last.max(filter.until.unwrap_or(now).min(now))))),
    };
    each(reader, oldest, u64::MAX, |event| {
        gathered.add(event);
        Ok(())
    })?;
    gathered.lineage = reader.lineage(gathered.newest.iter().copied())?;
    gathered.lanes.finish(reader)?;
    Ok(gathered)
}

impl Gathered {
    fn add(&mut self, event: Event) {
        self.events += 1;
        self.lanes.add(&event);
        let entry = &event.entry;
        if let Some(arn) = &entry.arn
            && self.identities.len() < DISTINCT
            && !self.identities.contains(arn)
        {
            self.identities.insert(arn.clone());
        }
        if self.people.len() < DISTINCT {
            let actor = |name: &str| entry.detail.get("actor").and_then(|actor| actor.get(name)).and_then(Value::as_str);
            if let (Some(user), Some(host)) = (actor("user"), actor("host")) {
                let person = format!("{user} on {host}");
                self.people.insert(person);
            }
        }
        match entry.event {
            EventKind::Acquired | EventKind::Imported | EventKind::Captured => {
                self.sets += 1;
                self.sessions += u64::from(entry.event == EventKind::Acquired);
                if let Some(id) = entry.credential {
                    keep(&mut self.newest, id);
                }
            }
            EventKind::UsedBy => {
                self.uses += u64::from(entry.detail.get("by").and_then(Value::as_str) != Some("endpoint-stop"));
            }
            EventKind::Refused | EventKind::Failed => {
                self.refusals.0 += 1;
                keep(&mut self.refusals.1, event);
            }
            _ => {}
        }
    }
}

fn keep<T>(newest: &mut VecDeque<T>, one: T) {
    if newest.len() == ROWS {
        newest.pop_front();
    }
    newest.push_back(one);
}
