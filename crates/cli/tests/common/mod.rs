//! What every test binary of the program shares: a scratch machine, the real program, the real sandbox, and a scan of
//! everything that was printed or written for secrets.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of it")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test sets up its own world, and fails where it cannot")]

pub mod answering;
pub mod environment;
pub mod holding;
pub mod http;
pub mod output;
pub mod programs;
pub mod recorder;
pub mod sandbox;
pub mod secrets;
#[path = "../../../core/src/seeded.rs"]
pub mod seeded;
pub mod terminal;
pub mod tls;

pub use environment::{TestEnvironment, forget_what_pins};
pub use output::Output;
pub use sandbox::{Issued, Sandbox};

/// The built-in world's user with an MFA device.
pub const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
/// Her MFA device.
pub const ALICE_MFA: &str = "arn:aws:iam::111122223333:mfa/alice";
/// Her access key id.
pub const ALICE_KEY: &str = "AKIAFAKEALICE0000001";
/// Her secret access key: fake, and public.
pub const ALICE_SECRET: &str = "fake+alice+secret/for+the+sandbox+000001";
/// The user without an MFA device.
pub const BOB_KEY: &str = "AKIAFAKEBOB000000001";
/// His secret access key.
pub const BOB_SECRET: &str = "fake+bob+secret/for+the+sandbox+00000001";
/// The dev account's root.
pub const ROOT_KEY: &str = "AKIAFAKEROOTDEV00001";
/// Its secret access key.
pub const ROOT_SECRET: &str = "fake+root+dev+secret/for+the+sandbox+001";
