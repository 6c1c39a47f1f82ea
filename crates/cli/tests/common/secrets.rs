//! The scan: no byte of a secret in anything that was printed, or in any file of the state directory.

use std::path::Path;

use memchr::memmem::Finder;

/// The sandbox's session tokens begin alike; that much of one is no secret.
const COMMON_HEAD: &str = "FakeSandboxToken";

/// Fails if any of the secrets, or a piece of one, is in any of the texts or in any file below `directory`.
pub fn assert_absent(secrets: &[String], texts: &[(String, Vec<u8>)], directory: &Path) {
    let needles: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let finders: Vec<Finder<'_>> = needles.iter().map(|needle| Finder::new(needle.as_slice())).collect();
    let check = |what: &str, bytes: &[u8]| {
        for (finder, needle) in finders.iter().zip(&needles) {
            let found = finder.find(bytes);
            assert!(found.is_none(), "a secret ({}…) is in {what}", String::from_utf8_lossy(&needle[..6]));
        }
    };
    for (what, bytes) in texts {
        check(what, bytes);
    }
    for path in files(directory) {
        // A file that is gone by now was a temporary one of a command that still runs.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        check(&path.display().to_string(), &bytes);
    }
}

/// How a secret might show: any stretch of it as it is, and its beginning and end percent-encoded, in hexadecimal, in base64.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let own = secret.strip_prefix(COMMON_HEAD).unwrap_or(secret).as_bytes();
    // Whatever is twice as long holds a whole piece.
    let piece = if own.len() > 64 { 20 } else { 12 };
    if own.len() < piece {
        return Vec::new();
    }
    let mut forms: Vec<Vec<u8>> = own.chunks_exact(piece).map(<[u8]>::to_vec).collect();
    let end = &own[own.len() - piece..];
    forms.push(end.to_vec());
    for edge in [&own[..piece], end] {
        forms.push(percent(edge).into_bytes());
        forms.push(edge.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes());
    }
    // A whole number of groups of its own, so that the encoding depends neither on what follows nor on a common head.
    let head = secret.len() - own.len();
    forms.push(base64(&secret.as_bytes()[head.next_multiple_of(3)..][..piece / 3 * 3]).into_bytes());
    forms.sort();
    forms.dedup();
    forms
}

fn percent(bytes: &[u8]) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
        other => format!("%{other:02X}"),
    };
    bytes.iter().copied().map(encode).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        (0..4).map(|index| ALPHABET[(bits >> (18 - 6 * index) & 63) as usize] as char).collect::<String>()
    };
    bytes.chunks_exact(3).map(group).collect()
}

/// Every file below a directory.
pub fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&path)),
            Ok(kind) if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    found
}

#[test]
fn the_scan_finds_every_form() {
    let secret = "fake+secret/of+forty+characters/and+0001";
    assert_eq!(base64(b"fakeco"), "ZmFrZWNv");
    let directory = tempfile::tempdir().unwrap();
    let leak = |text: String| {
        let texts = [("output".to_owned(), text.into_bytes())];
        std::panic::catch_unwind(|| assert_absent(&[secret.to_owned()], &texts, directory.path())).is_err()
    };
    assert!(!leak("nothing of it, only fake+secret".into()));
    for text in [
        secret.to_owned(),
        format!("x{}", &secret[..24]),
        format!("{}x", &secret[16..]),
        secret[8..32].to_owned(),
        percent(secret.as_bytes()),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        base64(&secret.as_bytes()[..39]),
    ] {
        assert!(leak(text.clone()), "{text}");
    }
    std::fs::write(directory.path().join("file"), format!("\0\0{secret}\0")).unwrap();
    assert!(leak(String::new()));
}
