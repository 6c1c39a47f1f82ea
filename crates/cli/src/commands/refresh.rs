use credstack_core::values::{CredentialId, Frame, FrameName};
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Failure, Kind},
    output::failure_shape,
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
        let (mut renewed, mut failed) = (Vec::new(), Vec::new());
        for old in self.frames(context)? {
            match self.one(context, old) {
                Ok(done) => renewed.push(done),
                Err(failure) if !self.all => return Err(failure),
                Err(failure) => failed.push((old, failure)),
            }
        }
        if context.output.json() {
            let failures: Vec<_> =
                failed.iter().map(|(old, failure)| json!({ "credential": old, "error": failure_shape(failure) })).collect();
            let done = if self.all { json!({ "renewed": renewed, "failed": failures }) } else { json!({ "renewed": renewed }) };
            context.output.print_done(&done)?;
        }
        // The others are done all the same; the exit code is that of the worst.
        for (old, failure) in &failed {
            context.output.warn(&format!("{old} could not be renewed: {}", failure.message));
        }
        match failed.into_iter().max_by_key(|(_, failure)| failure.exit_code()) {
            Some((old, failure)) => Err(Failure { message: format!("{old}: {}", failure.message), ..failure }),
            None => Ok(()),
        }
    }

    fn one(&self, context: &Context, old: CredentialId) -> Result<Value, Failure> {
        let new = renewal::renew(context, old)?;
        let credential = context.reader()?.credential(new)?;
        let until = words::expiry(credential.expires_at, credential.temporary, context.time());
        context.output.say(&format!("{old} is renewed: {} ({new}), {until}", words::identity(&credential)));
        Ok(json!({ "replaces": old, "credential": new, "expires_at": credential.expires_at }))
    }

    fn frames(&self, context: &Context) -> Result<Vec<CredentialId>, Failure> {
        let reader = context.reader()?;
        if !self.all {
            if self.frame == FrameName::Environment {
                return Err(Failure::new(Kind::Nothing, "this shell's keys are as they are: there is nothing to renew")
                    .next_step("get new ones where these came from"));
            }
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
