//! The temporary credentials that were issued, in memory only: a restart forgets them all.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::{
    caller::{Caller, Facts, Kind},
    random,
    wire::Refusal,
};

/// Temporary credentials as they are handed out.
#[derive(Clone)]
pub struct Issued {
    /// `ASIASANDBOX…`, twenty characters.
    pub access_key_id: String,
    /// Forty characters.
    pub secret_access_key: String,
    /// As long as the world says.
    pub session_token: String,
    /// Whole seconds, as at AWS.
    pub expiration: Timestamp,
}

/// One issued set, with whom it stands for.
struct Session {
    issued: Issued,
    caller: Caller,
}

/// All sessions by access key id. Ended ones stay: AWS tells an expired token from an unknown one.
#[derive(Default)]
pub struct Sessions {
    sessions: HashMap<String, Session>,
}

impl Sessions {
    /// Issues credentials that last `seconds`.
    ///
    /// # Errors
    /// `InternalFailure` if the system has no randomness.
    pub fn issue(
        &mut self,
        kind: Kind,
        facts: Facts,
        seconds: i64,
        token_bytes: usize,
        now: Timestamp,
    ) -> Result<Issued, Refusal> {
        let access_key_id = format!("ASIASANDBOX{}", random::text(random::BASE32, 9)?);
        let expiration = Timestamp::from_second(now.as_second() + seconds).map_err(|_| Refusal::internal())?;
        let head = "FakeSandboxToken";
        let session_token = format!("{head}{}", random::text(random::BASE64, token_bytes.saturating_sub(head.len()))?);
        let secret_access_key = random::text(random::BASE64, 40)?;
        let issued = Issued { access_key_id: access_key_id.clone(), secret_access_key, session_token, expiration };
        let caller = Caller { kind, session: Some(Facts { ends: Some(expiration), ..facts }) };
        self.sessions.insert(access_key_id, Session { issued: issued.clone(), caller });
        Ok(issued)
    }

    /// The session of a key: its credentials, and who it is.
    pub fn find(&self, access_key_id: &str) -> Option<(&Issued, &Caller)> {
        self.sessions.get(access_key_id).map(|session| (&session.issued, &session.caller))
    }

    /// Ends every session now; the number of those that were alive. AWS has no such call: it is for tests.
    pub fn end_all(&mut self, now: Timestamp) -> usize {
        let alive = self.sessions.values_mut().filter(|session| session.issued.expiration > now);
        alive.map(|session| session.issued.expiration = now).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(sessions: &mut Sessions, bytes: usize) -> Issued {
        let now: Timestamp = "2026-11-22T07:35:44.9Z".parse().unwrap();
        let kind = Kind::User { arn: "arn:aws:iam::111122223333:user/alice".into() };
        sessions.issue(kind, Facts::plain(now), 900, bytes, now).unwrap()
    }

    #[test]
    fn credentials_look_like_aws_s_and_are_visibly_fake() {
        let mut sessions = Sessions::default();
        let (one, two) = (issue(&mut sessions, 460), issue(&mut sessions, 4096));
        assert!(one.access_key_id.starts_with("ASIASANDBOX") && one.access_key_id.len() == 20);
        assert_eq!((one.secret_access_key.len(), one.session_token.len(), two.session_token.len()), (40, 460, 4096));
        assert_ne!(one.secret_access_key, two.secret_access_key);
        assert_eq!(one.expiration.to_string(), "2026-11-22T07:50:44Z");
    }

    #[test]
    fn all_can_be_ended_and_are_still_known() {
        let mut sessions = Sessions::default();
        let one = issue(&mut sessions, 64);
        let now = "2026-11-22T07:36:00Z".parse().unwrap();
        assert_eq!(sessions.end_all(now), 1);
        assert_eq!(sessions.end_all(now), 0);
        assert_eq!(sessions.find(&one.access_key_id).unwrap().0.expiration, now);
    }
}
