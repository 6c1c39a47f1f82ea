//! What the server was asked, for tests and the curious. No secret is kept.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

/// The server is to run for days without growing.
const MOST: usize = 10_000;

/// One request to STS.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// When, by the server's clock.
    pub time: Timestamp,
    /// The id in the answer.
    pub request_id: String,
    /// E.g. `AssumeRole`; empty if the request has none.
    pub action: String,
    /// The key that the request claims to be signed with.
    pub access_key_id: Option<String>,
    /// The region it is signed for.
    pub region: Option<String>,
    /// Who signed it; `None` if that could not be verified.
    pub arn: Option<String>,
    /// All parameters; `<hidden>` for codes and tokens.
    pub parameters: BTreeMap<String, String>,
    /// The HTTP status; `None` if there was no answer.
    pub status: Option<u16>,
    /// `ok`, the error code, `hang` or `cut`.
    pub outcome: &'static str,
    /// Why it was refused, as far as AWS would not say.
    pub why: Option<String>,
}

/// The last calls, oldest first.
#[derive(Debug, Default)]
pub struct Calls(VecDeque<Call>);

impl Calls {
    /// Adds one.
    pub fn add(&mut self, call: Call) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(call);
    }

    /// All, oldest first.
    pub fn list(&self) -> &VecDeque<Call> {
        &self.0
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_does_not_grow_for_ever() {
        let mut calls = Calls::default();
        for i in 0..=MOST {
            calls.add(Call {
                time: Timestamp::UNIX_EPOCH,
                request_id: i.to_string(),
                action: String::new(),
                access_key_id: None,
                region: None,
                arn: None,
                parameters: BTreeMap::new(),
                status: None,
                outcome: "ok",
                why: None,
            });
        }
        assert_eq!((calls.list().len(), calls.list()[0].request_id.as_str()), (MOST, "1"));
    }
}
