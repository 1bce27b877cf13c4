//! One connection: TLS if asked for, then HTTP/1.1, kept alive.
//!
//! hyper serves it directly: `axum::serve` wants to accept connections itself, on
//! the runtime that answers them.

use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::interrupt::{Answer, Resettable, Socket};
use crate::tls::Identity;

/// What connections of one listener have in common.
#[derive(Clone)]
pub(super) struct Port {
    /// Shown to clients, when they speak TLS.
    pub(super) identity: Option<Identity>,
    /// Cancelled: each connection ends after the request under way.
    pub(super) closing: CancellationToken,
}

/// Serves an accepted socket. It is registered with the runtime that polls this,
/// which need not be the one that accepted it. `place` is given back after the
/// handshake.
pub(super) async fn serve(
    socket: std::net::TcpStream,
    peer: SocketAddr,
    port: Port,
    router: Router,
    place: Option<OwnedSemaphorePermit>,
) {
    let socket = match TcpStream::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::error!(%error, "cannot take over a connection");
            return;
        }
    };
    match &port.identity {
        None => speak(socket, peer, router, port.closing).await,
        Some(identity) => {
            let Some(stream) = identity.shake_hands(socket, peer).await else { return };
            drop(place);
            speak(stream, peer, router, port.closing).await;
        }
    }
}

async fn speak(
    stream: impl Resettable,
    peer: SocketAddr,
    router: Router,
    closing: CancellationToken,
) {
    let (socket, fate) = Socket::new(stream);
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready.
        Answer::new(router.clone().call(request), &fate)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
