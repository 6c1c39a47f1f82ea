//! The tables for a person.

use comfy_table::Cell;
use credstack_core::audit::cloudtrail::{Activity, Counts, KeyActivity, Why};
use jiff::Timestamp;

use crate::output::{escape, table};

/// How many values of a kind are shown for a key.
const SHOWN: usize = 10;

/// Everything that a person wants to see of it.
pub fn of(activity: &Activity) -> String {
    let mut parts = vec![summary(activity)];
    if !activity.keys.is_empty() {
        parts.push(keys(activity));
    }
    let misfits: usize = activity.keys.iter().map(|key| key.misfits.len()).sum();
    if misfits > 0 {
        parts.push(format!("calls that do not fit:\n{}", misfits_of(activity)));
    }
    for key in activity.keys.iter().filter(|key| key.calls > 0) {
        parts.push(did(key));
    }
    parts.join("\n\n")
}

fn summary(activity: &Activity) -> String {
    let Activity { files, records, outside, others, duplicates, beyond, first_at, last_at, skipped, .. } = activity;
    let ours: u64 = activity.keys.iter().map(|key| key.calls).sum();
    let mut parts = vec![format!(
        "{} in {}: {} with these keys, {others} with others",
        counted(*records, "record"),
        counted(*files, "file"),
        counted(ours, "call"),
    )];
    if let (Some(first), Some(last)) = (first_at, last_at) {
        parts.push(format!("from {first} to {last}"));
    }
    let beside = [
        (outside, "outside that time"),
        (duplicates, "twice in these files, counted once"),
        (beyond, "with keys of ours for which there was no room"),
        (skipped, if *skipped == 1 { "other file left out" } else { "other files left out" }),
    ];
    parts.extend(beside.into_iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!("{count} {what}")));
    parts.join("; ")
}

fn keys(activity: &Activity) -> String {
    let mut rows = table(&["id", "key", "identity", "made", "calls", "errors", "writes", "first", "last", "expected from"]);
    for key in &activity.keys {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        add(
            &mut rows,
            [
                name(key),
                key.access_key_id.clone(),
                key.arn.clone().unwrap_or_default(),
                made(key),
                key.calls.to_string(),
                key.errors.to_string(),
                key.writes.to_string(),
                time(key.first_at),
                time(key.last_at),
                key.address.clone().unwrap_or_default(),
            ],
        );
    }
    rows.trim_fmt()
}

/// Its ids; what was made elsewhere has none.
fn name(key: &KeyActivity) -> String {
    match key.credentials.is_empty() {
        true => "elsewhere".to_owned(),
        false => crate::words::list(&key.credentials),
    }
}

fn made(key: &KeyActivity) -> String {
    let Some(made) = &key.made else { return String::new() };
    let by = match (made.ours, &made.by) {
        (Some(id), Some(_)) if key.credentials.is_empty() => format!(" from {id}"),
        (_, Some(by)) => format!(" by {by}"),
        (_, None) => String::new(),
    };
    format!("{} {}{by}", made.at, made.operation)
}

fn misfits_of(activity: &Activity) -> String {
    let mut rows = table(&["id", "key", "why", "from", "calls", "first", "last", "first call", "event id"]);
    for key in &activity.keys {
        for misfit in &key.misfits {
            add(
                &mut rows,
                [
                    name(key),
                    key.access_key_id.clone(),
                    why(misfit.why).to_owned(),
                    misfit.address.clone().unwrap_or_default(),
                    misfit.calls.to_string(),
                    misfit.first_at.to_string(),
                    misfit.last_at.to_string(),
                    format!("{} {}", misfit.action.service, misfit.action.action),
                    misfit.event_id.clone().unwrap_or_default(),
                ],
            );
        }
    }
    let more: u64 = activity.keys.iter().map(|key| key.more_misfits).sum();
    match more {
        0 => rows.trim_fmt(),
        more => format!("{}\nand {} from further addresses", rows.trim_fmt(), counted(more, "more call")),
    }
}

pub fn why(why: Why) -> &'static str {
    match why {
        Why::BeforeIssued => "before it was issued",
        Why::AfterExpiry => "after it expired",
        Why::AfterErased => "after it was erased here",
        Why::OtherAddress => "another address",
    }
}

/// What one key did.
fn did(key: &KeyActivity) -> String {
    let mut rows = table(&[]);
    let mut left = 0;
    for count in key.actions.seen.iter().take(SHOWN) {
        let access = match count.what.read_only {
            Some(true) => " (reads)",
            _ => "",
        };
        let what = format!("{} {}{access}", count.what.service, count.what.action);
        add(&mut rows, ["action".to_owned(), what, calls(count.calls, count.errors)]);
    }
    left += key.actions.seen.len().saturating_sub(SHOWN);
    let kinds =
        [("error", &key.error_codes), ("region", &key.regions), ("address", &key.addresses), ("user agent", &key.user_agents)];
    for (kind, counts) in kinds {
        for count in counts.seen.iter().take(SHOWN) {
            let errors = if kind == "error" { 0 } else { count.errors };
            add(&mut rows, [kind.to_owned(), count.what.clone(), calls(count.calls, errors)]);
        }
        left += counts.seen.len().saturating_sub(SHOWN);
    }
    let more = is_more(&key.actions) || kinds.iter().any(|(_, counts)| is_more(counts));
    let left = match (left, more) {
        (0, false) => String::new(),
        (left, false) => format!("\nand {left} more, which --json has"),
        (left, true) => format!("\nand {left} more, which --json has, and others for which there was no room"),
    };
    let title = escape(&format!("{} {} {}", name(key), key.access_key_id, key.arn.as_deref().unwrap_or_default()));
    format!("{}:\n{}{left}", title.trim_end(), rows.trim_fmt())
}

fn is_more<T>(counts: &Counts<T>) -> bool {
    counts.more > 0
}

fn calls(calls: u64, errors: u64) -> String {
    let errors = if errors > 0 { format!(", {errors} with an error") } else { String::new() };
    format!("{}{errors}", counted(calls, "call"))
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn add<const N: usize>(rows: &mut comfy_table::Table, cells: [String; N]) {
    rows.add_row(cells.map(|text| Cell::new(escape(&text))));
}
