//! What every SDK asks when `AWS_CONTAINER_CREDENTIALS_FULL_URI` is set.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
    routing::get,
};
use secrecy::ExposeSecret;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Asked, Served, Temporary, What, refuse};
use crate::export::whole_seconds;

pub(super) fn variables(port: u16, token: &str) -> Vec<(&'static str, Zeroizing<String>)> {
    vec![
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Zeroizing::new(format!("http://127.0.0.1:{port}/credentials"))),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", Zeroizing::new(token.to_owned())),
    ]
}

pub(super) fn routes() -> Router<Arc<Served>> {
    Router::new().route("/credentials", get(credentials))
}

async fn credentials(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    if let Some(refused) = served.turned_away(&headers) {
        return refused;
    }
    if !served.has_token(&headers, header::AUTHORIZATION.as_str()) {
        return refuse(StatusCode::UNAUTHORIZED, "WrongToken", "the Authorization header is not this endpoint's token");
    }
    let body = |keys: &Temporary, _| {
        let mut body = json!({
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key.expose_secret(),
            "Token": keys.token.expose_secret(),
            "Expiration": whole_seconds(keys.expires_at),
        });
        if let Some(account) = &keys.account {
            body["AccountId"] = json!(account);
        }
        Some(body.to_string())
    };
    served.answer(Asked { what: What::Keys, body, refused: |status, code, message| refuse(status, code, message) }).await
}
