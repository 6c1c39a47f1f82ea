//! HTTP: on 127.0.0.1 and nowhere else.

use std::{
    io::Read,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http_body::{Frame, SizeHint};
use jiff::fmt::rfc2822;

use crate::{
    admin,
    faults::Kind,
    federation,
    sandbox::{Sandbox, Shared, lock},
    service::{self, Answer},
    signature::Received,
    wire::{Refusal, error_document},
};

/// Larger than any request within STS's limits.
const BODY_LIMIT: usize = 512 * 1024;

/// Serves until the process is ended, or its standard input is closed if `exit_with_parent`.
///
/// # Errors
/// A message for people, e.g. if the port is taken.
pub fn run(
    sandbox: Sandbox,
    port: u16,
    exit_with_parent: bool,
    ready: impl FnOnce(&str) -> Result<(), String>,
) -> Result<(), String> {
    let shared: Shared = Arc::new(Mutex::new(sandbox));
    let app = admin::routes()
        .merge(federation::routes())
        .fallback(sts)
        .layer(middleware::from_fn(only_loopback_hosts))
        .with_state(shared);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.map_err(|error| format!("127.0.0.1:{port}: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        ready(&format!("http://{address}"))?;
        let server = axum::serve(listener, app).into_future();
        if !exit_with_parent {
            return server.await.map_err(|error| error.to_string());
        }
        tokio::spawn(server);
        let closed = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin().lock().by_ref(), &mut std::io::sink()));
        // However reading ended, there is no parent any more.
        let _ = closed.await;
        Ok(())
    })
}

/// A web page whose name was made to point at 127.0.0.1 is not to reach this server through a browser.
async fn only_loopback_hosts(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(name, "127.0.0.1" | "localhost") {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "credstack-sandbox answers to 127.0.0.1 and localhost only\n").into_response()
    }
}

async fn sts(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let fault = lock(&shared).faults.take();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        let refusal = Refusal::new(413, "RequestEntityTooLarge", "Request size exceeded.");
        return (StatusCode::PAYLOAD_TOO_LARGE, error_document(&refusal, "")).into_response();
    };
    if !fault.delay.is_zero() {
        tokio::time::sleep(fault.delay).await;
    }
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<_> = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let received = Received { method: parts.method.as_str(), target, headers: &headers, body: &body };
    let answer = service::answer(&mut lock(&shared), received, &fault.kind);
    match answer {
        Some(answer) => response(answer, fault.kind == Kind::Cut),
        None => std::future::pending().await,
    }
}

fn response(answer: Answer, cut: bool) -> Response {
    let body = if cut { Body::new(HalfBody::new(answer.body)) } else { Body::from(answer.body) };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    // Clients measure their clock's error by this header: it is the server's skewed clock, not the system's.
    let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&answer.time).unwrap_or_default();
    for (name, value) in [("date", date), ("x-amzn-requestid", answer.request_id)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// A body that announces its whole length, gives half of it and breaks off.
struct HalfBody {
    text: Bytes,
    given: bool,
    flushed: bool,
}

impl HalfBody {
    fn new(text: String) -> HalfBody {
        HalfBody { text: text.into(), given: false, flushed: false }
    }
}

impl HttpBody for HalfBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.given && !self.flushed {
            // The server sends what it has only when it has to wait, and at an error not at all.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.given {
            return Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionAborted.into())));
        }
        self.given = true;
        Poll::Ready(Some(Ok(Frame::data(self.text.slice(..self.text.len() / 2)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.text.len() as u64)
    }
}
