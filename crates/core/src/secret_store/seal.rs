use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Result, SecretStore, SecretStoreError};
use crate::{
    database::Head,
    values::{CredentialSet, Item},
};

/// The name of the seal in a vault, which belongs to one state directory.
pub(super) const IN_VAULT: Uuid = Uuid::from_u128(2);

/// For how long a seal may take while a transaction is open: other commands wait for that, and not for ever.
pub(crate) const BRIEFLY: Duration = Duration::from_millis(2_800);

/// What the secret store knows of the log: where it ended before the newest change that opened the store, and after it.
/// It is put there before that change is committed, so the log goes through one of the two, whenever a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Where the log ended before the change.
    pub previous: Head,
    /// Where it ends once the change is committed.
    pub next: Head,
}

impl SecretStore {
    /// The seal on the log of the state directory `place`, if there is one. It waits for no longer than `most`.
    pub(crate) fn seal(&self, most: Duration, place: &Path) -> Result<Option<Seal>> {
        let item = self.seal_item(place);
        let set = match self.get_within(most, &item) {
            Err(SecretStoreError::NoEntry { .. }) => return Ok(None),
            set => set?,
        };
        let heads = set.secret_access_key.expose_secret().split_once(' ');
        let heads = heads.and_then(|(previous, next)| Some((previous.parse().ok()?, next.parse().ok()?)));
        let (previous, next) = heads.ok_or(SecretStoreError::DamagedItem { id: item.id })?;
        Ok(Some(Seal { previous, next }))
    }

    /// Puts a seal in the place of the one before, within [`BRIEFLY`].
    pub(crate) fn put_seal(&self, place: &Path, seal: &Seal) -> Result<()> {
        let set = CredentialSet {
            access_key_id: "credstack-log-seal".into(),
            secret_access_key: format!("{} {}", seal.previous, seal.next).into(),
            session_token: None,
        };
        self.put_within(BRIEFLY, &self.seal_item(place), &set)
    }

    /// Removes the seal: the log goes too.
    pub(crate) fn erase_seal(&self, place: &Path) -> Result<()> {
        self.erase(&self.seal_item(place))
    }

    /// One keyring may serve several state directories; whoever can write the database must not be able to choose which
    /// seal is looked at, so the name comes from the path.
    fn seal_item(&self, place: &Path) -> Item {
        let id = match self {
            SecretStore::Keyring(_) => {
                let path = without_links(place);
                let hash: [u8; 32] = Sha256::digest(path.as_os_str().as_encoded_bytes()).into();
                let (mut bytes, half) = ([0; 16], &hash[..16]);
                bytes.copy_from_slice(half);
                uuid::Builder::from_random_bytes(bytes).into_uuid()
            }
            #[cfg(unix)]
            SecretStore::Vault(_) => IN_VAULT,
        };
        Item { id, nonce: "credstack log seal".into() }
    }
}

/// The path without symbolic links, also when the directory is gone: its seal is looked for all the same.
fn without_links(place: &Path) -> PathBuf {
    let real = |there: &Path| Some((there.canonicalize().ok()?, place.strip_prefix(there).ok()?));
    let (real, rest) = place.ancestors().find_map(real).unwrap_or_else(|| (place.to_owned(), Path::new("")));
    real.components().chain(rest.components()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_directory_that_is_gone_has_the_name_that_it_had() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real/state"), directory.path().join("link"));
        std::fs::create_dir_all(&real).unwrap();
        std::os::unix::fs::symlink(directory.path().join("real"), &link).unwrap();
        let (there, place) = (real.canonicalize().unwrap(), link.join("state"));
        assert_eq!(without_links(&place), there);
        assert_eq!(without_links(&place).as_os_str(), there.as_os_str());
        std::fs::remove_dir(&real).unwrap();
        assert_eq!(without_links(&place), there);
    }
}
