//! What is talked about: plain data, checked when it is made. No I/O, no clock.

mod ambient;
mod arn;
mod credential_set;
mod duration;
mod identity;
pub mod request;

pub use ambient::Ambient;
pub use arn::{Arn, ArnError};
pub use credential_set::CredentialSet;
pub use duration::{DurationError, display_duration, parse_duration};
pub use identity::Identity;
