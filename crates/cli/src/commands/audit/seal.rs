use credstack_core::{
    database::BadLog,
    stack::{Change, Consent, Reader},
};
use serde_json::json;

use super::verify;
use crate::{context::Context, failure::Failure};

/// Accept the log as it is, after asking: seal it anew
///
/// After an incident that was looked into, after the state directory was moved or restored, `audit
/// verify` goes on saying that the log is not the one that was sealed. This puts a new seal on it. The
/// chain must be whole, and the log says who accepted it and what the old seal was.
///
/// What else `audit verify` complains of is mended first: guards of the log and indexes that are not
/// whole are made anew, and credential sets become again what the log says of them.
///
/// Examples:
///   credstack audit seal
///   credstack audit seal --yes
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Seal {
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
}

impl Seal {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let reader = context.reader()?;
        reader.require_store()?;
        let mended = wrong(&reader)?;
        let head = reader.head()?;
        // One that cannot be read is replaced like one that is not there.
        let seals = reader.seals().unwrap_or_default();
        if !self.yes {
            let said = match &mended {
                Some(bad) => Some(verify::failure(bad.clone())),
                None => verify::whole(&reader, None).err(),
            };
            let wrong = said.map(|failure| format!("{}. ", failure.message)).unwrap_or_default();
            let question = format!("{wrong}From now on this log of {} events counts as whole. Go on?", head.count);
            match context.terminal.confirm(&question) {
                Some(true) => {}
                Some(false) => return Err(Failure::usage("stopped: nothing was changed")),
                None => return Err(Failure::usage("sealing asks first, and nobody is there to answer").next_step("give --yes")),
            }
        }
        let mut change = Change::begin(&context.place, context.terms("audit seal", Consent::Only(Default::default())))?;
        let head = change.reseal(&seals, mended.as_ref().map(|bad| &bad.wrong))?;
        context.output.notices(&mut change);
        if context.output.json() {
            return context.output.print_done(&json!({ "events": head.count, "hash": hex::encode(head.hash) }));
        }
        if mended.is_some() {
            context.output.say("put back: the guards of the log, its indexes, and the credential sets as the log has them");
        }
        context.output.say(&format!("sealed: {} events, the newest hash is {}", head.count, hex::encode(head.hash)));
        Ok(())
    }
}

/// What is wrong beside a whole chain: it can be mended, or accepted. Another chain is no log that anybody should accept.
fn wrong(reader: &Reader) -> Result<Option<BadLog>, Failure> {
    let verified = reader.verify(&[])?.map_err(verify::failure)?;
    Ok(verified.beside.or(reader.verify_indexes()?.err()))
}
