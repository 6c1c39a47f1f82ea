use credstack_core::{
    refresh,
    stack::{Chain, Landing, Link, Pushed, Reader, Shell},
    values::{Acquired, Credential, FrameName, Signer, request::Request},
};
use serde_json::{Map, Value};

use super::common::Common;
use crate::{
    consent::{change, change_stack},
    context::Context,
    failure::Failure,
    shapes::FrameShape,
    signing, words,
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
        change(context, command, common.yes, |change| change.push_chain(&context.stack, chain.clone(), landing, &shell))?;
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
        Some(moved) => output.moved(moved, now),
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
pub fn reuse(context: &Context, common: &Common, reader: &Reader, request: &Request, signer: &Signer) -> Result<bool, Failure> {
    if !common.reuse {
        return Ok(false);
    }
    let Some(Credential { id, .. }) = refresh::living(reader, request, signer, context.now)? else { return Ok(false) };
    let (output, landing) = (&context.output, common.landing());
    output.say(&format!("{id} was given for the same request: STS is not asked"));
    if landing == Landing::Nowhere {
        if output.json() {
            output.print_json(&FrameShape::of_credential(&reader.credential(id)?, None))?;
        }
        return Ok(true);
    }
    let shell = signing::shell(context, reader)?;
    let name = FrameName::Credential(id);
    change_stack(context, "push", common.yes, |change| change.use_frame(&context.stack, name, landing, &shell))?;
    Ok(true)
}
