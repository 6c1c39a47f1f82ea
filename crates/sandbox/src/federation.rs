//! The sign-in service of the AWS console: `getSigninToken` alone, as strict as AWS is seen to be and as short in words.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    caller::Kind,
    random,
    sandbox::{Sandbox, Shared, lock},
    wire::Parameters,
};

/// The route. AWS takes a GET as well, with the keys in the URL: that is refused here.
pub fn routes() -> Router<Shared> {
    Router::new().route("/federation", post(signin_token))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Session {
    session_id: String,
    session_key: String,
    session_token: String,
}

async fn signin_token(State(shared): State<Shared>, body: Bytes) -> Response {
    match token(&lock(&shared), &Parameters::parse(&body)) {
        Some(token) => {
            ([(header::CONTENT_TYPE, "application/json")], json!({ "SigninToken": token }).to_string()).into_response()
        }
        None => (StatusCode::BAD_REQUEST, "Invalid credentials parameter\n").into_response(),
    }
}

/// `None`: AWS says no, and does not say why.
fn token(sandbox: &Sandbox, parameters: &Parameters) -> Option<String> {
    if parameters.get("Action")? != "getSigninToken" {
        return None;
    }
    let session: Session = serde_json::from_str(parameters.get("Session")?).ok()?;
    let (issued, caller) = sandbox.sessions.find(&session.session_id)?;
    let is_right = issued.secret_access_key == session.session_key && issued.session_token == session.session_token;
    if !is_right || issued.expiration <= sandbox.now() {
        return None;
    }
    let duration =
        parameters.get("SessionDuration").map(|text| text.parse::<u32>().ok()).map_or(Some(None), |it| it.map(Some))?;
    match (&caller.kind, duration) {
        (Kind::RoleSession { .. }, None | Some(900..=43_200)) | (Kind::Federated { .. }, None) => {}
        _ => return None,
    }
    random::text(random::BASE64, 600).ok()
}
