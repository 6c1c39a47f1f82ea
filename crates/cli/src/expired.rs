//! That a credential set has expired, and what to do about it: commands that work where they are advised.

use credstack_core::{
    stack::StackView,
    values::{Credential, Frame, display_duration},
};

use crate::{
    context::Context,
    failure::{Failure, Kind},
    words,
};

/// That a credential set has expired, and how to get it again. `is_current`: it is what the stack's current frame holds.
pub fn expired(context: &Context, credential: &Credential, is_current: bool) -> Failure {
    let until = words::expiry(credential.expires_at, credential.temporary, context.now);
    if let Some(clock_is_ahead) = clock_is_ahead(credential) {
        return clock_is_ahead;
    }
    let failure = Failure::new(Kind::Expired, format!("{} ({}) {until}", credential.id, words::identity(credential)));
    let view = context.reader().and_then(|reader| reader.stack(&context.stack));
    failure.next_step(match view {
        Ok(view) => how_to_get_again(context, &view, credential, is_current),
        // It is on no stack that there is.
        Err(_) => format!("acquire it again with `credstack {}`", words::push_command(credential)),
    })
}

/// That this machine's clock is wrong: STS gives nothing that has expired already, and this had when it came.
pub fn clock_is_ahead(credential: &Credential) -> Option<Failure> {
    let at = credential.expires_at.filter(|at| credential.request.is_some() && *at <= credential.issued_at)?;
    let ahead = display_duration(credential.issued_at.as_second() - at.as_second());
    let (id, who) = (credential.id, words::identity(credential));
    let message = format!(
        "this machine's clock is ahead of STS's by more than {ahead}: STS issued {id} ({who}) until {at}, which is over by this clock"
    );
    Some(Failure::new(Kind::Expired, message).next_step("set this machine's clock, and try again"))
}

/// The commands that get it again, on this stack as it is now.
pub fn how_to_get_again(context: &Context, view: &StackView, credential: &Credential, is_current: bool) -> String {
    let again = words::push_command(credential);
    let credstack = command(context);
    // What has expired is no loss, and is erased without a question.
    let yes = |is_asked: bool| if is_asked { " --yes" } else { "" };
    match signer(context, view, credential, is_current) {
        Signer::Current => format!("acquire it again with `{credstack} {again}`"),
        Signer::Beneath => {
            let pop = format!("pop{}", yes(credential.kind.is_irreplaceable()));
            format!("go back with `{credstack} {pop}`, then acquire it again with `{credstack} {again}`")
        }
        Signer::At(frame) => format!("acquire it again with `{credstack} {again} --from {frame}`"),
        Signer::Ambient => {
            let mut on_stack = view.frames.from_current().filter_map(|frame| view.credentials.get(&frame.credential()?));
            let clear = format!("clear{}", yes(on_stack.any(|credential| credential.kind.is_irreplaceable())));
            format!("remove it with `{credstack} {clear}`, then acquire it again with `{credstack} {again}`")
        }
    }
}

/// What can sign the request again.
enum Signer {
    /// What is current, or nothing: the request is unsigned, or there is none.
    Current,
    /// The frame beneath this one.
    Beneath,
    /// Another frame, by its name.
    At(String),
    /// No frame of the stack: what this shell has.
    Ambient,
}

/// Finds it: the nearest frame with keys that have not expired. What they may do isn't known.
fn signer(context: &Context, view: &StackView, credential: &Credential, is_current: bool) -> Signer {
    let is_signed = credential.request.as_ref().is_some_and(|request| request.is_signed());
    let now = context.time();
    let frames: Vec<&Frame> = view.frames.from_current().collect();
    if !is_signed {
        return if is_current && frames.len() > 1 { Signer::Beneath } else { Signer::Current };
    }
    let can_sign = |frame: &&Frame| match frame {
        Frame::Ambient(_) => true,
        Frame::Credential(id) => {
            view.credentials.get(id).is_some_and(|credential| credential.has_secret() && !credential.is_expired(now))
        }
    };
    match frames.iter().position(can_sign) {
        None => Signer::Ambient,
        Some(0) => Signer::Current,
        Some(1) if is_current => Signer::Beneath,
        Some(at) => Signer::At(frames[at].credential().map_or_else(|| at.to_string(), |id| id.to_string())),
    }
}

/// The program, for the same stack in the same place.
fn command(context: &Context) -> String {
    let options = context.given.iter().map(|option| option.to_string_lossy().into_owned());
    shell_words::join(std::iter::once("credstack".to_owned()).chain(options))
}
