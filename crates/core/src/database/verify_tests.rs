//! Tampering with a log in memory, many times over: each is found, and nothing is found where nothing was done.

use proptest::{prelude::*, test_runner::TestRunner};
use rusqlite::Connection;
use rusqlite_migration::Migrations;

use super::{
    super::{
        open::MIGRATIONS,
        tampering::{COLUMNS, apply, rows, tamper, tampering},
    },
    *,
};
use crate::{
    database::events::append,
    values::{CredentialId, Entry, EventKind},
};

const KINDS: [EventKind; 23] = [
    EventKind::Acquired,
    EventKind::Refused,
    EventKind::Failed,
    EventKind::Imported,
    EventKind::Captured,
    EventKind::Used,
    EventKind::Saved,
    EventKind::Restored,
    EventKind::Swapped,
    EventKind::Dropped,
    EventKind::Cleared,
    EventKind::Removed,
    EventKind::Held,
    EventKind::Forgotten,
    EventKind::Renewed,
    EventKind::Erased,
    EventKind::SecretLost,
    EventKind::StoreChanged,
    EventKind::UsedBy,
    EventKind::Verified,
    EventKind::Exported,
    EventKind::Pruned,
    EventKind::Resealed,
];

/// A log with events of every kind, some columns of them empty.
fn log(count: usize) -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    Migrations::from_slice(MIGRATIONS).to_latest(&mut connection).unwrap();
    for index in 0..count {
        let mut entry = Entry::new(KINDS[index % KINDS.len()]);
        entry.stack = (index % 3 > 0).then(|| "default".parse().unwrap());
        entry.credential = (index % 4 > 0).then_some(CredentialId(index as i64));
        entry.parent = (index % 5 > 3).then_some(CredentialId(1));
        entry.access_key_id = (index % 4 > 0).then(|| format!("ASIAFAKE{index:012}"));
        entry.account = (index % 7 > 2).then(|| "111122223333".into());
        entry.arn = (index % 7 > 2).then(|| "arn:aws:iam::111122223333:user/alice".into());
        entry.detail.insert("note".into(), format!("Zoë's {index}").into());
        append(&connection, jiff::Timestamp::from_second(1_800_000_000 + index as i64).unwrap(), &entry).unwrap();
    }
    connection
}

fn found(connection: &Connection, anchor: &Head) -> Result<(), BadLog> {
    let verified = verify(connection, std::slice::from_ref(anchor)).unwrap()?;
    let missed = (!verified.through[0]).then(|| verified.misses(anchor));
    missed.or(verified.beside).map_or(Ok(()), Err)
}

fn head(connection: &Connection) -> Head {
    crate::database::events::head(connection).unwrap()
}

fn bad(event: i64, wrong: Wrong) -> Result<(), BadLog> {
    Err(BadLog { event: Some(event), wrong })
}

#[test]
fn every_column_of_every_kind_counts() {
    let connection = log(KINDS.len() * 2);
    let head = head(&connection);
    found(&connection, &head).unwrap();
    for sequence in 1..=head.count {
        for column in &COLUMNS[1..] {
            for other in ["NULL", "0", "'x'", "X'00'", "x || 'y'", "zeroblob(32)"] {
                connection.execute_batch("SAVEPOINT tampering").unwrap();
                let other = other.replace('x', column);
                let sql = format!("UPDATE event SET {column} = {other} WHERE sequence = ?1 AND {column} IS NOT {other}");
                // A column that refuses the value is as it was.
                let changed = tamper(&connection, |it| it.execute(&sql, [sequence]).unwrap_or(0));
                let expected = if changed == 1 { bad(sequence, Wrong::Changed) } else { Ok(()) };
                assert_eq!(found(&connection, &head), expected, "{column} = {other} of {sequence}");
                connection.execute_batch("ROLLBACK TO tampering; RELEASE tampering").unwrap();
            }
        }
    }
    found(&connection, &head).unwrap();
}

