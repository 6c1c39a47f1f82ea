//! One page for people: gathered in one pass over the log, then written as HTML.

mod activity;
mod gather;
mod lanes;
mod lineage;
mod page;
mod timeline;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use credstack_core::{audit::cloudtrail::Question, database::EventFilter, stack::Sealed};

use super::{
    cloudtrail, export,
    verify::{self, Whole},
};
use crate::{
    commands::history::moment,
    context::Context,
    failure::{Failure, Kind},
};

/// Write a page that shows who was who, for people
///
/// One HTML file that needs no network and no script: the timeline of stacks and identities, the lineage
/// of credentials, what was refused, what is alive, whether the log verifies and its head, and what
/// CloudTrail says of it where files are given. It has no secret.
///
/// Examples:
///   credstack audit report --html report.html
///   credstack audit report --html incident.html --since 2d --cloudtrail trail.json.gz
///   credstack audit report --html - > report.html
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Report {
    /// The file, which only you can read, written in one step; - is stdout
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
    /// What happened at that time or later: 2026-11-22T15:00:00+01:00, 2026-11-22, yesterday, 2h; UTC unless a zone is given
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// What happened before that time, likewise
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// CloudTrail's files, or directories with some, as for `audit cloudtrail`
    #[arg(long, value_name = "FILE", num_args = 1..)]
    cloudtrail: Vec<PathBuf>,
}

impl Report {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if let Some(stack) = context.given_stack() {
            return Err(Failure::usage(format!("--stack {stack}: the page shows all stacks"))
                .next_step("leave it out; `credstack history --stack NAME` shows one"));
        }
        let time = |option, text: &Option<String>| moment::given(option, text.as_deref(), context.now);
        let (since, until) = (time("--since", &self.since)?, time("--until", &self.until)?);
        let reader = context.reader()?;
        let gathered = gather::gather(context, &reader, &EventFilter { since, until, ..EventFilter::default() })?;
        let activity = match &self.cloudtrail[..] {
            [] => None,
            files => Some(cloudtrail::activity(context, files, &Question { since, until })?),
        };
        let (state, head) = match verify::whole(&reader, None) {
            // What is to be kept elsewhere is the head that was verified: the log may have grown since.
            Ok(Whole { verified, sealed }) => (State::Whole { sealed, events: verified.head.count }, verified.head),
            Err(failure) => (State::of(failure), reader.head()?),
        };
        let html = page::page(&page::Contents {
            gathered: &gathered,
            activity: activity.as_ref(),
            state,
            head,
            actor: context.actor(),
            now: context.now,
        });
        self.write(context, &html.into_string())?;
        match &activity {
            Some(activity) => cloudtrail::whole(context, activity),
            None => Ok(()),
        }
    }

    fn write(&self, context: &Context, html: &str) -> Result<(), Failure> {
        if self.html == Path::new("-") {
            return context.output.print(html.trim_end());
        }
        let unwritable = |error: &std::io::Error| export::unwritable(&self.html, error);
        let path = std::path::absolute(&self.html).map_err(|error| unwritable(&error))?;
        let mut file = export::beside(&path).map_err(|error| unwritable(&error))?;
        file.write_all(html.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|error| unwritable(&error))?;
        file.persist(&path).map_err(|error| unwritable(&error.error))?;
        if context.output.json() {
            return context.output.print_json(&serde_json::json!({ "html": path }));
        }
        context.output.say(&format!("written to {}", path.display()));
        Ok(())
    }
}

/// What is wrong, and what to do next.
struct Said {
    message: String,
    next_step: Option<String>,
}

/// Whether the log can be believed.
enum State {
    /// It verifies, and is sealed so far.
    Whole { sealed: Sealed, events: i64 },
    /// Somebody touched it.
    Touched(Said),
    /// The secret store could not be asked.
    Unknown(Said),
}

impl State {
    fn of(failure: Failure) -> State {
        let said = Said { message: failure.message, next_step: failure.next_step };
        if failure.kind == Kind::Log { State::Touched(said) } else { State::Unknown(said) }
    }
}
