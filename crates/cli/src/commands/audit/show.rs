use std::{collections::BTreeMap, io::Write};

use credstack_core::{
    database::EventFilter,
    stack::{Family, StackError},
    values::{Credential, CredentialId, Event},
};
use serde_json::{Value, json};

use crate::{
    commands::{
        history::{Unreadable, table_of},
        key_info::{Known, facts},
    },
    context::Context,
    failure::Failure,
    output::{escape, table, written},
    pager,
    shapes::{EventShape, FrameShape},
    tree,
};

/// Show everything about one credential set
///
/// What is known of it, what was asked of STS, who signed and what it signed for as a tree, and its
/// events, newest first: what happened to it, and what was refused to it.
///
/// Examples:
///   credstack audit show c7
///   credstack audit show c7 --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Show {
    /// Which one, on a stack or not: c7
    #[arg(value_name = "ID")]
    id: CredentialId,
}

impl Show {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if let Some(stack) = context.given_stack() {
            return Err(Failure::usage(format!("--stack {stack}: a credential set is shown with what it did on every stack"))
                .next_step("leave it out; `credstack history --stack NAME --credential ID` shows its events on one stack"));
        }
        let reader = context.reader()?;
        let family = reader.family(self.id)?;
        let about = EventFilter { credential: Some(self.id), ..EventFilter::default() };
        let events = reader.events(&about, u64::MAX)?;
        let mut unreadable = Unreadable::default();
        unreadable.look(&events);
        unreadable.warn(context);
        match context.output.json() {
            true => context.output.print_json(&shape(family, events)),
            false => pager::through(context, |out| text(&family, &events, context, out)),
        }
    }
}

fn shape(family: Family, events: Vec<Event>) -> Value {
    let Family { known, ancestors, descendants, replaces } = family;
    let credential = known.credential.clone();
    let shape = |credential| FrameShape::of_credential(credential, None);
    let events: Vec<EventShape> = events.into_iter().map(EventShape::from).collect();
    json!({
        "known": Known::from(known),
        "access_key_id": credential.access_key_id,
        "region": credential.region,
        "note": credential.note,
        "signed_by": credential.signed_by,
        "request": credential.request,
        "replaces": replaces,
        "ancestors": ancestors.iter().map(shape).collect::<Vec<_>>(),
        "descendants": descendants.iter().map(|(_, credential)| shape(credential)).collect::<Vec<_>>(),
        "events": events,
    })
}

fn text(family: &Family, events: &[Event], context: &Context, out: &mut dyn Write) -> Result<(), Failure> {
    let credential = &family.known.credential;
    let mut rows = table(&[]);
    let mut add = |name: &str, value: String| {
        rows.add_row([name.to_owned(), escape(&value)]);
    };
    add("access key", credential.access_key_id.clone());
    for (name, value) in facts(&family.known, context.now) {
        add(name, value);
    }
    if !family.replaces.is_empty() {
        add("renewal of", crate::words::list(&family.replaces));
    }
    if let Some(note) = &credential.note {
        add("note", note.clone());
    }
    if let Some(request) = &credential.request {
        add("request", json!(request).to_string());
    }
    let all = family.ancestors.iter().chain([credential]).chain(family.descendants.iter().map(|(_, it)| it));
    let all: BTreeMap<CredentialId, &Credential> = all.map(|it| (it.id, it)).collect();
    let parents = all.iter().map(|(id, credential)| (*id, credential.parent)).collect();
    written(write!(out, "{}\n\n", rows.trim_fmt()))?;
    tree::draw(parents, context.now, out, |id| {
        all.get(&id).map(|it| (*it).clone()).ok_or(StackError::NoSuchCredential(id).into())
    })?;
    written(write!(out, "\n{}\n", table_of(events)))
}
