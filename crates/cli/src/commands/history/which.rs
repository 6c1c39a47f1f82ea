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
    /// Of that kind, such as acquired, refused, restored or erased
    #[arg(long, value_name = "EVENT", value_parser = event_kind)]
    event: Option<EventKind>,
    /// What was refused, or had no answer
    #[arg(long)]
    failed: bool,
    /// With that text in the note
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

fn event_kind(text: &str) -> Result<EventKind, String> {
    EventKind::from_text(text).ok_or_else(|| "no such kind of event: docs/model.md names them all".to_owned())
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
            event: self.event,
            failed: self.failed,
            note: self.note.clone(),
            after: None,
            oldest_first: false,
        })
    }
}
