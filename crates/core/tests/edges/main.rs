//! The two edges that speak to AWS, on the wire: a real SDK client against faults that no server produces on purpose.
//!
//! What STS itself decides is tested elsewhere, against servers that behave like STS.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests")]

mod ambient;
mod authority;
mod child;
mod inside_tokio;
mod proxy;
mod server;
mod sts;
