//! What ends, stops or wakes this process from outside. A signal does what it does to any program, but where something has to
//! be done before that.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub use elsewhere::{End, Signal, Signals};
#[cfg(unix)]
pub use unix::{End, HiddenInput, Signal, Signals};
