//! macOS and Windows, through the keyring project's stores. Built by the test matrix, not tried by hand.

use std::sync::Arc;

use keyring_core::{Entry, Error, api::CredentialStoreApi};
use zeroize::Zeroizing;

use super::{Entries, Result, SERVICE};
use crate::secret_store::SecretStoreError;

struct Native {
    store: Arc<dyn CredentialStoreApi>,
    /// Held for as long as no dialog may be shown.
    #[cfg(target_os = "macos")]
    _silence: Option<security_framework::os::macos::keychain::KeychainUserInteractionLock>,
}

#[cfg(target_os = "macos")]
pub(super) fn connect(may_prompt: bool) -> Result<Box<dyn Entries>> {
    use security_framework::os::macos::keychain::SecKeychain;

    let unsilenced = |_| SecretStoreError::KeyringFailed { what: "its dialogs could not be switched off".into() };
    let silence = if may_prompt { None } else { Some(SecKeychain::disable_user_interaction().map_err(unsilenced)?) };
    let store = apple_native_keyring_store::keychain::Store::new().map_err(failure)?;
    Ok(Box::new(Native { store, _silence: silence }))
}

/// The Credential Manager asks nobody.
#[cfg(windows)]
pub(super) fn connect(_may_prompt: bool) -> Result<Box<dyn Entries>> {
    let store = windows_native_keyring_store::Store::new().map_err(failure)?;
    Ok(Box::new(super::parts::Parts(Native { store })))
}

impl Native {
    fn entry(&self, name: &str) -> Result<Entry> {
        // The default on Windows roams to other machines.
        #[cfg(windows)]
        let modifiers = Some(&std::collections::HashMap::from([("persistence", "Local")]));
        #[cfg(not(windows))]
        let modifiers = None;
        self.store.build(SERVICE, name, modifiers).map_err(failure)
    }
}

impl Entries for Native {
    fn set(&self, name: &str, secret: &[u8]) -> Result<()> {
        self.entry(name)?.set_secret(secret).map_err(failure)
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self.entry(name)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    fn delete(&self, name: &str) -> Result<()> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }
}

/// Some of these errors hold the secret and print it with `{:?}`: none leaves this function.
fn failure(error: Error) -> SecretStoreError {
    let failed = |what: &str| SecretStoreError::KeyringFailed { what: what.into() };
    match error {
        Error::BadEncoding(bytes) | Error::BadDataFormat(bytes, _) => {
            drop(Zeroizing::new(bytes));
            failed("the entry has another format")
        }
        Error::PlatformFailure(source) => platform(&*source).unwrap_or_else(|| failed("the system reported a failure")),
        Error::NoStorageAccess(source) => platform(&*source).unwrap_or(SecretStoreError::Denied),
        Error::BadStoreFormat(_) => failed("the keyring's own file is damaged"),
        Error::TooLong(..) => failed("the entry is too long for it"),
        Error::Ambiguous(_) => failed("several entries have one name"),
        _ => failed("the call was not understood"),
    }
}

/// What a Security Framework result code says.
#[cfg(target_os = "macos")]
fn platform(source: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<SecretStoreError> {
    let code = source.downcast_ref::<security_framework::base::Error>()?.code();
    Some(match code {
        // errSecInteractionNotAllowed
        -25308 => SecretStoreError::Locked,
        // errSecAuthFailed, errSecUserCanceled
        -25293 | -128 => SecretStoreError::Denied,
        // errSecNoSuchKeychain, errSecNoDefaultKeychain
        -25294 | -25307 => SecretStoreError::NoCollection,
        // errSecNotAvailable
        -25291 => SecretStoreError::NoProvider,
        code => SecretStoreError::KeyringFailed { what: format!("OSStatus {code}") },
    })
}

/// What a Windows error code says. The store's own error type is private; its text is a code and nothing else.
#[cfg(windows)]
fn platform(source: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<SecretStoreError> {
    Some(match source.to_string().as_str() {
        "Windows error code 5" => SecretStoreError::Denied,
        // A service, or a remote shell, without a profile.
        "Windows ERROR_NO_SUCH_LOGON_SESSION" => SecretStoreError::NoProvider,
        code => SecretStoreError::KeyringFailed { what: code.to_owned() },
    })
}
