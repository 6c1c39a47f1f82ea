//! `push`: acquire a credential set and make it current.

pub mod acquire;
mod assume;
pub mod common;
mod federation;
mod import;
pub mod inputs;
pub mod mfa;
mod policies;
mod session;
mod signed_by;

use crate::{context::Context, failure::Failure};

/// Acquire credentials and make them current; what was current is saved
///
/// Nothing on the stack changes until STS has answered and the secret is safely stored.
///
/// Examples:
///   credstack push session --mfa-serial arn:aws:iam::111122223333:mfa/alice
///   credstack push assume Developer
///   credstack push federation reporter --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess
///   credstack push import --profile dev
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Push {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Assume(assume::Assume),
    Session(session::Session),
    Federation(federation::Federation),
    Import(import::Import),
}

impl Push {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        match self.what {
            What::Assume(push) => push.run(context),
            What::Session(push) => push.run(context),
            What::Federation(push) => push.run(context),
            What::Import(push) => push.run(context),
        }
    }
}
