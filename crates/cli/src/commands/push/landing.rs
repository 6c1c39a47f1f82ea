use std::slice;

use credstack_core::{
    refresh::{self, Origin},
    stack::{Chain, Change, Landing, Link, Pushed, Reader, Shell, StackError},
    values::{Acquired, Credential, CredentialId, FrameName, Signer, SignerKey},
};
use serde_json::{Map, Value};

use super::common::Common;
use crate::{
    acquire::Acquisition,
    consent::{change, change_stack},
    context::Context,
    failure::Failure,
    foresight::show_nothing,
    shapes::FrameShape,
    signing,
    unkept::unkept,
    words,
};

/// Stores what was acquired, makes it current, and shows it.
pub fn push(
    context: &Context,
    common: &Common,
    command: &str,
    acquired: Acquired,
    shell: Shell,
    detail: Map<String, Value>,
) -> Result<(), Failure> {
    let chain = Chain { behind: Vec::new(), last: Link { acquired, detail }, frames: true };
    push_chain(context, common, command, chain, shell)
}

/// The same for credential sets that were acquired in one go: all of them, or none.
pub fn push_chain(context: &Context, common: &Common, command: &str, chain: Chain, shell: Shell) -> Result<(), Failure> {
    let landing = common.landing();
    let by_shells_keys = chain.behind.first().unwrap_or(&chain.last).acquired.signer == Signer::ShellKeys;
    let pushed: Pushed =
        change(context, command, common.yes, |change| change.push_chain(&context.stack, chain.clone(), landing, &shell))
            .map_err(|failure| unkept(context, command, &[&chain.behind[..], slice::from_ref(&chain.last)].concat(), failure))?;
    let output = &context.output;
    if output.json() {
        let position = pushed.moved.is_some().then_some(0);
        output.print_done(&FrameShape::of_credential(&pushed.credential, position))?;
    }
    if by_shells_keys && chain.behind.is_empty() && pushed.credential.parent.is_none() {
        output.warn("signed by keys of this shell that are stored nowhere: it cannot be renewed");
    }
    if let Some(id) = pushed.captured {
        output.say(&format!("this shell's keys are saved as {id}, the root of the stack"));
    }
    let now = context.time();
    match &pushed.moved {
        Some(moved) => output.moved(context, moved),
        None => output.say(&format!(
            "held: {} ({}), {}; `credstack use {}` makes it current",
            words::identity(&pushed.credential),
            pushed.credential.id,
            words::expiry(pushed.credential.expires_at, pushed.credential.temporary, now),
            pushed.credential.id
        )),
    }
    Ok(())
}

/// With `--reuse`: makes current what the same request of the same signer gave before, if it lives. Whether it did.
pub fn reuse(common: &Common, acquisition: &Acquisition<'_>) -> Result<bool, Failure> {
    if !common.reuse {
        return Ok(false);
    }
    let Acquisition { context, reader, request, .. } = acquisition;
    let (signer, key, way) = acquisition.origin();
    let origin = Origin { signer: &signer, key: &key, way: &way };
    let Some(Credential { id, .. }) = refresh::living(reader, request, origin, context.now)? else { return Ok(false) };
    use_again(context, common, reader, &[id])?;
    Ok(true)
}

/// Prints that a push would take what was given before.
pub fn show_reuse(context: &Context, ids: &[CredentialId], key: &SignerKey) -> Result<(), Failure> {
    let were = if ids.len() == 1 { "was" } else { "were" };
    let unless = match key {
        SignerKey::Unknown => ", unless its signer has another access key by now",
        _ => "",
    };
    show_nothing(context, &format!("{} {were} given for the same request: STS would not be asked{unless}", words::list(ids)))
}

/// Makes current what was given before, one on top of the other.
pub fn use_again(context: &Context, common: &Common, reader: &Reader, ids: &[CredentialId]) -> Result<(), Failure> {
    let (output, landing) = (&context.output, common.landing());
    let were = if ids.len() == 1 { "was" } else { "were" };
    output.say(&format!("{} {were} given for the same request: STS is not asked", words::list(ids)));
    if common.label.is_some() || common.note.is_some() {
        output.warn("--label and --note are of a new credential set: what is taken again keeps its own");
    }
    if landing == Landing::Nowhere {
        let shapes = ids.iter().map(|id| Ok(FrameShape::of_credential(&reader.credential(*id)?, None)));
        let shapes = shapes.collect::<Result<Vec<_>, Failure>>()?;
        return match shapes.last().filter(|_| output.json()) {
            Some(shape) => output.print_json(shape),
            None => Ok(()),
        };
    }
    let shell = signing::shell(context, reader)?;
    change_stack(context, "push", common.yes, |change| {
        let use_one = |change: &mut Change, id: CredentialId, landing| {
            change.use_frame(&context.stack, FrameName::Credential(id), landing, &shell)
        };
        let (first, others) = ids.split_first().ok_or(StackError::NothingSaved(context.stack.clone()))?;
        let mut moved = use_one(change, *first, landing)?;
        for id in others {
            moved = use_one(change, *id, Landing::Top)?;
        }
        Ok(moved)
    })
}
