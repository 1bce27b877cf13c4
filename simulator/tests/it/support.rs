//! A simulator in a box: virtual time, one resource, readable answers.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::diagnostic::Source;
use seam::env::Env;
use seam::rng::Seed;
use serde_json::Value;
use simulator::{Environment, Simulator, load};
use tower::ServiceExt as _;

pub(crate) const KEY: &str = "k1";
pub(crate) const CHAT: &str = "/openai/deployments/chat/chat/completions?api-version=2024-10-21";
pub(crate) const TEXT: &str = "/openai/deployments/text/completions?api-version=2023-05-15";
pub(crate) const EMBEDDING: &str = "/openai/deployments/emb/embeddings?api-version=2023-05-15";

/// A resource `r` with these lines of `deployments = […]`.
pub(crate) struct Bench {
    router: Router,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Bench {
    pub(crate) fn new(deployments: &str) -> Self {
        Self::seeded(deployments, 1)
    }

    pub(crate) fn seeded(deployments: &str, seed: u64) -> Self {
        Self::with(&Self::config(deployments), seed)
    }

    /// Started at another date.
    pub(crate) fn at(deployments: &str, clock: WallClock) -> Self {
        Self::in_world(&Self::config(deployments), Environment { seed: Seed(1), clock })
    }

    fn config(deployments: &str) -> String {
        format!(
            "version = 1\n[[resources]]\nname = \"r\"\nport = 0\nkeys = [\"{KEY}\", \"k2\"]\ndeployments = [\n{deployments}\n]\n"
        )
    }

    pub(crate) fn with(text: &str, seed: u64) -> Self {
        let environment = Environment { seed: Seed(seed), clock: WallClock::fixed(VIRTUAL_EPOCH) };
        Self::in_world(text, environment)
    }

    fn in_world(text: &str, environment: Environment) -> Self {
        let (config, _) = load(&Source::new("test.toml", text), &Env::empty())
            .unwrap_or_else(|problems| panic!("{}", render(&problems)));
        let simulator = Simulator::new(config, environment);
        let name = simulator.resources()[0].name.clone();
        Self { router: simulator.router(&name).unwrap() }
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn request(uri: &str, body: impl Into<Body>) -> Request<Body> {
        Request::builder().method("POST").uri(uri).header("api-key", KEY).body(body.into()).unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn post(&self, uri: &str, body: &str) -> Answer {
        self.send(Self::request(uri, body.to_owned())).await
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        let request =
            Request::builder().uri(uri).header("api-key", KEY).body(Body::empty()).unwrap();
        self.send(request).await
    }

    pub(crate) async fn patch(&self, body: &str) -> Answer {
        let mut request = Self::request("/++/config", body.to_owned());
        *request.method_mut() = http::Method::PATCH;
        self.send(request).await
    }

    pub(crate) async fn journal(&self) -> Vec<Value> {
        let page = self.get("/++/journal?limit=100000").await.json();
        page["records"].as_array().unwrap().clone()
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Header names in alphabetical order.
    pub(crate) fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Status, headers and body with request ids replaced.
    pub(crate) fn redacted(&self) -> String {
        let mut text = format!("{}\n", self.status);
        let mut names = self.header_names();
        names.dedup();
        for name in names {
            let value = self.header(name).unwrap_or("?");
            let value = match value.len() {
                36 if value.matches('-').count() == 4 => "<uuid>",
                36 if value.starts_with("req_") => "<request>",
                _ => value,
            };
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push('\n');
        text.push_str(&self.body);
        text
    }
}

pub(crate) fn render(problems: &[seam::diagnostic::Diagnostic]) -> String {
    problems.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n")
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The `data:` payloads of a stream.
pub(crate) fn events(body: &str) -> Vec<&str> {
    body.split_terminator("\n\n")
        .map(|event| event.strip_prefix("data: ").unwrap_or_else(|| panic!("no data: {event}")))
        .collect()
}
