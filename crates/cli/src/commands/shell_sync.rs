use std::path::Path;

use credstack_core::{
    stack::{Reader, StackError, StackView},
    values::{Frame, FrameName, Kind},
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    context::Context,
    export::{Exports, LOAD_CONFIG, NO_PROFILE},
    failure::Failure,
    keys,
    marker::{self, Marker},
    our_files, profile,
    shell::{
        Begins, Mode, Shell, Step, Then,
        inheritance::{TRACE, Trace},
        own_stack,
    },
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
    /// A command was typed in it that changes a stack
    #[arg(long)]
    typed: bool,
}

/// What the hook remembers of a shell that has nothing of the stack's.
const OWN: &str = ".";

impl ShellSync {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if let Some(marker) = &context.marker {
            return self.leave(context, marker);
        }
        let reader = context.reader()?;
        let view = match reader.stack(&context.stack) {
            Ok(view) => Some(view),
            // Removed meanwhile: what it covered comes back.
            Err(StackError::NoSuchStack(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let is_own = view.as_ref().is_none_or(|view| self.is_shells_own(context, view));
        if let Some(kept) = self.kept(context, view.as_ref()) {
            return self.keep(context, &kept, !is_own);
        }
        match view {
            Some(view) if !is_own => self.cover(context, &reader, &view),
            _ => self.restore(context),
        }
    }

    /// Covers what the shell has of its own by what the stack gives.
    fn cover(&self, context: &Context, reader: &Reader, view: &StackView) -> Result<(), Failure> {
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
            Mode::Env => self.hand_out(context, reader, &mark),
            Mode::Profile => profile(context)
                .and_then(|name| self.code(context, Then::Cover(of_profile(&name, region.as_deref()).marked()), &mark)),
        };
        let in_vain = format!("! {mark}");
        match code {
            Ok(code) => context.output.print(&code),
            // Tried again at every prompt, and said once.
            Err(_) if self.at == in_vain => Ok(()),
            Err(failure) => {
                // The shell is left without an identity rather than with another one.
                context.output.warn(&format!("{}; {}", failure.message, failure.next_step.unwrap_or_default()));
                context.output.print(&self.code(context, Then::Cover(of_profile(NO_PROFILE, None)), &in_vain)?)
            }
        }
    }

    /// What puts the keys into the shell.
    fn hand_out(&self, context: &Context, reader: &Reader, mark: &str) -> Result<Zeroizing<String>, Failure> {
        let frame = FrameName::Current;
        let keys = keys::find(context, reader, frame)?;
        let code = self.code(context, Then::Cover(Exports::of_keys(&keys.out).marked()), mark)?;
        let more = [("mode", json!("hook")), ("format", used_by::name(&self.shell))];
        used_by::record(context, [used_by::entry(context, &keys.whose, frame, "env", more)]);
        Ok(code)
    }

    /// Brings back what the shell had of its own.
    fn restore(&self, context: &Context) -> Result<(), Failure> {
        let then = match self.at.as_str() {
            _ if self.is_of_exec() => Then::Restore,
            "" => Then::Unset(Vec::new()),
            OWN if trace(context) == Some(self.base(context)) => return Ok(()),
            OWN => Then::Unset(Vec::new()),
            _ => Then::Restore,
        };
        context.output.print(&self.code(context, then, OWN)?)
    }

    /// What the shell runs for it.
    fn code(&self, context: &Context, then: Then, mark: &str) -> Result<Zeroizing<String>, Failure> {
        let base = self.base(context);
        let trace = match &then {
            Then::Cover(exports) => base.with(exports.set.iter().map(|(name, value)| (*name, value.as_str()))),
            Then::Restore | Then::Unset(_) => base,
        };
        if !self.is_of_exec() {
            return self.shell.follow(then.into(), &trace, mark);
        }
        // What exec gave has nothing beneath it in this shell.
        let step = Step { begins: Some(Begins::Inherited), also: originals(context), then };
        self.shell.follow(step, &trace, mark)
    }

    /// The trace of what the shell has of its own.
    fn base(&self, context: &Context) -> Trace {
        let is_uncovered = ["", OWN].contains(&self.at.as_str()) || self.at.starts_with(KEPT);
        if self.is_of_exec() {
            return Trace::default();
        }
        if is_uncovered { Trace::of_own(|name| context.aws(name)) } else { trace(context).unwrap_or_default() }
    }

    /// Why a shell is left as it is that would follow: it was started in one that does, and a program between the two gave it
    /// another identity. That ends with a command typed in it that changes the stack. It comes as the frames as they are.
    fn kept(&self, context: &Context, view: Option<&StackView>) -> Option<String> {
        let begins = ["", "inherited"].contains(&self.at.as_str());
        let is_kept = match begins {
            true => trace(context).is_some_and(|outer| !outer.strangers(|name| context.aws(name)).is_empty()),
            false => self.at.starts_with(KEPT),
        };
        let ids = |frame: &Frame| frame.credential().map_or("-".to_owned(), |id| id.to_string());
        let frames = view.map(|view| view.frames.by_height().iter().map(ids).collect::<Vec<_>>().join(" "));
        let frames = format!("{} {}", context.stack, frames.unwrap_or_default());
        let is_over = self.typed && !begins && self.at.get(1..) != Some(frames.as_str());
        (is_kept && !is_over).then_some(frames)
    }

    /// Leaves the shell what it has. That is said once, and not before it would follow.
    fn keep(&self, context: &Context, frames: &str, would_follow: bool) -> Result<(), Failure> {
        let was_said = self.at.starts_with(KEPT[1]);
        let mark = format!("{}{frames}", KEPT[usize::from(was_said || would_follow)]);
        if mark == self.at {
            return Ok(());
        }
        if would_follow && !was_said {
            context.output.warn(&format!(
                "this shell keeps the credentials that it was started with, which aren't those of stack {}; it follows the stack \
                 after a credstack command here that changes it",
                context.stack
            ));
        }
        let variable = |name: &str| context.aws(name);
        let begins = !self.at.starts_with(KEPT);
        // What the outer shell's hook gave is in the way of another tool's: some clients would take it.
        let mut unset = if begins { trace(context).unwrap_or_default().given(variable) } else { Vec::new() };
        if begins && context.variable("AWS_PROFILE").is_some_and(|name| name == NO_PROFILE) {
            unset.push("AWS_PROFILE");
        }
        let own = Trace::of_own(|name| variable(name).filter(|_| !unset.contains(&name)));
        let step = Step { begins: begins.then_some(Begins::Own), ..Then::Unset(unset).into() };
        context.output.print(&self.shell.follow(step, &own, &mark)?)
    }

    /// Leaves a shell what `exec` gave it. That an exec has ended is said once: what it gave is still in the environment, and
    /// credstack hands nothing out by it.
    fn leave(&self, context: &Context, marker: &Marker) -> Result<(), Failure> {
        let begins = ["", "inherited"].contains(&self.at.as_str());
        let mark = if marker.has_ended(&context.host()) { EXEC_ENDED } else { EXEC };
        if self.at == mark || !begins && !self.is_of_exec() {
            return Ok(());
        }
        if mark == EXEC_ENDED {
            let what = marker.words();
            context.output.warn(&format!("this shell has the credentials of {what} from a `credstack exec` that has ended"));
            let names = marker::VARIABLES;
            let line = match self.shell {
                Shell::Bash | Shell::Zsh => format!("unset {}", names.join(" ")),
                Shell::Fish => format!("set -e {}", names.join(" ")),
                Shell::Nushell => format!("hide-env --ignore-errors {}", names.join(" ")),
                Shell::Powershell => format!("Remove-Item Env:{} -ErrorAction Ignore", names.join(", Env:")),
            };
            context.output.say(&format!("next: run `{line}` to follow stack {} again", context.stack));
        }
        let step = Step { begins: begins.then_some(Begins::Own), ..Then::Unset(Vec::new()).into() };
        context.output.print(&self.shell.follow(step, &Trace::of_own(|name| context.aws(name)), mark)?)
    }

    /// Whether the shell was started under an exec. Where no marker is left, it is to follow the stack again.
    fn is_of_exec(&self) -> bool {
        [EXEC, EXEC_ENDED].contains(&self.at.as_str())
    }

    /// Whether the current frame is the one that the shell brought itself: the ambient one at the root, and if its keys were
    /// captured, in a shell that has the same ones.
    fn is_shells_own(&self, context: &Context, view: &StackView) -> bool {
        let ambient = match view.current() {
            Some(credential) => {
                credential.kind == Kind::Ambient && self.own_key(context).is_some_and(|id| id == credential.access_key_id)
            }
            None => true,
        };
        ambient && view.frames.by_height().first() == Some(view.frames.current())
    }

    /// The access key id that the shell has of its own. Where it is covered, the hook says it; where another shell covered it,
    /// there is none.
    fn own_key(&self, context: &Context) -> Option<String> {
        if self.at == "inherited" || self.is_of_exec() {
            return None;
        }
        context.variable("CREDSTACK_COVERED").or_else(|| context.aws("AWS_ACCESS_KEY_ID").map(str::to_owned))
    }
}

/// How a mark begins of a shell that keeps what it has: nothing was said of it yet, and it was.
const KEPT: [char; 2] = ['~', '='];

/// The marks of a shell that was started under `exec`: it is left what it has. A stack's name does not begin so.
const EXEC: &str = "@exec";
const EXEC_ENDED: &str = "@ended";

/// The files that those of an exec stand for.
fn originals(context: &Context) -> Exports {
    let mut files = Exports::default();
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        let Some(originals) = context.aws(name).and_then(|file| our_files::originals(Path::new(file))) else { continue };
        let original = if name == "AWS_CONFIG_FILE" { originals.config } else { originals.credentials };
        match original.and_then(|path| path.into_os_string().into_string().ok()) {
            Some(path) => files.set.push((name, Zeroizing::new(path))),
            None => files.unset.push(name),
        }
    }
    files
}

/// What makes clients take a profile.
fn of_profile(name: &str, region: Option<&str>) -> Exports {
    let set = vec![("AWS_PROFILE", Zeroizing::new(name.to_owned())), (LOAD_CONFIG, Zeroizing::new("1".to_owned()))];
    Exports::only(set, region)
}

/// What the hook left in the environment.
fn trace(context: &Context) -> Option<Trace> {
    context.variable(TRACE).map(|text| Trace::read(&text))
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
