//! The timeline as SVG, and the same as a table.

use std::collections::BTreeMap;

use credstack_core::values::Arn;
use maud::{Markup, html};

use super::{
    lanes::{Block, Current, Lane, Lanes, WIDTH, Who},
    page::{moment, text},
};

const LEFT: f64 = 140.0;
const ROW: f64 = 44.0;
const TOP: f64 = 34.0;
/// How many blocks the table has.
const ROWS: usize = 100;
/// How many tints there are; after them they begin anew.
const TINTS: usize = 8;

pub fn timeline(lanes: &Lanes) -> Markup {
    let height = TOP + ROW * lanes.lanes.len() as f64 + 8.0;
    let tints = tints(lanes);
    let box_of = format!("0 0 {} {height}", LEFT + WIDTH + 20.0);
    let merged: u64 =
        blocks(lanes).filter_map(|(_, block)| if let Who::Many(count) = block.who { Some(count) } else { None }).sum();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Timeline, scrolls sideways" {
            svg.timeline viewBox=(box_of) role="img" aria-labelledby="timeline-title timeline-words" {
                title id="timeline-title" { "Who was current on each stack, and when" }
                desc id="timeline-words" { "The table that follows says the same in words." }
                @for at in lanes.ticks() {
                    @let x = LEFT + lanes.position(at);
                    line.axis x1=(x) x2=(x) y1=(TOP - 6.0) y2=(height) {}
                    @let anchor = if x > LEFT + WIDTH - 60.0 { "end" } else if x < LEFT + 60.0 { "start" } else { "middle" };
                    text.tick x=(x) y=(TOP - 14.0) text-anchor=(anchor) { (moment(at)) }
                }
                @for (row, lane) in lanes.lanes.iter().enumerate() {
                    (draw(lane, TOP + ROW * row as f64, lanes, &tints))
                }
            }
        }
        p.note {
            "Times in UTC. A dashed block with a number holds so many changes, one after the other, each too short to be drawn"
            @if merged > 0 { ": " (merged) " in all" }
            ". A dashed line stands where a credential had expired. A triangle marks what was refused."
            @if lanes.is_cut {
                " Nothing has moved since then: who is current at the right end was so when this page was written."
            }
            @if lanes.beyond > 0 { " Not drawn: " (lanes.beyond) " events on further stacks." }
        }
        (table(lanes))
    }
}

fn draw(lane: &Lane, y: f64, lanes: &Lanes, tints: &BTreeMap<String, usize>) -> Markup {
    html! {
        text.lane x="0" y=(y + 21.0) { (short(&lane.stack, 18)) }
        line.base x1=(LEFT) x2=(LEFT + WIDTH) y1=(y + 30.0) y2=(y + 30.0) {}
        @for block in &lane.blocks {
            @let x = LEFT + lanes.position(block.from);
            @let width = (LEFT + lanes.position(block.to) - x).max(2.0);
            @match &block.who {
                Who::Many(count) => {
                    rect.many x=(x) y=(y + 2.0) width=(width) height="28" rx="2" {
                        title { (count) " changes, " (moment(block.from)) " to " (moment(block.to)) }
                    }
                    @if width > 8.0 * count.to_string().len() as f64 {
                        text.count x=(x + width / 2.0) y=(y + 20.5) text-anchor="middle" { (count) }
                    }
                }
                Who::One(current) => {
                    @let tint = tints.get(&current.name).copied().unwrap_or_default();
                    rect class={ "who tint" (tint) } x=(x) y=(y + 2.0) width=(width) height="28" rx="2" {
                        title { (label(current)) ", " (moment(block.from)) " to " (moment(block.to)) }
                    }
                    @if let Some(expired) = expired(lanes, block) {
                        line.expired x1=(LEFT + lanes.position(expired)) x2=(x + width) y1=(y + 30.0) y2=(y + 30.0) {}
                    }
                    @let id = current.credential.map(|id| id.to_string()).unwrap_or_default();
                    @if width > 64.0 {
                        text.name x=(x + 6.0) y=(y + 20.5) { (short(&familiar(&current.name), (width / 7.6) as usize)) }
                    } @else if !id.is_empty() && width > 8.0 * id.len() as f64 + 4.0 {
                        text.name x=(x + width / 2.0) y=(y + 20.5) text-anchor="middle" { (id) }
                    }
                }
            }
        }
        @for (position, count) in lane.marks() {
            @let x = LEFT + position;
            path.refused d=(format!("M{x} {} l5 9 h-10 z", y + 31.0)) {
                title { (count) " refused" }
            }
        }
    }
}

fn table(lanes: &Lanes) -> Markup {
    let mut rows: Vec<_> = blocks(lanes).collect();
    rows.sort_by_key(|(_, block)| std::cmp::Reverse(block.from));
    let left = rows.len().saturating_sub(ROWS);
    html! {
        details {
            summary { "The timeline as a table" }
            div.scroll tabindex="0" role="region" aria-label="Timeline as a table, scrolls sideways" {
                table {
                    caption { "Who was current, the newest first" @if left > 0 { "; " (left) " older rows are left out" } }
                    thead { tr { @for name in ["Stack", "From (UTC)", "To (UTC)", "Identity", "Id"] { th scope="col" { (name) } } } }
                    tbody {
                        @for (lane, block) in rows.into_iter().take(ROWS) {
                            tr {
                                th scope="row" { (text(&lane.stack)) }
                                td.time { (moment(block.from)) }
                                td.time { (moment(block.to)) }
                                @match &block.who {
                                    Who::One(current) => {
                                        td.long { (text(&current.name)) }
                                        td { @if let Some(id) = current.credential { (id) } }
                                    }
                                    Who::Many(count) => { td { (count) " changes, each too short to be told apart" } td {} }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn blocks(lanes: &Lanes) -> impl Iterator<Item = (&Lane, &Block)> {
    lanes.lanes.iter().flat_map(|lane| lane.blocks.iter().map(move |block| (lane, block)))
}

/// When the identity of a block expired, if it was still current then.
fn expired(lanes: &Lanes, block: &Block) -> Option<jiff::Timestamp> {
    let Who::One(Current { credential: Some(id), .. }) = &block.who else { return None };
    let at = lanes.known.get(id)?.expires_at?;
    (at < block.to).then_some(at.max(block.from))
}

/// Each identity has a tint of its own, as long as there are some.
fn tints(lanes: &Lanes) -> BTreeMap<String, usize> {
    let mut tints = BTreeMap::new();
    for (_, block) in blocks(lanes) {
        if let Who::One(current) = &block.who {
            let next = tints.len() % TINTS;
            tints.entry(current.name.clone()).or_insert(next);
        }
    }
    tints
}

fn label(current: &Current) -> String {
    let id = current.credential.map(|id| format!("{id} ")).unwrap_or_default();
    text(&format!("{id}{}", current.name))
}

/// What a person calls an identity: the role or the user, and the account.
fn familiar(name: &str) -> String {
    let Ok(arn) = name.parse::<Arn>() else { return name.to_owned() };
    let mut parts = arn.resource.split('/');
    let last = match parts.next() {
        Some("assumed-role") => parts.next().unwrap_or_default(),
        _ => arn.resource.rsplit('/').next().unwrap_or_default(),
    };
    format!("{last} · {}", arn.account)
}

fn short(name: &str, most: usize) -> String {
    let name = text(name);
    if name.chars().count() <= most {
        return name;
    }
    name.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
