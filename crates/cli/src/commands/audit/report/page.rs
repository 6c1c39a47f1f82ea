//! The page itself. Everything in it is text from outside: maud escapes it, and what would mislead a reader is made visible.

use base64::{Engine, engine::general_purpose::STANDARD};
use credstack_core::{
    audit::cloudtrail::Activity,
    database::Head,
    stack::{KnownKey, Sealed},
    values::{Actor, Event},
};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::{
    State, activity,
    gather::{DISTINCT, Gathered},
    lineage::{lineage, standing},
    timeline,
};
use crate::{
    commands::{audit::verify, history::identity},
    output::escape,
    words,
};

const STYLE: &str = include_str!("style.css");
/// How long a text may be.
const LONG: usize = 240;

pub struct Contents<'a> {
    pub gathered: &'a Gathered,
    pub activity: Option<&'a Activity>,
    pub state: State,
    pub head: Head,
    /// Who writes the page.
    pub actor: Actor,
    pub now: Timestamp,
}

pub fn page(contents: &Contents<'_>) -> Markup {
    let Contents { gathered, activity, state, head, actor, now } = contents;
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { "Credential history of " (text(&actor.host)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.program { "credstack " (env!("CARGO_PKG_VERSION")) }
                    h1 { "Credential history of " (text(&actor.host)) }
                    p {
                        @match gathered.span {
                            Some((first, last)) => { (moment(first)) " to " (moment(last)) " UTC, " }
                            None => "nothing happened, "
                        }
                        "written by " (text(&actor.user)) " at " (moment(*now)) " UTC"
                    }
                }
                main {
                    (verdict(state, head))
                    (numbers(gathered))
                    section aria-labelledby="when" {
                        h2 id="when" { "Who was current, when" }
                        @if gathered.lanes.lanes.is_empty() { p { "No stack moved." } } @else { (timeline::timeline(&gathered.lanes)) }
                    }
                    (live(&gathered.live, *now))
                    (refusals(gathered))
                    @if let Some(activity) = activity { (activity::section(activity)) }
                    (lineage(&gathered.lineage, *now))
                    (sets(gathered, *now))
                }
                footer {
                    p { "Written by credstack from the log of this machine. It has no secret key and no session token. Access key ids are not secret." }
                }
            }
        }
    }
}

fn verdict(state: &State, head: &Head) -> Markup {
    let (class, title, words, next) = match state {
        State::Whole { sealed: Sealed { count: Some(sealed), cut_off: 0 }, events } if sealed == events => (
            "good",
            "The log verifies",
            format!("The chain of its {events} events is whole, and the secret store seals all of them."),
            None,
        ),
        State::Whole { sealed: Sealed { count: Some(sealed), cut_off }, events } => {
            let tail = events - sealed;
            let mut words = format!("The chain of its {events} events is whole, and the secret store seals the first {sealed}.");
            if tail > 0 {
                words += &format!(" The last {tail} events came after the seal: only the chain vouches for them.");
            }
            if *cut_off > 0 {
                words += &format!(" But {}.", verify::unfinished(*cut_off));
            }
            ("good", "The log verifies", words, None)
        }
        State::Whole { sealed: Sealed { count: None, .. }, events: 0 } => {
            ("unknown", "The log is empty", "Nothing was ever written to it.".to_owned(), None)
        }
        State::Whole { sealed: Sealed { count: None, .. }, events } => {
            let words =
                format!("The chain of its {events} events is whole. Nothing is sealed yet: only the chain vouches for them.");
            ("unknown", "The log verifies, without a seal", words, None)
        }
        State::Touched(said) => ("bad", "The log does not verify", said.message.clone(), said.next_step.as_ref()),
        State::Unknown(said) => {
            ("unknown", "Whether the log was touched is not known", said.message.clone(), said.next_step.as_ref())
        }
    };
    html! {
        section class={ "verdict " (class) } aria-labelledby="verdict" {
            h2 id="verdict" { (title) }
            p { (text(&words)) }
            @if let Some(next) = next { p { "Next: " (text(next)) } }
            p.head { "Head, to be kept elsewhere: " code { (head) } }
        }
    }
}

fn numbers(gathered: &Gathered) -> Markup {
    let people: Vec<_> = gathered.people.iter().take(4).map(|person| text(person)).collect();
    let more = gathered.people.len().saturating_sub(people.len());
    html! {
        section aria-labelledby="numbers" {
            h2 id="numbers" { "In numbers" }
            dl.numbers {
                @for (name, count) in [
                    ("identities", gathered.identities.len() as u64),
                    ("sessions acquired", gathered.sessions),
                    ("refused or failed", gathered.refusals.0),
                    ("times handed out", gathered.uses),
                    ("alive now", gathered.live.len() as u64),
                    ("events", gathered.events),
                ] {
                    div { dt { (name) } dd { (count) } }
                }
            }
            @if gathered.identities.len() >= DISTINCT {
                p.note { "No more than the first " (DISTINCT) " identities are told apart: there may be more." }
            }
            @if gathered.people.len() >= DISTINCT {
                p.note { "No more than the first " (DISTINCT) " people are told apart: there may be more." }
            }
            @if !people.is_empty() {
                p { "By " (people.join(", ")) @if more > 0 { " and " (more) " more" } "." }
            }
        }
    }
}

