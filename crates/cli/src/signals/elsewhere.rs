//! Systems without signals.

use std::process::Child;

use crate::failure::Failure;

/// Nothing is caught.
pub struct End;

impl End {
    /// Nothing waits.
    pub fn catch() -> Result<End, Failure> {
        Ok(End)
    }

    /// Nothing comes.
    pub async fn wait(self) -> Signal {
        std::future::pending().await
    }
}

/// There is none.
pub struct Signal;

impl Signal {
    /// Nothing ends.
    pub fn end(self) {}
}

/// Nothing is passed on.
#[derive(Clone)]
pub struct Signals;

impl Signals {
    /// Nothing is caught.
    pub fn catch() -> Result<Signals, Failure> {
        Ok(Signals)
    }

    /// Nothing waits.
    pub fn hold(&self) {}

    /// Nothing goes to the program.
    pub fn pass_on(&self, _child: &Child) {}
}
