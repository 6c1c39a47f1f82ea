use std::time::Duration;

use credstack_core::{
    secret_command,
    values::request::{OneTime, Parameter, Request},
};
use secrecy::SecretString;

use crate::{
    context::Context,
    failure::{Failure, Kind},
};

/// How long a program may take to give a code: a person may have to touch a key.
const PATIENCE: Duration = Duration::from_secs(60);
/// A code of six digits, and what a program may put around it.
const LONGEST: usize = 64;

/// An MFA device, and where its present code is from.
#[derive(Debug, clap::Args)]
pub struct Mfa {
    /// The MFA device: its ARN, or the serial number of a hardware device
    #[arg(long, value_name = "SERIAL")]
    pub mfa_serial: Option<String>,
    /// The device's present code; without it a program or the terminal is asked
    #[arg(long, value_name = "CODE", requires = "mfa_serial", value_parser = secret, conflicts_with = "mfa_command")]
    mfa_code: Option<SecretString>,
    /// A program that prints the code, and its arguments: no shell runs it [default: `mfa.command` of the configuration]
    #[arg(long, value_name = "COMMAND", requires = "mfa_serial")]
    mfa_command: Option<String>,
}

/// Where a code is from.
enum Source {
    Given(SecretString),
    Command(Vec<String>),
    Terminal,
}

impl Mfa {
    /// The device that an earlier request named.
    pub fn of(serial: Option<&str>, code: Option<SecretString>) -> Mfa {
        Mfa { mfa_serial: serial.map(str::to_owned), mfa_code: code, mfa_command: None }
    }

    /// What can be said of the code before anything is done: that it is no code, or that nobody is there to ask for one.
    pub fn check(&self, context: &Context, request: &Request) -> Result<(), Failure> {
        let Some(serial) = &self.mfa_serial else { return Ok(()) };
        match self.source(context)? {
            Source::Given(code) => {
                let alone = OneTime { token_code: Some(code), ..OneTime::default() };
                // The contexts' assertions are checked with the whole.
                match alone.check(request) {
                    Err(error) if error.parameter == Parameter::TokenCode => Err(error.into()),
                    _ => Ok(()),
                }
            }
            Source::Terminal if !context.terminal.may_ask() => Err(nobody_to_ask(serial)),
            Source::Terminal | Source::Command(_) => Ok(()),
        }
    }

    /// The code. Called after every other check, so that no code is spent on a request that cannot succeed.
    pub fn code(&self, context: &Context, request: &Request, one_time: &mut OneTime) -> Result<(), Failure> {
        let Some(serial) = &self.mfa_serial else { return Ok(()) };
        let code = match self.source(context)? {
            Source::Given(code) => code,
            Source::Command(command) => printed(&command)?,
            Source::Terminal => {
                let question = format!("MFA code for {}: ", crate::output::escape(serial));
                context.terminal.ask_hidden(&question).ok_or_else(|| nobody_to_ask(serial))?
            }
        };
        one_time.token_code = Some(code);
        Ok(one_time.check(request)?)
    }

    /// Whether a person typed the code, and may type another one.
    pub fn can_be_asked_again(&self, context: &Context) -> bool {
        self.mfa_serial.is_some() && matches!(self.source(context), Ok(Source::Terminal)) && context.terminal.may_ask()
    }

    fn source(&self, context: &Context) -> Result<Source, Failure> {
        if let Some(code) = &self.mfa_code {
            return Ok(Source::Given(code.clone()));
        }
        let command = match &self.mfa_command {
            Some(line) => {
                let unreadable = |_| Failure::usage("--mfa-command has a quote without an end").next_step("correct it");
                shell_words::split(line).map_err(unreadable)?
            }
            None => context.configuration.mfa.command.clone(),
        };
        Ok(if command.is_empty() { Source::Terminal } else { Source::Command(command) })
    }
}

/// The code that a program prints.
fn printed(command: &[String]) -> Result<SecretString, Failure> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let failed = |what: String| {
        Failure::new(Kind::Usage, format!("the MFA command {program} {what}"))
            .next_step("run it by hand, or give --mfa-code; STS was not asked")
    };
    let text = secret_command::run(command, LONGEST, PATIENCE).map_err(|failure| failed(failure.to_string()))?;
    let text = std::str::from_utf8(&text).map_err(|_| failed("printed what is no text".to_owned()))?;
    Ok(SecretString::from(text.trim()))
}

fn nobody_to_ask(serial: &str) -> Failure {
    Failure::usage(format!("an MFA code for {serial} is needed, and nobody is there to ask"))
        .next_step("give --mfa-code or --mfa-command, or run it in a terminal")
}

/// For clap: a code is never shown again, not in its own messages either.
pub fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}
