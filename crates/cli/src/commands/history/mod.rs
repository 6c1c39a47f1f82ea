pub mod moment;
mod rows;
mod unreadable;
mod which;

pub use rows::{CSV, csv as csv_row, identity, table_of};
pub use unreadable::Unreadable;
pub use which::Which;

use std::{
    collections::BTreeSet,
    io::{self, BufWriter, Write},
};

use credstack_core::{database::EventFilter, stack::Reader, values::Event};

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
/// the log must be able to grow. So many rows of a table have their columns in common.
const PAGE: u64 = 1000;

impl History {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let (reader, filter) = (context.reader()?, self.which.filter(context)?);
        let limit = self.limit;
        if self.jsonl {
            let mut out = BufWriter::new(io::stdout().lock());
            each(context, &reader, filter, limit, |event| {
                writeln!(out, "{}", escape_json(&serde_json::to_string(&EventShape::from(event))?))
            })?;
            return written(out.flush());
        }
        if self.csv {
            let mut out = csv::Writer::from_writer(io::stdout().lock());
            written(out.write_record(rows::CSV).map_err(io::Error::from))?;
            each(context, &reader, filter, limit, |event| Ok(out.write_record(rows::csv(&event))?))?;
            return written(out.flush());
        }
        if self.graph {
            let mut told = BTreeSet::new();
            each(context, &reader, filter, limit, |event| {
                told.extend(event.entry.credential);
                Ok(())
            })?;
            let parents = reader.parents(told)?;
            return pager::through(context, |out| tree::draw(parents, context.now, out, |id| Ok(reader.credential(id)?)));
        }
        if context.output.json() {
            return json(context, &reader, filter, limit);
        }
        pager::through(context, |out| {
            let mut is_first = true;
            pages(context, &reader, filter, limit, |events| {
                if events.is_empty() && !is_first {
                    return Ok(());
                }
                is_first = false;
                writeln!(out, "{}", rows::table_of(events))
            })
        })
    }
}

/// One document, written as it is read.
fn json(context: &Context, reader: &Reader, filter: EventFilter, limit: u64) -> Result<(), Failure> {
    let mut out = BufWriter::new(anstream::stdout().lock());
    let mut before = "{\n  \"events\": [";
    each(context, reader, filter, limit, |event| {
        let event = serde_json::to_string_pretty(&EventShape::from(event))?;
        write!(out, "{before}\n    {}", escape_json(&event).replace('\n', "\n    "))?;
        before = ",";
        Ok(())
    })?;
    let end = if before == "," { "\n  ]\n}" } else { "{\n  \"events\": []\n}" };
    written(writeln!(out, "{end}").and_then(|()| out.flush()))
}

/// Writes each event, in the order of the filter, until nobody reads any more.
pub fn each(
    context: &Context,
    reader: &Reader,
    filter: EventFilter,
    limit: u64,
    mut write: impl FnMut(Event) -> io::Result<()>,
) -> Result<(), Failure> {
    pages(context, reader, filter, limit, |events| events.drain(..).try_for_each(&mut write))
}

/// Hands over the events, some at a time; at last none. Which of them cannot be read as they stand is said at the end.
fn pages(
    context: &Context,
    reader: &Reader,
    mut filter: EventFilter,
    mut left: u64,
    mut write: impl FnMut(&mut Vec<Event>) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut unreadable = Unreadable::default();
    loop {
        let mut events = if left == 0 { Vec::new() } else { reader.events(&filter, left.min(PAGE))? };
        unreadable.look(&events);
        left -= events.len() as u64;
        let is_end = events.is_empty();
        if let Some(last) = events.last() {
            filter = filter.behind(last);
        }
        let done = write(&mut events);
        if done.is_err() || is_end {
            unreadable.warn(context);
            return written(done);
        }
    }
}
