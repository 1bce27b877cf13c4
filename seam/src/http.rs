//! The seam: one service type for every HTTP hop, over sockets or in process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

pub use axum::body::Body;
pub use rustls::pki_types::CertificateDer;

use crate::interrupt::Interruption;
use crate::tls;

mod first_chunk;

pub use first_chunk::with_first_chunk;

/// A request to an absolute URI.
pub type Request = http::Request<Body>;
/// Its response; the body may still be streaming.
pub type Response = http::Response<Body>;
/// Every hop between harness, gateway and simulator is one of these. Dropping
/// the future or the response's body cancels the call, in both worlds.
pub type HttpService = BoxCloneSyncService<Request, Response, TransportError>;

/// Why no response came.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{kind}: {detail}")]
pub struct TransportError {
    /// What kind of failure it was.
    pub kind: TransportErrorKind,
    /// The chain of causes, in words.
    pub detail: String,
}

/// Kinds of transport failure a policy or a report tells apart.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransportErrorKind {
    /// No connection: refused, unresolved, TLS failed.
    #[error("connection failed")]
    Connect,
    /// The connection broke after the request was (partly) sent.
    #[error("connection broke")]
    Broken,
    /// The request itself cannot be sent (no absolute URI, say).
    #[error("invalid request")]
    Invalid,
}

impl TransportError {
    fn new(kind: TransportErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// A request that cannot be sent.
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(TransportErrorKind::Invalid, detail)
    }
}

/// An HTTP client over real sockets: keep-alive pool, `TCP_NODELAY`, HTTP and
/// HTTPS, no redirects, no retries, no decompression.
///
/// `hosts` maps authorities (`payg1.local:80`) to socket addresses; the `Host`
/// header keeps the original name. Other names are resolved as usual. Beside the
/// public authorities it trusts those in the file that `SSL_CERT_FILE` names, as
/// OpenSSL's clients do.
#[must_use]
pub fn network(hosts: BTreeMap<String, SocketAddr>) -> HttpService {
    network_trusting(hosts, &tls::authorities_of_environment())
}

/// As [`network`], trusting the public authorities and these certificates.
#[must_use]
pub fn network_trusting(
    hosts: BTreeMap<String, SocketAddr>,
    authorities: &[CertificateDer<'static>],
) -> HttpService {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(Duration::from_secs(10)));
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls::client_config(authorities))
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    let client: Client<_, Body> = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(60))
        .set_host(false)
        .build(https);
    let hosts = Arc::new(hosts);
    BoxCloneSyncService::new(tower::service_fn(move |request: Request| {
        let client = client.clone();
        let hosts = Arc::clone(&hosts);
        async move {
            let mut request = with_host(request)?;
            // Mostly there are none, and a name to look up costs.
            let own = if hosts.is_empty() { None } else { authority(request.uri()) };
            if let Some(address) = own.and_then(|name| hosts.get(&name)) {
                let uri = replace_authority(request.uri(), *address)?;
                *request.uri_mut() = uri;
            }
            match client.request(request).await {
                Ok(response) => Ok(response.map(Body::new)),
                Err(error) => {
                    let kind = if error.is_connect() {
                        TransportErrorKind::Connect
                    } else {
                        TransportErrorKind::Broken
                    };
                    Err(TransportError::new(kind, error_chain(&error)))
                }
            }
        }
    }))
}

/// A network without sockets: authorities (`localhost:8001`) served by routers.
/// A name nobody serves is a refused connection.
#[derive(Clone, Default)]
pub struct InProcessNetwork {
    hosts: BTreeMap<String, Router>,
}

impl InProcessNetwork {
    /// A network where nobody listens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `router` serve the authority `name:port`.
    #[must_use]
    pub fn host(mut self, authority: impl Into<String>, router: Router) -> Self {
        self.hosts.insert(authority.into(), router);
        self
    }

    /// The client side.
    #[must_use]
    pub fn into_service(self) -> HttpService {
        let hosts = Arc::new(self.hosts);
        BoxCloneSyncService::new(tower::service_fn(move |request: Request| {
            let hosts = Arc::clone(&hosts);
            async move {
                let mut request = with_host(request)?;
                let name = authority(request.uri()).unwrap_or_default();
                let Some(router) = hosts.get(&name) else {
                    let detail = format!("nothing listens at {name}");
                    return Err(TransportError::new(TransportErrorKind::Connect, detail));
                };
                let path = request
                    .uri()
                    .path_and_query()
                    .cloned()
                    .unwrap_or(PathAndQuery::from_static("/"));
                *request.uri_mut() = Uri::from(path);
                request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 0))));
                let response: Result<Response, Infallible> = router.clone().oneshot(request).await;
                let response = match response {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                match response.extensions().get::<Interruption>() {
                    Some(Interruption::Refused) => Err(TransportError::new(
                        TransportErrorKind::Connect,
                        format!("connection to {name} refused"),
                    )),
                    Some(Interruption::Reset) => Err(TransportError::new(
                        TransportErrorKind::Broken,
                        format!("connection to {name} reset by peer"),
                    )),
                    Some(Interruption::ResetIfBroken) | None => Ok(response),
                }
            }
        }))
    }
}

