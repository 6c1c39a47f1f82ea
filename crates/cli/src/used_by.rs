//! What keys are handed out to. It is written down before they are: what hands them out may end with that.

use clap::ValueEnum;
use credstack_core::{
    stack::{self, Consent, Reader, StackError, entry_about},
    values::{Ambient, Entry, EventKind, Frame, FrameName},
};
use serde_json::{Value, json};

use crate::{context::Context, signing::Signing};

/// Whose the keys of a signer are: what the log says of a use of them.
pub fn whose(reader: &Reader, signing: &Signing) -> Result<Entry, StackError> {
    if let Some(id) = signing.who.credential() {
        return Ok(entry_about(EventKind::UsedBy, &reader.credential(id)?));
    }
    let identity = signing.who.identity.as_ref();
    Ok(Entry {
        access_key_id: Some(signing.set.access_key_id.clone()),
        account: identity.map(|identity| identity.account.clone()),
        arn: identity.map(|identity| identity.arn.clone()),
        ..outside(&signing.who.signer.reference().unwrap_or_default())
    })
}

/// The same of a frame whose keys need not be at hand, as far as it is known.
pub fn whose_frame(context: &Context, reader: &Reader, name: FrameName) -> Entry {
    match reader.frame(&context.stack, name) {
        Ok(Frame::Credential(id)) => match reader.credential(id) {
            Ok(credential) => entry_about(EventKind::UsedBy, &credential),
            Err(_) => Entry { credential: Some(id), ..Entry::new(EventKind::UsedBy) },
        },
        Ok(Frame::Ambient(reference)) => outside(&reference),
        Err(_) => Entry::new(EventKind::UsedBy),
    }
}

fn outside(reference: &Ambient) -> Entry {
    let mut entry = Entry::new(EventKind::UsedBy);
    entry.detail.insert("ambient".into(), json!(reference));
    entry
}

/// An entry for the log: by what they are used, and what there is to say of that. Nothing of it is secret.
pub fn entry<const N: usize>(context: &Context, whose: &Entry, frame: FrameName, by: &str, more: [(&str, Value); N]) -> Entry {
    let mut entry = whose.clone();
    entry.detail.insert("by".into(), json!(by));
    entry.detail.insert("frame".into(), json!(frame.to_string()));
    entry.detail.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    // The others are the same whatever the stack says.
    entry.stack = matches!(frame, FrameName::Current | FrameName::Root | FrameName::Position(_)).then(|| context.stack.clone());
    entry
}

/// A choice of the command line by its name there.
pub fn name(choice: &impl ValueEnum) -> Value {
    choice.to_possible_value().map_or(Value::Null, |value| json!(value.get_name()))
}

/// Writes entries down. Whoever needs the keys gets them all the same: a log that cannot be written is a warning.
pub fn record(context: &Context, entries: impl IntoIterator<Item = Entry>) {
    let terms = context.terms("(a use)", Consent::Only(Default::default()));
    if let Err(error) = stack::record(&context.place, &terms, entries) {
        context.output.warn(&format!("this use could not be written into the history: {error}"));
    }
}
