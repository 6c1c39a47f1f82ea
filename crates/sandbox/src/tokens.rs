//! Web identity tokens: JWTs, signed with a secret that the world knows (HS256).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// A token that has the form of a JWT. Nothing in it is true until [`Token::is_signed_with`].
pub struct Token<'t> {
    /// What it says.
    pub claims: Value,
    algorithm: String,
    signed: &'t str,
    signature: Vec<u8>,
}

fn mac(signed: &str, secret: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(signed.as_bytes());
    Some(mac)
}

/// Makes a token; `None` if the secret is no key.
pub fn sign(claims: &Value, secret: &str) -> Option<String> {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(mac(&signed, secret)?.finalize().into_bytes());
    Some(format!("{signed}.{signature}"))
}

impl<'t> Token<'t> {
    /// Reads a token; `None` if it is no JWT.
    pub fn parse(token: &'t str) -> Option<Token<'t>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |part: &str| {
            let value: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
            value.is_object().then_some(value)
        };
        let algorithm = object(header)?["alg"].as_str()?.to_owned();
        Some(Token { claims: object(claims)?, algorithm, signed, signature: BASE64_URL_SAFE_NO_PAD.decode(signature).ok()? })
    }

    /// Whether it is the owner of the secret who made it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        self.algorithm == "HS256" && mac(self.signed, secret).is_some_and(|mac| mac.verify_slice(&self.signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_of_the_secret_makes_tokens() {
        let token = sign(&json!({ "sub": "somebody" }), "fake secret").unwrap();
        let read = Token::parse(&token).unwrap();
        assert_eq!(read.claims["sub"], "somebody");
        assert!(read.is_signed_with("fake secret") && !read.is_signed_with("another"));
        let (_, signature) = token.rsplit_once('.').unwrap();
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let forged = format!("{}.{}.{signature}", part(r#"{"alg":"HS256"}"#), part(r#"{"sub":"another"}"#));
        assert!(!Token::parse(&forged).unwrap().is_signed_with("fake secret"));
        let unsigned = format!("{}.{}.", part(r#"{"alg":"none"}"#), part("{}"));
        assert!(!Token::parse(&unsigned).unwrap().is_signed_with("fake secret"));
        for wrong in ["", "a.b", "a.b.c", &format!("{}.{}.", part("[]"), part("{}"))] {
            assert!(Token::parse(wrong).is_none(), "{wrong}");
        }
    }
}
