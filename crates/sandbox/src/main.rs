//! A strict STS on loopback, to learn role chaining and to test against without an AWS account.
//!
//! Direction: `server -> {admin, service} -> {authenticate, operations} -> {authorize, limits, mfa, sessions} -> {policy,
//! world, wire}`. One request at a time holds the one lock, and never across an await.

mod admin;
mod arguments;
mod authenticate;
mod authorize;
mod caller;
mod calls;
mod denial;
mod faults;
mod federation;
mod limits;
mod messages;
mod mfa;
mod operations;
mod policy;
mod providers;
mod random;
mod sandbox;
mod server;
mod service;
mod sessions;
mod signature;
mod wire;
mod world;

use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    match arguments::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // There is nobody left to tell if stderr is closed.
            let _ = writeln!(std::io::stderr(), "credstack-sandbox: {message}");
            ExitCode::FAILURE
        }
    }
}
