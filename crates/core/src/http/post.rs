use std::{path::PathBuf, sync::Arc, time::Duration};

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use tokio::runtime::Builder;
use zeroize::Zeroizing;

use super::{Both, ByEndpoint};

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(4);

/// An answer, whole.
pub(crate) struct Posted {
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
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

/// Sends one form, with the trust and the proxies of every other call, and waits for the answer. No redirect is followed.
pub(crate) fn post_form(
    url: &str,
    form: Zeroizing<String>,
    ca_bundle: Option<PathBuf>,
    time_out: Duration,
) -> Result<Posted, PostError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(PostError::Runtime)?;
    let connector = ByEndpoint(Arc::new(Both {
        settings: HttpConnectorSettings::builder().connect_timeout(CONNECT).build(),
        sleep: Some(SharedAsyncSleep::new(TokioSleep::new())),
        ca_bundle,
        loopback: Default::default(),
        trusting: Default::default(),
    }));
    let length = form.len().to_string();
    let mut request = HttpRequest::new(SdkBody::from(form.as_str()));
    let broken = |error: Box<dyn std::error::Error + Send + Sync>| PostError::Connector(error);
    request.set_method("POST").map_err(|error| broken(error.into()))?;
    request.set_uri(url).map_err(|error| broken(error.into()))?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/x-www-form-urlencoded");
    headers.insert("content-length", length);
    headers.insert("accept", "application/json");
    let answer = runtime.block_on(async {
        tokio::time::timeout(time_out, async {
            let answer = connector.call(request).await?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.map_err(PostError::Connector)?;
            Ok(Posted { status, body: Zeroizing::new(body.to_bytes().to_vec()) })
        })
        .await
        .unwrap_or(Err(PostError::TimedOut))
    });
    // A plain drop would wait for a name resolution that hangs.
    runtime.shutdown_background();
    answer
}
