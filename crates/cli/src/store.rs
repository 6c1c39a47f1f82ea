//! The secret store, chosen once: by `setup`, or by the first command that has a secret to keep.

use std::path::{Path, PathBuf};

use credstack_core::{
    secret_store::{KeySource, StoreChoice},
    stack::{Change, Consent, Reader},
};

use crate::{
    context::Context,
    failure::{Failure, Kind},
};

/// Makes sure that a secret store is chosen before anything is acquired. Where none is, the configuration decides;
/// else the keyring, if it works; else the person at the terminal. Never anything silently. What there is then can be read.
pub fn ensure(context: &Context) -> Result<Reader, Failure> {
    let reader = context.reader()?;
    if reader.chosen_store()?.is_some() {
        return Ok(reader);
    }
    choose_first(context)?;
    Ok(context.reader()?)
}

fn choose_first(context: &Context) -> Result<(), Failure> {
    let mut change = Change::begin(&context.place, context.terms("setup", Consent::Only(Default::default())))?;
    context.output.notices(&mut change);
    if change.chosen_store()?.is_some() {
        // Another command chose while this one waited for the lock.
        return Ok(());
    }
    if let Some(store) = context.configuration.store.as_ref().map(toml::Spanned::get_ref) {
        let choice = store.choice()?;
        prepare(&choice)?;
        return Ok(change.choose_store(&choice, false)?);
    }
    let Err(error) = change.choose_store(&StoreChoice::Keyring, false) else {
        context.output.say("secrets go into the operating system's keyring (chosen now; `credstack setup` shows it)");
        return Ok(());
    };
    drop(change);
    let Failure { message, next_step, .. } = Failure::from(error);
    let failure = Failure::new(Kind::SecretStore, format!("there is no secret store to use: {message}")).next_step(format!(
        "{}: `credstack setup --store vault --key-file FILE`, or `credstack setup --store vault --key-command COMMAND`",
        next_step.unwrap_or_default().replace(" with `credstack setup`", "")
    ));
    let question = format!("{message}.\nKeep secrets in a vault, with a key file at: (a path, or nothing to stop) ");
    let Some(path) = context.terminal.ask(&question).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()) else {
        return Err(failure);
    };
    let choice = StoreChoice::Vault { key: KeySource::File(key_file(context, Path::new(&path))?) };
    choose(context, &choice, false)?;
    context.output.say(&format!("secrets go into {}", describe(&choice)));
    Ok(())
}

/// Where a key file is. No shell has looked at a path that was typed at a question or stood in quotes.
pub fn key_file(context: &Context, path: &Path) -> Result<PathBuf, Failure> {
    let path = match path.strip_prefix("~") {
        Ok(rest) => context.home.join(rest),
        Err(_) if path.as_os_str().as_encoded_bytes().starts_with(b"~") => {
            return Err(Failure::usage(format!("{}: another user's home is not looked up", path.display()))
                .next_step("write the whole path, or ./ before it if that is its name"));
        }
        Err(_) => path.to_owned(),
    };
    std::path::absolute(&path).map_err(|error| Failure::usage(format!("the key file: {error}")).next_step("name a file"))
}

/// Chooses a store after trying it out. With `abandon` the secrets in the present one are given up, for it cannot be
/// reached any more.
pub fn choose(context: &Context, choice: &StoreChoice, abandon: bool) -> Result<(), Failure> {
    let made = prepare(choice)?;
    let chosen = try_choice(context, choice, abandon);
    if let (Err(_), Some(path)) = (&chosen, made) {
        // A key that opens nothing would only be taken for one that does.
        let _left_behind = std::fs::remove_file(path);
    }
    chosen
}

fn try_choice(context: &Context, choice: &StoreChoice, abandon: bool) -> Result<(), Failure> {
    let mut change = Change::begin(&context.place, context.terms("setup", Consent::Only(Default::default())))?;
    if abandon {
        for credential in change.abandon_secrets()? {
            context.output.warn(&format!("the secret of {} is given up", credential.id));
        }
    }
    context.output.notices(&mut change);
    Ok(change.choose_store(choice, abandon)?)
}

/// Makes the key file that a vault is to use, if it is not there, and says which it made.
fn prepare(choice: &StoreChoice) -> Result<Option<&Path>, Failure> {
    match choice {
        StoreChoice::Vault { key: key @ KeySource::File(path) } => Ok(key.prepare()?.then_some(path)),
        _ => Ok(None),
    }
}

/// A store in words.
pub fn describe(choice: &StoreChoice) -> String {
    match choice {
        StoreChoice::Keyring => "the operating system's keyring".to_owned(),
        StoreChoice::Vault { key: KeySource::File(path) } => format!("the vault, opened by the key file {}", path.display()),
        StoreChoice::Vault { key: KeySource::Command(command) } => {
            format!("the vault, opened by the key command {}", shell_words::join(command))
        }
    }
}
