mod text;

pub use text::why;

use std::{
    fs::File,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use credstack_core::{
    audit::cloudtrail::{self, Activity, Question, Source},
    values::CredentialId,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    commands::{history::moment, key_info::unknown},
    context::Context,
    failure::Failure,
    pager,
};

/// Say what each credential did, from CloudTrail's files
///
/// Joins records with the log by access key id, and by the answers of STS: what was made elsewhere with
/// a key of ours is shown below it. Calls that do not fit are listed: before the key was issued, after
/// it expired, after its secret was erased here, or from another address than the call that made it.
/// Files are gzipped or not, log files, the output of `aws cloudtrail lookup-events`, or JSON lines,
/// of any size; a directory is read with all below it. Nothing is sent to AWS.
///
/// Examples:
///   credstack audit cloudtrail AWSLogs/
///   credstack audit cloudtrail --credential c7 --since yesterday trail.json.gz
///   aws cloudtrail lookup-events --output json | credstack audit cloudtrail -
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct CloudTrail {
    /// Files, directories, or - for stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only what was done with that access key id, and with what was made from it elsewhere
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// Only what was done with that credential set, and with what was made from it elsewhere: c7
    #[arg(long, value_name = "CREDENTIAL")]
    credential: Option<CredentialId>,
    /// Calls at that time or later: 2026-11-22T15:00:00+01:00, 2026-11-22, yesterday, 2h; UTC unless a zone is given
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Calls before that time, likewise; a date is its midnight
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl CloudTrail {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let time = |option, text: &Option<String>| moment::given(option, text.as_deref(), context.now);
        let question = Question { since: time("--since", &self.since)?, until: time("--until", &self.until)? };
        if let Some(id) = self.credential {
            context.reader()?.credential(id)?;
        }
        let mut activity = activity(context, &self.files, &question)?;
        if let Some(id) = &self.key
            && !activity.keys.iter().any(|key| key.access_key_id == *id)
            && context.reader()?.past_keys(id)?.is_empty()
        {
            return Err(unknown().next_step("`credstack audit live` and `credstack history --csv` show keys that were here"));
        }
        if self.key.is_some() || self.credential.is_some() {
            activity.retain(|key| {
                self.key.as_ref().is_none_or(|id| key.access_key_id == *id)
                    && self.credential.is_none_or(|id| key.credentials.contains(&id))
            });
        }
        match context.output.json() {
            true => context.output.print_json(&activity)?,
            false => pager::print(context, &text::of(&activity))?,
        }
        whole(context, &activity)
    }
}

/// What these files tell, for every command that shows it. What could not be read is in it: [`whole`] says so afterwards.
pub fn activity(context: &Context, files: &[PathBuf], question: &Question) -> Result<Activity, Failure> {
    let mut sources = files.iter().map(|path| source(path)).collect::<Result<Vec<_>, _>>()?;
    let is_shown = !context.output.quiet() && io::stderr().is_terminal();
    let bar = match is_shown {
        true => bar(cloudtrail::size(&sources)),
        false => ProgressBar::hidden(),
    };
    let activity = cloudtrail::read(&context.reader()?, &mut sources, question, &mut |bytes| match bytes {
        Some(bytes) => bar.inc(bytes),
        None => bar.set_position(0),
    });
    bar.finish_and_clear();
    let activity = activity?;
    if activity.files == 0 {
        let names: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
        let what = match activity.damage.first() {
            Some(damage) if activity.damaged == 1 => damage.to_string(),
            _ => format!("there is no CloudTrail in {}", names.join(", ")),
        };
        return Err(Failure::usage(what).next_step(
            "name files of a trail, a directory with some (`aws s3 sync`), or the output of `aws cloudtrail lookup-events`",
        ));
    }
    Ok(activity)
}

/// Whether all of it was read; else what was shown is not everything.
pub fn whole(context: &Context, activity: &Activity) -> Result<(), Failure> {
    if activity.damaged == 0 {
        return Ok(());
    }
    for damage in &activity.damage {
        context.output.warn(&damage.to_string());
    }
    let count = activity.damaged;
    let parts = if count == 1 { "one part of the input".to_owned() } else { format!("{count} parts of the input") };
    Err(Failure::usage(format!("{parts} could not be read: what is shown is what the rest tells"))
        .next_step("fetch the files again that the warnings name"))
}

fn source(path: &Path) -> Result<Source, Failure> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "stdin".to_owned() } else { path.display().to_string() };
    let found = || -> io::Result<Source> {
        if is_stdin {
            return kept(io::stdin().lock(), name.clone());
        }
        let metadata = path.metadata()?;
        match metadata.is_file() || metadata.is_dir() {
            true => Ok(Source::Path(path.to_owned())),
            false => kept(File::open(path)?, name.clone()),
        }
    };
    found().map_err(|error| {
        Failure::usage(format!("{name} cannot be read: {error}")).next_step("name a file or directory that is there, or -")
    })
}

/// A stream may have to be read twice.
fn kept(mut stream: impl io::Read, name: String) -> io::Result<Source> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut stream, &mut file)?;
    Ok(Source::Kept { name, file })
}

fn bar(size: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
