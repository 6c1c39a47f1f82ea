use credstack_core::{
    database::{BadLog, Head, Verified, Wrong},
    stack::{Consent, Reader, Sealed, Seals, record},
    values::{Entry, EventKind},
};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Failure, Kind},
    words,
};

/// Verify that nobody touched the log
///
/// Every event is hashed again, and the log must go through the seal that the secret store has of it.
/// An event that was changed, removed, put in or moved is named, and the exit code is 9; so it is for
/// a log that was cut off or replaced. The log says that it was verified.
///
/// The credential sets must be what the log says of them, and the log's guards must be in place. The
/// indexes, by which `history` and others find events, are read with --indexes: it takes a minute for a
/// million events, and `credstack doctor` does it too.
///
/// Where secret store and database can both be rolled back, only a head that was kept elsewhere finds
/// it: --head.
///
/// Examples:
///   credstack audit verify
///   credstack audit verify --head 5:0d8df94f45fba45ebd3d4b0ea7fe1e4be10b9a2cbd0a41c8f94cd2f14cd3bbaf
///   credstack audit verify --indexes
///   credstack audit verify --chain-only
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Verify {
    /// A head that `audit head` printed before: the log must go through it
    #[arg(long, value_name = "COUNT:HASH")]
    head: Option<Head>,
    /// Leave out the secret store: what its seal would find is not found
    #[arg(long)]
    chain_only: bool,
    /// Read every index of the log too
    #[arg(long)]
    indexes: bool,
}

/// A log that verifies.
pub struct Whole {
    /// Where it ends, and what it goes through.
    pub verified: Verified,
    /// How far it is sealed. Nothing is known of that where the secret store was not asked, or nothing is to be sealed yet.
    pub sealed: Sealed,
}

impl Verify {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let reader = context.reader()?;
        let whole = match self.chain_only {
            true => Whole { verified: chain(&reader, &Seals::default(), self.head)?, sealed: Sealed::default() }.checked()?,
            false => whole(&reader, self.head)?,
        };
        if self.indexes {
            reader.verify_indexes()?.map_err(failure)?;
        }
        let (Head { count, hash }, Sealed { count: sealed, cut_off }) = (whole.verified.head, whole.sealed);
        match context.output.json() {
            true => context.output.print_json(&json!({
                "events": count, "pruned": whole.verified.begin.count, "hash": hex::encode(hash), "sealed": sealed,
                "unsealed": count - sealed.unwrap_or(0), "cut_off": cut_off,
            }))?,
            false => context.output.print(&self.words(&whole))?,
        }
        if cut_off > 0 {
            context.output.warn(&unfinished(cut_off));
        }
        self.tell(context, &whole);
        Ok(())
    }

    fn words(&self, whole: &Whole) -> String {
        let Head { count, hash } = whole.verified.head;
        let newest = format!("the newest hash is {}", hex::encode(hash));
        let from = match whole.verified.begin.count {
            0 if count == 0 => "there is no log here yet, or none any more".to_owned(),
            0 => format!("{} verify, {newest}", words::events(count)),
            pruned => format!("events {} to {count} verify, those before were pruned, {newest}", pruned + 1),
        };
        let seal = match whole.sealed.count {
            Some(sealed) if sealed == count => "the secret store seals all of them".to_owned(),
            Some(sealed) => format!("the secret store seals the first {sealed}, {} came after the seal", count - sealed),
            None if self.chain_only => "only the chain was verified, not the seal".to_owned(),
            None => "nothing is sealed yet, and no secret store is chosen".to_owned(),
        };
        match self.head {
            Some(head) => format!("{from}\n{seal}\nit goes through the head that was given, at event {}", head.count),
            None => format!("{from}\n{seal}"),
        }
    }

    /// Writes down that the log was verified, which cannot fail it.
    fn tell(&self, context: &Context, whole: &Whole) {
        if whole.verified.head.count == 0 {
            return;
        }
        let mut entry = Entry::new(EventKind::Verified);
        let detail = json!({ "head": whole.verified.head.to_string(), "sealed": whole.sealed.count, "through": self.head.map(|head| head.to_string()) });
        entry.detail = detail.as_object().cloned().unwrap_or_default();
        entry.detail.retain(|_, value| !value.is_null());
        let terms = context.terms("audit verify", Consent::Only(Default::default()));
        if let Err(error) = record(&context.place, &terms, [entry]) {
            context.output.warn(&format!("the log does not say that it was verified: {error}"));
        }
    }
}

