use credstack_core::values::{CredentialId, Frame, FrameName};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Failure, Kind},
    renewal, words,
};

/// Ask for a frame again, from what was recorded of it
///
/// The same request is signed by what signed it then; where that has expired it is asked for again
/// first, from the nearest living ancestor down. Every frame on every stack that held the old
/// credentials has the new ones then. Whatever hands out keys does this by itself when 16 minutes
/// are left, or half of a shorter life. A code of an MFA device comes from the program that was named
/// for it; else it is asked for on a terminal, or in a dialog.
///
/// Examples:
///   credstack refresh
///   credstack refresh c7
///   credstack refresh --all
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Refresh {
    /// Which frame: current, root, a position, or an id such as c7
    #[arg(value_name = "FRAME", default_value = "current", conflicts_with = "all")]
    frame: FrameName,
    /// Every frame of the stack that was asked of STS, the lowest first
    #[arg(long)]
    all: bool,
}

impl Refresh {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut renewed = Vec::new();
        for old in self.frames(context)? {
            let new = renewal::renew(context, old)?;
            let credential = context.reader()?.credential(new)?;
            let until = words::expiry(credential.expires_at, credential.temporary, context.time());
            context.output.say(&format!("{old} is renewed: {} ({new}), {until}", words::identity(&credential)));
            renewed.push(json!({ "replaces": old, "credential": new, "expires_at": credential.expires_at }));
        }
        if context.output.json() {
            context.output.print_done(&json!({ "renewed": renewed }))?;
        }
        Ok(())
    }

    fn frames(&self, context: &Context) -> Result<Vec<CredentialId>, Failure> {
        let reader = context.reader()?;
        if !self.all {
            let ambient = || {
                Failure::new(Kind::Nothing, "an ambient frame is found anew at every use: there is nothing to renew")
                    .next_step("`credstack list` shows the frames")
            };
            return Ok(vec![reader.frame(&context.stack, self.frame)?.credential().ok_or_else(ambient)?]);
        }
        let view = reader.stack(&context.stack)?;
        let asked_for = |id: &CredentialId| view.credentials.get(id).is_some_and(|it| it.request.is_some());
        let mut found = Vec::new();
        for id in view.frames.by_height().iter().filter_map(Frame::credential).filter(asked_for) {
            if !found.contains(&id) {
                found.push(id);
            }
        }
        Ok(found)
    }
}
