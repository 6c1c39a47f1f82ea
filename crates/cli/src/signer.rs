//! Who signs: what the command line and the stack say, renewed where it is time.

use credstack_core::{
    stack::{Reader, StackError},
    values::{Ambient, Credential, CredentialId, Frame, FrameName, Frames},
};

use crate::{
    context::Context,
    failure::{self, Failure},
    fixed, renewal,
    signing::{Signing, from_ambient, from_environment, from_keys, from_reference, note_loss, shell, with_set},
    words,
};

/// What the command line says about the signer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice<'a> {
    /// `--from FRAME`; else the frame that this program runs under, else the current one.
    pub from: Option<FrameName>,
    /// `--profile P`: an ambient profile, whatever the stack says.
    pub profile: Option<&'a str>,
    /// Whether the stack need not exist: a push makes it.
    pub on_new_stack: bool,
}

/// Finds the identity that signs, with its secret.
pub fn choose(context: &Context, reader: &Reader, choice: &Choice<'_>) -> Result<Signing, Failure> {
    if let Some(profile) = choice.profile {
        return from_ambient(context, reader, Ambient { profile: Some(profile.to_owned()), ..Ambient::default() });
    }
    let name = context.frame(choice.from)?;
    if name == FrameName::Environment {
        return from_environment(context, reader);
    }
    if let FrameName::Source(id) = name {
        return fixed::signing(context, reader, id);
    }
    let frame = match reader.frame(&context.stack, name) {
        // A new stack is ambient.
        Err(StackError::NoSuchStack(_)) if choice.on_new_stack && Frames::default().named(name).is_some() => Frame::untouched(),
        other => other?,
    };
    let untouched = frame.is_untouched();
    // Under exec the keys are those of its frame, whatever the stack has.
    if !untouched && context.pin().is_none() {
        warn_of_other_keys(context, reader)?;
    }
    let mut signing = of_frame(context, reader, frame, name == FrameName::Current)?;
    signing.who.is_untouched = untouched && name == FrameName::Current;
    Ok(signing)
}

/// Finds the identity of one frame, with its secret.
pub fn of_frame(context: &Context, reader: &Reader, frame: Frame, is_current: bool) -> Result<Signing, Failure> {
    let untouched = frame.is_untouched();
    match frame {
        Frame::Credential(id) => from_credential(context, reader, id, is_current),
        Frame::Ambient(reference) => match shell(context, reader)?.keys.filter(|_| untouched) {
            Some(keys) => from_keys(context, reader, keys),
            None if is_current => from_ambient(context, reader, reference),
            None => from_reference(context, reader, reference),
        },
    }
}

/// Finds what signed the call that gave a credential set, to have it sign again.
pub fn again(context: &Context, reader: &Reader, credential: &Credential) -> Result<Signing, Failure> {
    let found = match (credential.parent, &credential.signed_by) {
        (Some(parent), _) => from_credential(context, reader, parent, false),
        (None, Some(keys)) if keys.provider.as_deref() == Some("Environment") => from_environment(context, reader),
        (None, Some(reference)) => from_reference(context, reader, reference.clone()),
        (None, None) => Err(Failure::new(failure::Kind::Nothing, "what signed it is not known")
            .next_step("acquire it anew with `credstack push`")),
    };
    let what = words::identity(credential);
    found.map_err(|failure| {
        let message = format!("{} ({what}) cannot be asked for again: {}", credential.id, failure.message);
        Failure { message, ..failure }
    })
}

fn from_credential(context: &Context, reader: &Reader, id: CredentialId, is_current: bool) -> Result<Signing, Failure> {
    let id = renewal::fresh(context, &reader.newest(id)?, is_current)?;
    let credential = reader.credential(id)?;
    let set = reader.secret(id).inspect_err(|error| note_loss(context, id, error))?;
    with_set(reader, credential, set)
}

/// The stack decides; keys in the shell that are none of it are pointed out.
fn warn_of_other_keys(context: &Context, reader: &Reader) -> Result<(), Failure> {
    let Some(key) = context.aws("AWS_ACCESS_KEY_ID") else { return Ok(()) };
    let view = match reader.stack(&context.stack) {
        Err(StackError::NoSuchStack(_)) => return Ok(()),
        view => view?,
    };
    let known = view.frames.from_current().filter_map(Frame::credential);
    if !known.filter_map(|id| view.credentials.get(&id)).any(|credential| credential.access_key_id == key) {
        context
            .output
            .warn("AWS_ACCESS_KEY_ID in this shell is another identity; using the stack's. --from env signs with the shell's");
    }
    Ok(())
}
