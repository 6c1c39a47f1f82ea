use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use credstack_core::{
    audit::ship::{Destination, ShipError, Terms},
    values::Event,
};

use crate::{
    context::Context,
    failure::{Failure, Kind},
};

/// How long a destination that takes nothing is tried.
pub struct Patience<'a> {
    pub context: &'a Context,
    pub timeout: Duration,
    pub ca_file: Option<PathBuf>,
    pub is_past_rejected: bool,
}

/// One step of an attempt takes no longer.
const STEP: Duration = Duration::from_secs(10);
/// The first pause; each one is twice as long as the one before it, up to the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

impl Patience<'_> {
    /// Sends events until they are taken, or it is clear that they will not be in time.
    pub fn send(&self, destination: &Destination, events: &[Event]) -> Result<(), Failure> {
        let (name, end) = (destination.name(), Instant::now() + self.timeout);
        let mut pause = PAUSE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let terms = Terms { time_out: left.min(STEP).max(Duration::from_millis(100)), ca_file: self.ca_file.clone() };
            let Err(error) = destination.send(events, self.context.time(), &terms) else { return Ok(()) };
            if error.rejected > 0 && self.is_past_rejected {
                self.context.output.warn(&format!("{name}: {error}; they are not sent again"));
                return Ok(());
            }
            let wait = error.wait.unwrap_or_else(|| jittered(pause));
            if !error.may_pass || Instant::now() + wait >= end {
                return Err(failure(&name, &error, events));
            }
            self.context.output.explain(&format!("{name}: {error}; trying again in {:.1}s", wait.as_secs_f64()));
            thread::sleep(wait);
            pause = (pause * 2).min(LONGEST);
        }
    }
}

/// Between half of a pause and all of it, so that a fleet does not come back at once.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0];
    // Without randomness it is the whole pause.
    let part = getrandom::fill(&mut random).map_or(255, |()| random[0]);
    pause / 2 + pause / 2 * u32::from(part) / 255
}

fn failure(name: &str, error: &ShipError, events: &[Event]) -> Failure {
    let next = events.first().map_or(0, |event| event.sequence);
    let advice = match (error.rejected, error.may_pass) {
        (1.., _) => "look at its limits, or give --past-rejected",
        (_, true) => "see that it runs and can be reached",
        (_, false) => "look at its address, its certificate (--ca-file) and OTEL_EXPORTER_OTLP_HEADERS",
    };
    Failure::new(Kind::Network, format!("{name} did not take event {next} and what follows: {error}"))
        .next_step(format!("{advice}; nothing is lost, the next run goes on from event {next}"))
}
