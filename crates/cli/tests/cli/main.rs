//! The program, end to end: the real binary, the real vault, the real sandbox, a cleared environment.

#[path = "../common/mod.rs"]
mod common;

mod ambient;
mod aws_iam;
mod commands;
mod faults;
mod hardening;
mod help;
mod json;
mod limits;
mod network;
mod refusals;
mod rules;
