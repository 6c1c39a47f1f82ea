//! The state of the server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::{calls::Calls, faults::Faults, messages::Messages, mfa::Devices, sessions::Sessions, world::World};

/// The world, and what has happened in it.
pub struct Sandbox {
    /// Who there is.
    pub world: World,
    /// What was issued.
    pub sessions: Sessions,
    /// The encoded messages that were given out.
    pub messages: Messages,
    /// Which MFA codes were used.
    pub devices: Devices,
    /// What goes wrong.
    pub faults: Faults,
    /// What was asked.
    pub calls: Calls,
    /// Whether to tell every call on stderr.
    pub verbose: bool,
}

impl Sandbox {
    /// A world in which nothing has happened yet.
    pub fn new(world: World, faults: Faults, verbose: bool) -> Sandbox {
        let (sessions, messages, devices, calls) = Default::default();
        Sandbox { world, sessions, messages, devices, faults, calls, verbose }
    }

    /// The time as this server sees it: the only place that reads the clock for it.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        // A skew beyond the calendar leaves the clock alone.
        now.checked_add(SignedDuration::from_secs(self.faults.clock_skew_seconds)).unwrap_or(now)
    }
}

/// The state, as all requests share it.
pub type Shared = Arc<Mutex<Sandbox>>;

/// Takes the lock. A panic in one request does not stop the others.
pub fn lock(shared: &Shared) -> MutexGuard<'_, Sandbox> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
