//! The log beside other records, and for other machines: what CloudTrail tells of the credentials that it knows, the log as OCSF,
//! and sent elsewhere.

pub mod cloudtrail;
pub mod ocsf;
pub mod ship;
