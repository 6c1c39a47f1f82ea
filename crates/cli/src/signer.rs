//! Who signs: what the command line and the stack say, renewed where it is time. A dry run asks [`decide`] as a push does.

use credstack_core::{
    signed_by::{self, Decision, SignedBy},
    stack::{KeyOwner, Reader, ShellKeys, StackError},
    values::{Ambient, Credential, CredentialId, Frame, FrameName, Frames, SourceId},
};

use crate::{
    context::Context,
    failure::{self, Failure},
    fixed, renewal,
    signing::{
        Given, Signing, environment_keys, from_ambient, from_environment, from_keys, from_reference, given, note_loss, owner,
        with_set,
    },
    words,
};

/// What the command line says about the signer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice<'a> {
    /// `--from FRAME`; else the frame that this program runs under, else the current one.
    pub from: Option<FrameName>,
    /// `--profile P`: an ambient profile, whatever the stack says.
    pub profile: Option<&'a str>,
    /// Whether it is for a push: it makes a stack that does not exist, and says why an identity signs that no option named.
    pub is_push: bool,
}

/// Who signs, and with what.
pub struct Decided {
    /// Who signs.
    pub by: SignedBy,
    /// The environment's keys, where they are to sign.
    pub keys: Option<ShellKeys>,
    /// Whether the environment's keys decided, and no option did.
    pub by_keys_of_shell: bool,
    /// Whether it is what this program was given by `exec`, and the stack says nothing.
    pub is_given: bool,
    /// The source that this program is pinned to, where it is that.
    source: Option<SourceId>,
    /// Whether it is the current frame.
    is_current: bool,
    /// Whether it is the stack's current frame, ambient of which nothing was recorded yet.
    is_untouched: bool,
}

/// Decides who signs.
pub fn decide(context: &Context, reader: &Reader, choice: &Choice<'_>) -> Result<Decided, Failure> {
    if let Some(profile) = choice.profile {
        let reference = Ambient { profile: Some(profile.to_owned()), ..Ambient::default() };
        let by = SignedBy::Ambient(reference);
        return Ok(Decided {
            by,
            keys: None,
            by_keys_of_shell: false,
            is_given: false,
            source: None,
            is_current: true,
            is_untouched: false,
        });
    }
    let name = context.frame(choice.from)?;
    if name == FrameName::Environment {
        let keys = environment_keys(context)?;
        let by = match &keys {
            Some(keys) => signed_by::of_keys(&owner(context, reader, &keys.set.access_key_id, keys.set.is_long_term())?),
            None => SignedBy::ShellKeys,
        };
        return Ok(Decided {
            by,
            keys,
            by_keys_of_shell: false,
            is_given: false,
            source: None,
            is_current: true,
            is_untouched: false,
        });
    }
    if let FrameName::Source(id) = name {
        let by = SignedBy::Ambient(fixed::read(context, id)?.reference);
        let source = Some(id);
        return Ok(Decided {
            by,
            keys: None,
            by_keys_of_shell: false,
            is_given: false,
            source,
            is_current: true,
            is_untouched: false,
        });
    }
    let frame = match reader.frame(&context.stack, name) {
        // A new stack is ambient.
        Err(StackError::NoSuchStack(_)) if choice.is_push && Frames::default().named(name).is_some() => Frame::untouched(),
        other => other?,
    };
    let (decided, passes_keys_over) = decide_frame(context, reader, &frame, name == FrameName::Current)?;
    // Under exec the keys are those of its frame, whatever the stack has.
    if passes_keys_over && context.pin().is_none() {
        context
            .output
            .warn("AWS_ACCESS_KEY_ID in this shell is another identity; using the stack's. --from env signs with the shell's");
    }
    Ok(decided)
}

