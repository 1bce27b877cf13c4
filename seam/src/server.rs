//! Serving a router on a socket, and stopping it in order: on the present runtime
//! ([`Server`]), or by workers with a thread each ([`Workers`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::tls::Identity;
use listening::Place;

mod connection;
mod listening;
mod workers;

pub use workers::Workers;

/// A router being served on a listener. Dropping it stops it at once.
pub struct Server {
    address: Option<SocketAddr>,
    shutdown: CancellationToken,
    task: AbortOnDropHandle<std::io::Result<()>>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Every request under way was answered.
    Drained,
    /// The drain time ran out; what was left was cut.
    Cut,
}

/// Says when a server listens. Both futures may be dropped and asked for again.
pub trait Gate: Send + Sync + 'static {
    /// Resolves once connections are welcome; at once when they are.
    fn opened(&self) -> impl Future<Output = ()> + Send;

    /// Resolves once they are refused; at once when they are.
    fn closed(&self) -> impl Future<Output = ()> + Send;
}

/// Never refuses a connection.
pub struct AlwaysOpen;

impl Gate for AlwaysOpen {
    async fn opened(&self) {}

    async fn closed(&self) {
        std::future::pending().await
    }
}

impl Server {
    /// Spawns the accept loop. `TCP_NODELAY` is set on every accepted socket:
    /// without it a stream's last chunk waits some 40 ms for an acknowledgement.
    /// Responses may interrupt their connection (see [`crate::interrupt`]).
    #[must_use]
    pub fn start(listener: TcpListener, router: Router) -> Self {
        Self::start_behind(listener, None, router, AlwaysOpen)
    }

    /// As [`Server::start`], over TLS.
    #[must_use]
    pub fn start_tls(listener: TcpListener, identity: Identity, router: Router) -> Self {
        Self::start_behind(listener, Some(identity), router, AlwaysOpen)
    }

    /// As [`Server::start`] or, with an identity, [`Server::start_tls`], but nobody
    /// listens while the gate is closed: connections are refused, idle ones closed,
    /// and requests under way answered.
    #[must_use]
    pub fn start_behind(
        listener: TcpListener,
        identity: Option<Identity>,
        router: Router,
        gate: impl Gate,
    ) -> Self {
        let here = Place { runtime: Handle::current(), open: Arc::default(), router };
        Self::at(vec![here], listener, identity, gate)
    }

    fn at(
        places: Vec<Place>,
        listener: TcpListener,
        identity: Option<Identity>,
        gate: impl Gate,
    ) -> Self {
        let address = listener.local_addr().ok();
        let shutdown = CancellationToken::new();
        let serving = listening::serve(listener, places, identity, gate, shutdown.clone());
        Self { address, shutdown, task: AbortOnDropHandle::new(tokio::spawn(serving)) }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::sync::{Notify, watch};

    use super::*;
    use crate::http::{Body, HttpService, TransportErrorKind, call, network};

    struct Door(watch::Receiver<bool>);

    impl Gate for Door {
        async fn opened(&self) {
            let _ = self.0.clone().wait_for(|open| *open).await;
        }

        async fn closed(&self) {
            let _ = self.0.clone().wait_for(|open| !*open).await;
        }
    }

    /// Asks until the answer is as wanted: a gate takes a moment.
    async fn becomes(client: &HttpService, uri: &str, wanted: Result<(), TransportErrorKind>) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let request = http::Request::builder().uri(uri).body(Body::empty()).unwrap();
            let found = call(client, request).await.map(|_| ()).map_err(|error| error.kind);
            if found == wanted {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "still {found:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn nobody_listens_while_the_gate_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (enter, left) = (Arc::clone(&entered), Arc::clone(&leave));
        let router = Router::new().route("/", get(|| async { "here" })).route(
            "/slow",
            get(move || async move {
                enter.notify_one();
                left.notified().await;
                "late"
            }),
        );
        let (door, gate) = watch::channel(false);
        let server = Server::start_behind(listener, None, router, Door(gate));
        let client = network(BTreeMap::new());
        let uri = format!("http://{address}/");
        becomes(&client, &uri, Err(TransportErrorKind::Connect)).await;
        door.send(true).unwrap();
        becomes(&client, &uri, Ok(())).await;
        // What is under way when the gate closes is answered.
        let request = http::Request::builder().uri(format!("{uri}slow"));
        let request = request.body(Body::empty()).unwrap();
        let slow = tokio::spawn({
            let client = client.clone();
            async move { call(&client, request).await.map(|response| response.status()) }
        });
        entered.notified().await;
        door.send(false).unwrap();
        becomes(&client, &uri, Err(TransportErrorKind::Connect)).await;
        leave.notify_one();
        assert_eq!(slow.await.unwrap().unwrap(), 200);
        door.send(true).unwrap();
        becomes(&client, &uri, Ok(())).await;
        drop(client);
        assert_eq!(server.stop(Duration::from_secs(20)).await, Stopped::Drained);
    }
}
