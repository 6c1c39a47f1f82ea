use credstack_core::{
    database::EventFilter,
    values::{Arn, CredentialId, EventKind},
};

use super::moment;
use crate::{commands::push::inputs, context::Context, failure::Failure};

/// Which events are asked for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which events")]
pub struct Which {
    /// At that time or later: 2026-11-22T15:00:00+01:00, 2026-11-22, yesterday, 2h; UTC unless a zone is given
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before that time, likewise; a date is its midnight
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// In that account
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Sessions of that role, and what was refused of it: its name or its ARN
    #[arg(long, value_name = "ROLE", value_parser = inputs::text, allow_hyphen_values = true)]
    role: Option<String>,
    /// That very ARN
    #[arg(long, value_name = "ARN")]
    arn: Option<String>,
    /// That access key id
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// About that credential set, or refused to it: c7
    #[arg(long, value_name = "CREDENTIAL")]
    credential: Option<CredentialId>,
    /// Of that kind, such as acquired, refused, restored or erased; several with commas, or the option again
    #[arg(long, value_name = "EVENT", value_parser = event_kind, value_delimiter = ',')]
    event: Vec<EventKind>,
    /// What was refused, or had no answer
    #[arg(long)]
    failed: bool,
    /// With that text in the note
    #[arg(long, value_name = "TEXT", value_parser = inputs::text, allow_hyphen_values = true)]
    note: Option<String>,
}

fn event_kind(text: &str) -> Result<EventKind, String> {
    let known = || EventKind::ALL.iter().filter(|kind| **kind != EventKind::Unreadable);
    known().find(|kind| kind.as_str().eq_ignore_ascii_case(text)).copied().ok_or_else(|| {
        let known: Vec<_> = known().map(|kind| kind.as_str()).collect();
        format!("no such kind of event; there are {}", known.join(", "))
    })
}

/// An account id, also with the dashes of the console.
fn account(text: &str) -> Result<String, Failure> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    match digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        true => Ok(digits),
        false => Err(Failure::usage(format!("--account {text}: not an account")).next_step("write its 12 digits: 111122223333")),
    }
}

/// A role as the filter has it, its name or its ARN, out of what people paste: the ARN of a session, or what stands behind the
/// account in one of these.
fn role(text: &str) -> Result<String, Failure> {
    let usage = || {
        Failure::usage(format!("--role {text}: not a role"))
            .next_step("write its name, its ARN (arn:aws:iam::111122223333:role/Admin), or that of a session of it")
    };
    let (arn, resource) = match text.parse::<Arn>() {
        Ok(arn) => (Some(arn.clone()), arn.resource),
        Err(_) if text.contains(':') => return Err(usage()),
        Err(_) => (None, text.to_owned()),
    };
    let name = match resource.strip_prefix("assumed-role/") {
        Some(session) => session.split('/').next(),
        None if arn.is_some() && !resource.starts_with("role/") => None,
        None => resource.rsplit('/').next(),
    };
    let name = name.filter(|name| !name.is_empty()).ok_or_else(usage)?;
    Ok(arn.map_or_else(|| name.to_owned(), |arn| format!("arn:{}:iam::{}:role/{name}", arn.partition, arn.account)))
}

impl Which {
    /// What is asked of the log.
    pub fn filter(&self, context: &Context) -> Result<EventFilter, Failure> {
        Ok(EventFilter {
            since: moment::given("--since", self.since.as_deref(), context.now)?,
            until: moment::given("--until", self.until.as_deref(), context.now)?,
            account: self.account.as_deref().map(account).transpose()?,
            role: self.role.as_deref().map(role).transpose()?,
            arn: self.arn.clone(),
            access_key_id: self.key.clone(),
            credential: self.credential,
            stack: context.given_stack().cloned(),
            events: self.event.clone(),
            failed: self.failed,
            note: self.note.clone(),
            after: None,
            oldest_first: false,
        })
    }
}
