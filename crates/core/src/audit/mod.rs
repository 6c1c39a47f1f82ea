//! What other records tell of the credentials that the log knows.

pub mod cloudtrail;
