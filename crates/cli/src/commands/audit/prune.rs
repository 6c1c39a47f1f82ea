use credstack_core::stack::{Change, Consent, Oldest};
use jiff::Timestamp;
use serde_json::json;

use super::verify;
use crate::{
    commands::history::moment,
    context::Context,
    failure::{Failure, Kind},
    words,
};

/// Remove the oldest events of the log, after asking
///
/// Those before a time: up to the first event that is not. The log is verified first, and what stays
/// verifies afterwards: an event says how many were removed, and the hash of the last of them. It is
/// sealed, so the secret store has to answer. What is known of each credential set stays. Nothing is
/// ever pruned by itself.
///
/// Examples:
///   credstack audit prune --before 2025-01-01 --dry-run
///   credstack audit prune --before 2y
///   credstack audit prune --before 90d --yes
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Prune {
    /// Before that time: a date, RFC 3339, or how long ago, such as 2y, 90d
    #[arg(long, value_name = "TIME")]
    before: String,
    /// Say what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
}

impl Prune {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let before = moment::given("--before", Some(&self.before), context.now)?.unwrap_or(context.now);
        let reader = context.reader()?;
        let second = Timestamp::from_second(before.as_second()).unwrap_or(before);
        let none = || Failure::new(Kind::Nothing, format!("no event at the beginning of the log is before {second}"));
        let oldest = reader.oldest(before)?.ok_or_else(none)?;
        if self.dry_run {
            return shown(context, &oldest, false);
        }
        verify::whole(&reader, None)?;
        if !self.yes {
            let Oldest { count, through } = oldest;
            let count = words::events(count);
            let question = format!("This removes {count}, up to event {} of the log, for ever. Go on?", through.count);
            match context.terminal.confirm(&question) {
                Some(true) => {}
                Some(false) => return Err(Failure::usage("stopped: nothing was changed")),
                None => return Err(Failure::usage("pruning asks first, and nobody is there to answer").next_step("give --yes")),
            }
        }
        let mut change = Change::begin(&context.place, context.terms("audit prune", Consent::Only(Default::default())))?;
        let pruned = change.prune(before)?.ok_or_else(none)?;
        context.output.notices(&mut change);
        shown(context, &pruned, true)
    }
}

fn shown(context: &Context, oldest: &Oldest, done: bool) -> Result<(), Failure> {
    let Oldest { count, through } = oldest;
    if context.output.json() {
        let shown = json!({ "removed": if done { *count } else { 0 }, "events": count, "through": through.to_string() });
        return if done { context.output.print_done(&shown) } else { context.output.print_json(&shown) };
    }
    let count = words::events(*count);
    match done {
        true => context.output.say(&format!("removed {count}; the log begins after {through}")),
        false => context.output.print(&format!("{count} would be removed; the log would begin after {through}"))?,
    }
    Ok(())
}
