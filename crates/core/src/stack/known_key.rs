use jiff::Timestamp;

use super::{Reader, StackError};
use crate::{
    database::{credentials, events, stacks},
    values::{Credential, Frame, StackName},
};

/// A credential set with an access key that somebody asks about.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// What is known of it.
    pub credential: Credential,
    /// Where it is: stack and position, 0 the current frame.
    pub places: Vec<(StackName, usize)>,
    /// When the log first and last tells something of it.
    pub seen: Option<(Timestamp, Timestamp)>,
}

impl Reader {
    /// The credential sets that ever had an access key, newest first.
    pub fn known_keys(&self, access_key_id: &str) -> Result<Vec<KnownKey>, StackError> {
        let Some(database) = &self.database else { return Ok(Vec::new()) };
        database.read(|connection| {
            let mut known = Vec::new();
            for credential in credentials::with_access_key(connection, access_key_id)? {
                let mut places = Vec::new();
                for stack in credentials::stacks_with(connection, credential.id)? {
                    let frames = stacks::frames(connection, &stack)?.unwrap_or_default();
                    let here = |(_, frame): &(usize, &Frame)| frame.credential() == Some(credential.id);
                    let positions: Vec<_> = frames.from_current().enumerate().filter(here).map(|(at, _)| at).collect();
                    places.extend(positions.into_iter().map(|at| (stack.clone(), at)));
                }
                let seen = events::seen(connection, credential.id)?;
                known.push(KnownKey { credential, places, seen });
            }
            Ok(known)
        })
    }
}
