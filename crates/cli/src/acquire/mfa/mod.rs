//! An MFA device: which one, and who gives its code.

mod code;
mod step;

use std::{fs::File, sync::Arc};

pub use code::Code;
use credstack_core::values::{
    Arn,
    request::{OneTime, Parameter, Request},
};
use secrecy::SecretString;

use crate::{context::Context, failure::Failure, pinentry::Pinentry, terminal::Unanswered};

/// For the device that a user has by convention.
const AUTO: &str = "auto";

/// An MFA device, and where its present code is from.
#[derive(Debug, Default, clap::Args)]
pub struct Mfa {
    /// The MFA device: its ARN, the serial number of a hardware device, or `auto` for the virtual one named as your user is
    #[arg(long, value_name = "SERIAL")]
    mfa_serial: Option<String>,
    /// The device's present code; without it a program, the terminal or a dialog is asked
    #[arg(long, value_name = "CODE", requires = "mfa_serial", value_parser = secret, conflicts_with = "mfa_command")]
    mfa_code: Option<SecretString>,
    /// A program that prints the code, and its arguments: no shell runs it. It is recorded, and gives the code for renewals
    /// too [default: `mfa.command` of the configuration]
    #[arg(long, value_name = "COMMAND", requires = "mfa_serial", value_parser = words)]
    mfa_command: Option<Words>,
    /// The lock of the question, which is given up while this process is stopped.
    #[arg(skip)]
    lock: Option<Arc<File>>,
}

/// A program and its arguments.
#[derive(Clone, Debug)]
struct Words(Vec<String>);

