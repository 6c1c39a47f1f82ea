use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    DatabaseError,
    credentials::{from_json, to_json},
};
use crate::values::{CredentialId, Frame, Frames, StackName};

/// The frames of a stack; `None` if there is no such stack.
pub(crate) fn frames(connection: &Connection, stack: &StackName) -> Result<Option<Frames>, DatabaseError> {
    let mut statement = connection.prepare("SELECT credential, ambient, height FROM frame WHERE stack = ?1 ORDER BY height")?;
    let mut rows = statement.query([stack.as_str()])?;
    let mut by_height = Vec::new();
    while let Some(row) = rows.next()? {
        // A gap would be closed by the next change, which takes a frame for another.
        let height: i64 = row.get(2)?;
        if usize::try_from(height) != Ok(by_height.len()) {
            let what = format!("the frame at height {height} of stack {stack} has none beneath it");
            return Err(DatabaseError::BadRow { table: "frame", row: height, what });
        }
        by_height.push(match row.get::<_, Option<i64>>(0)? {
            Some(id) => Frame::Credential(CredentialId(id)),
            None => Frame::Ambient(from_json(row.get(1)?, "ambient reference")?.unwrap_or_default()),
        });
    }
    let exists = !by_height.is_empty() || stack.is_there_unwritten();
    Ok(exists.then(|| Frames::from_heights(by_height)))
}

/// Writes a stack's frames, making the stack if it is new. Rows that stay as they were are not touched.
pub(crate) fn put_frames(
    connection: &Connection,
    stack: &StackName,
    frames: &Frames,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    connection
        .prepare("INSERT INTO stack (name, created_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![stack.as_str(), now.as_second()])?;
    let before = self::frames(connection, stack)?.map(|frames| frames.by_height().to_vec()).unwrap_or_default();
    let after = frames.by_height();
    let same = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    // A new stack reads as one ambient frame that is not written yet.
    let stored: i64 = connection.query_row("SELECT count(*) FROM frame WHERE stack = ?1", [stack.as_str()], |row| row.get(0))?;
    let same = same.min(usize::try_from(stored).unwrap_or(0));
    connection.prepare("DELETE FROM frame WHERE stack = ?1 AND height >= ?2")?.execute(params![stack.as_str(), same as i64])?;
    let mut insert = connection.prepare("INSERT INTO frame (stack, height, credential, ambient) VALUES (?1, ?2, ?3, ?4)")?;
    for (height, frame) in after.iter().enumerate().skip(same) {
        let (credential, ambient) = match frame {
            Frame::Credential(id) => (Some(id.0), None),
            Frame::Ambient(ambient) => (None, to_json(&Some(ambient))?),
        };
        insert.execute(params![stack.as_str(), height as i64, credential, ambient])?;
    }
    Ok(())
}

/// Removes a stack with its frames.
pub(crate) fn remove(connection: &Connection, stack: &StackName) -> Result<(), DatabaseError> {
    connection.execute("DELETE FROM stack WHERE name = ?1", [stack.as_str()])?;
    Ok(())
}

/// The names of all stacks, `default` first and always there, then by name.
pub(crate) fn names(connection: &Connection) -> Result<Vec<StackName>, DatabaseError> {
    let mut statement = connection.prepare("SELECT name FROM stack ORDER BY name")?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut stacks = vec![StackName::default()];
    for name in names {
        let name: StackName = name.parse().map_err(|_| DatabaseError::Nonsense { what: "name of a stack", value: name })?;
        if !name.is_default() {
            stacks.push(name);
        }
    }
    Ok(stacks)
}
