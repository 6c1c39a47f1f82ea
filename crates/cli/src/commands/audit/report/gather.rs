//! What the page shows, gathered in one pass over the log: counts and bounded lists, however long the log is.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use credstack_core::{
    database::EventFilter,
    stack::{KnownKey, Reader},
    values::{Credential, CredentialId, Event, EventKind, StackName},
};
use jiff::Timestamp;
use serde_json::Value;

use super::lanes::Lanes;
use crate::{commands::history::each, context::Context, failure::Failure};

/// How many refusals, and how many credential sets, are told one by one.
pub const ROWS: usize = 200;

/// How many different identities and people are told apart.
pub const DISTINCT: usize = 10_000;

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
    /// The newest credential sets, oldest first, and the stack that each came to.
    pub newest: VecDeque<(CredentialId, Option<StackName>)>,
    /// What AWS still accepts.
    pub live: Vec<KnownKey>,
    /// Who was current when.
    pub lanes: Lanes,
}

/// Reads the log once.
pub fn gather(context: &Context, reader: &Reader, filter: &EventFilter) -> Result<Gathered, Failure> {
    let now = context.now;
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
        lanes: lanes(reader, filter, span, now)?,
    };
    each(context, reader, oldest, u64::MAX, |event| {
        gathered.add(event);
        Ok(())
    })?;
    gathered.lineage = reader.lineage(gathered.newest.iter().map(|(id, _)| *id))?;
    gathered.lanes.finish(reader)?;
    Ok(gathered)
}

/// How many events of a stack are looked through for its last move.
const LOOKED_THROUGH: u64 = 500;

/// The timeline at its begin: who was current before the time that is asked for still is.
fn lanes(reader: &Reader, filter: &EventFilter, span: Option<(Timestamp, Timestamp)>, now: Timestamp) -> Result<Lanes, Failure> {
    let end = filter.until.unwrap_or(now).min(now);
    let before = match filter.since.filter(|since| *since < end) {
        Some(since) => reader.events(&EventFilter { until: Some(since), ..EventFilter::default() }, 1)?.first().map(|_| since),
        None => None,
    };
    let Some(since) = before else {
        let is_asked = filter.since.is_some() || filter.until.is_some();
        let near = |first, last| if is_asked { end } else { near(first, last, end) };
        let drawn = span.map(|(first, last)| (first, last.max(near(first, last))));
        let is_cut = !is_asked && drawn.is_some_and(|(_, last)| last < end);
        let mut lanes = Lanes::between(drawn);
        lanes.is_cut = is_cut;
        return Ok(lanes);
    };
    let mut lanes = Lanes::between(Some((since, span.map_or(end, |(_, last)| last.max(end)))));
    // A stack that is there no more had somebody current until then.
    let removed = EventFilter { events: vec![EventKind::Removed], ..filter.clone() };
    let removed = reader.events(&removed, ROWS as u64)?.into_iter().filter_map(|event| event.entry.stack);
    for stack in reader.stack_names()?.into_iter().chain(removed).collect::<BTreeSet<_>>() {
        let earlier = EventFilter { until: Some(since), stack: Some(stack), ..EventFilter::default() };
        if let Some(moved) = reader.events(&earlier, LOOKED_THROUGH)?.iter().find(|event| Lanes::is_move(event)) {
            lanes.begin(moved, since, |id| renewed(reader, id, since));
        }
    }
    Ok(lanes)
}

/// Where the timeline ends if nobody says it: now, unless nothing has happened for so long that all the rest would be squeezed.
fn near(first: Timestamp, last: Timestamp, now: Timestamp) -> Timestamp {
    let quiet = ((last.as_second() - first.as_second()) / 4).max(60);
    Timestamp::from_second(last.as_second().saturating_add(quiet)).map_or(now, |near| near.min(now))
}

/// What a credential set had become by renewals at that time.
fn renewed(reader: &Reader, id: CredentialId, at: Timestamp) -> CredentialId {
    let mut id = id;
    while let Some(to) = reader.credential(id).ok().and_then(|credential| credential.replaced_by).filter(|to| *to > id)
        && reader.credential(to).is_ok_and(|credential| credential.issued_at < at)
    {
        id = to;
    }
    id
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
                    keep(&mut self.newest, (id, entry.stack.clone()));
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
