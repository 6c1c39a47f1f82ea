use credstack_core::{
    stack::{Reader, StackError, StackView},
    values::{FrameName, Kind},
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    context::Context,
    export::{Exports, LOAD_CONFIG},
    failure::Failure,
    keys, profile,
    shell::{Mode, Shell, own_stack},
    used_by,
};

/// Print what a shell has to do to follow the stack (run by the hook of `credstack init`)
///
/// Prints nothing where the shell is up to date already.
///
/// Examples:
///   credstack shell-sync bash --at ''
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, hide = true)]
pub struct ShellSync {
    /// Which shell
    shell: Shell,
    /// What is put into the environment
    #[arg(long, value_name = "MODE", default_value = "profile")]
    mode: Mode,
    /// What the shell has followed so far
    #[arg(long, value_name = "MARK", default_value = "")]
    at: String,
}

impl ShellSync {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let reader = context.reader()?;
        let view = match reader.stack(&context.stack) {
            Ok(view) => view,
            // Removed meanwhile: what it covered comes back.
            Err(StackError::NoSuchStack(_)) => return self.restore(context),
            Err(error) => return Err(error.into()),
        };
        if is_shells_own(context, &view) {
            return self.restore(context);
        }
        let current = view.current();
        let region = current.and_then(|credential| credential.region.clone());
        let what = match self.mode {
            Mode::Profile => "profile".to_owned(),
            Mode::Env => current.map_or("ambient".to_owned(), |credential| credential.id.to_string()),
        };
        let mark = format!("{} {what} {}", context.stack, region.as_deref().unwrap_or_default().escape_default());
        if mark == self.at {
            return Ok(());
        }
        let code = match self.mode {
            Mode::Env => self.hand_out(context, &reader, &mark),
            Mode::Profile => profile(context).and_then(|name| {
                let exports = Exports::only(
                    vec![("AWS_PROFILE", Zeroizing::new(name)), (LOAD_CONFIG, Zeroizing::new("1".to_owned()))],
                    region.as_deref(),
                )
                .marked();
                self.shell.follow(Some(exports), &mark)
            }),
        };
        let in_vain = format!("! {mark}");
        match code {
            Ok(code) => context.output.print(&code),
            // Tried again at every prompt, and said once.
            Err(_) if self.at == in_vain => Ok(()),
            Err(failure) => {
                // The shell is left without an identity rather than with another one.
                context.output.warn(&format!("{}; {}", failure.message, failure.next_step.unwrap_or_default()));
                context.output.print(&self.shell.follow(Some(Exports::only(Vec::new(), None)), &in_vain)?)
            }
        }
    }

    /// What puts the keys into the shell.
    fn hand_out(&self, context: &Context, reader: &Reader, mark: &str) -> Result<Zeroizing<String>, Failure> {
        let frame = FrameName::Current;
        let keys = keys::find(context, reader, frame)?;
        let code = self.shell.follow(Some(Exports::of_keys(&keys.out).marked()), mark)?;
        let more = [("mode", json!("hook")), ("format", used_by::name(&self.shell))];
        used_by::record(context, [used_by::entry(context, &keys.whose, frame, "env", more)]);
        Ok(code)
    }

    /// Brings back what the shell had of its own.
    fn restore(&self, context: &Context) -> Result<(), Failure> {
        match self.at.is_empty() {
            true => Ok(()),
            false => context.output.print(&self.shell.follow(None, "")?),
        }
    }
}

/// Whether the current frame is the one that the shell brought itself: the ambient one at the root, and if its keys were
/// captured, in a shell that has the same ones.
fn is_shells_own(context: &Context, view: &StackView) -> bool {
    let ambient = match view.current() {
        Some(credential) => credential.kind == Kind::Ambient && own_key(context).is_some_and(|id| id == credential.access_key_id),
        None => true,
    };
    ambient && view.frames.by_height().first() == Some(view.frames.current())
}

/// The access key id that the shell has of its own. Where it is covered, the hook says it.
fn own_key(context: &Context) -> Option<String> {
    context.variable("CREDSTACK_COVERED").or_else(|| context.aws("AWS_ACCESS_KEY_ID").map(str::to_owned))
}

/// The profile that follows the stack.
fn profile(context: &Context) -> Result<String, Failure> {
    profile::handed_out(context)?.ok_or_else(|| {
        let write = match own_stack::Owner::of(&context.stack) {
            Some(_) => "credstack setup profile --per-shell".to_owned(),
            None => format!("credstack --stack {} setup profile --name NAME", context.stack),
        };
        Failure::usage(format!("this shell cannot follow stack {}: no profile does", context.stack))
            .next_step(format!("write one with `{write}`"))
    })
}
