//! What the log says, and whether it can be trusted.

mod head;
mod verify;

use crate::{context::Context, failure::Failure};

/// Verify the log, and print its head for safe keeping
///
/// Examples:
///   credstack audit verify
///   credstack audit head
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Audit {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Verify(verify::Verify),
    Head(head::HeadOfLog),
}

impl Audit {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.action {
            Action::Verify(command) => command.run(context),
            Action::Head(command) => command.run(context),
        }
    }
}
