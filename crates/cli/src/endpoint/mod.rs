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

use crate::{
    context::Context,
    failure::Failure,
    keys::{self, Keys},
};

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
    /// `--region`; else the user's, the frame's.
    region: Option<String>,
    tally: Tally,
}

/// Keys that an endpoint can give: both clients ask for a token and an expiration.
struct Temporary {
    access_key_id: String,
    secret_access_key: SecretString,
    token: SecretString,
    expires_at: Timestamp,
    account: Option<String>,
    region: Option<String>,
}

/// A question that needs the keys, or what goes with them.
struct Asked {
    what: What,
    /// The answer; `None` where there is nothing to say.
    body: fn(&Temporary, Timestamp) -> Option<String>,
    /// How a client of this protocol is told why there is none.
    refused: fn(StatusCode, &str, &str) -> Response,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Keys,
    Json,
    Text,
}

impl Endpoint {
    /// Listens on a random port of 127.0.0.1. Within a runtime.
    pub async fn listen(context: Context, frame: FrameName, protocol: Protocol) -> Result<Endpoint, Failure> {
        let unusable = |error: std::io::Error| Failure::internal(format!("no port of 127.0.0.1 can be used: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(unusable)?;
        let port = listener.local_addr().map_err(unusable)?.port();
        let token = random_token().ok_or_else(|| Failure::internal("the operating system gave no random bytes"))?;
        let served = Served { context, frame, token, issued: Mutex::default(), port, region: None, tally: Tally::default() };
        Ok(Endpoint { listener, protocol, served: Arc::new(served) })
    }

    /// The variables with which a program finds it. Proxies are told to leave this machine out.
    pub fn variables(&self, context: &Context) -> Vec<(&'static str, Option<Zeroizing<String>>)> {
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
        let set = match self.protocol {
            Protocol::Container => container::variables(port, &self.served.token),
            Protocol::Metadata => metadata::variables(port),
        };
        let mut variables: Vec<_> = set.into_iter().map(|(name, value)| (name, Some(value))).collect();
        variables.push(("NO_PROXY", Some(besides("NO_PROXY", "no_proxy"))));
        variables.push(("no_proxy", Some(besides("no_proxy", "NO_PROXY"))));
        if self.protocol == Protocol::Metadata {
            variables.push(("AWS_EC2_METADATA_DISABLED", None));
        }
        variables
    }

    /// The same, which says this region whatever the frame's is.
    #[must_use]
    pub fn in_region(mut self, region: Option<String>) -> Endpoint {
        if let Some(served) = Arc::get_mut(&mut self.served) {
            served.region = region;
        }
        self
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
    async fn answer(self: Arc<Served>, asked: Asked) -> Response {
        let Asked { what, body, refused } = asked;
        let answer = tokio::task::spawn_blocking(move || {
            let now = self.context.time();
            self.keys(now, what).map(|keys| body(&keys, now).map(Zeroizing::new))
        });
        match answer.await {
            Ok(Ok(Some(body))) => {
                let kind = if what == What::Text { "text/plain" } else { "application/json" };
                let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
                (headers, body.as_str().to_owned()).into_response()
            }
            Ok(Ok(None)) => refuse(StatusCode::NOT_FOUND, "NotFound", "the frame has none; set AWS_REGION"),
            Ok(Err((status, code, message))) => refused(status, code, &message),
            Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "the answer could not be made"),
        }
    }

    fn keys(&self, now: Timestamp, what: What) -> Result<Temporary, (StatusCode, &'static str, String)> {
        let context = self.context.at(now);
        let found = context.reader().map_err(Failure::from).and_then(|reader| keys::find(&context, &reader, self.frame));
        let keys = found.map_err(|failure| (StatusCode::FORBIDDEN, failure.kind.name(), failure.sentence()))?;
        let Keys { out, whose } = keys.in_region(&context, self.region.as_deref());
        let (Some(token), Some(expires_at)) = (out.set.session_token, out.expires_at) else {
            let message =
                "long-term keys cannot be served: clients ask for a token and an expiration; use a profile, or `exec --via env`";
            return Err((StatusCode::BAD_REQUEST, "LongTermKeys", message.to_owned()));
        };
        let (access_key_id, secret_access_key) = (out.set.access_key_id, out.set.secret_access_key);
        if what == What::Keys {
            self.tally.add(&access_key_id, &whose);
        }
        Ok(Temporary { access_key_id, secret_access_key, token, expires_at, account: out.account, region: out.region })
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
    refuse_with(status, json!({ "code": code, "message": message }))
}

fn refuse_with(status: StatusCode, body: serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
