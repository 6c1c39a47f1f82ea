use std::{borrow::Cow, io};

use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;
use zeroize::Zeroizing;

use super::{Item, Result, SecretStoreError};
use crate::values::CredentialSet;
use secrecy::ExposeSecret;

/// What a store keeps: the one place where secrets are written down. ASCII JSON, since KWallet wants text.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Payload(pub Zeroizing<Vec<u8>>);

/// Far above any credential set: AWS documents no largest session token, and 4 KB have been seen.
pub(super) const LIMIT: usize = 64 * 1024;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Json<'a> {
    version: u32,
    #[serde(borrow)]
    nonce: Cow<'a, str>,
    #[serde(borrow)]
    access_key_id: Cow<'a, str>,
    // Borrowed from the buffer that is wiped, unless the text holds an escape, which no key of AWS does.
    #[serde(borrow)]
    secret_access_key: Cow<'a, str>,
    #[serde(borrow, default)]
    session_token: Option<Cow<'a, str>>,
}

impl Payload {
    pub fn encode(nonce: &str, set: &CredentialSet) -> Payload {
        let json = Json {
            version: VERSION,
            nonce: nonce.into(),
            access_key_id: set.access_key_id.as_str().into(),
            secret_access_key: set.secret_access_key.expose_secret().into(),
            session_token: set.session_token.as_ref().map(|token| token.expose_secret().into()),
        };
        let longest = [Some(&json.nonce), Some(&json.access_key_id), Some(&json.secret_access_key), json.session_token.as_ref()];
        let longest: usize = longest.into_iter().flatten().map(|text| text.len()).sum();
        // An escaped byte takes six: the buffer never grows, so it leaves no copy behind that is not wiped.
        let mut buffer = Zeroizing::new(Vec::with_capacity(longest * 6 + 256));
        let mut serializer = serde_json::Serializer::with_formatter(&mut *buffer, Ascii);
        let written = json.serialize(&mut serializer);
        debug_assert!(written.is_ok(), "a Vec takes every write");
        Payload(buffer)
    }

    pub fn decode(&self, item: &Item) -> Result<CredentialSet> {
        // serde_json's errors quote what they found: they end here.
        let json: Json<'_> = serde_json::from_slice(&self.0).map_err(|_| SecretStoreError::DamagedItem { id: item.id })?;
        if json.version != VERSION {
            return Err(SecretStoreError::DamagedItem { id: item.id });
        }
        if json.nonce != item.nonce {
            return Err(SecretStoreError::Stale { id: item.id });
        }
        Ok(CredentialSet {
            access_key_id: json.access_key_id.into_owned(),
            secret_access_key: secret(json.secret_access_key),
            session_token: json.session_token.map(secret),
        })
    }
}

fn secret(text: Cow<'_, str>) -> secrecy::SecretString {
    match text {
        Cow::Borrowed(text) => text.into(),
        Cow::Owned(text) => text.into(),
    }
}

/// Escapes what is not ASCII.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for character in fragment.chars() {
            if character.is_ascii() {
                writer.write_all(&[character as u8])?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(token: Option<&str>) -> CredentialSet {
        CredentialSet {
            access_key_id: "ASIAFAKE".into(),
            secret_access_key: "fake+secret/\"\u{1}é🔑".into(),
            session_token: token.map(Into::into),
        }
    }

    #[test]
    fn comes_back_whole_and_is_ascii() {
        let item = Item::new(jiff::Timestamp::UNIX_EPOCH).unwrap();
        for token in [None, Some(""), Some("fake-token")] {
            let payload = Payload::encode(&item.nonce, &set(token));
            assert!(payload.0.is_ascii());
            let back = payload.decode(&item).unwrap();
            assert_eq!(back.access_key_id, "ASIAFAKE");
            assert_eq!(back.secret_access_key.expose_secret(), "fake+secret/\"\u{1}é🔑");
            assert_eq!(back.session_token.as_ref().map(|token| token.expose_secret()), token);
        }
    }

    #[test]
    fn never_grows_its_buffer() {
        let item = Item::new(jiff::Timestamp::UNIX_EPOCH).unwrap();
        for token in ["\u{1}".repeat(4096), "é".repeat(4096), "🔑".repeat(4096), "x".repeat(4096)] {
            let set = set(Some(&token));
            let lengths = item.nonce.len() + 8 + set.secret_access_key.expose_secret().len() + token.len();
            let payload = Payload::encode(&item.nonce, &set);
            assert_eq!(payload.0.capacity(), lengths * 6 + 256);
        }
    }

    #[test]
    fn another_nonce_is_stale_and_rubbish_is_damage_without_its_text() {
        let item = Item::new(jiff::Timestamp::UNIX_EPOCH).unwrap();
        let other = Item { nonce: "0".repeat(32), ..item.clone() };
        let payload = Payload::encode(&item.nonce, &set(None));
        assert!(matches!(payload.decode(&other), Err(SecretStoreError::Stale { .. })));
        for rubbish in [&b"\"fake-secret\""[..], b"", b"\xff", br#"{"version":"fake-secret"}"#, b"{\"version\":2,\"nonce\":\"\"}"]
        {
            let error = Payload(rubbish.to_vec().into()).decode(&item).unwrap_err();
            assert!(matches!(error, SecretStoreError::DamagedItem { .. }));
            assert!(!format!("{error} {error:?}").contains("fake-secret"));
        }
    }
}
