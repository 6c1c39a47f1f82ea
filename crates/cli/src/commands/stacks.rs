use comfy_table::Cell;
use credstack_core::values::StackName;
use serde::Serialize;
use serde_json::json;

use crate::{
    consent::change_stack,
    context::Context,
    failure::Failure,
    output::{escape, table},
    shapes::FrameShape,
    words,
};

/// List the stacks, or remove one
///
/// Examples:
///   credstack stacks
///   credstack stacks remove work
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Stacks {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the stacks (the default)
    ///
    /// Examples:
    ///   credstack stacks list
    ///   credstack stacks list --json
    #[command(verbatim_doc_comment)]
    List,
    /// Remove a stack; what no other stack refers to is erased
    ///
    /// Removing `default` takes it back to one ambient frame, as `clear` does.
    ///
    /// Examples:
    ///   credstack stacks remove work
    #[command(verbatim_doc_comment)]
    Remove {
        /// Which one
        name: StackName,
        /// Agree to erase secrets that nothing can bring back
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Serialize)]
struct Summary {
    name: String,
    depth: usize,
    current: FrameShape,
}

impl Stacks {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.action {
            None | Some(Action::List) => list(context),
            Some(Action::Remove { name, yes }) => {
                change_stack(context, "stacks remove", *yes, |change| change.remove_stack(name))
            }
        }
    }
}

fn list(context: &Context) -> Result<(), Failure> {
    let reader = context.reader()?;
    let mut summaries = Vec::new();
    let mut rows = table(&["stack", "depth", "id", "current identity", "expires"]);
    for name in reader.stack_names()? {
        let view = reader.stack(&name)?;
        let (id, identity, expires) = match view.current() {
            Some(current) => (current.id.to_string(), words::identity(current), words::standing(current, context.now)),
            None => (String::new(), words::frame(view.frames.current()), String::new()),
        };
        let depth = view.frames.by_height().len();
        rows.add_row([name.to_string(), depth.to_string(), id, identity, expires].map(|text| Cell::new(escape(&text))));
        summaries.push(Summary { name: name.to_string(), depth, current: FrameShape::current(&view) });
    }
    if context.output.json() {
        return context.output.print_json(&json!({ "stacks": summaries }));
    }
    context.output.print(&rows.trim_fmt())
}
