use credstack_core::{handout::HandOut, values::FrameName};

use super::{credential_process, push::inputs};
use crate::{
    context::Context,
    export::{Exports, Format},
    failure::Failure,
    keys, marker, terminal, used_by,
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
    /// Which frame: current, root, a position, or an id such as c7 [default: current; under exec, its frame]
    #[arg(long, value_name = "FRAME")]
    frame: Option<FrameName>,
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
    /// What to print where it fails, by the exit code.
    pub fn on_failure(&self) -> impl Fn(u8) -> Option<String> + use<> {
        let format = self.format;
        move |code| format.failing(code).filter(|_| !terminal::is_stdout())
    }

    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        terminal::hide("the secret key is a secret", self.format.instead(), self.reveal)?;
        let frame = context.frame(self.frame)?;
        let keys = keys::find(context, &context.reader()?, frame)?.in_region(context, self.region.as_deref());
        let text = match self.format {
            Format::Process => credential_process::text(&keys.out, context.time())?,
            format => format.text(&without_marker(context, frame, Exports::of_keys(&keys.out)))?,
        };
        if self.format == Format::Github {
            warn_of_what_stays(context, &keys.out);
        }
        let more = [("format", used_by::name(&self.format))];
        used_by::record(context, [used_by::entry(context, &keys.whose, frame, "env", more)]);
        context.output.print(text.trim_end())
    }
}

/// A shell under `exec` that gets another frame's keys runs under that exec no longer: its marker goes.
fn without_marker(context: &Context, frame: FrameName, mut exports: Exports) -> Exports {
    if context.pin().is_some_and(|marker| marker.frame != Some(frame)) {
        exports.unset.extend(marker::VARIABLES);
    }
    exports
}

/// Variables that `$GITHUB_ENV` cannot take away.
fn warn_of_what_stays(context: &Context, keys: &HandOut) {
    if context.aws("AWS_PROFILE").is_some() {
        context
            .output
            .warn("AWS_PROFILE is set, and $GITHUB_ENV cannot unset it: the AWS SDK for JavaScript would prefer the profile");
    }
    if context.aws("AWS_ACCOUNT_ID").is_some() && keys.account.is_none() {
        context
            .output
            .warn("AWS_ACCOUNT_ID is set, and $GITHUB_ENV cannot unset it: account-based endpoints would be that account's");
    }
}
