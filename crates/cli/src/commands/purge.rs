use credstack_core::stack::{Change, Consent};
use serde_json::json;

use crate::{context::Context, failure::Failure};

/// Erase everything of credstack's on this machine, after asking
///
/// Every secret in the keyring or vault, then the database with the stacks and the log, then the configuration file if both
/// are where they usually are. A vault's key file stays: it is yours. Temporary credentials stay valid at AWS until they
/// expire.
///
/// Examples:
///   credstack purge
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Purge {
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
    /// Give up secrets that cannot be reached any more
    #[arg(long)]
    abandon: bool,
}

impl Purge {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let place = context.place.path().to_owned();
        if !place.exists() {
            return Err(Failure::new(crate::failure::Kind::Nothing, format!("there is nothing to purge in {}", place.display()))
                .next_step("name another directory with --state-dir, if it is elsewhere"));
        }
        if !self.yes {
            let also = match context.is_usual {
                true => format!(", and {}", context.configuration_path.display()),
                false => String::new(),
            };
            let question =
                format!("This erases every stored secret, the stacks and the whole history in {}{also}. Go on?", place.display());
            match context.terminal.confirm(&question) {
                Some(true) => {}
                Some(false) => return Err(Failure::usage("stopped: nothing was changed")),
                None => return Err(Failure::usage("purge asks first, and nobody is there to answer").next_step("give --yes")),
            }
        }
        let mut change = Change::begin(&context.place, context.terms("purge", Consent::Everything))?;
        if self.abandon {
            let given_up = change.abandon_secrets()?.len();
            context.output.warn(&format!("{given_up} secrets are given up"));
        }
        context.output.notices(&mut change);
        let erased = change.secrets_kept()?.len();
        change.purge()?;
        if context.is_usual && context.configuration_path.exists() {
            std::fs::remove_file(&context.configuration_path).map_err(|error| {
                Failure::internal(format!("{} could not be removed: {error}", context.configuration_path.display()))
            })?;
        }
        if context.output.json() {
            context.output.print_json(&json!({ "erased": erased }))?;
        }
        context.output.say(&format!("erased {erased} secrets and {}", place.display()));
        Ok(())
    }
}
