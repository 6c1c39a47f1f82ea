use credstack_core::values::CredentialId;
use serde_json::json;

use crate::{consent::change, context::Context, failure::Failure};

/// Erase a held credential set
///
/// A credential set is held when it was pushed with --no-use, or when a push was cut off after its
/// secret had arrived. `list` shows what is held.
///
/// Examples:
///   credstack forget c7
///   credstack forget --expired
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Forget {
    /// Which one
    #[arg(value_name = "ID", required_unless_present = "expired", conflicts_with = "expired")]
    id: Option<CredentialId>,
    /// Every held credential set that has expired
    #[arg(long)]
    expired: bool,
    /// Agree to erase secrets that nothing can bring back
    #[arg(long, short)]
    yes: bool,
}

impl Forget {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let left = change(context, "forget", self.yes, |change| match self.id {
            Some(id) => change.forget(id),
            None => change.forget_expired(),
        })?;
        if context.output.json() {
            let ids: Vec<_> = left.iter().map(|left| left.credential.id).collect();
            context.output.print_done(&json!({ "forgotten": ids }))?;
        }
        if left.is_empty() {
            context.output.say("no held credential set has expired");
        }
        context.output.left(&left, "is forgotten", context.now);
        Ok(())
    }
}
