use credstack_core::{
    database::EventFilter,
    values::{CredentialId, EventKind},
};

use super::moment;
use crate::{context::Context, failure::Failure};

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
    #[arg(long, value_name = "ROLE")]
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
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

fn event_kind(text: &str) -> Result<EventKind, String> {
    let known = || EventKind::ALL.iter().filter(|kind| **kind != EventKind::Unreadable);
    known().find(|kind| kind.as_str().eq_ignore_ascii_case(text)).copied().ok_or_else(|| {
        let known: Vec<_> = known().map(|kind| kind.as_str()).collect();
        format!("no such kind of event; there are {}", known.join(", "))
    })
}

impl Which {
    /// What is asked of the log.
    pub fn filter(&self, context: &Context) -> Result<EventFilter, Failure> {
        Ok(EventFilter {
            since: moment::given("--since", self.since.as_deref(), context.now)?,
            until: moment::given("--until", self.until.as_deref(), context.now)?,
            account: self.account.clone(),
            role: self.role.clone(),
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
