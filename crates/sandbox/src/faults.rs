//! Faults on demand, from the command line or at run time through `/_sandbox/faults`.

use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::wire::Refusal;

/// What goes wrong. All of it is off by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Answer the next N requests (or "always") with Throttling
    #[arg(long, value_name = "N", value_parser = Times::parse, default_value = "0", help_heading = "Faults")]
    pub throttle: Times,
    /// Answer the next N requests (or "always") with InternalFailure, HTTP 500
    #[arg(long, value_name = "N", value_parser = Times::parse, default_value = "0", help_heading = "Faults")]
    pub internal_error: Times,
    /// Take the next N requests (without N: all) and never answer
    #[arg(long, value_name = "N", value_parser = Times::parse, num_args = 0..=1, default_value = "0",
        default_missing_value = "always", help_heading = "Faults")]
    pub hang: Times,
    /// Do what the next N requests ask (without N: all), and break off in the middle of the answer
    #[arg(long, value_name = "N", value_parser = Times::parse, num_args = 0..=1, default_value = "0",
        default_missing_value = "always", help_heading = "Faults")]
    pub cut: Times,
    /// Wait before every answer
    #[arg(long, value_name = "MS", default_value_t = 0, help_heading = "Faults")]
    pub delay_ms: u64,
    /// How far the server's clock is ahead of the system's; negative: behind
    #[arg(long, value_name = "S", default_value_t = 0, allow_negative_numbers = true, help_heading = "Faults")]
    pub clock_skew_seconds: i64,
    /// New sessions last this long, whatever was asked for
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Faults")]
    pub lifetime_seconds: Option<u32>,
}

/// How often a fault still happens: in JSON a number, or `true` for always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// The next N requests.
    Next(u32),
    /// All requests, or with `false` none.
    Always(bool),
}

impl Default for Times {
    fn default() -> Times {
        Times::Next(0)
    }
}

impl Times {
    fn parse(text: &str) -> Result<Times, String> {
        match text {
            "always" => Ok(Times::Always(true)),
            _ => text.parse().map(Times::Next).map_err(|_| "expected a number or \"always\"".into()),
        }
    }

    fn take(&mut self) -> bool {
        match self {
            Times::Next(0) | Times::Always(false) => false,
            Times::Next(n) => {
                *n -= 1;
                true
            }
            Times::Always(true) => true,
        }
    }
}

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Wait so long first.
    pub delay: Duration,
    /// Then do this.
    pub kind: Kind,
}

/// The faults that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing goes wrong.
    None,
    /// No answer.
    Hang,
    /// This answer, without looking at the request.
    Refuse(Refusal),
    /// Half of an answer.
    Cut,
}

impl Faults {
    /// Takes the fault of the next request. Each request uses up one count at most.
    pub fn take(&mut self) -> Fault {
        let kind = if self.hang.take() {
            Kind::Hang
        } else if self.throttle.take() {
            Kind::Refuse(Refusal::new(400, "Throttling", "Rate exceeded").because("a fault on demand"))
        } else if self.internal_error.take() {
            Kind::Refuse(Refusal::internal().because("a fault on demand"))
        } else if self.cut.take() {
            Kind::Cut
        } else {
            Kind::None
        };
        Fault { delay: Duration::from_millis(self.delay_ms), kind }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// A message that names the field.
    pub fn parse(json: &[u8]) -> Result<Faults, String> {
        let faults: Faults = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if faults.lifetime_seconds == Some(0) {
            return Err("lifetime_seconds: at least 1".into());
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_faults_end_and_others_do_not() {
        let mut faults = Faults::parse(br#"{"throttle":2,"internal_error":1,"cut":true,"delay_ms":5}"#).unwrap();
        let codes: Vec<_> = (0..5)
            .map(|_| match faults.take().kind {
                Kind::Refuse(refusal) => refusal.code,
                Kind::Cut => "cut",
                _ => "none",
            })
            .collect();
        assert_eq!(codes, ["Throttling", "Throttling", "InternalFailure", "cut", "cut"]);
        assert_eq!(faults.take().delay, Duration::from_millis(5));
        assert_eq!(Faults::default().take().kind, Kind::None);
    }

    #[test]
    fn mistakes_are_told() {
        assert!(Faults::parse(br#"{"throtle":2}"#).unwrap_err().contains("throtle"));
        assert!(Faults::parse(br#"{"lifetime_seconds":0}"#).is_err());
    }
}
