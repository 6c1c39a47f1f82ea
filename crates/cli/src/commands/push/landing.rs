use credstack_core::{
    stack::{Pushed, Shell},
    values::{Acquired, Signer},
};
use serde_json::{Map, Value};

use super::common::Common;
use crate::{consent::change, context::Context, failure::Failure, shapes::FrameShape, words};

/// Stores what was acquired, makes it current, and shows it.
pub fn push(
    context: &Context,
    common: &Common,
    command: &str,
    acquired: Acquired,
    shell: Shell,
    detail: Map<String, Value>,
) -> Result<(), Failure> {
    let landing = common.landing();
    let pushed: Pushed = change(context, command, common.yes, |change| {
        change.push(&context.stack, acquired.clone(), landing, &shell, detail.clone())
    })?;
    let output = &context.output;
    if output.json() {
        let position = pushed.moved.is_some().then_some(0);
        output.print_done(&FrameShape::of_credential(&pushed.credential, position))?;
    }
    if acquired.signer == Signer::ShellKeys && pushed.credential.parent.is_none() {
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
