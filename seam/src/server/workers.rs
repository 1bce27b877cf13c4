//! Threads that serve connections, each a runtime of its own.
//!
//! A request stays on the thread that its connection lives on, and so do its
//! calls: nothing of it wakes another thread. On a work-stealing runtime every
//! packet does, and the kernel's switching between threads was the largest item
//! of what a request cost (docs/performance.md). The price: a request that
//! computes for long holds up the others of its thread, but never more than
//! those.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use super::listening::Place;
use super::{Gate, Server};
use crate::pacer;
use crate::tls::Identity;

/// Threads for any number of servers. Dropping them cuts every connection, and what
/// requests left to be done after their answers.
pub struct Workers {
    threads: Vec<Worker>,
    end: CancellationToken,
}

struct Worker {
    runtime: Handle,
    /// Its open connections.
    open: Arc<AtomicUsize>,
}

impl Workers {
    /// Starts `threads` of them, at least one.
    ///
    /// # Errors
    /// When the system gives no thread, or no means to wait for sockets.
    pub fn start(threads: usize) -> io::Result<Self> {
        let end = CancellationToken::new();
        let mut workers = Self { threads: Vec::new(), end: end.clone() };
        for number in 0..threads.max(1) {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            let end = end.clone();
            std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        biased;
                        () = end.cancelled() => {}
                        () = pacer::keep_time() => {}
                    }
                });
            })?;
            workers.threads.push(Worker { runtime: handle, open: Arc::default() });
        }
        Ok(workers)
    }

    /// Serves a listener with all of them; accepts connections on the present
    /// runtime. `router` is called once for each, with its number. The rest is as for
    /// [`Server::start_behind`].
    #[must_use]
    pub fn serve(
        &self,
        listener: TcpListener,
        identity: Option<Identity>,
        gate: impl Gate,
        router: impl Fn(usize) -> Router,
    ) -> Server {
        let place = |(number, worker): (usize, &Worker)| Place {
            runtime: worker.runtime.clone(),
            open: Arc::clone(&worker.open),
            router: router(number),
        };
        let places = self.threads.iter().enumerate().map(place).collect();
        Server::at(places, listener, identity, gate)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::SocketAddr;
    use std::time::Duration;

    use axum::body::Body;
    use axum::routing::get;
    use bytes::Bytes;
    use http_body_util::BodyExt as _;

    use tokio::sync::mpsc;

    use super::*;
    use crate::http::{HttpService, call, network};
    use crate::server::{AlwaysOpen, Stopped};

    /// Threads that serve a router; drop the server before them.
    struct Bench {
        server: Server,
        _workers: Workers,
        hosts: BTreeMap<String, SocketAddr>,
    }

    async fn served(threads: usize, router: impl Fn(usize) -> Router) -> (Bench, HttpService) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let workers = Workers::start(threads).unwrap();
        let server = workers.serve(listener, None, AlwaysOpen, router);
        let hosts = BTreeMap::from([("server:80".to_owned(), server.address().unwrap())]);
        let client = network(hosts.clone());
        (Bench { server, _workers: workers, hosts }, client)
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
        let (bench, first) = served(3, who).await;
        assert_eq!(get_text(&first, "/").await, "0 worker-0");
        // A connection that is kept alive stays where it is.
        assert_eq!(get_text(&first, "/").await, "0 worker-0");
        let [second, third] = [network(bench.hosts.clone()), network(bench.hosts.clone())];
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
        let (bench, client) = served(2, move |_| router.clone()).await;
        let body = begun(&client).await;
        let (stopped, rest) = tokio::join!(bench.server.stop(Duration::from_secs(60)), async {
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
        let (bench, client) = served(1, move |_| router.clone()).await;
        let body = begun(&client).await;
        assert_eq!(bench.server.stop(Duration::ZERO).await, Stopped::Cut);
        assert!(body.collect().await.is_err());
    }
}
