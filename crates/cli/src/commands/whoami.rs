mod all;

use credstack_core::values::{Frame, FrameName, Identity};

use super::push::inputs;
use crate::{
    context::Context,
    failure::Failure,
    fixed,
    output::{escape, table},
    shapes::IdentityShape,
    signer::{self, Choice},
    words,
};

/// Say who the current identity is, as STS says it
///
/// FRAME is `current` (the default, but under `exec` the frame that it gave), `root`, `env` (this shell's keys), a position as `list` shows
/// it, or a credential id. With --all every frame of the stack is asked about, all at the same time;
/// one that fails is a row that says why, and the exit code is 0 only if none did, else that of the
/// worst (the highest).
///
/// Examples:
///   credstack whoami
///   credstack whoami root
///   credstack whoami --all
///   credstack whoami --offline   from what is recorded, without secret store or network
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Whoami {
    /// Which frame [default: current; under exec, its frame]
    #[arg(value_name = "FRAME", conflicts_with = "all")]
    frame: Option<FrameName>,
    /// Every frame of the stack
    #[arg(long)]
    all: bool,
    /// Answer from what is recorded, without secret store or network
    #[arg(long)]
    offline: bool,
    /// The region to ask STS in
    #[arg(long, value_parser = inputs::region)]
    region: Option<String>,
}

impl Whoami {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if self.all {
            return all::run(context, self.region.as_deref(), self.offline);
        }
        let shape = if self.offline { self.offline(context)? } else { self.online(context)? };
        if context.output.json() {
            return context.output.print_json(&shape);
        }
        let mut rows = table(&[]);
        let credential = shape.credential.map(|id| id.to_string());
        let expires = shape.credential.map(|_| words::expiry(shape.expires_at, shape.temporary, context.now));
        let unknown = || "unknown".to_owned();
        for (name, value) in [
            ("account", Some(shape.account.unwrap_or_else(unknown))),
            ("arn", Some(shape.arn.unwrap_or_else(unknown))),
            ("user id", Some(shape.user_id.unwrap_or_else(unknown))),
            ("credential", credential),
            ("expires", expires),
        ] {
            if let Some(value) = value {
                rows.add_row([name.to_owned(), escape(&value)]);
            }
        }
        context.output.print(&rows.trim_fmt())
    }

    fn online(&self, context: &Context) -> Result<IdentityShape, Failure> {
        let reader = context.reader()?;
        let choice = Choice { from: self.frame, ..Choice::default() };
        let signing = signer::choose(context, &reader, &choice)?;
        let identity = signing.sts(context, self.region.as_deref())?.caller_identity(&signing.set)?;
        let (expires_at, temporary) = (signing.expires_at, !signing.set.is_long_term());
        Ok(IdentityShape { expires_at, temporary, ..shape(Some(identity), signing.who.credential()) })
    }

    fn offline(&self, context: &Context) -> Result<IdentityShape, Failure> {
        let reader = context.reader()?;
        let name = context.frame(self.frame)?;
        if name == FrameName::Environment {
            return Err(Failure::usage("who this shell's keys are is not recorded").next_step("ask without --offline"));
        }
        let frame = match name {
            FrameName::Source(id) => Frame::Ambient(fixed::read(context, id)?.reference),
            name => reader.frame(&context.stack, name)?,
        };
        match frame {
            Frame::Credential(id) => {
                let credential = reader.credential(id)?;
                let (expires_at, temporary) = (credential.expires_at, credential.temporary);
                if !credential.has_secret() {
                    context.output.warn(&format!("{id} cannot be used: its secret is not kept any more"));
                }
                Ok(IdentityShape { expires_at, temporary, ..shape(credential.identity, Some(id)) })
            }
            Frame::Ambient(ambient) => {
                context.output.say(&format!("{} is not recorded; ask without --offline", words::ambient(&ambient)));
                Ok(shape(None, None))
            }
        }
    }
}

fn shape(identity: Option<Identity>, credential: Option<credstack_core::values::CredentialId>) -> IdentityShape {
    let (account, arn, user_id) = match identity {
        Some(Identity { account, arn, user_id }) => (Some(account), Some(arn), Some(user_id)),
        None => (None, None, None),
    };
    IdentityShape { account, arn, user_id, credential, expires_at: None, temporary: false }
}
