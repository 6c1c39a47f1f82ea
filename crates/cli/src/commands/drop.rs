use crate::{consent::change_stack, context::Context, failure::Failure};

/// Discard the newest saved identity; the current one stays
///
/// Examples:
///   credstack drop               discard the newest saved frame
///   credstack drop --all         discard all saved frames
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Drop {
    /// Discard all saved frames
    #[arg(long)]
    all: bool,
    /// Agree to erase secrets that nothing can bring back
    #[arg(long, short)]
    yes: bool,
}

impl Drop {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        change_stack(context, "drop", self.yes, |change| change.drop(&context.stack, self.all))
    }
}
