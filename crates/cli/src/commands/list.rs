use comfy_table::Cell;
use credstack_core::{
    stack::StackView,
    values::{Credential, Frame},
};

use crate::{
    context::Context,
    failure::Failure,
    output::{escape, table},
    shapes::StackShape,
    words,
};

/// Show the stack: the current identity first, then the saved ones
///
/// Position 0 is the identity in use. Never opens the secret store or the network.
///
/// Examples:
///   credstack list
///   credstack list --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, visible_alias = "ls")]
pub struct List {}

impl List {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let view = context.reader()?.stack(&context.stack)?;
        if context.output.json() {
            return context.output.print_json(&StackShape::of(&view));
        }
        let mut rows = table(&["", "id", "identity", "kind", "region", "expires", "parent", "label"]);
        for (position, frame) in view.frames.from_current().enumerate() {
            rows.add_row(cells(&position.to_string(), frame, &view, context));
        }
        for id in &view.held {
            rows.add_row(cells("held", &Frame::Credential(*id), &view, context));
        }
        context.output.print(&rows.trim_fmt())
    }
}

fn cells(place: &str, frame: &Frame, view: &StackView, context: &Context) -> Vec<Cell> {
    let texts = match (frame, frame.credential().and_then(|id| view.credentials.get(&id))) {
        (_, Some(credential)) => credential_texts(credential, context),
        (Frame::Ambient(ambient), None) => {
            let region = ambient.region.clone().unwrap_or_default();
            [String::new(), words::ambient(ambient), "ambient".into(), region, String::new(), String::new(), String::new()]
        }
        (Frame::Credential(id), None) => {
            [id.to_string(), String::new(), String::new(), String::new(), String::new(), String::new(), String::new()]
        }
    };
    std::iter::once(place.to_owned()).chain(texts).map(|text| Cell::new(escape(&text))).collect()
}

fn credential_texts(credential: &Credential, context: &Context) -> [String; 7] {
    [
        credential.id.to_string(),
        words::identity(credential),
        credential.kind.to_string(),
        credential.region.clone().unwrap_or_default(),
        words::standing(credential, context.now),
        credential.parent.map(|id| id.to_string()).unwrap_or_default(),
        credential.label.clone().unwrap_or_default(),
    ]
}
