//! IAM policies, as far as STS reads them: statements, conditions, and what they come to.
//!
//! Identity, session and trust policies share one form, the real IAM one, whether it is written as JSON or as TOML.

mod condition;
mod context;
mod evaluate;
pub mod managed;
mod statement;
mod wildcard;

pub use context::Context;
pub use evaluate::{Ask, Grant, Party, Verdict, denying, federated, identity, trust};
pub use statement::{Statement, Values, parse_session_policy};
