//! Lineage in the terminal: who signed stands above, what it signed for beneath it, as a tree.

use std::collections::BTreeMap;

use credstack_core::values::{Credential, CredentialId};
use jiff::Timestamp;

use crate::{output::escape, words};

/// Draws credential sets, each beneath its parent if that is among them; else at the left. Oldest first.
pub fn draw(credentials: &BTreeMap<CredentialId, Credential>, now: Timestamp) -> String {
    let children = children(credentials);
    let mut lines = Vec::new();
    for root in children.get(&None).into_iter().flatten() {
        branch(root, "", "", &children, now, &mut lines);
    }
    lines.join("\n")
}

/// What each of them signed for, oldest first; under `None` those whose parent is not among them.
pub fn children(credentials: &BTreeMap<CredentialId, Credential>) -> Children<'_> {
    let mut children = Children::new();
    for credential in credentials.values() {
        // Who signed is older: only so does every branch end.
        let parent = credential.parent.filter(|parent| credentials.contains_key(parent) && *parent < credential.id);
        children.entry(parent).or_default().push(credential);
    }
    children
}

/// Credential sets by their parent.
pub type Children<'a> = BTreeMap<Option<CredentialId>, Vec<&'a Credential>>;

fn branch(credential: &Credential, here: &str, beneath: &str, children: &Children<'_>, now: Timestamp, lines: &mut Vec<String>) {
    lines.push(format!("{here}{}", escape(&line(credential, now))));
    let heirs = children.get(&Some(credential.id)).map(Vec::as_slice).unwrap_or_default();
    for (at, heir) in heirs.iter().enumerate() {
        let (turn, on) = if at + 1 == heirs.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        branch(heir, &format!("{beneath}{turn}"), &format!("{beneath}{on}"), children, now, lines);
    }
}

fn line(credential: &Credential, now: Timestamp) -> String {
    let Credential { id, kind, expires_at, temporary, .. } = credential;
    let renewed = credential.replaced_by.map(|to| format!(", renewed to {to}")).unwrap_or_default();
    let expiry = words::expiry(*expires_at, *temporary, now);
    format!("{id} {} ({kind}), {expiry}{renewed}", words::identity(credential))
}
