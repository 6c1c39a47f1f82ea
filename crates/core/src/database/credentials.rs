use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::DatabaseError;
use crate::values::{Acquired, Credential, CredentialId, Identity, Item, Kind, Signer, StackName, State};

const COLUMNS: &str = "id, kind, state, held, access_key_id, temporary, account, arn, user_id, region, issued_at, expires_at, parent, \
                       signed_by, request, label, note, replaced_by, profile, way";

/// Announces a credential set before its secret is stored.
pub(crate) fn insert_pending(
    connection: &Connection,
    acquired: &Acquired,
    item: &Item,
    detail: &Map<String, Value>,
) -> Result<CredentialId, DatabaseError> {
    let Acquired { set, kind, identity, region, issued_at, expires_at, signer, request, label, note, profile, way } = acquired;
    let parent = if let Signer::Credential(id) = signer { Some(id.0) } else { None };
    let signed_by = signer.reference();
    connection
        .prepare(
            "INSERT INTO credential (item, nonce, state, kind, access_key_id, temporary, account, arn, user_id, region,
                                     issued_at, expires_at, parent, signed_by, request, label, note, detail,
                                     profile, way)
             VALUES (?1, ?2, 'pending', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )?
        .execute(params![
            item.id.to_string(),
            item.nonce,
            kind.as_str(),
            set.access_key_id,
            !set.is_long_term(),
            identity.as_ref().map(|identity| &identity.account),
            identity.as_ref().map(|identity| &identity.arn),
            identity.as_ref().map(|identity| &identity.user_id),
            region,
            issued_at.as_second(),
            expires_at.map(Timestamp::as_second),
            parent,
            to_json(&signed_by)?,
            to_json(request)?,
            label,
            note,
            Value::Object(detail.clone()).to_string(),
            profile,
            to_json(way)?,
        ])?;
    Ok(CredentialId(connection.last_insert_rowid()))
}

/// Fails where no id is left for the next credential set: SQLite would say that the disk is full.
pub(crate) fn require_number_left(connection: &Connection) -> Result<(), DatabaseError> {
    let largest = "SELECT max(seq) FROM (SELECT seq FROM sqlite_sequence WHERE name = 'credential'
                                         UNION ALL SELECT max(id) FROM credential)";
    match connection.query_row(largest, [], |row| row.get::<_, Option<i64>>(0))? {
        Some(row @ i64::MAX) => {
            Err(DatabaseError::BadRow { table: "credential", row, what: "no number is left for the next credential set".into() })
        }
        _ => Ok(()),
    }
}

/// Says that the secret of a credential set is in the store, and whether it is kept there on no stack.
pub(crate) fn activate(connection: &Connection, id: CredentialId, held: bool) -> Result<(), DatabaseError> {
    connection.prepare("UPDATE credential SET state = 'active', held = ?2 WHERE id = ?1")?.execute((id.0, held))?;
    Ok(())
}

/// Says that a held credential set is on a stack now, and waits for nobody's `forget`.
pub(crate) fn release(connection: &Connection, id: CredentialId) -> Result<(), DatabaseError> {
    connection.prepare("UPDATE credential SET held = 0 WHERE id = ?1 AND held = 1")?.execute([id.0])?;
    Ok(())
}

/// Takes back the announcement of a credential set whose secret never arrived.
pub(crate) fn remove_pending(connection: &Connection, id: CredentialId) -> Result<(), DatabaseError> {
    connection.execute("DELETE FROM credential WHERE id = ?1 AND state = 'pending'", [id.0])?;
    Ok(())
}

