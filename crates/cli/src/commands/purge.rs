use credstack_core::{
    database::DatabaseError,
    stack::{Change, Consent, StackError, abandon_everything},
};
use serde_json::json;

use crate::{context::Context, failure::Failure, our_files};

/// Erase everything of credstack's on this machine, after asking
///
/// Every secret in the keyring or vault, then the database with the stacks and the log, then the
/// configuration file if both are where they usually are. A vault's key file stays: it is yours.
/// Temporary credentials stay valid at AWS until they expire.
///
/// Examples:
///   credstack purge
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Purge {
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
    /// Give up secrets that cannot be reached any more, or that a damaged database cannot name
    #[arg(long)]
    abandon: bool,
}

impl Purge {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let place = context.place.path().to_owned();
        if !context.place.is_ours() {
            return Err(Failure::new(crate::failure::Kind::Nothing, format!("there is nothing to purge in {}", place.display()))
                .next_step("name another directory with --state-dir, if it is elsewhere"));
        }
        if !self.yes {
            let also = match context.is_usual && context.configuration_path.exists() {
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
        let begun = Change::begin_purge(&context.place, context.terms("purge", Consent::Everything));
        if let (Err(StackError::Database(DatabaseError::Damaged { .. })), true) = (&begun, self.abandon) {
            return self.without_database(context);
        }
        let count = begun?.purge(self.abandon)?;
        if self.abandon {
            context.output.warn(&format!("{count} secrets are given up"));
            return done(context, 0);
        }
        done(context, count)
    }

    /// Begins anew where the database cannot say what was stored.
    fn without_database(&self, context: &Context) -> Result<(), Failure> {
        abandon_everything(&context.place)?;
        context.output.warn(
            "the database was damaged and could not say what was stored. If it was in the operating system's keyring it is \
             still there: its password manager shows it under the name credstack",
        );
        done(context, 0)
    }
}

/// Removes the configuration too where it is the usual one, and says what was done.
fn done(context: &Context, erased: usize) -> Result<(), Failure> {
    let configuration = &context.configuration_path;
    if context.is_usual && configuration.exists() {
        std::fs::remove_file(configuration)
            .map_err(|error| Failure::internal(format!("{} could not be removed: {error}", configuration.display())))?;
    }
    our_files::remove(context)
        .map_err(|error| Failure::internal(format!("the files of `credstack exec` could not be removed: {error}")))?;
    if context.output.json() {
        context.output.print_done(&json!({ "erased": erased }))?;
    }
    let place = context.place.path().display();
    context.output.say(&match context.place.path().exists() {
        true => format!("erased {erased} secrets, the stacks and the history in {place}; what else is there stays"),
        false => format!("erased {erased} secrets and {place}"),
    });
    Ok(())
}
