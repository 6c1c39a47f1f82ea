//! Instance metadata, version 2: its token is given to whoever asks for one.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use secrecy::ExposeSecret;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Served, refuse, text};
use crate::export::whole_seconds;

const TOKEN: &str = "x-aws-ec2-metadata-token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const CREDENTIALS: &str = "/latest/meta-data/iam/security-credentials/";
/// The role's name, which clients only repeat.
const ROLE: &str = "credstack";

pub(super) fn variables(port: u16) -> Vec<(&'static str, Zeroizing<String>)> {
    vec![
        // The AWS CLI 2.9 puts no slash between this and the path.
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", Zeroizing::new(format!("http://127.0.0.1:{port}/"))),
        ("AWS_EC2_METADATA_V1_DISABLED", Zeroizing::new("true".to_owned())),
    ]
}

pub(super) fn routes() -> Router<Arc<Served>> {
    Router::new()
        .route("/latest/api/token", put(token))
        .route(CREDENTIALS, get(role))
        .route(CREDENTIALS.trim_end_matches('/'), get(role))
        .route(&format!("{CREDENTIALS}{ROLE}"), get(credentials))
}

/// A request that a proxy passed on is refused, as AWS does: it may come from anywhere.
async fn token(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    if let Some(refused) = served.turned_away(&headers) {
        return refused;
    }
    if headers.contains_key("x-forwarded-for") {
        return refuse(StatusCode::FORBIDDEN, "Forwarded", "this endpoint is not for requests that were passed on");
    }
    let ttl = text(&headers, TTL);
    match ttl.parse() {
        Ok(seconds @ 1..=21_600) => match served.issue(Duration::from_secs(seconds)) {
            Some(token) => ([(TTL, ttl.to_owned())], token.to_string()).into_response(),
            None => refuse(StatusCode::INTERNAL_SERVER_ERROR, "NoRandomness", "the operating system gave no random bytes"),
        },
        _ => refuse(StatusCode::BAD_REQUEST, "BadTtl", "the header with the token's seconds must be 1 to 21600"),
    }
}

async fn role(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    turned_away(&served, &headers).unwrap_or_else(|| ROLE.into_response())
}

async fn credentials(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    if let Some(refused) = turned_away(&served, &headers) {
        return refused;
    }
    let body = |keys: &super::Temporary, now| {
        json!({
            "Code": "Success",
            "LastUpdated": whole_seconds(now),
            "Type": "AWS-HMAC",
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key.expose_secret(),
            "Token": keys.token.expose_secret(),
            "Expiration": whole_seconds(keys.expires_at),
        })
    };
    served.answer(body).await
}

/// Version 1, which asks without a token, is not answered.
fn turned_away(served: &Served, headers: &HeaderMap) -> Option<Response> {
    let tokenless = || refuse(StatusCode::UNAUTHORIZED, "WrongToken", "PUT /latest/api/token gives the token");
    served.turned_away(headers).or_else(|| (!served.has_issued(headers, TOKEN)).then(tokenless))
}
