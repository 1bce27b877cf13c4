//! Serving a router on a socket, and stopping it in order.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::tls::{Identity, TlsListener};

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
        Self::spawn(listener, router, |socket| {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
        })
    }

    /// As [`Server::start`], over TLS.
    #[must_use]
    pub fn start_tls(listener: TcpListener, identity: Identity, router: Router) -> Self {
        Self::spawn(TlsListener::start(listener, identity), router, |_| {})
    }

    fn spawn<L>(listener: L, router: Router, tap: impl FnMut(&mut L::Io) + Send + 'static) -> Self
    where
        L: Listener<Addr = SocketAddr>,
    {
        let address = listener.local_addr().ok();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let listener = listener.tap_io(tap);
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

/// Requests to end the process: SIGINT and SIGTERM.
pub struct Interrupts {
    #[cfg(unix)]
    signals: [Option<tokio::signal::unix::Signal>; 2],
}

impl Interrupts {
    /// Listens from now on: a signal that comes before [`Interrupts::next`] is
    /// not lost. In a container nothing else would catch it there.
    #[must_use]
    pub fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            // Without a handler the default action ends the process anyway.
            let signals = [SignalKind::interrupt(), SignalKind::terminate()];
            Self { signals: signals.map(|kind| signal(kind).ok()) }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Resolves with the next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        {
            async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
                let came = match signal {
                    Some(signal) => signal.recv().await,
                    None => None,
                };
                if came.is_none() {
                    std::future::pending().await
                }
            }
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! { biased; () = received(interrupt) => {}, () = received(terminate) => {} }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Resolves when the process is asked to end: SIGINT or SIGTERM.
pub async fn interrupted() {
    Interrupts::listen().next().await;
}
