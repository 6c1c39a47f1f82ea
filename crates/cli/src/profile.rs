//! The profile of ours that programs see which are started from here.

use std::path::Path;

use crate::{aws_config, context::Context, failure::Failure};

/// The one that follows the stack, by an AWS configuration: the stack's own, or the one that leaves it to CREDSTACK_STACK.
pub fn find(context: &Context, aws_config: &[u8]) -> Option<String> {
    let is_state = |state: Option<&Path>| is_in_use(context, state);
    let of_variable = || (context.stack == context.stack_of_variable).then(|| aws_config::profile_of(aws_config, None, is_state));
    aws_config::profile_of(aws_config, Some(&context.stack), is_state).or_else(|| of_variable().flatten())
}

/// Whether a profile's state directory is the one in use. Where it names none, its client goes by the variables, which an option
/// here does not change.
fn is_in_use(context: &Context, state: Option<&Path>) -> bool {
    let resolved = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match state {
        Some(state) => state == context.place.path() || resolved(state) == resolved(context.place.path()),
        None => context.given.iter().all(|option| option != "--state-dir"),
    }
}

/// The one to be handed to a program, if there is one. Keys of its name in the shared credentials file would win over it.
pub fn handed_out(context: &Context) -> Result<Option<String>, Failure> {
    let Some(name) = find(context, &aws_config::read(&context.aws_config_file)?) else { return Ok(None) };
    let credentials = &context.aws_credentials_file;
    if aws_config::has_section(&aws_config::read(credentials)?, &name) {
        return Err(Failure::usage(format!("{} has keys for profile {name}, which win over the stack", credentials.display()))
            .next_step("take them out of that file, or write another profile with `credstack setup profile --name NAME`"));
    }
    Ok(Some(name))
}
