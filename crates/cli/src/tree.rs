//! Lineage in the terminal: who signed stands above, what it signed for beneath it, as a tree.

use std::{collections::BTreeMap, io::Write};

use credstack_core::values::{Credential, CredentialId};
use jiff::Timestamp;

use crate::{
    failure::Failure,
    output::{escape, written},
    words,
};

/// Draws credential sets, each beneath its parent if that is among them; else at the left. Oldest first. There may be very
/// many: what a line says is asked for when it is drawn.
pub fn draw(
    parents: BTreeMap<CredentialId, Option<CredentialId>>,
    now: Timestamp,
    out: &mut dyn Write,
    mut known: impl FnMut(CredentialId) -> Result<Credential, Failure>,
) -> Result<(), Failure> {
    let parent =
        |(id, parent): (&CredentialId, &Option<CredentialId>)| (above(*id, *parent, |it| parents.contains_key(&it)), *id);
    let mut edges: Vec<(Option<CredentialId>, CredentialId)> = parents.iter().map(parent).collect();
    drop(parents);
    edges.sort_unstable();
    let beneath = |id: Option<CredentialId>| {
        edges.partition_point(|(parent, _)| *parent < id)..edges.partition_point(|(parent, _)| *parent <= id)
    };
    // The heirs that are still to be drawn, of each on the way down, and what stands before them.
    let mut way = vec![(beneath(None), String::new())];
    while let Some((heirs, before)) = way.last_mut() {
        let Some(next) = heirs.next() else {
            way.pop();
            continue;
        };
        let (before, is_last) = (before.clone(), heirs.start == heirs.end);
        let (turn, on) = match (way.len(), is_last) {
            (1, _) => ("", ""),
            (_, true) => ("└─ ", "   "),
            (_, false) => ("├─ ", "│  "),
        };
        let id = edges[next].1;
        let drawn = writeln!(out, "{before}{turn}{}", escape(&line(&known(id)?, now)));
        if drawn.is_err() {
            return written(drawn);
        }
        way.push((beneath(Some(id)), format!("{before}{on}")));
    }
    Ok(())
}

/// Beneath whom a credential set stands. Who signed is older: only so does every branch end.
fn above(id: CredentialId, parent: Option<CredentialId>, is_there: impl Fn(CredentialId) -> bool) -> Option<CredentialId> {
    parent.filter(|parent| is_there(*parent) && *parent < id)
}

/// What each of them signed for, oldest first; under `None` those whose parent is not among them.
pub fn children(credentials: &BTreeMap<CredentialId, Credential>) -> Children<'_> {
    let mut children = Children::new();
    for credential in credentials.values() {
        let parent = above(credential.id, credential.parent, |parent| credentials.contains_key(&parent));
        children.entry(parent).or_default().push(credential);
    }
    children
}

/// Credential sets by their parent.
pub type Children<'a> = BTreeMap<Option<CredentialId>, Vec<&'a Credential>>;

fn line(credential: &Credential, now: Timestamp) -> String {
    let Credential { id, kind, expires_at, temporary, .. } = credential;
    let renewed = credential.replaced_by.map(|to| format!(", renewed to {to}")).unwrap_or_default();
    let expiry = words::expiry(*expires_at, *temporary, now);
    format!("{id} {} ({kind}), {expiry}{renewed}", words::identity(credential))
}
