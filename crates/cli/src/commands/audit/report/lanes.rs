//! Who was current on each stack, when: blocks of a timeline, merged where they would be too narrow to see.

use std::collections::BTreeMap;

use credstack_core::{
    stack::Reader,
    values::{Credential, CredentialId, Event, EventKind},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{failure::Failure, words};

/// How wide the timeline is, in its own units.
pub const WIDTH: f64 = 1000.0;
/// A block narrower than this is merged with such ones beside it.
const NARROW: f64 = 4.0;
/// What is merged becomes no wider than this, so that it still tells when more happened and when less.
const CELL: f64 = 25.0;
/// Refusals closer than this are one mark.
const MARK: f64 = 10.0;
/// How many blocks a stack has at most: only a clock that jumps to and fro makes so many.
const BLOCKS: usize = 1000;
/// How many stacks are shown.
const STACKS: usize = 40;

/// All stacks.
pub struct Lanes {
    span: Option<(Timestamp, Timestamp)>,
    /// Whether the time since the last event is not drawn to its end.
    pub is_cut: bool,
    /// By the stack's name, in the order of appearance.
    pub lanes: Vec<Lane>,
    /// How many events are on further stacks.
    pub beyond: u64,
    /// What is known of the credential sets that have a block of their own.
    pub known: BTreeMap<CredentialId, Credential>,
}

/// One stack.
pub struct Lane {
    pub stack: String,
    pub blocks: Vec<Block>,
    /// Where something was refused, and how often: in tens of units.
    refusals: BTreeMap<u16, u64>,
    open: Option<(Timestamp, Current)>,
}

/// A part of the time.
pub struct Block {
    pub from: Timestamp,
    pub to: Timestamp,
    pub who: Who,
}

/// Who was current in it.
pub enum Who {
    One(Current),
    /// So many, one after the other, each too short to be seen.
    Many(u64),
}

/// An identity as it is on top of a stack.
#[derive(Clone, PartialEq, Eq)]
pub struct Current {
    pub credential: Option<CredentialId>,
    pub name: String,
}

impl Lanes {
    pub fn between(span: Option<(Timestamp, Timestamp)>) -> Lanes {
        // Times are whole seconds: what happened within one is drawn as if it took that one.
        let longer = |first: Timestamp| Timestamp::from_second(first.as_second() + 1).unwrap_or(first);
        let span = span.map(|(first, last)| (first, last.max(longer(first))));
        Lanes { span, is_cut: false, lanes: Vec::new(), beyond: 0, known: BTreeMap::new() }
    }

    /// Where a moment is, from 0 to [`WIDTH`].
    pub fn position(&self, at: Timestamp) -> f64 {
        let Some((first, last)) = self.span else { return 0.0 };
        let whole = (last.as_second() - first.as_second()).max(1) as f64;
        ((at.as_second() - first.as_second()) as f64 / whole * WIDTH).clamp(0.0, WIDTH)
    }

    /// Moments to be marked on the axis.
    pub fn ticks(&self) -> Vec<Timestamp> {
        let Some((first, last)) = self.span else { return Vec::new() };
        let whole = last.as_second() - first.as_second();
        // Seconds are not divided: a short time has fewer marks.
        let parts = (whole / 10).clamp(1, 5);
        let moments = (0..=parts).filter_map(|part| Timestamp::from_second(first.as_second() + whole * part / parts).ok());
        let mut moments: Vec<Timestamp> = moments.collect();
        moments.dedup();
        moments
    }

    /// Whether an event says who is current after it.
    pub fn is_move(event: &Event) -> bool {
        event.entry.detail.contains_key("frames") || event.entry.event == EventKind::Removed
    }

    /// Whoever was current at the begin, from a move before it.
    pub fn begin(&mut self, moved: &Event, at: Timestamp, renewed: impl Fn(CredentialId) -> CredentialId) {
        let Some(stack) = &moved.entry.stack else { return };
        let Some(mut current) = current(moved) else { return };
        current.credential = current.credential.map(renewed);
        self.turn(stack.as_str(), at, Some(current));
    }

    pub fn add(&mut self, event: &Event) {
        let entry = &event.entry;
        if entry.event == EventKind::Renewed {
            return self.renewed(event);
        }
        let Some(stack) = &entry.stack else { return };
        let is_move = Lanes::is_move(event);
        let is_refusal = matches!(entry.event, EventKind::Refused | EventKind::Failed);
        if !is_move && !is_refusal {
            return;
        }
        let column = (self.position(event.at) / MARK) as u16;
        let Some(lane) = self.lane(stack.as_str()) else {
            self.beyond += 1;
            return;
        };
        if is_refusal {
            *lane.refusals.entry(column).or_default() += 1;
        } else {
            self.turn(stack.as_str(), event.at, current(event));
        }
    }

    /// A set took the place of another one: who is current stays, under another number.
    fn renewed(&mut self, event: &Event) {
        let old = event.entry.detail.get("replaces").and_then(Value::as_str).and_then(|id| id.parse().ok());
        for lane in &mut self.lanes {
            if let Some((_, current)) = &mut lane.open
                && current.credential == old
                && old.is_some()
            {
                current.credential = event.entry.credential;
            }
        }
    }

    fn lane(&mut self, stack: &str) -> Option<&mut Lane> {
        let at = match self.lanes.iter().position(|lane| lane.stack == stack) {
            Some(at) => at,
            None if self.lanes.len() < STACKS => {
                let lane = Lane { stack: stack.to_owned(), blocks: Vec::new(), refusals: BTreeMap::new(), open: None };
                self.lanes.push(lane);
                self.lanes.len() - 1
            }
            None => return None,
        };
        self.lanes.get_mut(at)
    }

    /// From that moment on somebody else is current.
    fn turn(&mut self, stack: &str, at: Timestamp, next: Option<Current>) {
        let unit = self.unit();
        let Some(lane) = self.lane(stack) else { return };
        match (lane.open.take(), next) {
            (Some((from, before)), Some(next)) if before == next => lane.open = Some((from, before)),
            (open, next) => {
                if let Some((from, who)) = open {
                    lane.close(Block { from, to: at, who: Who::One(who) }, unit);
                }
                lane.open = next.map(|next| (at, next));
            }
        }
    }

    /// How many units a second has.
    fn unit(&self) -> f64 {
        let Some((first, last)) = self.span else { return 0.0 };
        WIDTH / (last.as_second() - first.as_second()).max(1) as f64
    }

    /// Closes what is still open at the end of the time, and looks up who it was.
    pub fn finish(&mut self, reader: &Reader) -> Result<(), Failure> {
        let unit = self.unit();
        let Some((_, last)) = self.span else { return Ok(()) };
        for lane in &mut self.lanes {
            if let Some((from, who)) = lane.open.take() {
                lane.close(Block { from, to: last, who: Who::One(who) }, unit);
            }
        }
        let ids = self.lanes.iter().flat_map(|lane| &lane.blocks).filter_map(|block| match &block.who {
            Who::One(current) => current.credential,
            Who::Many(_) => None,
        });
        self.known = reader.lineage(ids)?;
        Ok(())
    }
}

impl Lane {
    /// Where its refusals are marked, and how many each mark stands for.
    pub fn marks(&self) -> impl Iterator<Item = (f64, u64)> {
        self.refusals.iter().map(|(column, count)| (f64::from(*column) * MARK, *count))
    }

    fn close(&mut self, mut block: Block, unit: f64) {
        // A clock was set back.
        block.to = block.to.max(block.from);
        let width = |from: Timestamp, to: Timestamp| (to.as_second() - from.as_second()) as f64 * unit;
        let is_full = self.blocks.len() >= BLOCKS;
        if width(block.from, block.to) >= NARROW && !is_full {
            return self.blocks.push(block);
        }
        if let Some(last) = self.blocks.last_mut() {
            let gap = width(last.to, block.from);
            let is_near = (0.0..NARROW).contains(&gap) && width(last.from, block.to) <= CELL;
            let many = match &last.who {
                Who::Many(count) => Some(*count),
                Who::One(_) if width(last.from, last.to) < NARROW => Some(1),
                Who::One(_) => None,
            };
            if let Some(count) = many.filter(|_| is_near).or(is_full.then(|| many.unwrap_or(1))) {
                (last.to, last.who) = (last.to.max(block.to), Who::Many(count + 1));
                return;
            }
        }
        self.blocks.push(block);
    }
}

/// Who is current after a move, if anybody is.
fn current(moved: &Event) -> Option<Current> {
    moved.entry.detail.get("frames")?.get(0).map(|frame| top(frame, moved))
}

/// Who is on top: the columns of a move are those of the frame that is current after it.
fn top(frame: &Value, event: &Event) -> Current {
    let credential = frame.as_str().and_then(|id| id.parse().ok());
    let reference = || Some(words::ambient(&serde_json::from_value(frame.get("ambient")?.clone()).ok()?));
    let name = event.entry.arn.clone().or_else(reference).or_else(|| event.entry.access_key_id.clone());
    Current { credential, name: name.unwrap_or_else(|| "unknown".to_owned()) }
}
