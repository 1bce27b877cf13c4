//! The connections of one worker: HTTP/1.1, kept alive, each a task of its own.
//!
//! hyper serves them directly: `axum::serve` wants to accept them itself, on the
//! runtime that answers them.

use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

/// Connections under way. Dropping it cuts them.
pub(super) struct Connections {
    router: Router,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Connections {
    /// None yet. When `stop` is cancelled, each ends after the request under way.
    pub(super) fn new(router: Router, stop: CancellationToken) -> Self {
        Self { router, stop, tasks: JoinSet::new() }
    }

    /// Serves one more.
    pub(super) fn add(&mut self, socket: TcpStream, peer: SocketAddr) {
        self.tasks.spawn(serve(socket, peer, self.router.clone(), self.stop.clone()));
    }

    /// Resolves when one of them has ended; never while there is none.
    pub(super) async fn ended(&mut self) {
        if self.tasks.join_next().await.is_none() {
            std::future::pending().await
        }
    }

    /// Resolves when all of them have ended.
    pub(super) async fn drained(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn serve(socket: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    let service = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready.
        router.clone().call(request)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
