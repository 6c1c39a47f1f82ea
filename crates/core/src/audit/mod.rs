//! The log for other machines: as OCSF, and sent to them.

pub mod ocsf;
pub mod ship;
