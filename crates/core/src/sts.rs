//! The edge to AWS STS: asks for credential sets, and says who one is.
//!
//! Synchronous on the outside; the SDK runs on a current-thread runtime that lives in [`Sts`]. STS alone is asked:
//! whoever signs has been found by the caller, and instance metadata is never looked at, not even for a region.

mod answer;
mod client;
mod configuration;
mod error;
mod lookups;
mod lost;
mod operations;
mod refusal;
mod settings;

pub use answer::{Granted, Issued};
pub use client::Sts;
pub use error::StsError;
pub use lookups::WebIdentityToken;
pub use refusal::Refusal;
pub use settings::{Settings, TimeOuts};
