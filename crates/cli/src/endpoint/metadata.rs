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
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Asked, Served, Temporary, What, refuse, refuse_with, text};
use crate::export::whole_seconds;

const TOKEN: &str = "x-aws-ec2-metadata-token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const CREDENTIALS: &str = "/latest/meta-data/iam/security-credentials";
const PLACEMENT: &str = "/latest/meta-data/placement";
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
    // The variable ends in a slash, to which some clients add another one.
    ["", "/"].into_iter().fold(Router::new(), |routes, before| {
        let at = |path: &str| format!("{before}{path}");
        routes
            .route(&at("/latest/api/token"), put(token))
            .route(&at(CREDENTIALS), get(role))
            .route(&at(&format!("{CREDENTIALS}/")), get(role))
            .route(&at(&format!("{CREDENTIALS}/{ROLE}")), get(credentials))
            .route(&at(&format!("{PLACEMENT}/region")), get(region))
            .route(&at(&format!("{PLACEMENT}/availability-zone")), get(availability_zone))
            .route(&at("/latest/dynamic/instance-identity/document"), get(identity_document))
    })
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
    let body = |keys: &Temporary, now| {
        let body = json!({
            "Code": "Success",
            "LastUpdated": whole_seconds(now),
            "Type": "AWS-HMAC",
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key.expose_secret(),
            "Token": keys.token.expose_secret(),
            "Expiration": whole_seconds(keys.expires_at),
        });
        Some(body.to_string())
    };
    served.answer(Asked { what: What::Keys, body, refused: failed }).await
}

async fn region(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    about(served, headers, What::Text, |keys, _| keys.region.clone()).await
}

/// The zone's name ends in a letter, which clients take off to have the region.
async fn availability_zone(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    about(served, headers, What::Text, |keys, _| Some(format!("{}a", keys.region.as_deref()?))).await
}

async fn identity_document(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    let body = |keys: &Temporary, _| {
        let region = keys.region.as_deref();
        let document = json!({
            "accountId": keys.account,
            "availabilityZone": region.map(|region| format!("{region}a")),
            "region": region,
            "version": "2017-09-30",
        });
        Some(document.to_string())
    };
    about(served, headers, What::Json, body).await
}

/// What goes with the keys.
async fn about(
    served: Arc<Served>,
    headers: HeaderMap,
    what: What,
    body: fn(&Temporary, Timestamp) -> Option<String>,
) -> Response {
    match turned_away(&served, &headers) {
        Some(refused) => refused,
        None => served.answer(Asked { what, body, refused: |status, code, message| refuse(status, code, message) }).await,
    }
}

/// As an instance tells that its role cannot be had: clients show the code and the message of that, and nothing of another status.
fn failed(_: StatusCode, code: &str, message: &str) -> Response {
    refuse_with(StatusCode::OK, json!({ "Code": code, "Message": message }))
}

/// Version 1, which asks without a token, is not answered.
fn turned_away(served: &Served, headers: &HeaderMap) -> Option<Response> {
    let tokenless = || refuse(StatusCode::UNAUTHORIZED, "WrongToken", "PUT /latest/api/token gives the token");
    served.turned_away(headers).or_else(|| (!served.has_issued(headers, TOKEN)).then(tokenless))
}
