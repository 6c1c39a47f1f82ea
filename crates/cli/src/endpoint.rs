//! A container-credentials endpoint on loopback: what every SDK asks when `AWS_CONTAINER_CREDENTIALS_FULL_URI` is set.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use credstack_core::values::FrameName;
use secrecy::ExposeSecret;
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::{commands::whole_seconds, context::Context, failure::Failure, keys};

/// The endpoint, listening.
pub struct Endpoint {
    listener: TcpListener,
    served: Arc<Served>,
}

/// What is served, and to whom.
struct Served {
    context: Context,
    frame: FrameName,
    token: Zeroizing<String>,
    port: u16,
}

impl Endpoint {
    /// Listens on a random port of 127.0.0.1, for whoever has the random token. Within a runtime.
    pub async fn listen(context: Context, frame: FrameName) -> Result<Endpoint, Failure> {
        let unusable = |error: std::io::Error| Failure::internal(format!("no port of 127.0.0.1 can be used: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(unusable)?;
        let port = listener.local_addr().map_err(unusable)?.port();
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *random).map_err(|_| Failure::internal("the operating system gave no random bytes"))?;
        let token = Zeroizing::new(hex::encode(*random));
        Ok(Endpoint { listener, served: Arc::new(Served { context, frame, token, port }) })
    }

    /// The variables with which a program finds it. Proxies are told to leave this machine out.
    pub fn variables(&self, context: &Context) -> Vec<(&'static str, Zeroizing<String>)> {
        let Served { token, port, .. } = &*self.served;
        let others = context.variable("NO_PROXY").or_else(|| context.variable("no_proxy"));
        let here = others.map_or("127.0.0.1".to_owned(), |hosts| format!("{hosts},127.0.0.1"));
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Zeroizing::new(format!("http://127.0.0.1:{port}/credentials"))),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token.clone()),
            ("NO_PROXY", Zeroizing::new(here.clone())),
            ("no_proxy", Zeroizing::new(here)),
        ]
    }

    /// Answers until the runtime ends.
    pub async fn serve(self) -> Result<(), Failure> {
        let routes = Router::new().route("/credentials", get(credentials)).with_state(self.served);
        axum::serve(self.listener, routes).await.map_err(|error| Failure::internal(format!("the endpoint ended: {error}")))
    }
}

async fn credentials(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    if let Some((status, code, message)) = turned_away(&served, &headers) {
        return refuse(status, code, message);
    }
    // The secret store blocks, perhaps for minutes, and an ambient identity has a runtime of its own.
    let answer = tokio::task::spawn_blocking(move || answer(&served)).await;
    answer.unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "the answer could not be made"))
}

/// Whoever asks has to have the token, by a name of this machine, and may be no page in a browser.
fn turned_away(served: &Served, headers: &HeaderMap) -> Option<(StatusCode, &'static str, &'static str)> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = text(header::HOST);
    if ["127.0.0.1", "localhost"].iter().all(|name| host != format!("{name}:{}", served.port)) {
        return Some((StatusCode::FORBIDDEN, "WrongHost", "this endpoint is 127.0.0.1 and nothing else"));
    }
    if headers.contains_key(header::ORIGIN) {
        return Some((StatusCode::FORBIDDEN, "WrongOrigin", "this endpoint is not for pages in a browser"));
    }
    if !bool::from(text(header::AUTHORIZATION).as_bytes().ct_eq(served.token.as_bytes())) {
        return Some((StatusCode::UNAUTHORIZED, "WrongToken", "the Authorization header is not this endpoint's token"));
    }
    None
}

fn answer(served: &Served) -> Response {
    let context = &served.context;
    let found =
        context.reader().map_err(Failure::from).and_then(|reader| keys::find(&context.at(context.time()), &reader, served.frame));
    let keys = match found {
        Ok(keys) => keys,
        Err(failure) => {
            let message = format!("{}; {}", failure.message, failure.next_step.unwrap_or_default());
            return refuse(StatusCode::FORBIDDEN, failure.kind.name(), &message);
        }
    };
    let (Some(token), Some(expires_at)) = (&keys.set.session_token, keys.expires_at) else {
        let message =
            "long-term keys cannot be served: clients ask for a token and an expiration; use a profile, or `exec --via env`";
        return refuse(StatusCode::BAD_REQUEST, "LongTermKeys", message);
    };
    let body = Zeroizing::new(
        json!({
            "AccessKeyId": keys.set.access_key_id,
            "SecretAccessKey": keys.set.secret_access_key.expose_secret(),
            "Token": token.expose_secret(),
            "Expiration": whole_seconds(expires_at),
        })
        .to_string(),
    );
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body.as_str().to_owned()).into_response()
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "code": code, "message": message }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
