use credstack_core::values::FrameName;

use super::{credential_process, push::inputs};
use crate::{
    context::Context,
    export::{Exports, Format},
    failure::Failure,
    keys, terminal, used_by,
};

/// Print the keys as variables, for a shell or a file
///
/// The formats have the names of `aws configure export-credentials`, and some more. Where the
/// format can say it, variables that would win over the keys, or mix with them, are taken away. The
/// keys are secrets: on a terminal they are shown only with --reveal.
///
/// Examples:
///   eval "$(credstack env)"
///   credstack env --format fish | source
///   credstack env --format dotenv --frame root > .env
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Env {
    /// Which frame: current, root, a position, or an id such as c7
    #[arg(long, value_name = "FRAME", default_value = "current")]
    frame: FrameName,
    /// How they are written
    #[arg(long, value_name = "FORMAT", default_value = "env")]
    format: Format,
    /// The region to write down [default: AWS_REGION, AWS_DEFAULT_REGION, the frame's]
    #[arg(long, value_parser = inputs::region)]
    region: Option<String>,
    /// Show secrets on a terminal
    #[arg(long)]
    reveal: bool,
}

impl Env {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        terminal::hide("the secret key is a secret", "run `eval \"$(credstack env)\"`", self.reveal)?;
        let keys = keys::find(context, &context.reader()?, self.frame)?.in_region(context, self.region.as_deref());
        let text = match self.format {
            Format::Process => credential_process::text(&keys.out)?,
            format => format.text(&Exports::of_keys(&keys.out))?,
        };
        if self.format == Format::Github && context.aws("AWS_PROFILE").is_some() {
            context.output.warn("AWS_PROFILE is set, and $GITHUB_ENV cannot unset it: JavaScript's SDK would prefer the profile");
        }
        let more = [("format", used_by::name(&self.format))];
        used_by::record(context, [used_by::entry(context, &keys.whose, self.frame, "env", more)]);
        context.output.print(text.trim_end())
    }
}
