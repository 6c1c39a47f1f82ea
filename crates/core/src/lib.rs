//! The stack of AWS credential sets behind the `credstack` program.
//!
//! The library is built in floors, each importing only those below it:
//!
//! - [`values`]: what is talked about. No I/O, no clock.
//! - [`handout`]: the keys of a frame as every way out renders them. Pure.
//! - [`aws_files`]: the AWS configuration as text: what of it a program under `exec` may see. No I/O.
//! - [`secret_command`], [`secret_store`], [`database`], [`sts`], [`ambient`], [`console`]: the edges. Each touches one outside thing; none imports another.
//! - [`stack`]: the only place where the database and the secret store meet.
//! - [`provider`]: the stack for programs that use the AWS SDK for Rust.
//! - [`plan`]: what would come of requests that are not sent.
//! - [`saml`]: the roles that a SAML assertion offers.
//! - [`audit`]: what other records, such as CloudTrail's, tell of the credentials that the log knows; the log for other machines.
//! - [`signed_by`]: who signs.
//! - [`refresh`]: what has to be asked of STS to have a credential set anew.
//!
//! Its functions are synchronous, and work inside a tokio runtime too: they block the thread that calls them.
//!
//! It reads no clock, environment, home directory or terminal: callers pass the time and the paths.

#![deny(clippy::disallowed_methods)]

pub mod ambient;
pub mod audit;
pub mod aws_files;
mod blocking;
mod config_files;
pub mod console;
pub mod database;
pub mod handout;
mod http;
pub mod plan;
mod private_files;
pub mod provider;
pub mod refresh;
pub mod saml;
pub mod secret_command;
pub mod secret_store;
#[cfg(test)]
mod seeded;
pub mod signed_by;
pub mod stack;
pub mod sts;
pub mod values;
