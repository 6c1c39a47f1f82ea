use crate::{consent::change_stack, context::Context, failure::Failure};

/// Take the stack back to one ambient frame
///
/// What no other stack refers to is erased. Keys that were captured from an environment cannot be
/// brought back, so erasing them is asked about.
///
/// Examples:
///   credstack clear
///   credstack --stack work clear --yes
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Clear {
    /// Agree to erase secrets that nothing can bring back
    #[arg(long, short)]
    yes: bool,
}

impl Clear {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        change_stack(context, "clear", self.yes, |change| change.clear(&context.stack))
    }
}
