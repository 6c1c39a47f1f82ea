//! `credstack`: `pushd`/`popd` for AWS identities.

#![deny(clippy::disallowed_methods)]

mod acquire;
mod aws_config;
mod commands;
mod configuration;
mod consent;
mod context;
mod endpoint;
mod expired;
mod export;
mod failure;
mod fixed;
mod foresight;
mod global;
mod hardening;
mod keys;
mod lent;
mod marker;
mod our_files;
mod output;
mod pager;
mod pinentry;
mod process;
mod profile;
mod renewal;
mod shapes;
mod shell;
mod signals;
mod signer;
mod signing;
mod store;
mod terminal;
mod tree;
mod unkept;
mod used_by;
mod words;

use std::process::ExitCode;

use clap::Parser;

use commands::{Arguments, Command};
use context::Context;
use failure::{Failure, Kind};
use output::Style;

fn main() -> ExitCode {
    std::panic::catch_unwind(run).unwrap_or(ExitCode::from(Kind::Internal as u8))
}

fn run() -> ExitCode {
    if let Some(command) = lent::command() {
        let started = commands::exec::replace(command);
        return started
            .unwrap_or_else(|error| output::report(&Failure::internal(format!("cannot be run again: {error}")), Style::Text));
    }
    if let Err(failure) = hardening::harden() {
        return output::report(&failure, Style::Text);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::report_usage(&error),
    };
    let (mut global, command) = arguments.split();
    let style = match command {
        _ if global.json => Style::Json,
        // A client shows what is there as one text, behind words of its own.
        Command::CredentialProcess(_) => {
            global.quiet = true;
            Style::Line
        }
        _ => Style::Text,
    };
    let env = if let Command::Env(env) = &command { Some(env.on_failure()) } else { None };
    match Context::new(global).and_then(|context| commands::run(&context, command)) {
        Ok(code) => code,
        Err(failure) => {
            if let Some(line) = env.and_then(|failing| failing(failure.exit_code())) {
                output::line_to_stdout(&line);
            }
            output::report(&failure, style)
        }
    }
}
