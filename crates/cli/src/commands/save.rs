use crate::{consent::change_stack, context::Context, failure::Failure, signing, store};

/// Put a copy of the current identity on the saved ones
///
/// Examples:
///   credstack save
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Save {}

impl Save {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let shell = signing::shell(context, &context.reader()?)?;
        if shell.keys.is_some() {
            store::ensure(context)?;
        }
        change_stack(context, "save", false, |change| change.save(&context.stack, &shell))
    }
}
