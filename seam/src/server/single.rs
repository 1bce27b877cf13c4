//! A server on the runtime that starts it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Stopped;
use super::connections::{Connections, without_delay};
use crate::tls::{Identity, TlsListener};

/// A router being served on a listener. Dropping it stops it at once.
pub struct Server {
    address: Option<SocketAddr>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Spawns the accept loop.
    #[must_use]
    pub fn start(listener: TcpListener, router: Router) -> Self {
        Self::spawn(without_delay(listener), router)
    }

    /// As [`Server::start`], over TLS.
    #[must_use]
    pub fn start_tls(listener: TcpListener, identity: Identity, router: Router) -> Self {
        Self::spawn(TlsListener::start(listener, identity), router)
    }

    fn spawn(listener: impl Listener<Addr = SocketAddr>, router: Router) -> Self {
        let address = listener.local_addr().ok();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(run(listener, router, shutdown.clone()));
        Self { address, shutdown, task }
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Stops accepting, lets requests under way finish for at most `drain`.
    pub async fn stop(mut self, drain: Duration) -> Stopped {
        self.shutdown.cancel();
        match tokio::time::timeout(drain, &mut self.task).await {
            Ok(_) => Stopped::Drained,
            Err(_) => Stopped::Cut,
        }
    }
}

/// The connections are the task's own: they end with it.
impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    mut listener: impl Listener<Addr = SocketAddr>,
    router: Router,
    shutdown: CancellationToken,
) {
    let mut connections = Connections::new(router, shutdown.clone());
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            (socket, peer) = listener.accept() => connections.add(socket, peer),
            () = connections.ended() => {}
        }
    }
    drop(listener);
    connections.drained().await;
}
