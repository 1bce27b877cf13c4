//! The seam: one service type for every HTTP hop, over sockets or in process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use http_body::{Body as _, Frame, SizeHint};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

pub use axum::body::Body;
pub use rustls::pki_types::CertificateDer;

use crate::tls;

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
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
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
            if let Some(address) = authority(request.uri()).and_then(|name| hosts.get(&name)) {
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

/// The same service, its responses with the part of the body that came together
/// with the headers already in hand: a proxy that hands on a short answer then
/// writes it at once, not headers first. What is still to come is not waited for.
#[must_use]
pub fn with_first_chunk(service: HttpService) -> HttpService {
    BoxCloneSyncService::new(service.and_then(|response: Response| async move {
        let (parts, body) = response.into_parts();
        Ok::<_, TransportError>(Response::from_parts(parts, begun(body).await))
    }))
}

/// A body whose beginning was asked for. The connection is a task of its own,
/// and decodes only what somebody asked for: it gets one turn to do so.
async fn begun(mut body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let mut turns = 0;
    let first = poll_fn(|context| match Pin::new(&mut body).poll_frame(context) {
        Poll::Pending if turns == 0 => {
            turns += 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
        first => Poll::Ready(first),
    });
    match first.await {
        Poll::Pending => body,
        Poll::Ready(None) => Body::empty(),
        Poll::Ready(Some(Ok(frame))) if frame.is_data() && body.is_end_stream() => {
            Body::from(frame.into_data().unwrap_or_default())
        }
        Poll::Ready(Some(first)) => Body::new(Begun { first: Some(first), rest: body }),
    }
}

/// A body and the frame that was taken from its beginning.
struct Begun {
    first: Option<Result<Frame<Bytes>, axum::Error>>,
    rest: Body,
}

impl http_body::Body for Begun {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.rest.size_hint();
        if let Some(Ok(frame)) = &self.first {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            let upper = hint.upper().and_then(|upper| upper.checked_add(length));
            hint.set_lower(hint.lower().saturating_add(length));
            if let Some(upper) = upper {
                hint.set_upper(upper);
            }
        }
        hint
    }
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
                match response {
                    Ok(response) => Ok(response),
                    Err(never) => match never {},
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
    use futures_util::FutureExt as _;
    use http_body_util::BodyExt as _;

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

    /// Chunks, each when its turn has come.
    fn chunks(all: &'static [&'static str]) -> Body {
        let stream = futures_util::stream::unfold(0, move |at| async move {
            if 0 < at {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            all.get(at)
                .map(|chunk| (Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes())), at + 1))
        });
        Body::from_stream(stream)
    }

    /// A body that needs another task's turn for its one chunk of 5 bytes, as
    /// one from a connection does.
    struct Asked(tokio::sync::mpsc::Receiver<Bytes>, u64, Option<tokio::sync::oneshot::Sender<()>>);

    impl http_body::Body for Asked {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if let Some(ask) = self.2.take() {
                ask.send(()).unwrap();
            }
            let chunk = std::task::ready!(self.0.poll_recv(context));
            self.1 -= chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
        }

        fn is_end_stream(&self) -> bool {
            self.1 == 0
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.1)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_beginning_that_is_there_is_in_hand() {
        let (send, receive) = tokio::sync::mpsc::channel(1);
        let (ask, asked) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            asked.await.unwrap();
            send.send(Bytes::from_static(b"whole")).await.unwrap();
        });
        let mut whole = begun(Body::new(Asked(receive, 5, Some(ask)))).await;
        assert_eq!(whole.size_hint().exact(), Some(5));
        let frame = whole.frame().now_or_never().flatten().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "whole");
        assert!(whole.is_end_stream());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_to_come_is_not_waited_for() {
        let started = tokio::time::Instant::now();
        let stream = begun(chunks(&["a", "b"])).await;
        assert_eq!((stream.is_end_stream(), stream.size_hint().lower()), (false, 1));
        let silent =
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, Infallible>>());
        assert!(!begun(silent).await.is_end_stream());
        assert!(begun(Body::empty()).await.is_end_stream());
        assert_eq!(started.elapsed(), Duration::ZERO);
        assert_eq!(stream.collect().await.unwrap().to_bytes(), "ab");
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