/// Decides who signs for a frame, and whether keys of another identity are passed over for it.
fn decide_frame(context: &Context, reader: &Reader, frame: &Frame, is_current: bool) -> Result<(Decided, bool), Failure> {
    let is_untouched = frame.is_untouched();
    // Where the frame signs itself, no more than an id is looked at: the rest may be anything.
    let keys = if is_untouched { environment_keys(context)? } else { None };
    let id = match &keys {
        Some(keys) => Some(keys.set.access_key_id.as_str()),
        None => context.aws("AWS_ACCESS_KEY_ID").filter(|_| !is_untouched),
    };
    let is_long_term = match &keys {
        Some(keys) => keys.set.is_long_term(),
        None => context.aws("AWS_SESSION_TOKEN").or_else(|| context.aws("AWS_SECURITY_TOKEN")).is_none(),
    };
    if let (true, true, None) = (is_untouched, is_current, &keys)
        && let Some(Given { frame, source }) = given(context, reader)?
    {
        let by = match frame {
            Frame::Credential(id) => SignedBy::Stored(id),
            Frame::Ambient(reference) => SignedBy::Ambient(reference),
        };
        let decided = Decided { by, keys, by_keys_of_shell: false, is_given: true, source, is_current, is_untouched: false };
        return Ok((decided, false));
    }
    let owner: Option<KeyOwner> = id.map(|id| owner(context, reader, id, is_long_term)).transpose()?;
    let on_stack = match reader.stack(&context.stack) {
        Err(StackError::NoSuchStack(_)) => Frames::default(),
        view => view?.frames,
    };
    let Decision { by, by_keys_of_shell, passes_keys_over } = signed_by::of_frame(frame, owner.as_ref(), on_stack.from_current());
    let (is_given, source) = (false, None);
    let decided = Decided { by, keys, by_keys_of_shell, is_given, source, is_current, is_untouched: is_untouched && is_current };
    Ok((decided, passes_keys_over))
}

/// Finds the identity that signs, with its secret.
pub fn choose(context: &Context, reader: &Reader, choice: &Choice<'_>) -> Result<Signing, Failure> {
    let decided = decide(context, reader, choice)?;
    if let (true, true, Some(who)) = (choice.is_push, decided.by_keys_of_shell, recognised(reader, &decided)?) {
        context.output.say(&format!("signing with {who}, whose keys are in this shell"));
    }
    if let (true, Some(marker)) = (choice.is_push && decided.is_given, &context.marker) {
        let who = match &decided.by {
            SignedBy::Stored(id) => format!("{id} ({})", words::identity(&reader.credential(*id)?)),
            SignedBy::Ambient(reference) => words::ambient(reference),
            _ => marker.words(),
        };
        context.output.say(&format!("signing with {who}: this runs under `credstack exec` with it"));
    }
    find(context, reader, decided)
}

/// Finds the identity of one frame, with its secret.
pub fn of_frame(context: &Context, reader: &Reader, frame: Frame, is_current: bool) -> Result<Signing, Failure> {
    let (decided, _) = decide_frame(context, reader, &frame, is_current)?;
    find(context, reader, decided)
}

/// Whose keys of the environment these are, in words, where credstack handed them out.
pub fn recognised(reader: &Reader, decided: &Decided) -> Result<Option<String>, Failure> {
    Ok(match &decided.by {
        SignedBy::Stored(id) => {
            let credential = reader.credential(*id)?;
            (!credential.kind.is_irreplaceable()).then(|| format!("{id} ({})", words::identity(&credential)))
        }
        SignedBy::Ambient(reference) => Some(words::ambient(reference)),
        _ => None,
    })
}

fn find(context: &Context, reader: &Reader, decided: Decided) -> Result<Signing, Failure> {
    let Decided { by, keys, by_keys_of_shell, source, is_current, is_untouched, .. } = decided;
    if let Some(id) = source {
        return fixed::signing(context, reader, id);
    }
    let mut signing = match (by, keys) {
        // What the keys were of may be had again.
        (SignedBy::Stored(id), Some(keys)) if by_keys_of_shell && keys.is_expired(&reader.credential(id)?, context.now) => {
            from_credential(context, reader, id, is_current)
        }
        (SignedBy::Ambient(reference), Some(_)) if by_keys_of_shell => from_ambient(context, reader, reference),
        (_, Some(keys)) => from_keys(context, reader, keys),
        (SignedBy::Stored(id), None) => from_credential(context, reader, id, is_current),
        (SignedBy::Ambient(reference), None) if is_current => from_ambient(context, reader, reference),
        (SignedBy::Ambient(reference), None) => from_reference(context, reader, reference),
        (_, None) => from_environment(context, reader),
    }?;
    signing.who.is_untouched = is_untouched;
    Ok(signing)
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
