//! The program, end to end: the real binary, the real vault, the real sandbox, a cleared environment.

#[path = "../common/mod.rs"]
mod common;

mod aws_iam;
