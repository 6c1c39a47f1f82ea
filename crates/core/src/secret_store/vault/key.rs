use std::{fmt, path::Path, time::Duration};

use zeroize::Zeroizing;

use super::{Result, SecretStoreError, file};
use crate::{secret_command, secret_store::KeySource};

/// The key that everything in a vault is sealed under.
pub(super) struct Key(Zeroizing<[u8; 32]>);

/// 64 hexadecimal digits, and the end of the line that they stand on.
const LONGEST: usize = 66;

impl Key {
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn parse(text: &[u8], from: &str) -> Result<Key> {
        let line = text.strip_suffix(b"\n").map_or(text, |line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut key = Key(Zeroizing::default());
        match hex::decode_to_slice(line, &mut *key.0) {
            Ok(()) => Ok(key),
            Err(_) => Err(SecretStoreError::KeyMalformed { from: from.to_owned() }),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(** redacted **)")
    }
}

pub(super) fn read(source: &KeySource, bound: Duration) -> Result<Key> {
    match source {
        KeySource::File(path) => {
            let text =
                file::read_ours(path, LONGEST as u64)?.ok_or_else(|| SecretStoreError::KeyMissing { path: path.clone() })?;
            Key::parse(&text, &path.display().to_string())
        }
        KeySource::Command(command) => {
            let program = command.first().map(String::as_str).unwrap_or_default();
            let text = secret_command::run(command, LONGEST, bound)
                .map_err(|failure| SecretStoreError::KeyCommand { program: program.to_owned(), failure })?;
            Key::parse(&text, program)
        }
    }
}

pub(super) fn create_file(path: &Path) -> Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    file::create_directory(directory)?;
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(|_| SecretStoreError::NoRandomness)?;
    let mut text = Zeroizing::new([b'\n'; 65]);
    // Cannot fail: the lengths are right.
    hex::encode_to_slice(*key, &mut text[..64]).map_err(|_| SecretStoreError::NoRandomness)?;
    if file::write_new(directory, path, &*text)? { Ok(()) } else { Err(SecretStoreError::KeyExists { path: path.to_owned() }) }
}
