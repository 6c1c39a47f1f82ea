//! The program is killed, crowded and cut off from its keyring: nothing may be lost, and nothing may be left over.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is tests; Clippy's own exception ends at helper functions"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../core/tests/model/log.rs"]
mod log;

mod crowd;
#[allow(dead_code, reason = "the keyring tests use the rest of it")]
mod desktop;
mod kill;
mod machine;
#[path = "../../../core/tests/model/plain.rs"]
mod plain;
mod sequences;
#[path = "../../../core/tests/model/steps.rs"]
mod steps;
mod uses;
