//! Who signed for whom, as nested lists.

use std::collections::BTreeMap;

use credstack_core::values::{Credential, CredentialId};
use jiff::Timestamp;
use maud::{Markup, html};

use super::page::{moment, text};
use crate::{tree, words};

/// How deep it is drawn.
const DEPTH: usize = 24;

/// All of them, each beneath who signed for it, if that is among them.
pub fn lineage(credentials: &BTreeMap<CredentialId, Credential>, now: Timestamp) -> Markup {
    let children = tree::children(credentials);
    html! {
        section aria-labelledby="lineage" {
            h2 id="lineage" { "Through whom" }
            @if credentials.is_empty() {
                p { "No credential set came." }
            } @else {
                p { "Who signed stands above what it signed for." }
                div.scroll tabindex="0" role="region" aria-label="Lineage, scrolls" { (branch(None, &children, now, 0)) }
            }
        }
    }
}

fn branch(parent: Option<CredentialId>, children: &tree::Children<'_>, now: Timestamp, depth: usize) -> Markup {
    let heirs = children.get(&parent).map(Vec::as_slice).unwrap_or_default();
    html! {
        @if !heirs.is_empty() {
            @if depth > DEPTH { p.note { "What came of it is left out: it is too deep." } } @else {
                ul.lineage {
                    @for credential in heirs {
                        li {
                            (credential.id) " " (text(&words::identity(credential))) " "
                            span class={ "state " (class(credential, now)) } { (standing(credential, now)) }
                            (branch(Some(credential.id), children, now, depth + 1))
                        }
                    }
                }
            }
        }
    }
}

/// What of a credential set is alive: its secret here, or only AWS's word for it.
pub fn standing(credential: &Credential, now: Timestamp) -> String {
    match credential.expires_at {
        Some(at) if at <= now => "expired".to_owned(),
        _ if credential.has_secret() => "alive".to_owned(),
        Some(at) => format!("erased here, accepted by AWS until {}", moment(at)),
        None => "erased here".to_owned(),
    }
}

fn class(credential: &Credential, now: Timestamp) -> &'static str {
    if credential.has_secret() && !credential.is_expired(now) { "alive" } else { "gone" }
}
