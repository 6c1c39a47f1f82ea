use credstack_core::values::request::{OneTime, Parameter, Request};
use secrecy::SecretString;

use crate::{context::Context, failure::Failure};

/// An MFA device, and perhaps its present code.
#[derive(Debug, clap::Args)]
pub struct Mfa {
    /// The MFA device: its ARN, or the serial number of a hardware device
    #[arg(long, value_name = "SERIAL")]
    pub mfa_serial: Option<String>,
    /// The device's present code; without it the terminal is asked
    #[arg(long, value_name = "CODE", requires = "mfa_serial", value_parser = secret)]
    mfa_code: Option<SecretString>,
}

impl Mfa {
    /// The device that an earlier request named.
    pub fn of(serial: Option<&str>, code: Option<SecretString>) -> Mfa {
        Mfa { mfa_serial: serial.map(str::to_owned), mfa_code: code }
    }

    /// What can be said of the code before anything is done: that it is no code, or that nobody is there to ask for one.
    pub fn check(&self, context: &Context, request: &Request) -> Result<(), Failure> {
        let Some(serial) = &self.mfa_serial else { return Ok(()) };
        match &self.mfa_code {
            Some(code) => {
                let alone = OneTime { token_code: Some(code.clone()), ..OneTime::default() };
                // The contexts' assertions are checked with the whole.
                match alone.check(request) {
                    Err(error) if error.parameter == Parameter::TokenCode => Err(error.into()),
                    _ => Ok(()),
                }
            }
            None if !context.terminal.may_ask() => Err(nobody_to_ask(serial)),
            None => Ok(()),
        }
    }

    /// The code, from the command line or from the person at the terminal. Called after every other check, so that no
    /// code is spent on a request that cannot succeed.
    pub fn code(&self, context: &Context, request: &Request, one_time: &mut OneTime) -> Result<(), Failure> {
        let Some(serial) = &self.mfa_serial else { return Ok(()) };
        let code = match &self.mfa_code {
            Some(code) => code.clone(),
            None => {
                let question = format!("MFA code for {}: ", crate::output::escape(serial));
                context.terminal.ask_hidden(&question).ok_or_else(|| nobody_to_ask(serial))?
            }
        };
        one_time.token_code = Some(code);
        Ok(one_time.check(request)?)
    }
}

fn nobody_to_ask(serial: &str) -> Failure {
    Failure::usage(format!("an MFA code for {serial} is needed, and nobody is there to ask"))
        .next_step("give --mfa-code, or run it in a terminal")
}

/// For clap: a code is never shown again, not in its own messages either.
pub fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}
