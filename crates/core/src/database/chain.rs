use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::values::Entry;

/// The hash before the first event.
pub const GENESIS: [u8; 32] = [0; 32];

/// Begins every hashed row, so that another encoding can be told apart.
const ENCODING: &[u8] = b"credstack event 1\n";

/// The hash of one event: SHA-256 over the encoding's name, the hash before it, and the row's columns in the order of
/// the table, `sequence` to `detail`.
///
/// A column is one byte for its type, then its content: `n` for NULL; `i` and eight bytes, big-endian, for an integer;
/// `t`, the length in bytes as eight bytes, big-endian, and the bytes in UTF-8 for a text. `detail` is hashed as it is
/// stored, so verifying needs no JSON rules.
pub fn hash_of(previous: &[u8; 32], sequence: i64, at: Timestamp, entry: &Entry, detail: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(ENCODING);
    hash.update(previous);
    let integer = |hash: &mut Sha256, value: Option<i64>| match value {
        None => hash.update(b"n"),
        Some(value) => {
            hash.update(b"i");
            hash.update(value.to_be_bytes());
        }
    };
    let text = |hash: &mut Sha256, value: Option<&str>| match value {
        None => hash.update(b"n"),
        Some(value) => {
            hash.update(b"t");
            hash.update((value.len() as u64).to_be_bytes());
            hash.update(value.as_bytes());
        }
    };
    integer(&mut hash, Some(sequence));
    integer(&mut hash, Some(at.as_second()));
    text(&mut hash, Some(entry.event.as_str()));
    text(&mut hash, entry.stack.as_ref().map(|name| name.as_str()));
    integer(&mut hash, entry.credential.map(|id| id.0));
    integer(&mut hash, entry.parent.map(|id| id.0));
    text(&mut hash, entry.access_key_id.as_deref());
    text(&mut hash, entry.account.as_deref());
    text(&mut hash, entry.arn.as_deref());
    text(&mut hash, Some(detail));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{CredentialId, EventKind};

    /// The encoding is a promise: what an older version wrote must verify for ever.
    #[test]
    fn the_encoding_is_pinned() {
        let mut entry = Entry::new(EventKind::Acquired);
        entry.stack = Some("default".parse().unwrap());
        entry.credential = Some(CredentialId(2));
        entry.access_key_id = Some("ASIAFAKEFAKEFAKEFAKE".into());
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let hash = hash_of(&GENESIS, 1, at, &entry, r#"{"note":"é"}"#);
        assert_eq!(hex::encode(hash), "01646a3f07fa8dc73bd2642c60b1dda68f9e9b13c5f4f2b13a184e4455b2b5dc");
    }
}
