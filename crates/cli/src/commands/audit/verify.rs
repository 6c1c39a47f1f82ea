use credstack_core::database::{BadLog, Head, Wrong};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Failure, Kind},
};

/// Verify that nobody touched the log
///
/// Every event is hashed again. An event that was changed, removed, put in or moved is named, and
/// the exit code is 9. With --head, so is a log that was cut off before it or computed anew.
///
/// Examples:
///   credstack audit verify
///   credstack audit verify --head 5:0d8df94f45fba45ebd3d4b0ea7fe1e4be10b9a2cbd0a41c8f94cd2f14cd3bbaf
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Verify {
    /// A head that `audit head` printed before: the log must go through it
    #[arg(long, value_name = "COUNT:HASH")]
    head: Option<Head>,
}

impl Verify {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let anchors: Vec<Head> = self.head.into_iter().collect();
        let verified = context.reader()?.verify(&anchors)?.map_err(failure)?;
        for (anchor, through) in anchors.iter().zip(&verified.through) {
            verified.require(anchor, *through).map_err(failure)?;
        }
        let (count, hash) = (verified.head.count, hex::encode(verified.head.hash));
        if context.output.json() {
            return context.output.print_json(&json!({ "events": count, "hash": hash }));
        }
        let anchored = self.head.map(|head| format!("\nit goes through the head that was given, at event {}", head.count));
        context.output.print(&format!("{count} events verify, the newest hash is {hash}{}", anchored.unwrap_or_default()))
    }
}

/// What is wrong, in words.
pub fn failure(bad: BadLog) -> Failure {
    let event = bad.event.map(|event| format!("event {event}")).unwrap_or_default();
    let what = match bad.wrong {
        Wrong::Changed => format!("{event} was changed"),
        Wrong::Missing => format!("{event} is missing"),
        Wrong::Inserted => format!("{event} was inserted"),
        Wrong::Reordered => format!("{event} is not where it belongs: events were reordered"),
        Wrong::CutOff => format!("it was cut off: {event} and what followed are missing"),
        Wrong::Replaced => format!("{event} is not the one that the head names: the log was replaced or computed anew"),
        Wrong::Unguarded(complaint) => format!("its guard in the database is not whole: {complaint}"),
    };
    Failure::new(Kind::Log, format!("the log does not verify: {what}"))
        .next_step("keep a copy of the state directory as it is, and compare it with a backup")
}
