//! Serving a router on a socket, and stopping it in order.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A router being served on a listener. Dropping it stops it at once.
pub struct Server {
    address: Option<SocketAddr>,
    shutdown: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Every request under way was answered.
    Drained,
    /// The drain time ran out; what was left was cut.
    Cut,
}

impl Server {
    /// Spawns the accept loop. `TCP_NODELAY` is set on every accepted socket:
    /// without it a stream's last chunk waits some 40 ms for an acknowledgement.
    #[must_use]
    pub fn start(listener: TcpListener, router: Router) -> Self {
        let address = listener.local_addr().ok();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let listener = listener.tap_io(|socket| {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
        });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
        });
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

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Resolves when the process is asked to end: SIGINT or SIGTERM.
pub async fn interrupted() {
    let interrupt = async {
        // Without a handler the default action ends the process anyway.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! { biased; () = interrupt => {}, () = terminate => {} }
}
