use credstack_core::{stack::Landing, values::FrameName};

use crate::{consent::change_stack, context::Context, failure::Failure, signing, store};

/// Make a stored credential set current
///
/// FRAME is a credential id as `list` and `history` show it (c7), `root`, or a position. The
/// current identity is saved, as a push does.
///
/// Examples:
///   credstack use c7
///   credstack use c7 --replace   without saving the current one
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Use {
    /// Which one: c7, root, or a position
    #[arg(value_name = "FRAME")]
    frame: FrameName,
    /// Replace the current identity instead of saving it
    #[arg(long)]
    replace: bool,
    /// Agree to erase secrets that nothing can bring back
    #[arg(long, short)]
    yes: bool,
}

impl Use {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if self.frame == FrameName::Environment {
            return Err(Failure::usage("this shell's keys are no stored credential set")
                .next_step("store them and make them current with `credstack push import --env`"));
        }
        let shell = signing::shell(context, &context.reader()?)?;
        if shell.keys.is_some() {
            store::ensure(context)?;
        }
        let landing = if self.replace { Landing::Replace } else { Landing::Top };
        change_stack(context, "use", self.yes, |change| change.use_frame(&context.stack, self.frame, landing, &shell))
    }
}
