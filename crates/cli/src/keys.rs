//! The keys of a frame, for other programs.

use credstack_core::{
    stack::{FrameKeys, Reader, StackError},
    values::{CredentialSet, Frame, FrameName},
};
use jiff::Timestamp;

use crate::{
    context::Context,
    failure::{Failure, Kind},
    shell::own_stack::Owner,
    signing::{self, Choice},
};

/// Keys that can be handed out.
pub struct Keys {
    /// The keys.
    pub set: CredentialSet,
    /// When they expire.
    pub expires_at: Option<Timestamp>,
    /// The region that goes with them.
    pub region: Option<String>,
}

/// Finds the keys of a frame. A stored one costs one read of the database and one of the secret store; an ambient one is
/// asked for, which is the slow way.
pub fn find(context: &Context, reader: &Reader, name: FrameName) -> Result<Keys, Failure> {
    // Programs that it started may live on. Nobody else's identity is for them, not even the ambient one.
    if Owner::of(&context.stack).is_some_and(|shell| shell.is_gone(&context.host())) {
        return Err(Failure::new(Kind::Nothing, format!("the shell of stack {} is gone", context.stack))
            .next_step("open a terminal, or name another stack in CREDSTACK_STACK"));
    }
    let found = match name {
        FrameName::Environment => Ok(FrameKeys::Ambient(Frame::untouched())),
        name => reader.keys(&context.stack, name, context.now),
    };
    match found {
        Ok(FrameKeys::Stored(credential, set)) => {
            let (expires_at, region) = (credential.expires_at, credential.region.clone());
            Ok(Keys { set, expires_at, region })
        }
        Ok(FrameKeys::Ambient(_)) => ambient(context, reader, name),
        Err(StackError::Expired { id, .. }) => {
            Err(signing::expired(context, &reader.credential(id)?, name == FrameName::Current))
        }
        Err(error) => {
            if let Some(id) = reader.frame(&context.stack, name).ok().as_ref().and_then(Frame::credential) {
                signing::note_loss(context, id, &error);
            }
            Err(error.into())
        }
    }
}

fn ambient(context: &Context, reader: &Reader, name: FrameName) -> Result<Keys, Failure> {
    let choice = Choice { from: Some(name), ..Choice::default() };
    let signing = signing::choose(context, reader, &choice)?;
    Ok(Keys { set: signing.set, expires_at: signing.expires_at, region: signing.region })
}
