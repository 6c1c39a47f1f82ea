use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use rusqlite::types::ValueRef;

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
    let integer = |value: Option<i64>| value.map_or(ValueRef::Null, ValueRef::Integer);
    fn text(value: Option<&str>) -> ValueRef<'_> {
        value.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
    }
    hash_of_columns(
        previous,
        [
            ValueRef::Integer(sequence),
            ValueRef::Integer(at.as_second()),
            text(Some(entry.event.as_str())),
            text(entry.stack.as_ref().map(|name| name.as_str())),
            integer(entry.credential.map(|id| id.0)),
            integer(entry.parent.map(|id| id.0)),
            text(entry.access_key_id.as_deref()),
            text(entry.account.as_deref()),
            text(entry.arn.as_deref()),
            text(Some(detail)),
        ],
    )
}

/// The same over the columns as SQLite has them, whatever they are: a row that somebody changed need make no sense.
pub(super) fn hash_of_columns(previous: &[u8; 32], columns: [ValueRef<'_>; 10]) -> [u8; 32] {
    let mut encoded = Vec::new();
    columns.into_iter().for_each(|column| encode(column, &mut encoded));
    hash_of_encoded(previous, &encoded)
}

/// The same over the columns as [`encode`] wrote them.
pub(super) fn hash_of_encoded(previous: &[u8; 32], columns: &[u8]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    [ENCODING, previous, columns].into_iter().for_each(|bytes| hash.update(bytes));
    let mut hashed = GENESIS;
    hashed.copy_from_slice(hash.finish().as_ref());
    hashed
}

/// Appends a column as it is hashed. A type that this program never writes has bytes of its own, so that it never hashes as
/// one that it does.
pub(super) fn encode(column: ValueRef<'_>, to: &mut Vec<u8>) {
    let (kind, bytes) = match column {
        ValueRef::Null => return to.push(b'n'),
        ValueRef::Integer(value) => {
            to.push(b'i');
            return to.extend(value.to_be_bytes());
        }
        ValueRef::Real(value) => {
            to.push(b'r');
            return to.extend(value.to_be_bytes());
        }
        ValueRef::Text(bytes) => (b't', bytes),
        ValueRef::Blob(bytes) => (b'b', bytes),
    };
    to.push(kind);
    to.extend((bytes.len() as u64).to_be_bytes());
    to.extend(bytes);
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
