use crate::wire::Refusal;

/// The letters of base32.
pub const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// The letters of base64, `+` and `/` included: they are what careless clients forget to encode.
pub const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The letters of base64 that need no encoding in a URL, as encoded messages and signatures of a JWT have them.
pub const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Random text of an alphabet whose size divides 256, so that no letter is favoured.
///
/// # Errors
/// `InternalFailure` if the system has no randomness.
pub fn text(alphabet: &[u8], length: usize) -> Result<String, Refusal> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::internal())?;
    Ok(bytes.into_iter().map(|byte| char::from(alphabet[usize::from(byte) % alphabet.len()])).collect())
}

/// A request id: a random UUID in form.
///
/// # Errors
/// As [`text`].
pub fn request_id() -> Result<String, Refusal> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::internal())?;
    let hex = hex::encode(bytes);
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
