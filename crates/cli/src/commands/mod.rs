//! One verb, one file: its arguments, whose doc comments are the help, and what it does.

mod asking;
mod audit;
mod clear;
mod completions;
mod console;
mod credential_process;
mod decode;
mod doctor;
mod drop;
mod env;
pub mod exec;
mod explain;
mod forget;
mod history;
mod init;
mod key_info;
mod list;
mod pop;
mod prompt;
mod purge;
pub mod push;
mod refresh;
mod save;
mod serve;
mod setup;
mod shell_stack;
mod shell_sync;
mod stacks;
mod swap;
mod r#use;
mod web_token;
mod whoami;

use std::process::ExitCode;

use clap::Parser;
use credstack_core::values::Frames;

use crate::{context::Context, failure::Failure, global::Global, marker::Marker};

/// pushd/popd for AWS identities.
///
/// credstack keeps every credential set that you acquire from AWS STS on a stack that survives
/// shells and reboots. `push` acquires one and makes it current, `pop` brings the one before it
/// back, exactly. Metadata and history are in SQLite; secrets are in the operating system's
/// keyring, or in a sealed vault.
#[derive(Debug, Parser)]
#[command(name = "credstack", version, max_term_width = 100, after_long_help = EXAMPLES, subcommand_required = true)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  credstack push session --mfa-serial arn:aws:iam::111122223333:mfa/alice
  credstack push assume arn:aws:iam::111122223333:role/Developer
  credstack whoami
  credstack pop
  credstack history

Exit codes:
  0 done                                5 expired, and a person is needed
  1 internal error                      6 secret store missing, locked or denied
  2 usage                               7 network or time-out
  3 nothing to restore, drop or find    8 database newer, damaged or busy
  4 STS refused                         9 the log does not verify";

impl Arguments {
    /// The options that every command has, and the command.
    pub fn split(self) -> (Global, Command) {
        (self.global, self.command)
    }
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Push(Box<push::Push>),
    Pop(pop::Pop),
    Drop(drop::Drop),
    Use(r#use::Use),
    Save(save::Save),
    Swap(swap::Swap),
    Clear(clear::Clear),
    Forget(forget::Forget),
    List(list::List),
    Stacks(stacks::Stacks),
    Whoami(whoami::Whoami),
    Decode(decode::Decode),
    KeyInfo(key_info::KeyInfo),
    WebToken(web_token::WebToken),
    Refresh(refresh::Refresh),
    Explain(explain::Explain),
    History(Box<history::History>),
    Audit(Box<audit::Audit>),
    CredentialProcess(credential_process::CredentialProcess),
    Env(env::Env),
    Exec(exec::Exec),
    Serve(serve::Serve),
    Console(console::Console),
    Init(init::Init),
    Prompt(prompt::Prompt),
    ShellSync(shell_sync::ShellSync),
    ShellStack(shell_stack::ShellStack),
    Doctor(doctor::Doctor),
    Setup(setup::Setup),
    Purge(purge::Purge),
    Completions(completions::Completions),
}

/// Runs a command, and says how the process is to end.
pub fn run(context: &Context, command: Command) -> Result<ExitCode, Failure> {
    let before = stays(context, &command);
    let done = match command {
        Command::Push(command) => command.run(context),
        Command::Pop(command) => command.run(context),
        Command::Drop(command) => command.run(context),
        Command::Use(command) => command.run(context),
        Command::Save(command) => command.run(context),
        Command::Swap(command) => command.run(context),
        Command::Clear(command) => command.run(context),
        Command::Forget(command) => command.run(context),
        Command::List(command) => command.run(context),
        Command::Stacks(command) => command.run(context),
        Command::Whoami(command) => command.run(context),
        Command::Decode(command) => command.run(context),
        Command::KeyInfo(command) => command.run(context),
        Command::WebToken(command) => command.run(context),
        Command::Refresh(command) => command.run(context),
        Command::Explain(command) => command.run(context),
        Command::History(command) => command.run(context),
        Command::Audit(command) => command.run(context),
        Command::CredentialProcess(command) => command.run(context),
        Command::Env(command) => command.run(context),
        Command::Exec(command) => return command.run(context),
        Command::Serve(command) => command.run(context),
        Command::Console(command) => command.run(context),
        Command::Init(command) => command.run(context),
        Command::Prompt(command) => command.run(context),
        Command::ShellSync(command) => command.run(context),
        Command::ShellStack(command) => command.run(context),
        Command::Doctor(command) => command.run(context),
        Command::Setup(command) => command.run(context),
        Command::Purge(command) => command.run(context),
        Command::Completions(command) => command.run(context),
    };
    if let Some((marker, before)) = before
        && frames(context) != before
    {
        // Its programs go on with what exec gave it.
        context.output.say(&format!("this shell stays {}: it runs under `credstack exec`", marker.words()));
    }
    done.map(|()| ExitCode::SUCCESS)
}

/// The exec whose frame a shell keeps while a command changes the stack, and the frames before.
fn stays<'a>(context: &'a Context, command: &Command) -> Option<(&'a Marker, Option<Frames>)> {
    let changes = matches!(
        command,
        Command::Push(_)
            | Command::Pop(_)
            | Command::Drop(_)
            | Command::Use(_)
            | Command::Save(_)
            | Command::Swap(_)
            | Command::Clear(_)
    );
    let marker = context.marker.as_ref().filter(|marker| changes && marker.frame.is_some())?;
    (!marker.has_ended(&context.host())).then(|| (marker, frames(context)))
}

fn frames(context: &Context) -> Option<Frames> {
    context.reader().ok()?.stack(&context.stack).ok().map(|view| view.frames)
}