/// Where a code is from.
enum Source<'a> {
    Given(&'a SecretString),
    Command(&'a [String]),
    Terminal,
    Dialog(&'a Pinentry),
    Nobody(Unanswered),
}

impl Mfa {
    /// For a request that names its device, and may name the program that gives its codes; a code that is given wins.
    pub fn of(code: Option<SecretString>) -> Mfa {
        Mfa { mfa_code: code, ..Mfa::default() }
    }

    /// The same under a lock on asking.
    pub fn under(self, lock: Arc<File>) -> Mfa {
        Mfa { lock: Some(lock), ..self }
    }

    /// The device for the request; none if it has to be found.
    pub fn serial(&self) -> Option<String> {
        self.mfa_serial.clone().filter(|serial| serial != AUTO)
    }

    /// Whether the device is that of whoever signs.
    pub fn is_auto(&self) -> bool {
        self.mfa_serial.as_deref() == Some(AUTO)
    }

    /// The program for the request, which is recorded with it. The configuration's is looked up anew each time.
    pub fn command(&self) -> Vec<String> {
        self.mfa_command.as_ref().map(|words| words.0.clone()).unwrap_or_default()
    }

    /// What can be said of the code before anything is done: that it is no code, or that nobody is there to ask for one.
    pub fn check(&self, context: &Context, request: &Request) -> Result<(), Failure> {
        let Some(serial) = request.serial_number() else { return Ok(()) };
        match self.source(context, request) {
            Source::Given(code) => {
                let alone = OneTime { token_code: Some(code.clone()), ..OneTime::default() };
                // The contexts' assertions are checked with the whole.
                match alone.check(request) {
                    Err(error) if error.parameter == Parameter::TokenCode => Err(error.into()),
                    _ => Ok(()),
                }
            }
            Source::Nobody(why) => Err(no_code(serial, why)),
            Source::Dialog(pinentry) => code::may_ask(context, pinentry, serial),
            Source::Terminal | Source::Command(_) => Ok(()),
        }
    }

    /// Whether a code can be had: from the command line, a program, a person.
    pub fn is_anybody_there(&self, context: &Context, request: &Request) -> bool {
        !matches!(self.source(context, request), Source::Nobody(_))
    }

    /// The code. Called after every other check, so that no code is spent on a request that cannot succeed.
    pub fn code(&self, context: &Context, request: &Request) -> Result<Option<Code>, Failure> {
        let Some(serial) = request.serial_number() else { return Ok(None) };
        let used_at = context.reader()?.mfa_device(serial)?.used_at;
        code::from(context, request, serial, self.source(context, request), used_at, false, self.lock.as_ref()).map(Some)
    }

    /// Whether there may be another code when STS does not take one.
    pub fn has_another(&self, context: &Context, request: &Request) -> bool {
        request.serial_number().is_some() && !matches!(self.source(context, request), Source::Given(_) | Source::Nobody(_))
    }

    /// Another code, after STS did not take `refused`; none where it is the same again.
    pub fn another(&self, context: &Context, request: &Request, refused: &Code) -> Result<Option<Code>, Failure> {
        let Some(serial) = request.serial_number() else { return Ok(None) };
        let source = self.source(context, request);
        let used_at = match source {
            // It may have been used by somebody else: within its step the program has no other.
            Source::Command(_) => Some(refused.at),
            _ => context.reader()?.mfa_device(serial)?.used_at,
        };
        let code = code::from(context, request, serial, source, used_at, true, self.lock.as_ref())?;
        Ok(Some(code).filter(|code| !code.is_same_as(refused)))
    }

    /// Who gives the code where the request names no program, in words.
    pub fn giver(&self, context: &Context) -> String {
        match (&self.mfa_code, context.configuration.mfa.command.first()) {
            (Some(_), _) => "the command line".to_owned(),
            (None, Some(program)) => format!("the program {program}"),
            (None, None) if context.terminal.may_ask() => "the terminal".to_owned(),
            (None, None) if context.pinentry.as_ref().is_some_and(Pinentry::is_there) => "a dialog".to_owned(),
            (None, None) => "the terminal".to_owned(),
        }
    }

    fn source<'a>(&'a self, context: &'a Context, request: &'a Request) -> Source<'a> {
        let commands = [request.mfa_command(), &context.configuration.mfa.command];
        match (&self.mfa_code, commands.into_iter().find(|command| !command.is_empty()), &context.pinentry) {
            (Some(code), _, _) => Source::Given(code),
            (None, Some(command), _) => Source::Command(command),
            (None, None, _) if context.terminal.may_ask() => Source::Terminal,
            (None, None, Some(pinentry)) if pinentry.is_there() => Source::Dialog(pinentry),
            (None, None, _) if context.terminal.is_in_background() => Source::Nobody(Unanswered::Background),
            (None, None, _) => Source::Nobody(Unanswered::NoTerminal),
        }
    }
}

/// The virtual device that a user has by convention.
pub fn own_device(caller: &Arn) -> Result<String, Failure> {
    let device = caller.own_device().map(|device| device.to_string());
    device.ok_or_else(|| {
        Failure::usage(format!("--mfa-serial auto: {caller} is no IAM user, and has no MFA device to show"))
            .next_step("sign with the long-term keys of a user, by --from root or --profile, or name a device")
    })
}

/// That there is no code, because there was no one to give it.
fn no_code(serial: &str, why: Unanswered) -> Failure {
    let (message, next_step) = match why {
        Unanswered::NoTerminal => {
            ("is needed, and nobody is there to ask", "give --mfa-code or --mfa-command, or run it in a terminal")
        }
        Unanswered::Background => (
            "is needed, and credstack runs in the background, where it can't ask on the terminal",
            "run it in the foreground, or give --mfa-code or --mfa-command",
        ),
        Unanswered::Stopped => ("was not given", "run it again when you have one, or give --mfa-code or --mfa-command"),
    };
    Failure::usage(format!("an MFA code for {serial} {message}")).next_step(next_step)
}

/// For clap: a code is never shown again, not in its own messages either.
pub fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}

/// For clap: a command line, which no shell runs.
fn words(text: &str) -> Result<Words, &'static str> {
    let words = shell_words::split(text).map_err(|_| "a quote without an end")?;
    if words.is_empty() { Err("expected a program and its arguments") } else { Ok(Words(words)) }
}
