use credstack_core::stack;

use crate::{consent::change_stack, context::Context, failure::Failure};

/// Make the newest saved identity current again
///
/// Works offline, also when the identity has expired meanwhile. The secret of the one that was
/// current is erased, unless another frame of any stack still refers to it.
///
/// Examples:
///   credstack pop                back to the identity before the last push
///   credstack pop --root         back to the lowest frame; what lies between is discarded
///   credstack pop --keep         overwrite the current frame, leave the saved ones as they are
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Pop {
    /// Restore the lowest saved frame, and empty the list
    #[arg(long)]
    root: bool,
    /// Leave the saved frames as they are
    #[arg(long)]
    keep: bool,
    /// Agree to erase secrets that nothing can bring back
    #[arg(long, short)]
    yes: bool,
}

impl Pop {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let how = stack::Pop { root: self.root, keep: self.keep };
        change_stack(context, "pop", self.yes, |change| change.pop(&context.stack, how))
    }
}
