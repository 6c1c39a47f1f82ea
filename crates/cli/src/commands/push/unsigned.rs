use std::path::PathBuf;

use credstack_core::{
    refresh::{self, Origin},
    values::{
        Signer, SignerKey,
        request::{OneTime, Request, TokenSource},
    },
};
use secrecy::SecretString;

use super::{
    common::Common,
    landing::{push, reuse, show_reuse},
};
use crate::{
    acquire::{Acquisition, Grant, token},
    context::Context,
    failure::Failure,
    foresight, signing,
};

/// Where a token was said to be.
pub enum Given {
    /// On stdin: it cannot be had again.
    Stdin,
    /// Where the next one is found as well.
    Source(TokenSource),
}

impl Given {
    /// Of a file's path and a command line: `None` if neither is given.
    pub fn of(option: &str, file: Option<PathBuf>, command: Option<&str>, stdin: bool) -> Result<Option<Given>, Failure> {
        if stdin || file.as_ref().is_some_and(|file| file.as_os_str() == "-") {
            return Ok(Some(Given::Stdin));
        }
        if let Some(file) = file {
            let file = std::path::absolute(&file).map_err(|error| Failure::usage(format!("{option}-file: {error}")))?;
            return Ok(Some(Given::Source(TokenSource::File(file))));
        }
        let Some(line) = command else { return Ok(None) };
        let words = shell_words::split(line)
            .map_err(|_| Failure::usage(format!("{option}-command has a quote without an end")).next_step("correct it"))?;
        match words.is_empty() {
            true => Err(Failure::usage(format!("{option}-command is empty")).next_step("give a program and its arguments")),
            false => Ok(Some(Given::Source(TokenSource::Command(words)))),
        }
    }

    /// Whether a program is run for it.
    pub fn is_command(&self) -> bool {
        matches!(self, Given::Source(TokenSource::Command(_)))
    }

    /// What is recorded of it.
    pub fn source(&self) -> Option<TokenSource> {
        match self {
            Given::Stdin => None,
            Given::Source(source) => Some(source.clone()),
        }
    }

    /// The token.
    pub fn read(&self, context: &Context) -> Result<SecretString, Failure> {
        match self {
            Given::Stdin => token::from_stdin(),
            Given::Source(source) => token::read(context, source),
        }
    }
}

/// A push that nobody signs: a token says who asks.
pub struct Unsigned<'a> {
    pub context: &'a Context,
    pub common: &'a Common,
    /// The configuration's key that the duration is from, if it is from there.
    pub configured: Option<&'static str>,
}

impl Unsigned<'_> {
    /// Acquires, and pushes. The token is read when all else is known to be well.
    pub fn run(self, request: Request, token: impl FnOnce() -> Result<SecretString, Failure>) -> Result<(), Failure> {
        let Unsigned { context, common, configured } = self;
        if common.dry_run {
            let sts = signing::unsigned_sts(context, common.region.as_deref())?;
            let origin = Origin { signer: &Signer::None, key: &SignerKey::Temporary, way: sts.way() };
            let before = if common.reuse { refresh::living(&context.reader()?, &request, origin, context.now)? } else { None };
            if let Some(before) = before {
                return show_reuse(context, &[before.id], origin.key);
            }
            foresight::of_unsigned(request.clone()).show(context)?;
            request.check_partition(None, sts.way())?;
            // A file is at hand; no program is run, and stdin is left alone.
            if let Some(TokenSource::File(_)) = request.token_source() {
                OneTime { token: Some(token()?), ..OneTime::default() }.check(&request)?;
            }
            return Ok(());
        }
        let mut acquisition = Acquisition {
            context,
            command: "push",
            reader: context.reader()?,
            about: common.about(),
            signing: None,
            sts: signing::unsigned_sts(context, common.region.as_deref())?,
            request,
            one_time: OneTime::default(),
            configured,
            renews: None,
        };
        acquisition.check()?;
        if reuse(common, &acquisition)? {
            return Ok(());
        }
        acquisition.one_time.token = Some(token()?);
        let Grant { acquired, shell, detail } = acquisition.acquire(None)?;
        push(context, common, "push", acquired, shell, detail)
    }
}
