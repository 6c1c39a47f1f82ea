//! The frame that a program of `exec` was given, for a stack that says nothing itself: there no default profile takes its place.

use credstack_core::{
    stack::{Reader, Shell, StackError},
    values::{Ambient, Frame, FrameName, SourceId},
};

use crate::{context::Context, failure::Failure, fixed};

/// A frame that a program was given.
pub struct Given {
    /// What it is.
    pub frame: Frame,
    /// The source that it is pinned to, where it is that.
    pub source: Option<SourceId>,
}

/// The frame of the `exec` that this runs under, of any stack; where that follows a stack, that stack's current one. None where
/// there is no such `exec` any more, and where its stack says nothing either.
pub fn given(context: &Context, reader: &Reader) -> Result<Option<Given>, Failure> {
    let Some(marker) = context.marker.as_ref().filter(|marker| !marker.has_ended(&context.host())) else { return Ok(None) };
    let Some(stack) = marker.stack_in(context.place.path()) else {
        let what = format!("this runs under `credstack exec` with {}, which is of another state directory", marker.words());
        return Err(Failure::usage(what).next_step("name the signer: --profile PROFILE, or --from env"));
    };
    if let Some(FrameName::Source(id)) = marker.frame {
        return Ok(Some(Given { frame: Frame::Ambient(fixed::read(context, id)?.reference), source: Some(id) }));
    }
    let frame = match reader.frame(stack, marker.frame.unwrap_or(FrameName::Current)) {
        Err(StackError::NoSuchStack(_)) => return Ok(None),
        frame => frame?,
    };
    Ok(Some(Given { frame, source: None }).filter(|given| !given.frame.is_untouched()))
}

/// What ambient is in a shell without keys: what its program was given.
pub(super) fn known(context: &Context, reader: &Reader, shell: Shell) -> Shell {
    // A signer that was named needs none of it: why it can't be known is for the one that signs to say.
    match given(context, reader).ok().flatten().map(|given| given.frame) {
        Some(Frame::Credential(id)) => {
            let newest = reader.newest(id).ok().filter(|newest| newest.has_secret());
            Shell { credential: newest.map(|newest| newest.id), ..shell }
        }
        Some(Frame::Ambient(reference)) => {
            let region = shell.reference.region.or(reference.region);
            Shell { reference: Ambient { region, ..reference }, ..shell }
        }
        None => shell,
    }
}
