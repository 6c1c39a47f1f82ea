use std::path::Path;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Result, SecretStoreError, key::Key};

/// The bytes of one file: magic, format version, 24 random bytes of nonce, then what XChaCha20-Poly1305 made.
///
/// Magic, version and the file's UUID are authenticated with it: a file under another's name does not open.
pub(super) struct Sealed(pub Vec<u8>);

const MAGIC: &[u8] = b"credstack vault\n";
const VERSION: u8 = 1;
const NONCE: usize = 24;
const HEADER: usize = MAGIC.len() + 1;

impl Sealed {
    pub fn seal(key: &Key, id: Uuid, plain: &[u8]) -> Result<Sealed> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SecretStoreError::NoRandomness)?;
        let aad = associated(id);
        let sealed = cipher(key).encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad });
        let sealed = sealed.map_err(|_| SecretStoreError::TooLarge {
            id,
            size: plain.len(),
            limit: crate::secret_store::payload::LIMIT,
        })?;
        Ok(Sealed([MAGIC, &[VERSION], &nonce, &sealed].concat()))
    }

    /// `path` is where it was read from, for the message.
    pub fn open(&self, key: &Key, id: Uuid, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
        let damaged = || SecretStoreError::DamagedFile { path: path.to_owned() };
        let (version, rest) = self.0.strip_prefix(MAGIC).and_then(<[u8]>::split_first).ok_or_else(damaged)?;
        if *version > VERSION {
            return Err(SecretStoreError::NewerFile { path: path.to_owned(), version: *version });
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        let aad = associated(id);
        let plain = cipher(key).decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad });
        plain.map(Zeroizing::new).map_err(|_| damaged())
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

fn associated(id: Uuid) -> [u8; HEADER + 16] {
    let mut associated = [0; HEADER + 16];
    associated[..MAGIC.len()].copy_from_slice(MAGIC);
    associated[MAGIC.len()] = VERSION;
    associated[HEADER..].copy_from_slice(id.as_bytes());
    associated
}
