//! The AWS configuration's lines, as the AWS CLI reads them (Python's RawConfigParser).

use super::{File, Trouble};

/// A section with its lines.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// What stands between the brackets.
    pub(super) header: String,
    pub(super) entries: Vec<Entry>,
}

/// A key with its value, and the lines that they are.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// In small letters.
    pub(super) key: String,
    /// What stands in its first line.
    pub(super) value: String,
    /// As they are in the file, without comments and blank lines.
    pub(super) lines: Vec<String>,
}

/// Reads a file. Comments are left out: keys that were taken out of use are often among them.
pub(super) fn parse(text: &str, file: File) -> Result<Vec<Section>, Trouble> {
    let trouble = |line: usize, what| Trouble { file, line: line + 1, what };
    let mut sections: Vec<Section> = Vec::new();
    // How far the last key is indented: what is indented further goes on with it.
    let mut indent: Option<usize> = None;
    // Python takes all three for the end of a line.
    for (number, line) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
        if number == 0 && line.starts_with('\u{feff}') {
            return Err(trouble(number, "a byte-order mark"));
        }
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let depth = line.chars().take_while(|c| c.is_whitespace()).count();
        if indent.is_some_and(|indent| depth > indent)
            && let Some(entry) = sections.last_mut().and_then(|section| section.entries.last_mut())
        {
            entry.lines.push(line.to_owned());
            continue;
        }
        if let Some(header) = header(content) {
            if sections.iter().any(|section| section.header == header) {
                return Err(trouble(number, "a section that is there already"));
            }
            if header == "DEFAULT" {
                return Err(trouble(number, "a section whose keys the AWS CLI takes for every profile's"));
            }
            sections.push(Section { header: header.to_owned(), entries: Vec::new() });
            indent = None;
            continue;
        }
        let section = sections.last_mut().ok_or_else(|| trouble(number, "a line before the first section"))?;
        let Some((key, value)) = content.split_once(['=', ':']) else {
            return Err(trouble(number, "a line that is neither a section nor a key with a value"));
        };
        let key = key.trim_end().to_lowercase();
        if key.is_empty() {
            return Err(trouble(number, "a value without a key"));
        }
        if section.entries.iter().any(|entry| entry.key == key) {
            return Err(trouble(number, "a key that is in its section already"));
        }
        section.entries.push(Entry { key, value: value.trim().to_owned(), lines: vec![line.to_owned()] });
        indent = Some(depth);
    }
    Ok(sections)
}

/// What follows the closing bracket is ignored.
fn header(content: &str) -> Option<&str> {
    content.strip_prefix('[')?.split_once(']').map(|(header, _)| header).filter(|header| !header.is_empty())
}

impl Section {
    /// The profile that a section of the configuration file is. In the credentials file the whole header is the name.
    pub(super) fn profile(&self) -> Option<String> {
        if self.header == "default" {
            return Some(self.header.clone());
        }
        let words = self.header.starts_with("profile").then(|| shell_words::split(&self.header).ok()).flatten()?;
        match &words[..] {
            [word, name] if word == "profile" => Some(name.clone()),
            _ => None,
        }
    }
}

impl Entry {
    /// One line of our own.
    pub(super) fn new(key: &str, value: &str) -> Entry {
        Entry { key: key.to_owned(), value: value.to_owned(), lines: vec![format!("{key} = {value}")] }
    }

    /// Its lines, without those of a block under it that hold a secret.
    pub(super) fn shown(&self) -> Vec<&str> {
        let mut lines = Vec::new();
        let mut dropped: Option<usize> = None;
        for line in &self.lines {
            let depth = line.chars().take_while(|c| c.is_whitespace()).count();
            if !lines.is_empty() {
                if dropped.is_some_and(|dropped| depth > dropped) {
                    continue;
                }
                let key = line.split_once(['=', ':']).map(|(key, _)| key.trim().to_lowercase());
                dropped = key.is_some_and(|key| is_secret(&key)).then_some(depth);
                if dropped.is_some() {
                    continue;
                }
            }
            lines.push(line.as_str());
        }
        lines
    }
}

/// Whether a key's value is a secret, or a part of one.
pub(super) fn is_secret(key: &str) -> bool {
    ["secret", "access_key", "password"].iter().any(|part| key.contains(part)) || key.ends_with("token")
}
