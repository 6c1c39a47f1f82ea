use credstack_core::values::FrameName;

use super::inputs;
use crate::signer::Choice;

/// Who signs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Who signs")]
pub struct SignedBy {
    /// Sign with another frame: root, env (this shell's keys), a position, or an id such as c2
    #[arg(long, value_name = "FRAME", conflicts_with = "profile")]
    pub from: Option<FrameName>,
    /// Sign with an ambient profile, whatever the stack says
    #[arg(long, value_name = "PROFILE", value_parser = inputs::text, allow_hyphen_values = true)]
    pub profile: Option<String>,
}

impl SignedBy {
    /// The same for the finder of signers.
    pub fn choice(&self) -> Choice<'_> {
        Choice { from: self.from, profile: self.profile.as_deref(), is_push: true }
    }
}
