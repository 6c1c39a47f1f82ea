pub mod moment;
mod rows;
mod which;

pub use rows::{CSV, csv as csv_row, identity, table_of};
pub use which::Which;

use std::io::{self, BufWriter, Write};

use credstack_core::{database::EventFilter, stack::Reader, values::Event};
use serde_json::json;

use crate::{
    context::Context,
    failure::Failure,
    output::{escape_json, written},
    pager,
    shapes::EventShape,
    tree,
};

/// Show what happened, newest first
///
/// Every acquisition, refusal, restore and removal, on all stacks or on that of --stack. The log only
/// grows, and each event carries the hash of the one before it. On a terminal it is paged, by PAGER
/// or less.
///
/// Examples:
///   credstack history
///   credstack history --since yesterday --role Admin
///   credstack history --failed --account 111122223333 --json
///   credstack history --graph --since today
///   credstack history --limit 100000 --csv > events.csv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct History {
    #[command(flatten)]
    which: Which,
    /// How many events at most
    #[arg(long, value_name = "N", default_value_t = 50, help_heading = "Which events")]
    limit: u64,
    /// Draw the lineage of the credential sets of these events as a tree: who signed stands above
    #[arg(long, conflicts_with_all = ["csv", "jsonl", "json"])]
    graph: bool,
    /// Print JSON, one event on each line
    #[arg(long, conflicts_with_all = ["csv", "json"])]
    jsonl: bool,
    /// Print CSV, with a header
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// How many events are read at a time. No transaction is open while they are printed: whoever reads them may be slow, and
/// the log must be able to grow.
const PAGE: u64 = 1000;

impl History {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let (reader, filter) = (context.reader()?, self.which.filter(context)?);
        let limit = self.limit;
        if self.jsonl {
            let mut out = BufWriter::new(io::stdout().lock());
            each(&reader, filter, limit, |event| {
                writeln!(out, "{}", escape_json(&serde_json::to_string(&EventShape::from(event))?))
            })?;
            return written(out.flush());
        }
        if self.csv {
            let mut out = csv::Writer::from_writer(io::stdout().lock());
            written(out.write_record(rows::CSV).map_err(io::Error::from))?;
            each(&reader, filter, limit, |event| Ok(out.write_record(rows::csv(&event))?))?;
            return written(out.flush());
        }
        let mut events = Vec::new();
        each(&reader, filter, limit, |event| {
            events.push(event);
            Ok(())
        })?;
        if self.graph {
            let told = events.iter().filter_map(|event| event.entry.credential);
            return pager::print(context, &tree::draw(&reader.lineage(told)?, context.now));
        }
        if context.output.json() {
            let shapes: Vec<EventShape> = events.into_iter().map(EventShape::from).collect();
            return context.output.print_json(&json!({ "events": shapes }));
        }
        pager::print(context, &rows::table_of(&events))
    }
}

/// Writes each event, in the order of the filter, until nobody reads any more.
pub fn each(
    reader: &Reader,
    mut filter: EventFilter,
    mut left: u64,
    mut write: impl FnMut(Event) -> io::Result<()>,
) -> Result<(), Failure> {
    while left > 0 {
        let page = reader.events(&filter, left.min(PAGE))?;
        let Some(last) = page.last() else { return Ok(()) };
        left -= page.len() as u64;
        filter = filter.behind(last);
        for event in page {
            match write(event) {
                Ok(()) => {}
                stopped => return written(stopped),
            }
        }
    }
    Ok(())
}
