//! What is under `/_sandbox/`: for tests and demos, open to everybody on this machine.

use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, delete, get},
};
use serde::Serialize;

use crate::{
    denial::{self, Question},
    faults::Faults,
    providers::{oidc, saml},
    sandbox::{Shared, lock},
};

/// The routes.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/_sandbox/faults", get(faults).put(set_faults).delete(no_faults))
        .route("/_sandbox/calls", get(calls).delete(no_calls))
        .route("/_sandbox/sessions", delete(end_sessions))
        .route("/_sandbox/totp", get(totp))
        .route("/_sandbox/denied", get(denied))
        .route("/_sandbox/web-identity-token", get(web_identity_token))
        .route("/_sandbox/saml-assertion", get(saml_assertion))
        // A mistyped path is not a call to STS, and uses up no fault.
        .route("/_sandbox/{*path}", any(nothing_here))
}

async fn nothing_here() -> Response {
    (
        StatusCode::NOT_FOUND,
        "there are /_sandbox/faults, /calls, /sessions, /totp, /denied, /web-identity-token and /saml-assertion\n",
    )
        .into_response()
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string_pretty(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text + "\n").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn faults(State(shared): State<Shared>) -> Response {
    json(&lock(&shared).faults)
}

async fn set_faults(State(shared): State<Shared>, body: Bytes) -> Response {
    match Faults::parse(&body) {
        Ok(faults) => {
            let mut sandbox = lock(&shared);
            sandbox.faults = faults;
            json(&sandbox.faults)
        }
        Err(message) => (StatusCode::BAD_REQUEST, format!("{message}\n")).into_response(),
    }
}

async fn no_faults(State(shared): State<Shared>) -> Response {
    lock(&shared).faults = Faults::default();
    StatusCode::NO_CONTENT.into_response()
}

async fn calls(State(shared): State<Shared>) -> Response {
    json(lock(&shared).calls.list())
}

async fn no_calls(State(shared): State<Shared>) -> Response {
    lock(&shared).calls.clear();
    StatusCode::NO_CONTENT.into_response()
}

/// Ends all sessions at once: who holds one gets `ExpiredToken`.
async fn end_sessions(State(shared): State<Shared>) -> Response {
    let mut sandbox = lock(&shared);
    let now = sandbox.now();
    format!("{}\n", sandbox.sessions.end_all(now)).into_response()
}

async fn totp(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let serial = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "serial").map(|(_, value)| value);
    let sandbox = lock(&shared);
    let Some((_, device)) = serial.and_then(|serial| sandbox.world.device(&serial)) else {
        return (StatusCode::NOT_FOUND, "no MFA device has this serial: GET /_sandbox/totp?serial=SERIAL\n").into_response();
    };
    match sandbox.devices.fresh_code(device, sandbox.now()) {
        Ok(code) => format!("{code}\n").into_response(),
        Err(wait) => {
            let message = format!("the present code and the next one are used: wait {wait} s\n");
            (StatusCode::CONFLICT, [(header::RETRY_AFTER, wait.to_string())], message).into_response()
        }
    }
}

/// What EC2 and others say when they refuse, with an encoded message for `DecodeAuthorizationMessage`.
async fn denied(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let question = Question::parse(query.as_deref().unwrap_or_default());
    match question.and_then(|question| denial::message(&mut lock(&shared), &question)) {
        Ok(message) => format!("{message}\n").into_response(),
        Err((status, message)) => (status, format!("{message}\n")).into_response(),
    }
}

/// A token of an OpenID Connect provider: `subject`, and `provider`, `audience`, `seconds`, `tag.KEY`, `transitive`,
/// `source_identity`.
async fn web_identity_token(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let query = Query::parse(query.as_deref());
    let sandbox = lock(&shared);
    let provider = sandbox.world.oidc_providers.iter().find(|it| query.get("provider").is_none_or(|arn| it.arn == arn));
    let wish = oidc::Wish {
        subject: query.get("subject").unwrap_or("repo:example/app").to_owned(),
        audience: query.get("audience").map(str::to_owned),
        seconds: query.get("seconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(3600),
        tags: query.tags(),
        transitive: query.all("transitive"),
        source_identity: query.get("source_identity").map(str::to_owned),
    };
    match provider.and_then(|provider| oidc::mint(provider, &wish, sandbox.now())) {
        Some(token) => format!("{token}\n").into_response(),
        None => (StatusCode::NOT_FOUND, "the world has no such OpenID Connect provider\n").into_response(),
    }
}

/// An assertion of a SAML provider: `role`, once or more often, and `provider`, `session_name`, `session_seconds`, `tag.KEY`,
/// `transitive`, `source_identity`.
async fn saml_assertion(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let query = Query::parse(query.as_deref());
    let sandbox = lock(&shared);
    let provider = sandbox.world.saml_providers.iter().find(|it| query.get("provider").is_none_or(|arn| it.arn == arn));
    let wish = saml::Wish {
        roles: query.all("role"),
        session_name: query.get("session_name").unwrap_or("alice@example.com").to_owned(),
        session_seconds: query.get("session_seconds").and_then(|seconds| seconds.parse().ok()),
        source_identity: query.get("source_identity").map(str::to_owned),
        tags: query.tags(),
        transitive: query.all("transitive"),
    };
    match provider {
        Some(provider) => format!("{}\n", saml::mint(provider, &wish, sandbox.now())).into_response(),
        None => (StatusCode::NOT_FOUND, "the world has no such SAML provider\n").into_response(),
    }
}

/// The fields of a query, in their order.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: Option<&str>) -> Query {
        Query(url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    fn tags(&self) -> Vec<(String, String)> {
        let tag = |(key, value): &(String, String)| Some((key.strip_prefix("tag.")?.to_owned(), value.clone()));
        self.0.iter().filter_map(tag).collect()
    }
}
