use credstack_core::{handout::HandOut, values::FrameName};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{context::Context, export::whole_seconds, failure::Failure, keys, terminal};

/// Print the keys as a profile's credential_process
///
/// For `credential_process` in ~/.aws/config, where `credstack setup profile` writes it. Prints the
/// keys of the current frame of the stack, or of the one that is named, as the JSON that every AWS
/// SDK reads, and nothing else. An ambient frame is passed through. On a terminal they are shown
/// only with --reveal.
///
/// Examples:
///   credstack credential-process
///   credstack credential-process --stack work
///   credstack credential-process --frame c7
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct CredentialProcess {
    /// Which frame: current, root, a position, or an id such as c7 [default: current; under exec, its frame]
    #[arg(long, value_name = "FRAME")]
    pub frame: Option<FrameName>,
    /// Show secrets on a terminal
    #[arg(long)]
    reveal: bool,
}

/// How long a client may keep long-term keys before it asks again, in seconds: without an expiration a running program never asks,
/// and would go on with them after a push; from 15 minutes on botocore asks at every request.
const LONG_TERM: i64 = 16 * 60;

/// The form that every SDK reads. Long-term keys have no token.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessOutput<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

impl CredentialProcess {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        terminal::hide("the secret key is a secret", "let a profile run it (`credstack setup profile`)", self.reveal)?;
        let reader = context.reader()?;
        let keys = keys::find(context, &reader, context.frame(self.frame)?)?;
        let text = text(&keys.out, context.time())?;
        if context.configuration.count_uses {
            reader.count_use(keys.whose.credential, context.time());
        }
        context.output.print(&text)
    }
}

/// The JSON of some keys.
pub fn text(keys: &HandOut, now: Timestamp) -> Result<Zeroizing<String>, Failure> {
    let soon = keys.set.is_long_term().then(|| now.as_second() + LONG_TERM);
    let ask_again = soon.and_then(|at| Timestamp::from_second(at).ok());
    let output = ProcessOutput {
        version: 1,
        access_key_id: &keys.set.access_key_id,
        secret_access_key: keys.set.secret_access_key.expose_secret(),
        session_token: keys.set.session_token.as_ref().map(ExposeSecret::expose_secret),
        expiration: keys.expires_at.or(ask_again).map(whole_seconds),
        account_id: keys.account.as_deref(),
    };
    serde_json::to_string(&output).map(Zeroizing::new).map_err(|error| Failure::internal(error.to_string()))
}
