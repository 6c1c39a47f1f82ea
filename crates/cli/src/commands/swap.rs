use crate::{consent::change_stack, context::Context, failure::Failure, signing, store};

/// Let the current and the newest saved identity change places
///
/// Examples:
///   credstack swap
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Swap {}

impl Swap {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let shell = signing::shell(context, &context.reader()?)?;
        if shell.keys.is_some() {
            store::ensure(context)?;
        }
        change_stack(context, "swap", false, |change| change.swap(&context.stack, &shell))
    }
}
