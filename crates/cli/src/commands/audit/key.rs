use credstack_core::values::request::GetAccessKeyInfo;

use crate::{
    commands::key_info::{show, unknown},
    context::Context,
    failure::Failure,
};

/// Say which credential set an access key id is or was
///
/// From what is recorded, as `key-info --offline` tells it: for a line of CloudTrail, or a key that
/// was found in a log. AWS is not asked.
///
/// Examples:
///   credstack audit key ASIAIOSFODNN7EXAMPLE
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Key {
    /// The access key id; never the secret access key
    #[arg(value_name = "ID")]
    id: String,
}

impl Key {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        GetAccessKeyInfo { access_key_id: self.id.clone() }.check()?;
        let known = context.reader()?.known_keys(&self.id)?;
        match known.is_empty() {
            true => Err(unknown().next_step("`credstack key-info` asks STS for its account")),
            false => show(context, &self.id, None, known),
        }
    }
}
