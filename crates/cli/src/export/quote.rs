//! A text as one word of each shell's language. No text can break out of its word; control characters are refused before.

/// For bash, zsh and every other shell of that family.
pub fn posix(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// For fish, where a backslash counts between single quotes too.
pub fn fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// For PowerShell, which takes typographic quotes for plain ones.
pub fn powershell(text: &str) -> String {
    let double = |c: char| if matches!(c, '\'' | '\u{2018}'..='\u{201b}') { vec![c, c] } else { vec![c] };
    format!("'{}'", text.chars().flat_map(double).collect::<String>())
}

/// For nushell: a double-quoted string, with the escapes of JSON.
pub fn nushell(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// For readers that take everything behind `=` as it is, quotes included, beside shells, which don't: text that means itself to
/// both.
pub fn unquoted(text: &str) -> Option<&str> {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_-.,:@%".contains(c)).then_some(text)
}

/// For a dotenv file. Between single quotes a quote or a backslash may be an escape, and `$` may be expanded (python-dotenv does
/// both), or not: each reader has its own rules. AWS's keys have none of the three.
pub fn dotenv(text: &str) -> Option<String> {
    (!text.contains(['\'', '\\', '$'])).then(|| format!("'{text}'"))
}

/// For cmd.exe, between `set "` and `"`. Nothing there can be escaped for certain.
pub fn windows_cmd(text: &str) -> Option<&str> {
    (!text.contains(['"', '%', '!', '^', '&', '|', '<', '>'])).then_some(text)
}
