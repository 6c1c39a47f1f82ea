//! What somebody does to a log who can write the database, for tests.

use proptest::prelude::*;
use rusqlite::{Connection, Row, types::Value};

use super::follow::ROWS;

pub(crate) const COLUMNS: [&str; 11] =
    ["sequence", "at", "event", "stack", "credential", "parent", "access_key_id", "account", "arn", "detail", "hash"];

/// The triggers out of the way, as somebody who writes the file has them, with foreign columns let in.
pub(crate) fn tamper<T>(connection: &Connection, work: impl FnOnce(&Connection) -> T) -> T {
    let triggers: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    triggers.iter().for_each(|(name, _)| connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
    let done = work(connection);
    triggers.iter().for_each(|(_, sql)| connection.execute_batch(sql).unwrap());
    done
}

/// Something done to a log of which the places are chosen at random.
#[derive(Clone, Debug)]
pub(crate) enum Tampering {
    Set(i64, usize, Vec<u8>),
    Delete(i64),
    Cut(i64),
    Swap(i64, i64),
    Copy(i64),
}

/// One of these, on a log of so many events.
pub(crate) fn tampering(events: i64) -> impl Strategy<Value = Tampering> {
    let place = 1..=events;
    prop_oneof![
        4 => (place.clone(), 0..COLUMNS.len(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(row, column, bytes)| Tampering::Set(row, column, bytes)),
        1 => place.clone().prop_map(Tampering::Delete),
        1 => place.clone().prop_map(Tampering::Cut),
        1 => (place.clone(), place.clone()).prop_map(|(one, other)| Tampering::Swap(one, other)),
        1 => place.prop_map(Tampering::Copy),
    ]
}

pub(crate) fn apply(connection: &Connection, tampering: &Tampering) {
    // What the table's types refuse leaves it as it was.
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| drop(connection.execute(sql, values));
    match tampering {
        Tampering::Set(row, column, bytes) => {
            let number = bytes.iter().take(8).fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
            let value = match *column {
                0 | 1 | 4 | 5 => Value::Integer(number),
                10 => Value::Blob(bytes.clone()),
                _ => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
            };
            run(&format!("UPDATE event SET {} = ?1 WHERE sequence = ?2", COLUMNS[*column]), &[&value, row]);
        }
        Tampering::Delete(row) => run("DELETE FROM event WHERE sequence = ?1", &[row]),
        Tampering::Cut(row) => run("DELETE FROM event WHERE sequence >= ?1", &[row]),
        Tampering::Swap(one, other) => {
            let mv = "UPDATE event SET sequence = ?2 WHERE sequence = ?1";
            [(*one, 0), (*other, *one), (0, *other)].iter().for_each(|(from, to)| run(mv, &[from, to]));
        }
        Tampering::Copy(row) => run(
            "INSERT INTO event SELECT (SELECT max(sequence) + 1 FROM event), at, event, stack, credential, parent,
             access_key_id, account, arn, detail, hash FROM event WHERE sequence = ?1",
            &[row],
        ),
    }
}

pub(crate) fn rows(connection: &Connection) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(ROWS).unwrap();
    let row = |row: &Row<'_>| (0..11).map(|index| row.get(index)).collect::<rusqlite::Result<Vec<Value>>>();
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}
