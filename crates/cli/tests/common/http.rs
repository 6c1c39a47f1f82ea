//! Requests to the sandbox's levers.

use std::time::Duration;

/// An answer: its status and its body.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

fn agent() -> ureq::Agent {
    let config =
        ureq::Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(Duration::from_secs(10)));
    config.build().into()
}

fn answer(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = result.expect("the sandbox answers");
    Answer { status: response.status().as_u16(), body: response.body_mut().read_to_string().expect("the answer is text") }
}

pub fn get(url: &str) -> Answer {
    answer(agent().get(url).call())
}

pub fn put(url: &str, body: &str) -> Answer {
    answer(agent().put(url).send(body))
}

pub fn delete(url: &str) -> Answer {
    answer(agent().delete(url).call())
}
