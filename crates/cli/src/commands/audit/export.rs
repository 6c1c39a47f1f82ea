use std::{
    fs,
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use credstack_core::{audit::ocsf, database::EventFilter, stack::Reader};
use jiff::Timestamp;
use serde_json::json;

use super::exported::Exported;
use crate::{
    commands::history::{CSV, Which, csv_row, each},
    context::Context,
    failure::{Failure, Kind},
    output::{escape_json, written},
};

/// Write the log for other programs, oldest event first
///
/// As OCSF, one event on each line (API Activity and Authentication), or as CSV with the columns of
/// `history --csv`. Each event has an id that is the same in every export. All events are written,
/// unless options say which. That it was done is an event of the log too.
///
/// Examples:
///   credstack audit export > events.jsonl
///   credstack audit export --format csv --output events.csv
///   credstack audit export --since yesterday --failed
///   credstack audit export --since-event 1200
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Export {
    #[command(flatten)]
    which: Which,
    /// From that event on: its number
    #[arg(long, value_name = "N", help_heading = "Which events", value_parser = clap::value_parser!(i64).range(1..))]
    since_event: Option<i64>,
    /// In what form
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "ocsf")]
    format: Format,
    /// Write a file that only you can read, in one step, instead of stdout; - is stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// JSON lines in the Open Cybersecurity Schema Framework, version 1.7.0
    Ocsf,
    /// A table with a header
    Csv,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Ocsf => "ocsf",
            Format::Csv => "csv",
        }
    }
}

impl Export {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let after = self.since_event.map(|first| (Timestamp::UNIX_EPOCH, first - 1));
        let filter = EventFilter { oldest_first: true, after, ..self.which.filter(context)? };
        let reader = context.reader()?;
        let Some(path) = self.output.as_ref().filter(|path| *path != Path::new("-")) else {
            let done = self.write(context, &reader, filter, io::stdout().lock())?;
            if let Some(exported) = done {
                exported.record(context, self.format.name(), "stdout");
            }
            return Ok(());
        };
        let path = std::path::absolute(path).map_err(|error| unwritable(path, &error))?;
        let mut file = beside(&path).map_err(|error| unwritable(&path, &error))?;
        let exported = self.write(context, &reader, filter, file.as_file_mut())?.unwrap_or_default();
        file.as_file().sync_all().map_err(|error| unwritable(&path, &error))?;
        file.persist(&path).map_err(|error| unwritable(&path, &error.error))?;
        let (format, to) = (self.format.name(), path.to_string_lossy().into_owned());
        exported.record(context, format, &to);
        if context.output.json() {
            return context.output.print_json(&json!({
                "format": format, "output": to,
                "events": exported.count, "first": exported.first, "through": exported.through,
            }));
        }
        context.output.say(&format!(
            "{} {} written to {to}",
            exported.count,
            if exported.count == 1 { "event" } else { "events" }
        ));
        Ok(())
    }

    /// Writes everything, and says what; `None` if the reader went away before the end.
    fn write(
        &self,
        context: &Context,
        reader: &Reader,
        filter: EventFilter,
        to: impl Write,
    ) -> Result<Option<Exported>, Failure> {
        let (mut exported, mut is_gone) = (Exported::default(), false);
        let mut gone = |done: io::Result<()>| {
            is_gone |= matches!(&done, Err(error) if error.kind() == ErrorKind::BrokenPipe);
            done
        };
        match self.format {
            Format::Ocsf => {
                let mut out = BufWriter::new(to);
                each(context, reader, filter, u64::MAX, |event| {
                    exported.add(&event);
                    gone(writeln!(out, "{}", escape_json(&ocsf::event(&event).to_string())))
                })?;
                written(gone(out.flush()))?;
            }
            Format::Csv => {
                let mut out = csv::Writer::from_writer(to);
                written(gone(out.write_record(CSV).map_err(io::Error::from)))?;
                each(context, reader, filter, u64::MAX, |event| {
                    exported.add(&event);
                    gone(out.write_record(csv_row(&event)).map_err(io::Error::from))
                })?;
                written(gone(out.flush()))?;
            }
        }
        Ok((!is_gone).then_some(exported))
    }
}

/// A file that only its owner can read, to be renamed to a path. What is no file, such as /dev/null, is not replaced.
pub fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(io::Error::other("it is not a file, and is not replaced")),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/"))),
    }
}

pub fn unwritable(path: &Path, error: &io::Error) -> Failure {
    // What tempfile says names its own file, which nobody knows; beneath it is what the system says.
    let inner = error.get_ref().and_then(|error| error.source()).and_then(|error| error.downcast_ref::<io::Error>());
    Failure::new(Kind::Usage, format!("{} cannot be written: {}", path.display(), inner.unwrap_or(error)))
        .next_step("name a file in a directory of yours; nothing was written")
}
