//! The keys of a frame, for other programs.

use credstack_core::{
    handout::{self, HandOut, account_and_role},
    refresh,
    stack::{FrameKeys, Reader, StackError, entry_about},
    values::{Arn, Entry, EventKind, Frame, FrameName},
};

use crate::{
    context::Context,
    expired::expired,
    failure::{Failure, Kind},
    renewal,
    shell::own_stack::Owner,
    signer::{self, Choice},
    signing::{self, Signing},
    used_by,
};

/// Keys that can be handed out.
pub struct Keys {
    /// What is handed out. Its region is the frame's.
    pub out: HandOut,
    /// Whose they are: what the log says of a use of them.
    pub whose: Entry,
}

impl Keys {
    /// The same with the region that counts for a program: `--region`, the user's, the frame's.
    pub fn in_region(mut self, context: &Context, asked: Option<&str>) -> Keys {
        self.out.region = context.region_for(asked, self.out.region.as_deref());
        self
    }
}

/// Finds the keys of a frame, renewed where it is time. A stored one costs one read of the database and one of the secret
/// store; an ambient one is asked for, which is the slow way.
pub fn find(context: &Context, reader: &Reader, name: FrameName) -> Result<Keys, Failure> {
    refuse_gone(context)?;
    let found = match name {
        FrameName::Environment | FrameName::Source(_) => Ok(FrameKeys::Ambient(Frame::untouched())),
        name => reader.keys(&context.stack, name, context.now),
    };
    let (was, due) = match &found {
        Ok(FrameKeys::Stored(credential, _)) if refresh::is_due(credential, context.now) => {
            (credential.id, (**credential).clone())
        }
        // Another process may have renewed it since.
        Err(StackError::Expired { id, .. }) => (*id, reader.newest(*id)?),
        _ => return keys(context, reader, name, found),
    };
    let id = renewal::fresh(context, &due, name == FrameName::Current)?;
    // What is as it was is not read again: its time may run out meanwhile.
    let found = if id == was { found } else { reader.keys(&context.stack, FrameName::Credential(id), context.time()) };
    keys(context, reader, name, found)
}

/// Refuses the stack of a shell that has ended. Programs that it started may live on. Nobody else's identity is for them, not even
/// the ambient one.
pub fn refuse_gone(context: &Context) -> Result<(), Failure> {
    match Owner::of(&context.stack).is_some_and(|shell| shell.is_gone(&context.host())) {
        true => Err(Failure::new(Kind::Nothing, format!("the shell of stack {} is gone", context.stack))
            .next_step("open a terminal, or name another stack in CREDSTACK_STACK")),
        false => Ok(()),
    }
}

fn keys(context: &Context, reader: &Reader, name: FrameName, found: Result<FrameKeys, StackError>) -> Result<Keys, Failure> {
    match found {
        Ok(FrameKeys::Stored(credential, set)) => {
            let whose = entry_about(EventKind::UsedBy, &credential);
            Ok(Keys { out: HandOut::stored(&credential, set, context.stack.clone()), whose })
        }
        Ok(FrameKeys::Ambient(_)) => ambient(context, reader, name),
        // Its time ran out meanwhile.
        Err(StackError::Expired { id, .. }) => {
            let context = &context.at(context.time());
            Err(expired(context, &reader.credential(id)?, name == FrameName::Current))
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
    let signing = signer::choose(context, reader, &choice)?;
    let whose = used_by::whose(reader, &signing)?;
    Ok(Keys { out: outside(context, signing), whose })
}

/// The keys of what signs from outside the stack.
fn outside(context: &Context, signing: Signing) -> HandOut {
    let region = signing.region().map(str::to_owned);
    let Signing { set, expires_at, who, beside } = signing;
    let frame = match who.credential() {
        Some(id) => Frame::Credential(id),
        None => Frame::Ambient(who.signer.reference().unwrap_or_default()),
    };
    let arn: Option<Arn> = who.arn();
    HandOut {
        set,
        expires_at,
        account: who.identity.as_ref().map(|it| &it.account).or(beside.account.as_ref()).and_then(|it| handout::account(it)),
        region,
        identity: who.identity,
        endpoint_url: beside.endpoint_url,
        frame,
        name: arn.as_ref().map(account_and_role),
        stack: context.stack.clone(),
    }
}
