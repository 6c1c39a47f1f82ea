use crate::{acquire::Mfa, context::Context, failure::Failure, foresight, words};
use credstack_core::{
    refresh::{self, PlanError},
    values::{Frame, FrameName},
};

/// Show how a frame would be asked for again, without asking
///
/// The STS calls from the nearest living ancestor down, who signs each, how long the results would
/// last, who is asked for a code or a token, and what the result cannot do. Neither the network nor
/// the secret store is used. `push … --dry-run` shows the same of a push.
///
/// Examples:
///   credstack explain
///   credstack explain c7 --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Explain {
    /// Which frame: current, root, a position, or an id such as c7
    #[arg(value_name = "FRAME", default_value = "current")]
    frame: FrameName,
}

impl Explain {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let reader = context.reader()?;
        let nothing = |why: String| foresight::show_nothing(context, &why);
        let id = match (self.frame, reader.frame(&context.stack, self.frame)) {
            (FrameName::Environment, _) => return nothing("this shell's keys are as they are: nothing is asked for".to_owned()),
            (_, frame) => match frame? {
                Frame::Ambient(reference) => {
                    return nothing(format!(
                        "{} is found anew at every use: nothing is asked for again",
                        words::ambient(&reference)
                    ));
                }
                Frame::Credential(id) => id,
            },
        };
        let credential = reader.newest(id)?;
        if credential.request.is_none() {
            return nothing(format!(
                "{id} was not asked of STS by credstack ({}): it cannot be asked for again",
                credential.kind
            ));
        }
        let mut foresight = match foresight::of_renewal(context, &reader, credential.id) {
            Ok(foresight) => foresight,
            Err(PlanError::Stack(error)) => return Err(error.into()),
            Err(error) => return nothing(format!("{} cannot be asked for again: {error}", credential.id)),
        };
        foresight.code_from = Mfa::of(None).giver(context);
        if let Some(at) = refresh::due_at(&credential).filter(|at| *at > context.now) {
            context.output.say(&format!("{} is asked for again from {at} on, by whatever hands it out", credential.id));
        }
        foresight.show(context)
    }
}
