//! Events are sent to another machine. That they arrived is known only once it says so: a [`Destination`] that sent them
//! without a complaint has that word, as far as its protocol has one.

mod otlp;
mod syslog;

use std::{path::PathBuf, time::Duration};

pub use otlp::Otlp;
pub use syslog::Syslog;
use url::Url;

use crate::values::Event;

/// Where events are sent.
#[derive(Debug)]
pub enum Destination {
    /// RFC 5424 over TCP or TLS.
    Syslog(Syslog),
    /// OpenTelemetry logs over HTTP.
    Otlp(Otlp),
}

/// How long one attempt may take, and whom it trusts.
#[derive(Clone, Debug)]
pub struct Terms {
    /// For each step of an attempt, such as to connect.
    pub time_out: Duration,
    /// Whom a TLS connection trusts; without one, whom the system does.
    pub ca_file: Option<PathBuf>,
}

/// Why events were not taken, as far as is known.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct ShipError {
    /// What happened, in words.
    pub reason: String,
    /// Whether the same may be taken at another time.
    pub may_pass: bool,
    /// How long the other side asks to wait.
    pub wait: Option<Duration>,
    /// How many of the events the other side will not take, though it took the others.
    pub rejected: u64,
}

impl ShipError {
    fn passing(reason: impl Into<String>) -> ShipError {
        ShipError { reason: reason.into(), may_pass: true, wait: None, rejected: 0 }
    }

    fn lasting(reason: impl Into<String>) -> ShipError {
        ShipError { may_pass: false, ..ShipError::passing(reason) }
    }
}

/// A place that events cannot be sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct AddressError {
    /// What is wrong with it; nothing of it is repeated, for it may hold a secret.
    pub what: &'static str,
    /// What to do about it.
    pub next_step: &'static str,
}

impl Destination {
    /// Its name, which is also that of its cursor.
    pub fn name(&self) -> String {
        match self {
            Destination::Syslog(syslog) => syslog.to_string(),
            Destination::Otlp(otlp) => otlp.to_string(),
        }
    }

    /// What it speaks.
    pub fn format(&self) -> &'static str {
        match self {
            Destination::Syslog(_) => "syslog",
            Destination::Otlp(_) => "otlp",
        }
    }

    /// Sends events, and returns when they were taken.
    ///
    /// # Errors
    ///
    /// [`ShipError`]: some of them may have arrived all the same.
    pub fn send(&self, events: &[Event], now: jiff::Timestamp, terms: &Terms) -> Result<(), ShipError> {
        match self {
            Destination::Syslog(syslog) => syslog.send(events, terms),
            Destination::Otlp(otlp) => otlp.send(events, now, terms),
        }
    }
}

/// A URL in which there is no secret: arguments are seen by everybody on a machine, and this one is written into the log.
fn plain_url(text: &str, form: &'static str, change: &'static str) -> Result<Url, AddressError> {
    let url: Url = text.parse().map_err(|_| AddressError { what: "it is not a URL", next_step: form })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError { what: "it holds a user name or a password", next_step: change });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError { what: "it has a part behind ? or #", next_step: form });
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(AddressError { what: "it names no host", next_step: form });
    }
    Ok(url)
}
