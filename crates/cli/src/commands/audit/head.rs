use serde_json::json;

use crate::{context::Context, failure::Failure};

/// Print where the log ends, to be kept elsewhere
///
/// The number of events and the hash of the newest, as COUNT:HASH. Kept where nobody who can write
/// to this machine can change it, it proves later that nothing before it was touched.
///
/// Examples:
///   credstack audit head
///   credstack audit head | ssh notary 'cat >> heads'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct HeadOfLog {}

impl HeadOfLog {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let head = context.reader()?.head()?;
        if context.output.json() {
            return context.output.print_json(&json!({ "count": head.count, "hash": hex::encode(head.hash) }));
        }
        context.output.print(&head.to_string())
    }
}