/// Says that the secret of a credential set is about to be erased.
pub(crate) fn mark_leaving(connection: &Connection, id: CredentialId) -> Result<(), DatabaseError> {
    connection.prepare("UPDATE credential SET state = 'leaving', held = 0 WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}

/// Says that the secret of a credential set is gone.
pub(crate) fn mark_erased(connection: &Connection, id: CredentialId) -> Result<(), DatabaseError> {
    connection.prepare("UPDATE credential SET state = 'erased' WHERE id = ?1 AND state = 'leaving'")?.execute([id.0])?;
    Ok(())
}

/// Says that another credential set took the place of this one.
pub(crate) fn replace(connection: &Connection, id: CredentialId, by: CredentialId) -> Result<(), DatabaseError> {
    connection.prepare("UPDATE credential SET replaced_by = ?2 WHERE id = ?1")?.execute((id.0, by.0))?;
    Ok(())
}

/// The credential set that is in the place of this one now, or itself.
pub(crate) fn newest(connection: &Connection, id: CredentialId) -> Result<Option<Credential>, DatabaseError> {
    let mut newest = find(connection, id)?;
    // What takes a place is younger than what it replaces, so this ends.
    while let Some(next) = newest.as_ref().and_then(|one| one.replaced_by.filter(|next| *next > one.id)) {
        newest = find(connection, next)?;
    }
    Ok(newest)
}

/// One credential set's metadata.
pub(crate) fn find(connection: &Connection, id: CredentialId) -> Result<Option<Credential>, DatabaseError> {
    select(connection, "WHERE id = ?1", [id.0]).map(|found| found.into_iter().next())
}

/// Who signed for a credential set, if anybody did; `None` if there is no such set.
pub(crate) fn parent(connection: &Connection, id: CredentialId) -> Result<Option<Option<CredentialId>>, DatabaseError> {
    let mut statement = connection.prepare("SELECT parent FROM credential WHERE id = ?1")?;
    Ok(statement.query_row([id.0], |row| Ok(row.get::<_, Option<i64>>(0)?.map(CredentialId))).optional()?)
}

/// The credential sets in a state, oldest first.
pub(crate) fn in_state(connection: &Connection, state: State) -> Result<Vec<Credential>, DatabaseError> {
    select(connection, &in_state_clause(state), [])
}

/// The index of the unsettled ones is used only where its own condition is said again.
fn in_state_clause(state: State) -> String {
    let unsettled = if matches!(state, State::Pending | State::Leaving) { "AND state IN ('pending', 'leaving') " } else { "" };
    format!("WHERE state = '{state}' {unsettled}ORDER BY id")
}

/// The credential sets that keep a secret on no stack, oldest first.
pub(crate) fn held(connection: &Connection) -> Result<Vec<Credential>, DatabaseError> {
    select(connection, "WHERE held = 1 ORDER BY id", [])
}

/// The credential sets that keep a secret although they are on no stack and nobody holds them: nothing of ours leaves
/// such a one. Oldest first.
pub(crate) fn stray(connection: &Connection) -> Result<Vec<Credential>, DatabaseError> {
    let clause = "WHERE state = 'active' AND held = 0 AND id NOT IN (SELECT credential FROM frame WHERE credential IS NOT NULL)";
    select(connection, &format!("{clause} ORDER BY id"), [])
}

/// The credential sets that are on a stack and have no secret any more, oldest first.
pub(crate) fn given_up(connection: &Connection) -> Result<Vec<Credential>, DatabaseError> {
    select(connection, "WHERE state = 'erased' AND id IN (SELECT credential FROM frame) ORDER BY id", [])
}

/// Whether any credential set, whatever became of it, has an item of that name.
pub(crate) fn has_item(connection: &Connection, item: &str) -> Result<bool, DatabaseError> {
    Ok(connection.prepare("SELECT 1 FROM credential WHERE item = ?1")?.exists([item])?)
}

/// The credential sets with an access key id, newest first.
pub(crate) fn with_access_key(connection: &Connection, access_key_id: &str) -> Result<Vec<Credential>, DatabaseError> {
    select(connection, "WHERE access_key_id = ?1 ORDER BY id DESC", [access_key_id])
}

/// Hands over the access key ids of all credential sets, and of those that were given and never arrived.
pub(crate) fn each_access_key(connection: &Connection, take: &mut dyn FnMut(&str)) -> Result<(), DatabaseError> {
    let mut statement = connection.prepare(
        "SELECT access_key_id FROM credential
         UNION ALL SELECT access_key_id FROM event WHERE event = 'secret-lost' AND access_key_id IS NOT NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // A text that somebody else has made is no key of AWS's.
        if let Ok(key) = row.get_ref(0)?.as_str() {
            take(key);
        }
    }
    Ok(())
}

/// The credential sets that have not expired at `now`, whatever became of their secrets: the first to expire first, those
/// that do not, or nobody knows when, last.
pub(crate) fn unexpired(connection: &Connection, now: Timestamp) -> Result<Vec<Credential>, DatabaseError> {
    let clause = "WHERE expires_at > ?1 OR expires_at IS NULL ORDER BY expires_at IS NULL, expires_at, id";
    select(connection, clause, [now.as_second()])
}

/// The credential sets whose calls that one signed, oldest first.
pub(crate) fn signed_by(connection: &Connection, id: CredentialId) -> Result<Vec<Credential>, DatabaseError> {
    select(connection, "WHERE parent = ?1 ORDER BY id", [id.0])
}

/// The credential sets whose place that one took, oldest first.
pub(crate) fn replaced_by(connection: &Connection, id: CredentialId) -> Result<Vec<CredentialId>, DatabaseError> {
    let mut statement = connection.prepare("SELECT id FROM credential WHERE replaced_by = ?1 ORDER BY id")?;
    let ids = statement.query_map([id.0], |row| row.get(0).map(CredentialId))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The name of a credential set's item in the secret store.
pub(crate) fn item(connection: &Connection, id: CredentialId) -> Result<Option<Item>, DatabaseError> {
    let row: Option<(String, String)> = connection
        .prepare("SELECT item, nonce FROM credential WHERE id = ?1")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((item, nonce)) = row else { return Ok(None) };
    let id = item.parse().map_err(|_| DatabaseError::Nonsense { what: "item of a credential set", value: item })?;
    Ok(Some(Item { id, nonce }))
}

/// The items of all credential sets whose secrets may be in the secret store.
pub(crate) fn items_kept(connection: &Connection) -> Result<Vec<Item>, DatabaseError> {
    let mut statement = connection.prepare("SELECT id, item, nonce FROM credential WHERE state <> 'erased' ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let item: String = row.get(1)?;
        let what = || format!("its item is {item:?}");
        let id = item.parse().map_err(|_| DatabaseError::BadRow {
            table: "credential",
            row: row.get(0).unwrap_or_default(),
            what: what(),
        })?;
        items.push(Item { id, nonce: row.get(2)? });
    }
    Ok(items)
}

/// How many there are.
pub(crate) fn count_kept(connection: &Connection) -> Result<usize, DatabaseError> {
    let count: i64 = connection.query_row("SELECT count(*) FROM credential WHERE state <> 'erased'", [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Says that the secrets of all of them are about to be erased.
pub(crate) fn mark_all_leaving(connection: &Connection) -> Result<(), DatabaseError> {
    connection.execute("UPDATE credential SET state = 'leaving', held = 0 WHERE state <> 'erased'", [])?;
    Ok(())
}

/// What else the log is to say of the acquisition of a credential set.
pub(crate) fn detail(connection: &Connection, id: CredentialId) -> Result<Map<String, Value>, DatabaseError> {
    let detail = connection.query_row("SELECT detail FROM credential WHERE id = ?1", [id.0], |row| row.get(0)).optional()?;
    Ok(from_json(detail, "detail of a credential set")?.unwrap_or_default())
}

/// The stacks on which a credential set is, by name.
pub(crate) fn stacks_with(connection: &Connection, id: CredentialId) -> Result<Vec<StackName>, DatabaseError> {
    let mut statement = connection.prepare("SELECT DISTINCT stack FROM frame WHERE credential = ?1 ORDER BY stack")?;
    let names: Vec<String> = statement.query_map([id.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let name = |name: String| name.parse().map_err(|_| DatabaseError::Nonsense { what: "name of a stack", value: name });
    names.into_iter().map(name).collect()
}

fn select(connection: &Connection, clause: &str, with: impl rusqlite::Params) -> Result<Vec<Credential>, DatabaseError> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM credential {clause}"))?;
    let mut rows = statement.query(with)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(credential(row)?);
    }
    Ok(found)
}

/// A row as a credential set; an error names it.
fn credential(row: &Row<'_>) -> Result<Credential, DatabaseError> {
    let id = row.get(0)?;
    read(row).map_err(|error| match error {
        DatabaseError::Nonsense { what, value } => {
            DatabaseError::BadRow { table: "credential", row: id, what: format!("its {what} is {value:?}") }
        }
        error => error,
    })
}

fn read(row: &Row<'_>) -> Result<Credential, DatabaseError> {
    let kind: String = row.get(1)?;
    let state: String = row.get(2)?;
    let identity = match (row.get(6)?, row.get(7)?, row.get(8)?) {
        (Some(account), Some(arn), Some(user_id)) => Some(Identity { account, arn, user_id }),
        _ => None,
    };
    Ok(Credential {
        id: CredentialId(row.get(0)?),
        kind: Kind::from_text(&kind).ok_or(DatabaseError::Nonsense { what: "kind of credential set", value: kind })?,
        state: State::from_text(&state).ok_or(DatabaseError::Nonsense { what: "state of a credential set", value: state })?,
        held: row.get(3)?,
        access_key_id: row.get(4)?,
        temporary: row.get(5)?,
        identity,
        region: row.get(9)?,
        issued_at: time(row.get(10)?)?,
        expires_at: row.get::<_, Option<i64>>(11)?.map(time).transpose()?,
        parent: row.get::<_, Option<i64>>(12)?.map(CredentialId),
        signed_by: from_json(row.get(13)?, "signer")?,
        request: from_json(row.get(14)?, "request")?,
        label: row.get(15)?,
        note: row.get(16)?,
        replaced_by: row.get::<_, Option<i64>>(17)?.map(CredentialId),
        profile: row.get(18)?,
        way: from_json(row.get(19)?, "way to STS")?,
    })
}

pub(super) fn time(seconds: i64) -> Result<Timestamp, DatabaseError> {
    Timestamp::from_second(seconds).map_err(|_| DatabaseError::Nonsense { what: "time", value: seconds.to_string() })
}

pub(super) fn to_json<T: Serialize>(value: &Option<T>) -> Result<Option<String>, DatabaseError> {
    let nonsense = |error: serde_json::Error| DatabaseError::Nonsense { what: "value", value: error.to_string() };
    value.as_ref().map(serde_json::to_string).transpose().map_err(nonsense)
}

pub(super) fn from_json<T: DeserializeOwned>(text: Option<String>, what: &'static str) -> Result<Option<T>, DatabaseError> {
    let Some(text) = text else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|_| DatabaseError::Nonsense { what, value: text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Database;

    /// Every change asks for these: what it costs must not grow with the history.
    #[test]
    fn what_is_unsettled_is_found_by_its_index() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::create(&directory.path().join("credstack.db")).unwrap();
        for state in [State::Pending, State::Leaving] {
            let question = format!("EXPLAIN QUERY PLAN SELECT {COLUMNS} FROM credential {}", in_state_clause(state));
            let plan = |connection: &Connection| connection.query_row(&question, [], |row| row.get::<_, String>(3));
            let plan = database.read(|connection| Ok::<_, DatabaseError>(plan(connection)?)).unwrap();
            assert!(plan.contains("USING INDEX credential_unsettled"), "{state}: {plan}");
        }
    }
}
