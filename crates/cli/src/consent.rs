//! How a change is carried out that may erase what nothing can bring back: it is tried, and if it would lose
//! something, the person is asked and it is tried again.

use std::collections::BTreeSet;

use credstack_core::stack::{Change, Consent, Moved, StackError};

use crate::{context::Context, failure::Failure, shapes::FrameShape};

/// Carries out one change under the lock; `yes` agrees to every loss beforehand.
pub fn change<T>(
    context: &Context,
    command: &str,
    yes: bool,
    mut work: impl FnMut(&mut Change) -> Result<T, StackError>,
) -> Result<T, Failure> {
    let mut consent = if yes { Consent::Everything } else { Consent::Only(BTreeSet::new()) };
    loop {
        let mut change = Change::begin(&context.place, context.terms(command, consent))?;
        let done = work(&mut change);
        context.output.notices(&mut change);
        drop(change);
        match done {
            Ok(done) => return Ok(done),
            Err(StackError::WouldLose(ids)) => {
                let error = StackError::WouldLose(ids.clone());
                match context.terminal.confirm(&format!("{error}. Go on?")) {
                    Some(true) => consent = Consent::Only(ids.into_iter().collect()),
                    Some(false) => return Err(Failure::usage("stopped: nothing was changed")),
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Carries out a change of a stack, and shows the identity in use after it.
pub fn change_stack(
    context: &Context,
    command: &str,
    yes: bool,
    work: impl FnMut(&mut Change) -> Result<Moved, StackError>,
) -> Result<(), Failure> {
    let moved = change(context, command, yes, work)?;
    if context.output.json() {
        context.output.print_done(&FrameShape::current(&moved.view))?;
    }
    context.output.moved(context, &moved);
    Ok(())
}
