//! What the log says, and whether it can be trusted.

pub mod cloudtrail;
mod export;
mod exported;
mod head;
mod key;
mod live;
mod prune;
mod report;
mod seal;
mod ship;
mod show;
mod verify;

use super::history::History;
use crate::{context::Context, failure::Failure};

/// Ask the log: what happened, who a key was, what is still valid, whether anybody touched it
///
/// Nothing of it opens the network, except `ship`.
///
/// Examples:
///   credstack audit log --since 2h
///   credstack audit show c7
///   credstack audit key ASIAIOSFODNN7EXAMPLE
///   credstack audit live
///   credstack audit cloudtrail AWSLogs/
///   credstack audit verify
///   credstack audit head
///   credstack audit report --html report.html
///   credstack audit export --output events.jsonl
///   credstack audit ship --syslog tls://logs.example.com
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Audit {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, clap::Subcommand)]
enum Question {
    Log(Box<History>),
    Show(show::Show),
    Key(key::Key),
    Live(live::Live),
    Cloudtrail(cloudtrail::CloudTrail),
    Report(report::Report),
    Verify(verify::Verify),
    Head(head::HeadOfLog),
    Seal(seal::Seal),
    Prune(prune::Prune),
    Export(Box<export::Export>),
    Ship(ship::Ship),
}

impl Audit {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.question {
            Question::Log(command) => command.run(context),
            Question::Show(command) => command.run(context),
            Question::Key(command) => command.run(context),
            Question::Live(command) => command.run(context),
            Question::Cloudtrail(command) => command.run(context),
            Question::Report(command) => command.run(context),
            Question::Verify(command) => command.run(context),
            Question::Head(command) => command.run(context),
            Question::Seal(command) => command.run(context),
            Question::Prune(command) => command.run(context),
            Question::Export(command) => command.run(context),
            Question::Ship(command) => command.run(context),
        }
    }
}
