//! One verb, one file: its arguments, whose doc comments are the help, and what it does.

mod clear;
mod completions;
mod consent;
mod doctor;
mod drop;
mod forget;
mod history;
mod list;
mod pop;
mod purge;
mod push;
mod save;
mod setup;
mod stacks;
mod swap;
mod r#use;
mod whoami;

use crate::{context::Context, failure::Failure};

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
    History(history::History),
    Doctor(doctor::Doctor),
    Setup(setup::Setup),
    Purge(purge::Purge),
    Completions(completions::Completions),
}

/// Runs a command.
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
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
        Command::History(command) => command.run(context),
        Command::Doctor(command) => command.run(context),
        Command::Setup(command) => command.run(context),
        Command::Purge(command) => command.run(context),
        Command::Completions(command) => command.run(context),
    }
}