#[test]
fn what_was_done_has_its_word() {
    let shift = |from: i64, by: i64| {
        format!(
            "UPDATE event SET sequence = -sequence WHERE sequence >= {from}; PRAGMA ignore_check_constraints = OFF;
                 UPDATE event SET sequence = {by} - sequence WHERE sequence < 0;"
        )
    };
    let copy = "INSERT INTO event SELECT 7, at, event, stack, credential, parent, access_key_id, account, arn, detail, hash
                FROM event WHERE sequence = 3;";
    let moved = |from: i64, to: i64| format!("UPDATE event SET sequence = {to} WHERE sequence = {from};");
    for (sql, expected) in [
        ("DELETE FROM event WHERE sequence = 5".to_owned(), bad(5, Wrong::Missing)),
        ("DELETE FROM event WHERE sequence < 3".to_owned(), bad(1, Wrong::Missing)),
        (format!("DELETE FROM event WHERE sequence = 5;{}", shift(6, -1)), bad(5, Wrong::Missing)),
        (format!("{}{copy}", shift(7, 1)), bad(7, Wrong::Inserted)),
        (format!("{}{}{}", moved(5, 99), moved(6, 5), moved(99, 6)), bad(5, Wrong::Reordered)),
        (format!("{}{}{}", moved(5, 99), moved(15, 5), moved(99, 15)), bad(5, Wrong::Reordered)),
        ("DELETE FROM event WHERE sequence > 10".to_owned(), bad(11, Wrong::CutOff)),
        ("DELETE FROM event".to_owned(), bad(1, Wrong::CutOff)),
    ] {
        let connection = log(30);
        let head = head(&connection);
        tamper(&connection, |it| it.execute_batch(&format!("PRAGMA ignore_check_constraints = ON;{sql}")).unwrap());
        assert_eq!(found(&connection, &head), expected, "{sql}");
    }
}

#[test]
fn a_log_that_was_computed_anew_is_another() {
    let (connection, other) = (log(30), log(40));
    tamper(&connection, |it| it.execute_batch("DELETE FROM event WHERE sequence > 10").unwrap());
    let entry = Entry::new(EventKind::Cleared);
    (0..30).for_each(|_| append(&connection, jiff::Timestamp::UNIX_EPOCH, &entry).unwrap());
    assert_eq!(found(&connection, &head(&other)), bad(40, Wrong::Replaced));
}

#[test]
fn the_triggers_have_to_be_there() {
    let unguarded = |what: &str| Wrong::Unguarded(what.into());
    for (sql, wrong) in [
        ("DROP TRIGGER event_is_never_deleted", unguarded("trigger event_is_never_deleted is missing")),
        ("CREATE TRIGGER mine BEFORE INSERT ON event BEGIN SELECT 1; END", unguarded("trigger mine is not credstack's")),
        ("ALTER TABLE event RENAME TO old", Wrong::Foreign("table event is missing".into())),
    ] {
        let connection = log(3);
        let head = head(&connection);
        connection.execute_batch(sql).unwrap();
        assert_eq!(found(&connection, &head), Err(BadLog { event: None, wrong }));
    }
}

#[test]
fn ten_thousand_random_tamperings_are_found() {
    const EVENTS: usize = 50;
    let connection = log(EVENTS);
    let head = head(&connection);
    let mut runner = TestRunner::new(crate::seeded::seeded(10_000));
    connection.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    tamper(&connection, |connection| {
        let before = rows(connection);
        let case = |tampering| {
            connection.execute_batch("SAVEPOINT tampering").unwrap();
            apply(connection, &tampering);
            let changed = rows(connection) != before;
            let found = chain(connection, &[head], |_| Ok(()))
                .unwrap()
                .and_then(|verified| if verified.through[0] { Ok(()) } else { Err(verified.misses(&head)) });
            connection.execute_batch("ROLLBACK TO tampering; RELEASE tampering").unwrap();
            prop_assert_eq!(found.is_err(), changed, "{:?}: {:?}", tampering, found);
            Ok(())
        };
        runner.run(&tampering(EVENTS as i64), case).unwrap();
    });
    found(&connection, &head).unwrap();
}
