//! A person at a desktop, where there is no terminal: asked in a dialog of `pinentry`, as GnuPG does.

use std::{sync::mpsc, thread, time::Duration};

use pinentry::{Error, PassphraseInput};
use secrecy::SecretString;

/// How long a dialog is shown, in seconds.
const SHOWN: u16 = 60;
/// How much longer the program that shows it may take to go.
const GRACE: Duration = Duration::from_secs(5);
/// A line of its protocol has at most 1,000 bytes, and a character may take three.
const LONGEST: usize = 300;

/// The program that shows dialogs.
#[derive(Clone, Debug)]
pub struct Pinentry {
    /// Its name or path.
    program: String,
    /// Whether nobody called for a dialog: what asks runs by itself, perhaps again and again.
    pub is_sparing: bool,
}

/// Why nothing was entered.
pub enum NoAnswer {
    /// The person sent the dialog away, or was not there.
    Dismissed,
    /// There was none to answer: why, in words.
    Failed(String),
}

impl Pinentry {
    /// The program of the configuration, else the system's.
    pub fn new(configured: Option<&str>) -> Pinentry {
        let usual = if cfg!(target_os = "macos") { "pinentry-mac" } else { "pinentry" };
        Pinentry { program: configured.unwrap_or(usual).to_owned(), is_sparing: false }
    }

    /// The same for what runs by itself.
    pub fn sparing(&self) -> Pinentry {
        Pinentry { is_sparing: true, ..self.clone() }
    }

    /// Whether the program is there.
    pub fn is_there(&self) -> bool {
        PassphraseInput::with_binary(&self.program).is_some()
    }

    /// Asks for a code. `error` is what was wrong with the one before.
    pub fn ask(&self, what: &str, error: Option<&'static str>) -> Result<SecretString, NoAnswer> {
        let (program, what) = (self.program.clone(), harmless(what));
        let (answer, answered) = mpsc::channel();
        let show = move || {
            let Some(mut dialog) = PassphraseInput::with_binary(&program) else { return };
            dialog.with_title("credstack").with_description(&what).with_prompt("Code:").with_timeout(SHOWN);
            if let Some(error) = error {
                dialog.with_error(error);
            }
            // Nobody waits any more.
            let _too_late = answer.send(dialog.interact());
        };
        let failed = |what: &str| NoAnswer::Failed(format!("{} {what}", self.program));
        // In a thread, which is left behind if the program does not keep to its time.
        let started = thread::Builder::new().name("pinentry".into()).spawn(show);
        started.map_err(|_| failed("could not be run"))?;
        match answered.recv_timeout(Duration::from_secs(SHOWN.into()) + GRACE) {
            Ok(Ok(code)) => Ok(code),
            Ok(Err(Error::Cancelled | Error::Timeout)) | Err(mpsc::RecvTimeoutError::Timeout) => Err(NoAnswer::Dismissed),
            Ok(Err(Error::Gpg(error))) => Err(failed(&format!("failed with error {}", error.code()))),
            Ok(Err(_)) => Err(failed("did not answer as a pinentry does")),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(failed("could not be run")),
        }
    }
}

/// What fits into a line, and needs no thought.
fn harmless(what: &str) -> String {
    what.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' }).take(LONGEST).collect()
}
