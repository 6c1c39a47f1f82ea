mod explain;

use credstack_core::values::request::DecodeAuthorizationMessage;
use serde_json::{Value, json};

use super::{asking::Asking, push::inputs};
use crate::{context::Context, failure::Failure, output::escape};

/// Say why AWS refused something (DecodeAuthorizationMessage)
///
/// EC2 and some others refuse with `Encoded authorization failure message: …`. MESSAGE is that
/// message, or the whole error as it was printed; `-` reads it from stdin. Printed is what it says,
/// as JSON. Whoever signs needs sts:DecodeAuthorizationMessage, in the account that was refused.
///
/// Examples:
///   aws ec2 stop-instances --instance-ids i-0a 2>&1 | credstack decode --explain -
///   credstack decode --profile admin EXAMPLEWodyRNrtlQARDip-eTA6i6DrlUhHhPQrLWB_lAbl5pAK
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Decode {
    /// The encoded message, a text with one in it, or `-`
    // One message in 64 begins with a hyphen.
    #[arg(value_name = "MESSAGE", value_parser = inputs::text, allow_hyphen_values = true)]
    message: String,
    /// Say in words who was denied what on which resource, and by which statement
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    asking: Asking,
}

impl Decode {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let text = match self.message.as_str() {
            "-" => inputs::read("MESSAGE", "-")?,
            text => text.to_owned(),
        };
        let request = DecodeAuthorizationMessage::from_text(&text);
        request.check().map_err(|error| {
            Failure::from(error).next_step(
                "give what stands behind `Encoded authorization failure message:`, or the whole error; a refusal without one says \
                 all that there is to say in its own words",
            )
        })?;
        let (signing, sts) = self.asking.begin(context, &context.reader()?)?;
        let decoded = sts.decode_authorization_message(&signing.set, &request)?;
        // Its form is not promised: what is no JSON is shown as it came.
        let message = serde_json::from_str(&decoded).unwrap_or(Value::String(decoded));
        let output = &context.output;
        if !self.explain {
            return output.print_json(&message);
        }
        let explanation = explain::explain(&message);
        if output.json() {
            return output.print_json(&json!({ "explanation": explanation, "message": message }));
        }
        output.print(&explanation.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\n"))
    }
}
