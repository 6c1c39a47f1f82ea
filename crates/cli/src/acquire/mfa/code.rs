use std::{fs::File, sync::Arc, time::Duration};

use credstack_core::{
    secret_command,
    stack::{Change, Consent},
    values::request::Request,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Source, no_code, step};
use crate::{
    context::Context,
    failure::Failure,
    output::escape,
    pinentry::{NoAnswer, Pinentry},
};

/// How long a program may take to give a code: a person may have to touch a key.
const PATIENCE: Duration = Duration::from_secs(60);
/// A code, and what a program may print around it.
const LONGEST: usize = 4096;
/// How long after a dialog was dismissed no other is shown by what runs by itself, in seconds.
const DISMISSED: i64 = 60;

/// A code of an MFA device.
pub struct Code {
    /// Six digits.
    pub secret: SecretString,
    /// When it was the present one, at the latest.
    pub at: Timestamp,
}

impl Code {
    /// Whether STS would be given the same again.
    pub fn is_same_as(&self, other: &Code) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
    }
}

/// Has a code given. STS takes each once: where the one that a program has now was used, its next one is waited for, and a
/// person is told to do that.
pub fn from(
    context: &Context,
    request: &Request,
    serial: &str,
    source: Source<'_>,
    used_at: Option<Timestamp>,
    again: bool,
    lock: Option<&Arc<File>>,
) -> Result<Code, Failure> {
    let wait = used_at.and_then(|used_at| step::until_next(used_at, context.time()));
    let seconds = wait.map(|wait| wait.as_millis().div_ceil(1000));
    let next = seconds.map(|seconds| format!(" (the next one, in {seconds} s)")).unwrap_or_default();
    let serial_shown = escape(serial);
    let secret = match source {
        Source::Given(code) => code.clone(),
        Source::Command(command) => {
            if let (Some(wait), Some(seconds)) = (wait, seconds) {
                context.output.say(&format!("waiting {seconds} s for the next code of {serial}: the present one was used"));
                std::thread::sleep(wait);
            }
            printed(command, context.patience(PATIENCE))?
        }
        Source::Terminal => {
            let question = format!("MFA code for {serial_shown}{next}: ");
            let ask = |question: &str| context.terminal.ask_hidden(question, lock.cloned()).map_err(|why| no_code(serial, why));
            let answer = ask(&question)?;
            match one_code(answer.expose_secret()) {
                Ok(code) => code,
                // A slip of the hand: asked once more.
                Err(_) => {
                    let question = format!("A code is six digits. {question}");
                    ask(&question)?
                }
            }
        }
        Source::Dialog(pinentry) => {
            may_ask(context, pinentry, serial)?;
            let target = request.target().map(|target| format!(" {target}")).unwrap_or_default();
            let what = format!("MFA code for {serial_shown}{next}, which {}{target} takes", request.operation());
            let error = again.then_some("STS did not take that one: wait for the next one");
            pinentry.ask(&what, error).map_err(|none| unanswered(context, serial, none))?
        }
        Source::Nobody(why) => return Err(no_code(serial, why)),
    };
    Ok(Code { secret, at: context.time() })
}

/// Whether a dialog may be shown: where nobody asked for one just now, not right after one was dismissed.
pub fn may_ask(context: &Context, pinentry: &Pinentry, serial: &str) -> Result<(), Failure> {
    let declined_at = context.reader()?.mfa_device(serial)?.declined_at;
    let just_now = declined_at.is_some_and(|at| (context.time().as_second() - at.as_second()).abs() < DISMISSED);
    match pinentry.is_sparing && just_now {
        true => Err(Failure::usage(format!(
            "an MFA code for {serial} is needed, and the dialog that asked for it was dismissed less than a minute ago"
        ))
        .next_step("`credstack refresh` asks at once")),
        false => Ok(()),
    }
}

/// The code that a program prints: the one word of six digits, whatever is around it.
fn printed(command: &[String], patience: Duration) -> Result<SecretString, Failure> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let failed = |what: &str| {
        Failure::usage(format!("the MFA command {program} {what}"))
            .next_step("run it by hand, or give --mfa-code; STS was not asked")
    };
    let text = secret_command::run(command, LONGEST, patience).map_err(|failure| failed(&failure.to_string()))?;
    let text = std::str::from_utf8(&text).map_err(|_| failed("printed what is no text"))?;
    one_code(text).map_err(failed)
}

fn one_code(text: &str) -> Result<SecretString, &'static str> {
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut codes = text.split_whitespace().filter(is_code);
    match (codes.next(), codes.next()) {
        (Some(code), None) => Ok(SecretString::from(code)),
        (Some(_), Some(_)) => Err("printed several codes: have it print that of one account"),
        (None, _) => Err("printed no code: a code is a word of six digits"),
    }
}

/// That a dialog brought no code. That it was dismissed is remembered, so that not the next call opens it again.
fn unanswered(context: &Context, serial: &str, none: NoAnswer) -> Failure {
    let what = match none {
        NoAnswer::Dismissed => {
            let terms = context.terms("ask for an MFA code", Consent::Only(Default::default()));
            let noted = Change::begin(&context.place, terms).and_then(|mut change| {
                context.output.notices(&mut change);
                change.note_code_declined(serial)
            });
            if let Err(error) = noted {
                context.output.explain(&format!("that could not be noted: {error}"));
            }
            "the dialog was dismissed".to_owned()
        }
        NoAnswer::Failed(why) => why,
    };
    Failure::usage(format!("no MFA code for {serial} was given: {what}"))
        .next_step("run it again when you have one, or give --mfa-code or --mfa-command")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_one_word_of_six_digits() {
        for good in ["271828", "271828\n", "aws:alice   271828\n", "AWS 111122223333:alice\t271828", "(2718281) 271828 ok"] {
            assert_eq!(one_code(good).unwrap().expose_secret(), "271828", "{good}");
        }
        for bad in ["", "27182", "2718281", "271 828", "a271828", "２７１８２８", "code=271828"] {
            assert!(one_code(bad).unwrap_err().contains("no code"), "{bad}");
        }
        assert!(one_code("a 271828\nb 314159\n").unwrap_err().contains("several"));
    }
}
