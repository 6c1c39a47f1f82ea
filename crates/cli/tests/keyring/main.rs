//! The program with a keyring that goes away, is locked or does not answer. On its own, for it is about how long a
//! command takes.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is tests; Clippy's own exception ends at helper functions"
)]

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "the crash tests use the rest of it")]
#[path = "../crash/desktop.rs"]
mod desktop;
#[path = "../../../core/tests/model/log.rs"]
mod log;
#[allow(dead_code, reason = "the crash tests use the rest of it")]
#[path = "../crash/machine.rs"]
mod machine;

mod seals;
mod troubles;
