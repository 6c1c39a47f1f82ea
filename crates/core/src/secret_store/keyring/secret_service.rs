use std::{
    collections::HashMap,
    thread,
    time::{Duration, Instant},
};

use dbus_secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use zeroize::Zeroizing;

use super::{Entries, Result, SERVICE};
use crate::secret_store::{Patience, SecretStoreError};

/// How long a provider may take to begin to answer once it has its name.
const STARTING: Duration = Duration::from_secs(1);

const CONTENT_TYPE: &str = "application/octet-stream";

/// The Secret Service of the desktop: gnome-keyring, KWallet, KeePassXC, …
struct Desktop {
    service: SecretService,
    may_prompt: bool,
}

/// Connects and agrees on a session key. A prompt is shown later, if `may_prompt`, and never otherwise.
pub(super) fn connect(may_prompt: bool) -> Result<Box<dyn Entries>> {
    // Less than a caller waits, so that a prompt nobody answers is not taken for a keyring that is stuck.
    let longest_prompt = if may_prompt { Patience::PersonPresent.bound().as_secs() - 5 } else { 0 };
    let deadline = Instant::now() + STARTING;
    loop {
        match SecretService::connect_with_max_prompt_timeout(EncryptionType::Dh, longest_prompt) {
            Ok(service) => return Ok(Box::new(Desktop { service, may_prompt })),
            Err(error) if is_starting(&error) && Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(failure(error, may_prompt)),
        }
    }
}

/// A provider that the bus has just started takes its name a moment before it has anything that can be asked.
fn is_starting(error: &Error) -> bool {
    let unknown = ["org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownObject"];
    matches!(error, Error::Dbus(error) if error.name().is_some_and(|name| unknown.contains(&name)))
}

impl Entries for Desktop {
    fn set(&self, name: &str, secret: &[u8]) -> Result<()> {
        let collection = self.default_collection()?;
        let there = self.search(name)?;
        for item in &there {
            // Not by creating another over it: gnome-keyring 42 registers that one twice, frees it once, and sooner or later
            // answers nobody any more.
            item.set_secret(secret, CONTENT_TYPE).map_err(|error| self.failure(error))?;
        }
        if there.is_empty() {
            let label = format!("credstack {name}");
            let created = collection.create_item(&label, attributes(name), secret, false, CONTENT_TYPE);
            created.map_err(|error| self.failure(error))?;
        }
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let found = self.find(name)?;
        let secret = found.first().map(Item::get_secret).transpose().map_err(|error| self.failure(error))?;
        Ok(secret.map(Zeroizing::new))
    }

    fn delete(&self, name: &str) -> Result<()> {
        for item in self.find(name)? {
            item.delete().map_err(|error| self.failure(error))?;
        }
        Ok(())
    }
}

impl Desktop {
    /// The items of this name, unlocked. None is said only of a keyring that is set up and open: a keyring that is
    /// new or locked has nothing to show either, and that is another matter.
    fn find(&self, name: &str) -> Result<Vec<Item<'_>>> {
        let items = self.search(name)?;
        if !items.is_empty() {
            return Ok(items);
        }
        self.default_collection()?;
        self.search(name)
    }

    fn search(&self, name: &str) -> Result<Vec<Item<'_>>> {
        let found = self.service.search_items(attributes(name)).map_err(|error| self.failure(error))?;
        if !found.locked.is_empty() {
            let locked: Vec<_> = found.locked.iter().collect();
            self.service.unlock_all(&locked).map_err(|error| self.failure(error))?;
        }
        Ok(found.unlocked.into_iter().chain(found.locked).collect())
    }

    fn default_collection(&self) -> Result<Collection<'_>> {
        let collection = self.service.get_default_collection().map_err(|error| self.failure(error))?;
        collection.ensure_unlocked().map_err(|error| self.failure(error))?;
        Ok(collection)
    }

    fn failure(&self, error: Error) -> SecretStoreError {
        failure(error, self.may_prompt)
    }
}

/// What other programs on the keyring project's crates call their items too.
fn attributes(name: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", name)])
}

fn failure(error: Error, may_prompt: bool) -> SecretStoreError {
    match error {
        Error::Locked => SecretStoreError::Locked,
        // Forbidden prompts end as dismissed ones do.
        Error::Prompt if may_prompt => SecretStoreError::Denied,
        Error::Prompt => SecretStoreError::Locked,
        Error::NoResult => SecretStoreError::NoCollection,
        Error::Unavailable => SecretStoreError::NoProvider,
        Error::Dbus(error) => refused(error.name().unwrap_or_default(), error.message().unwrap_or_default()),
        _ => SecretStoreError::KeyringFailed { what: "its answer cannot be understood".into() },
    }
}

/// What a D-Bus error means. Only its name is kept: names come from a fixed list, and texts from anywhere.
fn refused(name: &str, text: &str) -> SecretStoreError {
    let short = name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or(name);
    match short {
        "NoReply" | "Timeout" | "TimedOut" => SecretStoreError::Frozen { waited: Duration::ZERO },
        "ServiceUnknown" | "NameHasNoOwner" => SecretStoreError::NoProvider,
        spawn if spawn.starts_with("Spawn.") => SecretStoreError::NoProvider,
        "NoServer" | "FileNotFound" | "BadAddress" | "Disconnected" => SecretStoreError::NoBus,
        // libdbus has no address and cannot start a bus; a provider says the same of a session it cannot encrypt.
        "NotSupported" if text.contains("autolaunch") => SecretStoreError::NoBus,
        "AccessDenied" | "AuthFailed" => SecretStoreError::Denied,
        "org.freedesktop.Secret.Error.IsLocked" => SecretStoreError::Locked,
        _ => SecretStoreError::KeyringFailed { what: name.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The other names are met for real in tests/keyring.
    #[test]
    fn names_of_errors_that_are_hard_to_provoke() {
        let said = |name: &str| refused(name, "fake-secret").to_string();
        assert!(matches!(refused("org.freedesktop.DBus.Error.AccessDenied", ""), SecretStoreError::Denied));
        assert!(matches!(refused("org.freedesktop.Secret.Error.IsLocked", ""), SecretStoreError::Locked));
        assert!(matches!(refused("org.freedesktop.DBus.Error.Spawn.ChildExited", ""), SecretStoreError::NoProvider));
        assert!(matches!(failure(Error::Locked, true), SecretStoreError::Locked));
        let other = "org.freedesktop.DBus.Error.NotSupported";
        assert_eq!(said(other), format!("the keyring failed: {other}"), "a provider, and not libdbus, says this");
        assert_eq!(failure(Error::Parse, true).to_string(), "the keyring failed: its answer cannot be understood");
    }
}
