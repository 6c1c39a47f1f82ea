//! Web identity tokens and SAML assertions: read where they are, used once, kept nowhere.

use std::{fs::File, io::Read, path::Path, time::Duration};

use credstack_core::{secret_command, values::request::TokenSource};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{context::Context, failure::Failure};

/// How long a program may take to give one: a person may have to sign in.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest SAML assertion has 100,000 characters.
const LONGEST: usize = 128 * 1024;

/// Reads a token where it was said to be.
pub fn read(context: &Context, source: &TokenSource) -> Result<SecretString, Failure> {
    match source {
        TokenSource::File(path) => from_file(path),
        TokenSource::Command(command) => printed(command, context.patience(PATIENCE)),
    }
}

/// Reads a token from stdin.
pub fn from_stdin() -> Result<SecretString, Failure> {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() {
        return Err(Failure::usage("the token is to come from stdin, which is a terminal that would show it")
            .next_step("pipe it in, or give it as a file or a command"));
    }
    taken(std::io::stdin().lock(), "stdin")
}

fn from_file(path: &Path) -> Result<SecretString, Failure> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|error| {
        Failure::usage(format!("the token file {shown} cannot be read: {}", error.kind()))
            .next_step("check the path, and who may read it")
    })?;
    taken(file, &shown)
}

fn taken(source: impl Read, shown: &str) -> Result<SecretString, Failure> {
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    let failed =
        |what: String| Failure::usage(format!("the token from {shown} {what}")).next_step("check that it is the right one");
    source
        .take(LONGEST as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|error| failed(format!("cannot be read: {}", error.kind())))?;
    if text.len() > LONGEST {
        return Err(failed("is too long for any".to_owned()));
    }
    secret(&text).ok_or_else(|| failed("is no text".to_owned()))
}

fn printed(command: &[String], patience: Duration) -> Result<SecretString, Failure> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let failed = |what: String| {
        Failure::usage(format!("the token command {program} {what}")).next_step("run it by hand; STS was not asked")
    };
    let text = secret_command::run(command, LONGEST, patience).map_err(|failure| failed(failure.to_string()))?;
    secret(&text).ok_or_else(|| failed("printed what is no text".to_owned()))
}

/// Without the end of its line. An assertion in Base64 may be broken into lines, as `base64` does: STS takes it whole.
fn secret(text: &[u8]) -> Option<SecretString> {
    let text = Zeroizing::new(std::str::from_utf8(text).ok()?.split_whitespace().collect::<String>());
    Some(SecretString::from(text.as_str()))
}
