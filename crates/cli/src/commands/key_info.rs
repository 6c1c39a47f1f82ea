use credstack_core::{
    stack::{KnownKey, Reader},
    values::{Credential, CredentialId, request::GetAccessKeyInfo},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::asking::Asking;
use crate::{
    context::Context,
    failure::{Failure, Kind},
    output::{escape, table},
    words,
};

/// Say whose an access key id is (GetAccessKeyInfo), and what is known of it here
///
/// STS tells the account of any key id, also of another account, and whether it is active or not.
/// Whoever signs needs sts:GetAccessKeyInfo. From what is recorded here come the credential set, the
/// frames it is on, and when it was acquired, expired, first and last seen. If STS does not answer,
/// that is shown all the same, and the exit code is that of the failure.
///
/// Examples:
///   credstack key-info ASIAIOSFODNN7EXAMPLE
///   credstack key-info --offline ASIAIOSFODNN7EXAMPLE   from what is recorded
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct KeyInfo {
    /// The access key id; never the secret access key
    #[arg(value_name = "ID")]
    id: String,
    /// Answer from what is recorded, without secret store or network
    #[arg(long, conflicts_with_all = ["from", "profile", "region"])]
    offline: bool,
    #[command(flatten)]
    asking: Asking,
}

/// What is recorded of one credential set with that key.
#[derive(Serialize)]
pub(super) struct Known {
    credential: CredentialId,
    kind: &'static str,
    arn: Option<String>,
    account: Option<String>,
    frames: Vec<serde_json::Value>,
    held: bool,
    has_secret: bool,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    parent: Option<CredentialId>,
    label: Option<String>,
    replaced_by: Option<CredentialId>,
    first_seen_at: Option<Timestamp>,
    last_seen_at: Option<Timestamp>,
}

impl KeyInfo {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let request = GetAccessKeyInfo { access_key_id: self.id.clone() };
        request.check()?;
        let reader = context.reader()?;
        let known = reader.known_keys(&self.id)?;
        let (account, failure) = match self.offline {
            true => (None, None),
            false => match self.ask(context, &reader, &request) {
                Ok(account) => (Some(account), None),
                Err(failure) => (None, Some(failure)),
            },
        };
        if known.is_empty() && account.is_none() {
            return Err(failure.unwrap_or_else(|| unknown().next_step("ask STS for its account, without --offline")));
        }
        show(context, &self.id, account, known)?;
        failure.map_or(Ok(()), Err)
    }

    fn ask(&self, context: &Context, reader: &Reader, request: &GetAccessKeyInfo) -> Result<String, Failure> {
        let (signing, sts) = self.asking.begin(context, reader)?;
        Ok(sts.access_key_account(&signing.set, request)?)
    }
}

/// Shows what is known of a key.
pub(super) fn show(context: &Context, id: &str, account: Option<String>, known: Vec<KnownKey>) -> Result<(), Failure> {
    let output = &context.output;
    if output.json() {
        let known: Vec<Known> = known.into_iter().map(Known::from).collect();
        return output.print_json(&json!({ "access_key_id": id, "account": account, "known": known }));
    }
    let mut rows = table(&[]);
    let mut add = |name: &str, value: String| {
        rows.add_row([name.to_owned(), escape(&value)]);
    };
    add("access key", id.to_owned());
    match (account, known.iter().find_map(|known| known.credential.identity.as_ref())) {
        (Some(account), _) => add("account", account),
        (None, Some(recorded)) => add("account", format!("{} (as recorded)", recorded.account)),
        (None, None) => add("account", "unknown".to_owned()),
    }
    if known.is_empty() {
        add("here", "no credential set that was ever here has it".to_owned());
    }
    for known in &known {
        for (name, value) in facts(known, context.now) {
            add(name, value);
        }
    }
    output.print(&rows.trim_fmt())
}

/// That a key was never here. The id is not repeated: it may be the secret access key.
pub(super) fn unknown() -> Failure {
    Failure::new(Kind::Nothing, "no credential set that was ever here has this access key id")
}

/// What a person wants to know of it.
pub(super) fn facts(known: &KnownKey, now: Timestamp) -> Vec<(&'static str, String)> {
    let Credential { id, kind, identity, held, issued_at, expires_at, temporary, parent, label, replaced_by, .. } =
        &known.credential;
    let places = known.places.iter().map(|(stack, at)| match at {
        0 => format!("{stack}, current"),
        at => format!("{stack}, position {at}"),
    });
    let places = match places.collect::<Vec<_>>().join("; ") {
        none if none.is_empty() && *held => "on no stack, held".to_owned(),
        none if none.is_empty() => "on no stack".to_owned(),
        places => places,
    };
    let mut facts = vec![
        ("credential", format!("{id} ({kind})")),
        ("arn", identity.as_ref().map_or("unknown".to_owned(), |identity| identity.arn.clone())),
        ("frame", places),
        ("acquired", issued_at.to_string()),
        ("expires", words::expiry(*expires_at, *temporary, now)),
        ("secret", if known.credential.has_secret() { "kept" } else { "erased" }.to_owned()),
    ];
    let optional = [
        ("label", label.clone()),
        ("signed by", parent.map(|id| id.to_string())),
        ("renewed to", replaced_by.map(|id| id.to_string())),
        ("first seen", known.seen.map(|(first, _)| first.to_string())),
        ("last seen", known.seen.map(|(_, last)| last.to_string())),
    ];
    facts.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    facts
}

impl From<KnownKey> for Known {
    fn from(KnownKey { credential, places, seen }: KnownKey) -> Known {
        let (account, arn) = credential.identity.as_ref().map(|it| (it.account.clone(), it.arn.clone())).unzip();
        let frame = |(stack, position): (credstack_core::values::StackName, usize)| json!({ "stack": stack.to_string(), "position": position });
        Known {
            credential: credential.id,
            kind: credential.kind.as_str(),
            arn,
            account,
            frames: places.into_iter().map(frame).collect(),
            held: credential.held,
            has_secret: credential.has_secret(),
            issued_at: credential.issued_at,
            expires_at: credential.expires_at,
            parent: credential.parent,
            label: credential.label,
            replaced_by: credential.replaced_by,
            first_seen_at: seen.map(|(first, _)| first),
            last_seen_at: seen.map(|(_, last)| last),
        }
    }
}
