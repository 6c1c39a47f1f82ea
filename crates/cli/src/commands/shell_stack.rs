use credstack_core::{
    secret_store::Patience,
    stack::{Change, Consent, Secrets, StackError, StateDirectory, Terms},
    values::StackName,
};

use crate::{context::Context, failure::Failure, shell::own_stack::Owner};

/// Print the name of a shell's own stack (run by `credstack init --per-shell`)
///
/// The one that CREDSTACK_STACK names, where somebody chose it or an enclosing shell of the same
/// terminal has it; else a new one. Stacks whose shells were killed are removed.
///
/// Examples:
///   credstack shell-stack $$
///   credstack shell-stack $$ --end
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, hide = true)]
pub struct ShellStack {
    /// The shell's process id
    process: u32,
    /// The shell ends: remove its stack
    #[arg(long)]
    end: bool,
}

impl ShellStack {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let host = context.host();
        let us = Owner::new(self.process, &host)
            .ok_or_else(|| Failure::usage(format!("there is no process {}", self.process)).next_step("give the shell's: `$$`"))?;
        if self.end {
            // Where others are at work, or the secret store does not answer, the next shell does it.
            let _later = remove(context, &us.stack(), Change::begin_unless_busy);
            return Ok(());
        }
        let stack = match Owner::of(&context.stack) {
            Some(owner) if !owner.is_around(self.process, &host) => us.stack(),
            None if context.stack.is_default() => us.stack(),
            _ => context.stack.clone(),
        };
        // A shell's own that it does not know of yet was left by another one with its number.
        let is_left_over = stack == us.stack() && stack != context.stack;
        let swept = if is_left_over { remove(context, &stack, Change::begin) } else { Ok(()) };
        match swept.and_then(|()| sweep(context, &host)) {
            // A shell has to begin all the same, and at once.
            Ok(()) | Err(StackError::Busy { .. }) => {}
            Err(error) => context.output.warn(&format!("stacks of shells that were killed are still there: {error}")),
        }
        context.output.print(stack.as_str())
    }
}

/// Removes the stacks of the shells that are gone.
fn sweep(context: &Context, host: &str) -> Result<(), StackError> {
    let names = context.reader()?.stack_names()?;
    let is_left = |name: &&StackName| Owner::of(name).is_some_and(|owner| owner.is_gone(host));
    names.iter().filter(is_left).try_for_each(|name| remove(context, name, Change::begin_unless_busy))
}

/// Removes a stack with the secrets that no other needs. It may not be there, or no longer.
fn remove(
    context: &Context,
    stack: &StackName,
    begin: fn(&StateDirectory, Terms) -> Result<Change, StackError>,
) -> Result<(), StackError> {
    if !context.reader()?.stack_names()?.contains(stack) {
        return Ok(());
    }
    let terms = context.terms("shell-stack", Consent::Everything);
    // A shell that begins or ends asks nobody anything.
    let mut change = begin(&context.place, Terms { secrets: Secrets::new(Patience::NobodyCanAnswer), ..terms })?;
    let removed = change.remove_stack(stack);
    context.output.notices(&mut change);
    match removed {
        Ok(_) | Err(StackError::NoSuchStack(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
