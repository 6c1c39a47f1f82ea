//! Keys over HTTP on loopback, in the two ways that SDKs ask for them.

mod container;
mod metadata;
mod tally;

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use credstack_core::values::FrameName;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use subtle::ConstantTimeEq;
pub use tally::Tally;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::{context::Context, export::Exports, failure::Failure, keys};

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// As a container's credentials endpoint, which asks for a token.
    Container,
    /// As instance metadata, version 2, which gives its token to whoever asks.
    Metadata,
}

impl Protocol {
    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Container => "container",
            Protocol::Metadata => "metadata",
        }
    }
}

/// The endpoint, listening.
pub struct Endpoint {
    listener: TcpListener,
    protocol: Protocol,
    served: Arc<Served>,
}

/// What is served, and to whom.
struct Served {
    context: Context,
    frame: FrameName,
    token: Zeroizing<String>,
    /// The tokens of instance metadata, and when they end.
    issued: Mutex<Vec<(Zeroizing<String>, Instant)>>,
    port: u16,
    tally: Tally,
}

/// Keys that an endpoint can give: both clients ask for a token and an expiration.
struct Temporary {
    access_key_id: String,
    secret_access_key: SecretString,
    token: SecretString,
    expires_at: Timestamp,
}

impl Endpoint {
    /// Listens on a random port of 127.0.0.1. Within a runtime.
    pub async fn listen(context: Context, frame: FrameName, protocol: Protocol) -> Result<Endpoint, Failure> {
        let unusable = |error: std::io::Error| Failure::internal(format!("no port of 127.0.0.1 can be used: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(unusable)?;
        let port = listener.local_addr().map_err(unusable)?.port();
        let token = random_token().ok_or_else(|| Failure::internal("the operating system gave no random bytes"))?;
        let served = Served { context, frame, token, issued: Mutex::default(), port, tally: Tally::default() };
        Ok(Endpoint { listener, protocol, served: Arc::new(served) })
    }

    /// The variables with which a program finds it, and nothing else. Proxies are told to leave this machine out.
    pub fn exports(&self, context: &Context, region: Option<&str>) -> Exports {
        let port = self.served.port;
        let besides = |name: &str, other: &str| {
            let hosts = context.variable(name).or_else(|| context.variable(other));
            Zeroizing::new(match hosts {
                // That is this machine as well.
                Some(all) if all.trim() == "*" => all,
                Some(hosts) => format!("{hosts},127.0.0.1"),
                None => "127.0.0.1".to_owned(),
            })
        };
        let mut set = match self.protocol {
            Protocol::Container => container::variables(port, &self.served.token),
            Protocol::Metadata => metadata::variables(port),
        };
        set.extend([("NO_PROXY", besides("NO_PROXY", "no_proxy")), ("no_proxy", besides("no_proxy", "NO_PROXY"))]);
        let mut exports = Exports::only(set, region);
        if self.protocol == Protocol::Metadata {
            exports.unset.push("AWS_EC2_METADATA_DISABLED");
        }
        exports
    }

    /// How it is asked.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// What it gives, as it is counted.
    pub fn tally(&self) -> Tally {
        self.served.tally.clone()
    }

    /// Answers until the runtime ends.
    pub async fn serve(self) -> Result<(), Failure> {
        let routes = match self.protocol {
            Protocol::Container => container::routes(),
            Protocol::Metadata => metadata::routes(),
        };
        let served = axum::serve(self.listener, routes.with_state(self.served)).await;
        served.map_err(|error| Failure::internal(format!("the endpoint ended: {error}")))
    }
}

impl Served {
    /// Whoever asks has to do so by a name of this machine, and may be no page in a browser.
    fn turned_away(&self, headers: &HeaderMap) -> Option<Response> {
        let host = text(headers, header::HOST.as_str());
        if ["127.0.0.1", "localhost"].iter().all(|name| host != format!("{name}:{}", self.port)) {
            return Some(refuse(StatusCode::FORBIDDEN, "WrongHost", "this endpoint is 127.0.0.1 and nothing else"));
        }
        if headers.contains_key(header::ORIGIN) {
            return Some(refuse(StatusCode::FORBIDDEN, "WrongOrigin", "this endpoint is not for pages in a browser"));
        }
        None
    }

    /// Whether a header is the token.
    fn has_token(&self, headers: &HeaderMap, name: &str) -> bool {
        text(headers, name).as_bytes().ct_eq(self.token.as_bytes()).into()
    }

    /// Gives out a token of instance metadata. `None`: there are no random bytes.
    fn issue(&self, lives: Duration) -> Option<Zeroizing<String>> {
        /// More than any program asks for; what asks without end has the oldest taken away.
        const MOST: usize = 1000;
        let token = random_token()?;
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.retain(|(_, until)| *until > Instant::now());
        if issued.len() == MOST {
            issued.remove(0);
        }
        issued.push((token.clone(), Instant::now() + lives));
        Some(token)
    }

    /// Whether a header is a token that was given out and has not ended.
    fn has_issued(&self, headers: &HeaderMap, name: &str) -> bool {
        let given = text(headers, name).as_bytes();
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.iter().any(|(token, until)| *until > Instant::now() && bool::from(given.ct_eq(token.as_bytes())))
    }

    /// The keys, as a body. The secret store blocks, perhaps for minutes, and an ambient identity has a runtime of its own.
    async fn answer(self: Arc<Served>, body: fn(&Temporary, Timestamp) -> serde_json::Value) -> Response {
        let answer = tokio::task::spawn_blocking(move || {
            let now = self.context.time();
            self.keys(now).map(|keys| Zeroizing::new(body(&keys, now).to_string()))
        });
        match answer.await {
            Ok(Ok(body)) => {
                let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
                (headers, body.as_str().to_owned()).into_response()
            }
            Ok(Err(refused)) => *refused,
            Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "the answer could not be made"),
        }
    }

    fn keys(&self, now: Timestamp) -> Result<Temporary, Box<Response>> {
        let context = self.context.at(now);
        let found = context.reader().map_err(Failure::from).and_then(|reader| keys::find(&context, &reader, self.frame));
        let keys = found.map_err(|failure| {
            let message = format!("{}; {}", failure.message, failure.next_step.unwrap_or_default());
            refuse(StatusCode::FORBIDDEN, failure.kind.name(), &message)
        })?;
        let (Some(token), Some(expires_at)) = (keys.out.set.session_token, keys.out.expires_at) else {
            let message =
                "long-term keys cannot be served: clients ask for a token and an expiration; use a profile, or `exec --via env`";
            return Err(refuse(StatusCode::BAD_REQUEST, "LongTermKeys", message).into());
        };
        let (access_key_id, secret_access_key) = (keys.out.set.access_key_id, keys.out.set.secret_access_key);
        self.tally.add(&access_key_id, &keys.whose);
        Ok(Temporary { access_key_id, secret_access_key, token, expires_at })
    }
}

/// 256 random bits.
fn random_token() -> Option<Zeroizing<String>> {
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *random).ok()?;
    Some(Zeroizing::new(hex::encode(*random)))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "code": code, "message": message }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
