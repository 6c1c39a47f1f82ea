/// An error answer, with AWS's code, status and wording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// E.g. `AccessDenied`.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// What AWS would not say: the reason, shown in the list of calls only.
    pub why: Option<String>,
}

impl Refusal {
    /// Any error.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into(), why: None }
    }

    /// The request is not well formed, or beyond a limit.
    pub fn validation(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "ValidationError", message)
    }

    /// The caller may not.
    pub fn denied(message: impl Into<String>) -> Refusal {
        Refusal::new(403, "AccessDenied", message)
    }

    /// The server failed.
    pub fn internal() -> Refusal {
        Refusal::new(
            500,
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
        )
    }

    /// Adds the reason for the list of calls.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Refusal {
        self.why = Some(why.into());
        self
    }
}
