//! `push`: acquire a credential set and make it current.

mod assume;
mod common;
mod federation;
mod import;
pub mod inputs;
mod landing;
mod policies;
mod profile;
mod root;
mod saml;
mod session;
mod signed;
pub mod signed_by;
mod unsigned;
mod web_identity;

use crate::{context::Context, failure::Failure};

/// Acquire credentials and make them current; what was current is saved
///
/// Nothing on the stack changes until STS has answered and the secret is safely stored.
///
/// Examples:
///   credstack push session --mfa-serial arn:aws:iam::111122223333:mfa/alice
///   credstack push assume Developer
///   credstack push federation reporter --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess
///   credstack push profile prod
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
    WebIdentity(web_identity::WebIdentity),
    Saml(saml::Saml),
    Root(root::Root),
    Profile(profile::Profile),
    Import(import::Import),
}

impl Push {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        match self.what {
            What::Assume(push) => push.run(context),
            What::Session(push) => push.run(context),
            What::Federation(push) => push.run(context),
            What::WebIdentity(push) => push.run(context),
            What::Saml(push) => push.run(context),
            What::Root(push) => push.run(context),
            What::Profile(push) => push.run(context),
            What::Import(push) => push.run(context),
        }
    }
}
