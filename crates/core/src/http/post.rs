use std::{path::PathBuf, sync::Arc, time::Duration};

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{Both, ByEndpoint};
use crate::blocking;

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(4);

/// An answer, whole.
pub(crate) struct Posted {
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// After how many seconds to ask again, where the answer says so.
    pub(crate) retry_after: Option<u64>,
}

/// What is sent, where to.
pub(crate) struct Post<'a> {
    pub(crate) url: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) accept: &'a str,
    /// Headers besides these. A value may be a secret.
    pub(crate) headers: &'a [(String, SecretString)],
    pub(crate) body: &'a [u8],
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) time_out: Duration,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum PostError {
    TimedOut,
    Connector(Box<dyn std::error::Error + Send + Sync>),
    Runtime(std::io::Error),
}

impl From<ConnectorError> for PostError {
    fn from(error: ConnectorError) -> PostError {
        if error.is_timeout() { PostError::TimedOut } else { PostError::Connector(error.into()) }
    }
}

/// Sends one form, as [`post`] does.
pub(crate) fn post_form(
    url: &str,
    form: Zeroizing<String>,
    ca_bundle: Option<PathBuf>,
    time_out: Duration,
) -> Result<Posted, PostError> {
    let (content_type, accept) = ("application/x-www-form-urlencoded", "application/json");
    post(Post { url, content_type, accept, headers: &[], body: form.as_bytes(), ca_bundle, time_out })
}

/// Sends a body, with the trust and the proxies of every other call, and waits for the answer. No redirect is followed.
pub(crate) fn post(what: Post<'_>) -> Result<Posted, PostError> {
    let Post { url, content_type, accept, headers: more, body, ca_bundle, time_out } = what;
    let connector = ByEndpoint(Arc::new(Both {
        settings: HttpConnectorSettings::builder().connect_timeout(CONNECT).build(),
        sleep: Some(SharedAsyncSleep::new(TokioSleep::new())),
        ca_bundle,
        loopback: Default::default(),
        trusting: Default::default(),
    }));
    let mut request = HttpRequest::new(SdkBody::from(body));
    let broken = |error: Box<dyn std::error::Error + Send + Sync>| PostError::Connector(error);
    request.set_method("POST").map_err(|error| broken(error.into()))?;
    request.set_uri(url).map_err(|error| broken(error.into()))?;
    let headers = request.headers_mut();
    headers.insert("content-type", content_type.to_owned());
    headers.insert("content-length", body.len().to_string());
    headers.insert("accept", accept.to_owned());
    for (name, value) in more {
        // What is wrong with it may quote the value.
        let unfit = || broken(format!("the header {name} cannot be sent").into());
        headers.try_insert(name.clone(), value.expose_secret().to_owned()).map_err(|_| unfit())?;
    }
    let answer = blocking::run(|| async {
        tokio::time::timeout(time_out, async {
            let answer = connector.call(request).await?;
            let status = answer.status().as_u16();
            let retry_after = answer.headers().get("retry-after").and_then(|seconds| seconds.trim().parse().ok());
            let body = answer.into_body().collect().await.map_err(PostError::Connector)?;
            Ok(Posted { status, body: Zeroizing::new(body.to_bytes().to_vec()), retry_after })
        })
        .await
        .unwrap_or(Err(PostError::TimedOut))
    });
    answer.unwrap_or_else(|error| Err(PostError::Runtime(error)))
}
