use credstack_core::stack::Landing;

use super::inputs;
use crate::{acquire::About, failure::Failure};

/// The options of every push.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every push")]
pub struct Common {
    /// Store the credentials on no stack; `use` makes them current later
    #[arg(long, conflicts_with = "replace")]
    pub no_use: bool,
    /// Replace the current identity instead of saving it
    #[arg(long)]
    pub replace: bool,
    /// A name for the new frame, shown by `list`
    #[arg(long, value_name = "TEXT", value_parser = inputs::text, allow_hyphen_values = true)]
    pub label: Option<String>,
    /// Why: goes into the history
    #[arg(long, value_name = "TEXT", value_parser = inputs::text, allow_hyphen_values = true)]
    pub note: Option<String>,
    /// The region to ask STS in, and of the new frame
    #[arg(long, value_parser = inputs::region)]
    pub region: Option<String>,
    /// Show the STS calls that would be made, and make none
    #[arg(long)]
    pub dry_run: bool,
    /// Take what the same push gave before, while it lives, without asking STS
    #[arg(long, overrides_with = "fresh")]
    pub reuse: bool,
    /// Ask STS in any case: the default of all but `push profile`
    #[arg(long, overrides_with = "reuse")]
    pub fresh: bool,
    /// Agree to what would be asked about
    #[arg(long, short)]
    pub yes: bool,
}

impl Common {
    /// Where the new credential set goes.
    pub fn landing(&self) -> Landing {
        match (self.no_use, self.replace) {
            (true, _) => Landing::Nowhere,
            (false, true) => Landing::Replace,
            (false, false) => Landing::Top,
        }
    }

    /// What is said of the new credential set.
    pub fn about(&self) -> About {
        About { label: self.label.clone(), note: self.note.clone() }
    }

    /// Labels and notes are for tables and logs: a line each, not a document.
    pub fn check(&self) -> Result<(), Failure> {
        for (option, text, most) in [("--label", &self.label, 100), ("--note", &self.note, 1000)] {
            let Some(text) = text else { continue };
            if text.chars().count() > most {
                let next = format!("shorten it to {most} characters");
                return Err(Failure::usage(format!("{option} is too long: at most {most} characters")).next_step(next));
            }
        }
        Ok(())
    }
}