/// Verifies the log against the seals that can be found, and against a head from elsewhere.
pub fn whole(reader: &Reader, head: Option<Head>) -> Result<Whole, Failure> {
    let seals = reader.seals().map_err(|error| {
        let failure = Failure::from(error);
        match chain(reader, &Seals::default(), head) {
            Ok(_) => failure.next_step(
                "the chain alone verifies (`--chain-only`); the seal has to be read to find a log that was cut off or replaced",
            ),
            Err(bad) => bad,
        }
    })?;
    let verified = chain(reader, &seals, head)?;
    let sealed = seals.sealed(&verified).map_err(failure)?;
    Whole { verified, sealed }.checked()
}

impl Whole {
    /// Itself, if nothing is wrong beside the chain and the seal.
    fn checked(self) -> Result<Whole, Failure> {
        match self.verified.beside {
            Some(bad) => Err(failure(bad)),
            None => Ok(self),
        }
    }
}

fn chain(reader: &Reader, seals: &Seals, head: Option<Head>) -> Result<Verified, Failure> {
    let anchors = [seals.anchors(), head.into_iter().collect()].concat();
    let verified = reader.verify(&anchors)?.map_err(failure)?;
    match (head, verified.through.last()) {
        (Some(head), Some(false)) => Err(failure(verified.misses(&head))),
        _ => Ok(verified),
    }
}

/// The log ends where the seal says that it ended before the newest change.
pub fn unfinished(cut_off: i64) -> String {
    let events = words::events(cut_off);
    format!("the newest change, {events}, is sealed and not in the log: its command was killed, or somebody cut it off")
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
        Wrong::Replaced if bad.event.is_none() => "it was replaced or removed: the vault has a seal of another one".to_owned(),
        Wrong::Replaced => format!("{event} is not the one that was sealed: the log was replaced or computed anew"),
        Wrong::Pruned => format!("{event}, of which that head was taken, was pruned: give a newer head"),
        Wrong::PrunedUnsealed => format!("{event} says that those before were pruned, and no seal covers it"),
        Wrong::Unsealed => "the secret store has no seal of it: the log, or the choice of the store, was replaced".to_owned(),
        Wrong::Foreign(ref complaint) => format!("the database is not credstack's: {complaint}"),
        Wrong::Nonsense => format!("{event} has its place in the chain, and is nothing that credstack writes"),
        Wrong::Disagrees(id) if bad.event.is_none() => format!("{id} is not what the log says of it"),
        Wrong::Disagrees(id) => format!("{id} is not what {event}, which brought it, says of it"),
        Wrong::Unguarded(ref complaint) => format!("its guard in the database is not whole: {complaint}"),
        Wrong::Misindexed(ref complaint) => format!("what finds its events is not whole: {complaint}"),
    };
    let next = match bad.wrong {
        Wrong::Nonsense => {
            "keep a copy of the state directory as it is: somebody who can write it added that event; `credstack audit seal` accepts it"
        }
        Wrong::Disagrees(_) => {
            "keep a copy of the state directory as it is; `credstack audit seal` makes the credential sets what the log says of them"
        }
        Wrong::Unguarded(_) | Wrong::Misindexed(_) => {
            "keep a copy of the state directory as it is; `credstack audit seal` puts the guards and the indexes back"
        }
        Wrong::Unsealed => {
            "if you moved the state directory, or emptied the keyring, `credstack audit seal` accepts the log as it is"
        }
        _ => {
            "keep a copy of the state directory as it is, and compare it with a backup; `credstack audit seal` accepts a log whose chain is whole"
        }
    };
    Failure::new(Kind::Log, format!("the log does not verify: {what}")).next_step(next)
}