fn live(live: &[KnownKey], now: Timestamp) -> Markup {
    html! {
        section aria-labelledby="live" {
            h2 id="live" { "Alive now" }
            @if live.is_empty() {
                p { "Nothing that was ever here is accepted by AWS any more." }
            } @else {
                (region("Alive now", html! {
                    table {
                        caption { "What AWS still accepts, also where its secret was erased here" @if live.len() > 200 { ", the first 200 of " (live.len()) } }
                        thead { tr { @for name in ["Id", "Identity", "Access key", "Expires", "Secret"] { th scope="col" { (name) } } } }
                        tbody {
                            @for known in live.iter().take(200) {
                                @let credential = &known.credential;
                                tr {
                                    th scope="row" { (credential.id) }
                                    td.long { (text(&words::identity(credential))) }
                                    td { code { (text(&credential.access_key_id)) } }
                                    td.words { (words::expiry(credential.expires_at, credential.temporary, now)) }
                                    td.word { @if !credential.has_secret() { "erased here" } @else if known.places.is_empty() { "held" } @else { "on a stack" } }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn refusals(gathered: &Gathered) -> Markup {
    let (count, newest) = &gathered.refusals;
    html! {
        section aria-labelledby="refusals" {
            h2 id="refusals" { "Refused" }
            @if newest.is_empty() {
                p { "Nothing was refused." }
            } @else {
                (region("Refusals", html! {
                    table {
                        caption { "What STS refused or did not answer, the newest first" @if *count > newest.len() as u64 { "; the newest " (newest.len()) " of " (count) } }
                        thead { tr { @for name in ["Event", "Time (UTC)", "Stack", "Asked by", "What", "Note"] { th scope="col" { (name) } } } }
                        tbody { @for event in newest.iter().rev() { (refusal(event)) } }
                    }
                }))
            }
        }
    }
}

fn refusal(event: &Event) -> Markup {
    let entry = &event.entry;
    html! {
        tr {
            th scope="row" { (event.sequence) }
            td.time { (moment(event.at)) }
            td.word { @if let Some(stack) = &entry.stack { (text(stack.as_str())) } }
            td { @if let Some(parent) = entry.parent { (parent) } }
            td.long { (text(&identity(event))) }
            td.words { @if let Some(note) = entry.detail.get("note").and_then(|note| note.as_str()) { (text(note)) } }
        }
    }
}

fn sets(gathered: &Gathered, now: Timestamp) -> Markup {
    let newest: Vec<_> =
        gathered.newest.iter().rev().filter_map(|(id, stack)| Some((gathered.lineage.get(id)?, stack))).collect();
    html! {
        section aria-labelledby="sets" {
            h2 id="sets" { "Credential sets" }
            @if newest.is_empty() {
                p { "None came." }
            } @else {
                (region("Credential sets", html! {
                    table {
                        caption { "What was acquired, imported or captured, the newest first" @if gathered.sets > newest.len() as u64 { "; the newest " (newest.len()) " of " (gathered.sets) } }
                        thead { tr { @for name in ["Id", "Identity", "State", "From (UTC)", "Until (UTC)", "Note", "Stack", "How", "Signed by", "Access key"] { th scope="col" { (name) } } } }
                        tbody {
                            @for (credential, stack) in newest {
                                tr {
                                    th scope="row" { (credential.id) }
                                    td.long { (text(&words::identity(credential))) }
                                    td.word { (standing(credential, now).split(',').next().unwrap_or_default()) }
                                    td.time { (moment(credential.issued_at)) }
                                    td.time { @match credential.expires_at { Some(at) => (moment(at)), None => "–" } }
                                    td.words { @if let Some(note) = &credential.note { (text(note)) } }
                                    td.word { @if let Some(stack) = stack { (text(stack.as_str())) } }
                                    td.word { (credential.kind) }
                                    td { @if let Some(parent) = credential.parent { (parent) } }
                                    td { code { (text(&credential.access_key_id)) } }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

/// A part that scrolls sideways by itself, with the keyboard too.
pub fn region(name: &str, inner: Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label={ (name) ", scrolls" } { (inner) } }
}

/// Text from outside, bounded, with what would mislead a reader made visible.
pub fn text(text: &str) -> String {
    let visible = escape(text);
    match visible.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &visible[..end]),
        None => visible,
    }
}

/// A time as people read it, UTC.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
