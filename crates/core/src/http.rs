//! How the edges that speak HTTPS, such as `sts` and `ambient`, reach the network: one place for trust, proxies and TLS.
//!
//! Proxies are those of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case).

mod ca_bundle;
mod post;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
pub(crate) use ca_bundle::{CaBundleError, roots};
pub(crate) use http_body_util::LengthLimitError as TooLong;
pub(crate) use post::{Post, PostError, Posted, post, post_form};

/// A client that trusts the system's certificate authorities or, where one is named, those of a PEM bundle instead.
///
/// Neither is read before the first connection that may need it; a bundle that cannot be used fails that connection
/// with a [`CaBundleError`] among the error's sources.
pub(crate) fn client(ca_bundle: Option<PathBuf>) -> SharedHttpClient {
    SharedHttpClient::new(Client { ca_bundle, connectors: Mutex::default() })
}

type TimeOuts = (Option<Duration>, Option<Duration>);

#[derive(Debug)]
struct Client {
    ca_bundle: Option<PathBuf>,
    // One connector for each pair of connect and read time-outs, so that connections are used again.
    connectors: Mutex<HashMap<TimeOuts, SharedHttpConnector>>,
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        connectors
            .entry((settings.connect_timeout(), settings.read_timeout()))
            .or_insert_with(|| {
                SharedHttpConnector::new(ByEndpoint(Arc::new(Both {
                    settings: settings.clone(),
                    sleep: components.sleep_impl(),
                    ca_bundle: self.ca_bundle.clone(),
                    loopback: OnceLock::new(),
                    trusting: OnceLock::new(),
                })))
            })
            .clone()
    }
}

/// Reading the system's certificate authorities is the dearest part of a call, so a plain one to this machine does without.
#[derive(Debug)]
struct ByEndpoint(Arc<Both>);

#[derive(Debug)]
struct Both {
    settings: HttpConnectorSettings,
    sleep: Option<SharedAsyncSleep>,
    ca_bundle: Option<PathBuf>,
    loopback: OnceLock<Connector>,
    trusting: OnceLock<Result<Connector, CaBundleError>>,
}

impl HttpConnector for ByEndpoint {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let both = &self.0;
        if is_plain_loopback(request.uri()) {
            return bounded(both.loopback.get_or_init(|| both.connector(TrustStore::empty())).call(request));
        }
        match both.trusting.get_or_init(|| Ok(both.connector(both.trust()?))) {
            Ok(connector) => bounded(connector.call(request)),
            Err(error) => HttpConnectorFuture::ready(Err(ConnectorError::user(error.clone().into()))),
        }
    }
}

/// Breaks an answer off where it gets larger than any that AWS gives: it is read into memory whole.
fn bounded(answer: HttpConnectorFuture) -> HttpConnectorFuture {
    const MOST: usize = 1024 * 1024;
    HttpConnectorFuture::new(async {
        Ok(answer.await?.map(|body| SdkBody::from_body_1_x(http_body_util::Limited::new(body, MOST))))
    })
}

impl Both {
    fn trust(&self) -> Result<TrustStore, CaBundleError> {
        match &self.ca_bundle {
            None => Ok(TrustStore::default()),
            Some(path) => ca_bundle::read(path),
        }
    }

    fn connector(&self, trust: TrustStore) -> Connector {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env()).connector_settings(self.settings.clone());
        builder.set_sleep_impl(self.sleep.clone());
        let builder = builder.tls_provider(tls::Provider::Rustls(CryptoMode::Ring));
        match TlsContext::builder().with_trust_store(trust).build() {
            Ok(context) => builder.tls_context(context).build(),
            // The builder has no way to fail today; without a context nothing but the system is trusted.
            Err(_) => builder.build(),
        }
    }
}

pub(crate) fn is_plain_loopback(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_calls_to_this_machine_do_without_trust() {
        for uri in ["http://127.0.0.1:4566/", "http://127.8.9.1", "http://localhost:80/x", "http://[::1]:9/?a=b"] {
            assert!(is_plain_loopback(uri), "{uri}");
        }
        for uri in ["https://127.0.0.1/", "http://169.254.169.254/latest", "http://localhost.example/", "http://127.0.0.1@x/", ""]
        {
            assert!(!is_plain_loopback(uri), "{uri}");
        }
    }
}
