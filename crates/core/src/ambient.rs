//! The edge to whatever identity the AWS SDK's default chain finds without credstack: environment keys, a profile, an SSO
//! or `aws login` session, a container or instance role.
//!
//! The chain is the SDK's, asked provider by provider so that three things hold that it does not see to itself: keys in the
//! environment are the caller's decision, because they may be credstack's own; so is a profile that runs credstack; and a
//! profile whose MFA device or duration the SDK would silently leave out is refused too.

mod asking;
mod chain;
mod environment;
mod error;
mod plan;
mod processes;
mod profiles;
mod question;
mod walk;

pub use environment::{EnvironmentKeys, environment_keys};
pub use error::AmbientError;
pub use plan::{Hop, ProfileBase, ProfilePlan, foresee, foresee_key, read_profile};
pub use processes::{Process, processes};
pub use profiles::Beside;
pub use question::{Question, Resolved, TimeOuts, beside, resolve};
