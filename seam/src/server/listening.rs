//! Accepting connections, and handing each to a thread that serves it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Gate;
use super::connection::{self, Port};
use crate::tls::Identity;

/// How long a server waits before it tries again to listen where it did before.
const LISTEN_AGAIN: Duration = Duration::from_millis(200);
/// Handshakes under way at once; further connections wait in the socket's queue.
const MOST_HANDSHAKES: usize = 256;

/// Where connections can live: a runtime, and what answers their requests there.
pub(super) struct Place {
    pub(super) runtime: Handle,
    /// The connections that live there, of all listeners.
    pub(super) open: Arc<AtomicUsize>,
    pub(super) router: Router,
}

/// Counts a connection for as long as it lives.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn at(place: &Place) -> Self {
        place.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&place.open))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Listens whenever the gate is open, until told to stop; then waits for what is
/// under way. Each connection goes to the place that has the fewest, the first of
/// equals. Dropping it cuts all of them.
pub(super) async fn serve(
    listener: TcpListener,
    places: Vec<Place>,
    identity: Option<Identity>,
    gate: impl Gate,
    stop: CancellationToken,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut listener = Some(listener);
    let handshakes = identity.is_some().then(|| Arc::new(Semaphore::new(MOST_HANDSHAKES)));
    let mut port = Port { identity, closing: stop.child_token() };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = gate.closed(), if listener.is_some() => {
                listener = None;
                let closed = std::mem::replace(&mut port.closing, stop.child_token());
                closed.cancel();
            }
            // Idle until there is one: forgets those that ended.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            again = async { gate.opened().await; listen(address).await }, if listener.is_none() => {
                listener = Some(again);
            }
            (socket, peer, place) = accept(listener.as_mut(), handshakes.as_ref()) => {
                let least = places.iter().min_by_key(|place| place.open.load(Ordering::Relaxed));
                // Out of this runtime, into the place's.
                if let (Some(least), Ok(socket)) = (least, socket.into_std()) {
                    let (open, port, router) = (Open::at(least), port.clone(), least.router.clone());
                    let served = async move {
                        connection::serve(socket, peer, port, router, place).await;
                        drop(open);
                    };
                    connections.spawn_on(served, &least.runtime);
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// The next connection, and the right to a handshake where one is needed; never
/// while there is no listener.
async fn accept(
    listener: Option<&mut TcpListener>,
    handshakes: Option<&Arc<Semaphore>>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let Some(listener) = listener else { return std::future::pending().await };
    let place = match handshakes {
        // Nobody closes it: there is always one in the end.
        Some(handshakes) => Arc::clone(handshakes).acquire_owned().await.ok(),
        None => None,
    };
    // axum's reading of a listener: errors are waited out.
    let (socket, peer) = Listener::accept(listener).await;
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    (socket, peer, place)
}

/// Listens again at an address that was given up; tries until it succeeds.
async fn listen(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => tracing::error!(%address, %error, "cannot listen again yet"),
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}