/// Calls a service once, waiting for its readiness.
pub async fn call(service: &HttpService, request: Request) -> Result<Response, TransportError> {
    let mut service = service.clone();
    service.ready().await?.call(request).await
}

/// `host:port` of a URI, the port filled in from its scheme.
#[must_use]
pub fn authority(uri: &Uri) -> Option<String> {
    let host = uri.host()?;
    let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    Some(format!("{host}:{}", uri.port_u16().unwrap_or(default)))
}

fn with_host(mut request: Request) -> Result<Request, TransportError> {
    let Some(authority) = request.uri().authority() else {
        let detail = format!("`{}` is not an absolute URI", request.uri());
        return Err(TransportError::new(TransportErrorKind::Invalid, detail));
    };
    if !request.headers().contains_key(HOST) {
        let host = HeaderValue::from_str(authority.as_str())
            .map_err(|error| TransportError::new(TransportErrorKind::Invalid, error.to_string()))?;
        request.headers_mut().insert(HOST, host);
    }
    Ok(request)
}

fn replace_authority(uri: &Uri, address: SocketAddr) -> Result<Uri, TransportError> {
    let invalid = |error: &dyn std::error::Error| {
        TransportError::new(TransportErrorKind::Invalid, error.to_string())
    };
    let mut parts = uri.clone().into_parts();
    parts.authority =
        Some(Authority::try_from(address.to_string()).map_err(|error| invalid(&error))?);
    Uri::from_parts(parts).map_err(|error| invalid(&error))
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use futures_util::StreamExt as _;
    use http_body_util::BodyExt as _;

    use crate::interrupt::BrokenOff;

    use super::*;

    fn request(uri: &str) -> Request {
        http::Request::builder().uri(uri).body(Body::empty()).unwrap()
    }

    async fn text(response: Response) -> String {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn echo_host() -> Router {
        Router::new().route(
            "/x",
            get(|headers: http::HeaderMap, uri: Uri| async move {
                format!("{} {uri}", headers.get(HOST).and_then(|h| h.to_str().ok()).unwrap_or("-"))
            }),
        )
    }

    /// A host whose connections fail in every way.
    fn failing_host() -> Router {
        let broken = |error| {
            let chunks = [Ok("half".to_owned()), Err(error)];
            // Handed over one by one, as a body is that is being made.
            let chunks = futures_util::stream::iter(chunks).then(|chunk| async {
                tokio::task::yield_now().await;
                chunk
            });
            Response::new(Body::from_stream(chunks))
        };
        Router::new()
            .route("/refused", get(|| async { Interruption::Refused.response() }))
            .route("/reset", get(|| async { Interruption::Reset.response() }))
            .route("/cut", get(move || async move { broken(BrokenOff::Closed) }))
            .route(
                "/reset-later",
                get(move || async move {
                    let mut response = broken(BrokenOff::Reset);
                    response.extensions_mut().insert(Interruption::ResetIfBroken);
                    response
                }),
            )
    }

    #[tokio::test]
    async fn connections_fail_alike_in_both_worlds() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = crate::server::Server::start(listener, failing_host());
        let sockets = network(BTreeMap::from([("payg1.test:80".to_owned(), address)]));
        let in_process =
            InProcessNetwork::new().host("payg1.test:80", failing_host()).into_service();
        for (service, over_sockets) in [(sockets, true), (in_process, false)] {
            let error = call(&service, request("http://payg1.test/reset")).await.unwrap_err();
            assert_eq!(error.kind, TransportErrorKind::Broken);
            assert!(error.detail.contains("reset by peer"), "{error}");
            // A socket that is open already cannot be refused any more.
            let error = call(&service, request("http://payg1.test/refused")).await.unwrap_err();
            let kinds = [TransportErrorKind::Connect, TransportErrorKind::Broken];
            assert_eq!(error.kind, kinds[usize::from(over_sockets)]);
            for (path, reset) in [("cut", false), ("reset-later", true)] {
                let uri = format!("http://payg1.test/{path}");
                let mut body = call(&service, request(&uri)).await.unwrap().into_body();
                let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
                assert_eq!(first, "half", "{path}");
                let error = body.frame().await.unwrap().unwrap_err();
                let chain = error_chain(&error);
                assert_eq!(chain.contains("reset"), reset, "{path}: {chain}");
            }
        }
        drop(server);
    }

    #[tokio::test]
    async fn the_two_worlds_look_alike() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = crate::server::Server::start(listener, echo_host());
        let sockets = network(BTreeMap::from([("payg1.test:80".to_owned(), address)]));
        let in_process = InProcessNetwork::new().host("payg1.test:80", echo_host()).into_service();
        for service in [sockets, in_process] {
            let response = call(&service, request("http://payg1.test/x?a=1")).await.unwrap();
            assert_eq!(text(response).await, "payg1.test /x?a=1");
            let error = call(&service, request("/x")).await.unwrap_err();
            assert_eq!(error.kind, TransportErrorKind::Invalid);
            let error = call(&service, request("http://127.0.0.1:1/x")).await.unwrap_err();
            assert_eq!(error.kind, TransportErrorKind::Connect);
        }
        assert_eq!(server.stop(Duration::from_secs(1)).await, crate::server::Stopped::Drained);
    }
}
