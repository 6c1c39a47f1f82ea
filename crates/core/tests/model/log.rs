//! The log, as it lies in the file.

use std::path::Path;

use credstack_core::{
    database::{GENESIS, hash_of},
    values::{CredentialId, Entry, EventKind},
};
use jiff::Timestamp;
use rusqlite::Connection;

/// Computes every hash again, from the rows as they are; how many there are.
pub fn verify(database: &Path) -> i64 {
    let connection = Connection::open(database).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT sequence, at, event, stack, credential, parent, access_key_id, account, arn, detail, hash
             FROM event ORDER BY sequence",
        )
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let (mut previous, mut last) = (GENESIS, 0);
    while let Some(row) = rows.next().unwrap() {
        let sequence: i64 = row.get(0).unwrap();
        assert_eq!(sequence, last + 1, "a gap in the log");
        let entry = Entry {
            stack: row.get::<_, Option<String>>(3).unwrap().map(|name| name.parse().unwrap()),
            credential: row.get::<_, Option<i64>>(4).unwrap().map(CredentialId),
            parent: row.get::<_, Option<i64>>(5).unwrap().map(CredentialId),
            access_key_id: row.get(6).unwrap(),
            account: row.get(7).unwrap(),
            arn: row.get(8).unwrap(),
            ..Entry::new(EventKind::from_text(&row.get::<_, String>(2).unwrap()).unwrap())
        };
        let at = Timestamp::from_second(row.get(1).unwrap()).unwrap();
        let hash = hash_of(&previous, sequence, at, &entry, &row.get::<_, String>(9).unwrap());
        assert_eq!(hash, row.get::<_, [u8; 32]>(10).unwrap(), "event {sequence} does not verify");
        (previous, last) = (hash, sequence);
    }
    last
}
