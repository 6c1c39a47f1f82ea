//! The AWS query protocol: form-encoded requests, XML answers.

mod answer;
mod parameters;
mod refusal;

pub use answer::{error_document, result_document};
pub use parameters::Parameters;
pub use refusal::Refusal;
