//! The encoded messages that say why something was refused, in memory only: a restart forgets them.

use std::collections::VecDeque;

use crate::{random, wire::Refusal};

/// The server is to run for days without growing.
const MOST: usize = 1000;
/// About as long as AWS's.
const LENGTH: usize = 640;

/// One message.
struct Message {
    encoded: String,
    account: String,
    decoded: String,
}

/// The messages that were given out, oldest first. Who is too old counts as expired.
#[derive(Default)]
pub struct Messages(VecDeque<Message>);

impl Messages {
    /// Keeps a message about somebody of an account; what stands for it. At AWS that is the message itself, encrypted.
    ///
    /// # Errors
    /// `InternalFailure` if the system has no randomness.
    pub fn encode(&mut self, account: &str, decoded: String) -> Result<String, Refusal> {
        let encoded = random::text(random::BASE64_URL, LENGTH)?;
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Message { encoded: encoded.clone(), account: account.to_owned(), decoded });
        Ok(encoded)
    }

    /// The message, for somebody of the same account.
    pub fn decode(&self, account: &str, encoded: &str) -> Option<&str> {
        let found = self.0.iter().find(|message| message.encoded == encoded && message.account == account);
        found.map(|message| message.decoded.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_decoded_in_its_account_until_it_is_too_old() {
        let mut messages = Messages::default();
        let first = messages.encode("111122223333", "first".into()).unwrap();
        assert_eq!(first.len(), LENGTH);
        assert_eq!(messages.decode("111122223333", &first), Some("first"));
        assert_eq!(messages.decode("444455556666", &first), None);
        assert_eq!(messages.decode("111122223333", &first[1..]), None);
        for _ in 0..MOST {
            messages.encode("111122223333", String::new()).unwrap();
        }
        assert_eq!(messages.decode("111122223333", &first), None);
    }
}
