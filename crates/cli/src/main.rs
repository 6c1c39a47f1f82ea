//! `credstack`: `pushd`/`popd` for AWS identities.

#![deny(clippy::disallowed_methods)]

mod arguments;
mod commands;
mod configuration;
mod context;
mod failure;
mod hardening;
mod output;
mod shapes;
mod signing;
mod store;
mod terminal;
mod words;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use context::Context;

fn main() -> ExitCode {
    if let Err(failure) = hardening::harden() {
        return output::report(&failure, false);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::report_usage(&error),
    };
    let (global, command) = arguments.split();
    let json = global.json;
    match Context::new(global).and_then(|context| commands::run(&context, command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::report(&failure, json),
    }
}
