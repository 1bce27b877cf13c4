//! A server with several threads, each a runtime of its own.
//!
//! A request stays on the thread that accepted its connection, and so do its
//! calls: nothing of it wakes another thread. On a work-stealing runtime every
//! packet does, and the kernel's switching between threads was the largest item
//! of what a request cost (docs/performance.md). The price: a request that
//! computes for long holds up the others of its thread, but never more than
//! those.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::connections::Connections;
use super::{Stopped, plain};

/// Routers being served on one listener, each by a thread. Dropping it stops them
/// at once.
pub struct Workers {
    address: SocketAddr,
    /// Accept no more, finish what is under way.
    stop: CancellationToken,
    /// End the threads.
    end: CancellationToken,
    /// Closed when the last worker has no connection left.
    drained: mpsc::Receiver<()>,
    _acceptor: AbortOnDropHandle<()>,
}

/// A thread as the acceptor sees it.
struct Worker {
    sockets: mpsc::UnboundedSender<(std::net::TcpStream, SocketAddr)>,
    /// Its open connections.
    open: Arc<AtomicUsize>,
}

impl Workers {
    /// Starts `threads` of them (at least one), and accepts connections on the
    /// present runtime. `router` is called once for each, with its number.
    pub fn start(
        listener: TcpListener,
        threads: usize,
        router: impl Fn(usize) -> Router,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, end) = (CancellationToken::new(), CancellationToken::new());
        let (working, drained) = mpsc::channel(1);
        let mut workers = Vec::new();
        for number in 0..threads.max(1) {
            // Bounded by the file descriptors of the process.
            let (sockets, received) = mpsc::unbounded_channel();
            let open = Arc::new(AtomicUsize::new(0));
            workers.push(Worker { sockets, open: Arc::clone(&open) });
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let connections = Connections::new(router(number), stop.clone());
            let (end, working) = (end.clone(), working.clone());
            std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        biased;
                        () = end.cancelled() => {}
                        () = work(connections, received, &open, working) => {}
                    }
                });
            })?;
        }
        let acceptor = AbortOnDropHandle::new(tokio::spawn(distribute(
            plain(listener),
            workers,
            stop.clone(),
        )));
        Ok(Self { address, stop, end, drained, _acceptor: acceptor })
    }

    /// The address they listen on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets requests under way finish for at most `drain`. What
    /// requests left to be done after their answers goes on until `self` is
    /// dropped.
    pub async fn stop(&mut self, drain: Duration) -> Stopped {
        self.stop.cancel();
        match tokio::time::timeout(drain, self.drained.recv()).await {
            Ok(_) => Stopped::Drained,
            Err(_) => Stopped::Cut,
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// Gives each connection to the worker that has the fewest, the first of equals.
async fn distribute(
    mut listener: impl Listener<Io = TcpStream, Addr = SocketAddr>,
    workers: Vec<Worker>,
    stop: CancellationToken,
) {
    loop {
        let (socket, peer) = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let least = workers.iter().min_by_key(|worker| worker.open.load(Ordering::Relaxed));
        // Out of this runtime, into the worker's.
        if let (Some(worker), Ok(socket)) = (least, socket.into_std()) {
            worker.open.fetch_add(1, Ordering::Relaxed);
            // A worker that ended takes no more: so does the whole server.
            let _ = worker.sockets.send((socket, peer));
        }
    }
}

/// One worker's life: `_working` is dropped when its last connection ended.
async fn work(
    mut connections: Connections,
    mut sockets: mpsc::UnboundedReceiver<(std::net::TcpStream, SocketAddr)>,
    open: &AtomicUsize,
    working: mpsc::Sender<()>,
) {
    loop {
        tokio::select! {
            biased;
            socket = sockets.recv() => match socket.map(|(own, peer)| (TcpStream::from_std(own), peer)) {
                Some((Ok(socket), peer)) => connections.add(socket, peer),
                Some((Err(error), _)) => {
                    tracing::error!(%error, "cannot take over a connection");
                    open.fetch_sub(1, Ordering::Relaxed);
                }
                // The acceptor ended: no more of them.
                None => break,
            },
            () = connections.ended() => {
                open.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
    connections.drained().await;
    drop(working);
    pending().await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::body::Body;
    use axum::routing::get;
    use bytes::Bytes;
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::http::{HttpService, call, network};

    async fn served(threads: usize, router: impl Fn(usize) -> Router) -> (Workers, HttpService) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let workers = Workers::start(listener, threads, router).unwrap();
        let hosts = BTreeMap::from([("server:80".to_owned(), workers.address())]);
        (workers, network(hosts))
    }

    async fn get_text(client: &HttpService, path: &str) -> String {
        let uri = format!("http://server{path}");
        let request = http::Request::get(uri).body(Body::empty()).unwrap();
        let response = call(client, request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// Answers with the worker's number and the thread it runs on.
    fn who(number: usize) -> Router {
        let answer = move || async move {
            format!("{number} {}", std::thread::current().name().unwrap_or_default())
        };
        Router::new().route("/", get(answer))
    }

    #[tokio::test]
    async fn connections_go_to_the_worker_that_has_the_fewest() {
        let (_workers, first) = served(3, who).await;
        assert_eq!(get_text(&first, "/").await, "0 worker-0");
        // A connection that is kept alive stays where it is.
        assert_eq!(get_text(&first, "/").await, "0 worker-0");
        let hosts = BTreeMap::from([("server:80".to_owned(), _workers.address())]);
        let [second, third] = [network(hosts.clone()), network(hosts)];
        assert_eq!(get_text(&second, "/").await, "1 worker-1");
        assert_eq!(get_text(&third, "/").await, "2 worker-2");
    }

    /// A body that ends when told.
    fn held() -> (Router, mpsc::Sender<()>) {
        let (hold, held) = mpsc::channel::<()>(1);
        let held = Arc::new(tokio::sync::Mutex::new(held));
        let answer = move || async move {
            let chunks = futures_util::stream::unfold(0, move |step| {
                let held = Arc::clone(&held);
                async move {
                    if step == 1 {
                        held.lock().await.recv().await;
                    }
                    (step < 2).then(|| (Ok::<_, io::Error>(Bytes::from_static(b"x")), step + 1))
                }
            });
            Body::from_stream(chunks)
        };
        (Router::new().route("/", get(answer)), hold)
    }

    async fn begun(client: &HttpService) -> Body {
        let request = http::Request::get("http://server/").body(Body::empty()).unwrap();
        let mut body = call(client, request).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "x");
        body
    }

    #[tokio::test]
    async fn stopping_waits_for_what_is_under_way() {
        let (router, hold) = held();
        let (mut workers, client) = served(2, move |_| router.clone()).await;
        let body = begun(&client).await;
        let (stopped, rest) = tokio::join!(workers.stop(Duration::from_secs(60)), async {
            drop(hold);
            body.collect().await
        });
        assert_eq!((stopped, rest.unwrap().to_bytes().len()), (Stopped::Drained, 1));
        let request = http::Request::get("http://server/").body(Body::empty()).unwrap();
        assert!(call(&client, request).await.is_err());
    }

    #[tokio::test]
    async fn what_outlasts_the_drain_time_is_cut() {
        let (router, _hold) = held();
        let (mut workers, client) = served(1, move |_| router.clone()).await;
        let body = begun(&client).await;
        assert_eq!(workers.stop(Duration::ZERO).await, Stopped::Cut);
        drop(workers);
        assert!(body.collect().await.is_err());
    }
}
