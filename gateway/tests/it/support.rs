//! A gateway in a temporary folder, with backends in process.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use gateway::{Environment, Gateway, GatewayConfig, RequestRecord};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::env::Env;
use seam::http::{Body, HttpService, InProcessNetwork, Response};
use seam::rng::Seed;
use tower::ServiceExt as _;

/// An API `test` at path `api` with a few operations, two backends, one
/// product and a key `key-one` in header `api-key`.
pub(crate) const CONFIG: &str = r#"
version = 1

[[backends]]
id = "b1"
url = "http://b1/base"
credentials = { headers = { "api-key" = "backend-key" } }

[[backends]]
id = "b2"
url = "http://b2/base"

[[apis]]
id = "test"
path = "api"
policy = "api.xml"
service_url = "http://b1/base"
subscription_key = { header = "api-key" }

[[apis.operations]]
id = "post"
method = "POST"
url_template = "/x"

[[apis.operations]]
id = "get"
method = "GET"
url_template = "/x"

[[products]]
id = "product"
apis = ["test"]

[[subscriptions]]
id = "one"
product = "product"
primary_key = "key-one"
"#;

/// A document that forwards and does no more.
pub(crate) const PLAIN: &str = "<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>";

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// As golden files show it.
    pub(crate) fn golden(&self) -> String {
        let mut text = format!("{}\n", self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {}\n", value.to_str().unwrap_or("?"));
        }
        text + "\n" + &self.body
    }
}

/// A gateway under test.
pub(crate) struct Bench {
    pub(crate) gateway: Gateway,
    pub(crate) router: Router,
}

impl Bench {
    /// A gateway for a configuration and its documents.
    #[track_caller]
    pub(crate) fn new(config: &str, files: &[(&str, &str)], client: HttpService) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("gateway.toml"), config).unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self::load(&folder.path().join("gateway.toml"), &Env::empty(), client)
    }

    /// A gateway for a file.
    #[track_caller]
    pub(crate) fn load(path: &Path, env: &Env, client: HttpService) -> Self {
        let config = match gateway::load(path, env) {
            Ok((config, _)) => config,
            Err(problems) => {
                let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
                panic!("{}", all.join("\n"))
            }
        };
        Self::start(config, client, VIRTUAL_EPOCH)
    }

    fn start(config: GatewayConfig, client: HttpService, date: Duration) -> Self {
        let clock = WallClock::fixed(date);
        let gateway = Gateway::new(config, Environment { client, seed: Seed(7), clock });
        let router = gateway.router();
        Self { gateway, router }
    }

    /// The plain gateway without backends, started at a date.
    pub(crate) fn at(date: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("gateway.toml"), CONFIG).unwrap();
        std::fs::write(folder.path().join("api.xml"), PLAIN).unwrap();
        let (config, _) =
            gateway::load(&folder.path().join("gateway.toml"), &Env::empty()).unwrap();
        Self::start(config, InProcessNetwork::new().into_service(), date)
    }

    /// A gateway whose API has this document, and one echoing backend `b1`.
    #[track_caller]
    pub(crate) fn policy(document: &str) -> (Self, Backend) {
        let backend = Backend::default();
        let network = InProcessNetwork::new().host("b1:80", backend.router());
        (Self::new(CONFIG, &[("api.xml", document)], network.into_service()), backend)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.send(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.answer(post(path, body)).await
    }

    #[track_caller]
    pub(crate) fn record(&self, number: u64) -> RequestRecord {
        let mut found = self.gateway.journal(number - 1).into_iter();
        found.next().filter(|record| record.number == number).expect("a record")
    }
}

/// A POST with the key.
pub(crate) fn post(path: &str, body: &str) -> Request<Body> {
    Request::post(path)
        .header("host", "gateway.test:8000")
        .header("api-key", "key-one")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

/// A backend that notes what it was sent and answers as told: the statuses in
/// order, the last one for ever.
#[derive(Clone, Default)]
pub(crate) struct Backend {
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
    retry_after: Arc<Mutex<Option<String>>>,
}

/// A request at a backend.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: tokio::time::Instant,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Backend {
    pub(crate) fn answering(statuses: &[u16]) -> Self {
        let backend = Self::default();
        *backend.statuses.lock().unwrap() = statuses.iter().rev().copied().collect();
        backend
    }

    /// From now on all answers have this status.
    pub(crate) fn now_answers(&self, status: u16) {
        *self.statuses.lock().unwrap() = vec![status];
    }

    /// From now on all answers have this `Retry-After`; before, it is 7.
    pub(crate) fn now_asks_to_wait(&self, retry_after: &str) {
        *self.retry_after.lock().unwrap() = Some(retry_after.to_owned());
    }

    pub(crate) fn router(&self) -> Router {
        let backend = self.clone();
        Router::new().fallback(move |request: Request<Body>| {
            let backend = backend.clone();
            async move { backend.answer(request).await }
        })
    }

    async fn answer(&self, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let seen = Seen {
            at: tokio::time::Instant::now(),
            uri: parts.uri.to_string(),
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        self.seen.lock().unwrap().push(seen);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let status = {
            let mut statuses = self.statuses.lock().unwrap();
            if 1 < statuses.len() { statuses.pop() } else { statuses.last().copied() }
        };
        http::Response::builder()
            .status(status.unwrap_or(200))
            .header("content-type", "text/plain")
            .header("connection", "x-private")
            .header("x-private", "1")
            .header("retry-after", self.retry_after.lock().unwrap().as_deref().unwrap_or("7"))
            .body(Body::from(format!("backend saw {}", parts.uri)))
            .unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}
