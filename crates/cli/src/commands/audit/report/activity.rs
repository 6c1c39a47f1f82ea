//! What CloudTrail says of the credentials.

use credstack_core::audit::cloudtrail::{Activity, Counts, KeyActivity, Misfit};
use maud::{Markup, html};

use super::page::{moment, region, text};
use crate::commands::audit::cloudtrail::why;

/// How many keys are shown, and how many values of each kind.
const KEYS: usize = 50;
const VALUES: usize = 8;

pub fn section(activity: &Activity) -> Markup {
    let misfits: Vec<(&KeyActivity, &Misfit)> =
        activity.keys.iter().flat_map(|key| key.misfits.iter().map(move |misfit| (key, misfit))).collect();
    let ours: u64 = activity.keys.iter().map(|key| key.calls).sum();
    html! {
        section aria-labelledby="cloudtrail" {
            h2 id="cloudtrail" { "What CloudTrail says" }
            p {
                (activity.records) " records in " (activity.files) " files: " (ours) " calls with these keys, " (activity.others) " with others."
                @if activity.damaged > 0 { " " strong { (activity.damaged) " parts could not be read." } }
            }
            @if misfits.is_empty() {
                p { "Every call fits: its time and its address are those of the credential." }
            } @else {
                (region("Calls that do not fit", html! {
                    table {
                        caption { "Calls that do not fit" @if misfits.len() > 200 { ", the first 200" } }
                        thead { tr { @for name in ["Id", "Key", "Why", "From", "Calls", "First (UTC)", "First call"] { th scope="col" { (name) } } } }
                        tbody {
                            @for (key, misfit) in misfits.iter().take(200) {
                                tr {
                                    th scope="row" { (name(key)) }
                                    td { code { (text(&key.access_key_id)) } }
                                    td.words { (why(misfit.why)) }
                                    td { (text(misfit.address.as_deref().unwrap_or("unknown"))) }
                                    td.number { (misfit.calls) }
                                    td.time { (moment(misfit.first_at)) }
                                    td.words { (text(&format!("{} {}", misfit.action.service, misfit.action.action))) }
                                }
                            }
                        }
                    }
                }))
            }
            @let more: u64 = activity.keys.iter().map(|key| key.more_misfits).sum();
            @if more > 0 { p.note { (more) " further calls do not fit, from addresses for which there was no room." } }
            @for key in activity.keys.iter().take(KEYS) { (did(key)) }
            @if activity.keys.len() > KEYS { p.note { (activity.keys.len() - KEYS) " further keys are left out." } }
        }
    }
}

fn did(key: &KeyActivity) -> Markup {
    html! {
        h3 { (name(key)) " " code { (text(&key.access_key_id)) } }
        p {
            @if let Some(arn) = &key.arn { (text(arn)) ": " }
            (key.calls) " calls, " (key.errors) " with an error, " (key.writes) " that may have changed something."
            @if let Some(made) = &key.made {
                " Made by " (text(&made.operation)) " on " (moment(made.at))
                @if let Some(ours) = made.ours { " from " (ours) }
                "."
            }
        }
        @if key.calls > 0 {
            dl.counts {
                (values("Actions", &key.actions, |action| format!("{} {}", action.service, action.action)))
                (values("Errors", &key.error_codes, String::clone))
                (values("Regions", &key.regions, String::clone))
                (values("Addresses", &key.addresses, String::clone))
            }
        }
    }
}

fn values<T>(title: &str, counts: &Counts<T>, name: impl Fn(&T) -> String) -> Markup {
    let left = counts.seen.len().saturating_sub(VALUES);
    html! {
        @if !counts.seen.is_empty() {
            div {
                dt { (title) }
                @for count in counts.seen.iter().take(VALUES) { dd { (text(&name(&count.what))) " × " (count.calls) } }
                @if left > 0 || counts.more > 0 { dd { "and more" } }
            }
        }
    }
}

fn name(key: &KeyActivity) -> String {
    key.credentials.first().map_or_else(|| "made elsewhere".to_owned(), |id| id.to_string())
}
