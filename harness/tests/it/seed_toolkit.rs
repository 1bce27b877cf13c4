//! The deployments of `capabilities/simulator.toml` limit, cost and refuse as the seed
//! toolkit's simulator did. The scenarios rely on it, and see only a part of it.

use std::path::Path;
use std::time::Duration;

use harness::record::World;
use harness::scenario;
use harness::target::{self, Target};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use seam::diagnostic::Source;
use seam::env::Env;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use tower::ServiceExt as _;

const STACK: &str = r#"
version = 1
name = "stack"
[topology]
simulators = "simulator.toml"
gateway = "CAPABILITIES/prioritization/gateway.toml"
[[workloads]]
name = "nothing"
path = "/"
[[stages]]
name = "none"
duration = "1s"
"#;

/// The shipped simulators with the gateway of prioritization before them, on virtual
/// time that starts now.
pub(crate) struct Stack {
    target: Target,
    start: Instant,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub status: u16,
    pub body: String,
    headers: HeaderMap,
    /// How long it took.
    pub took: Duration,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        Self::of_era("azure_2024").await
    }

    /// With what the service sent in another year.
    pub(crate) async fn of_era(profile: &str) -> Self {
        let capabilities = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capabilities");
        let simulators = std::fs::read_to_string(capabilities.join("simulator.toml")).unwrap();
        assert!(simulators.contains("azure_2024"), "no profile: mend this test");
        let simulators = simulators.replace("azure_2024", profile);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("simulator.toml"), simulators).unwrap();
        let text = STACK.replace("CAPABILITIES", capabilities.to_str().unwrap());
        let source = Source::new("stack.toml", text);
        let (scenario, _) = scenario::parse(&source, folder.path(), &Env::empty()).unwrap();
        let target = target::set_up(&scenario, 1, World::Virtual).await.unwrap();
        Self { target, start: Instant::now() }
    }

    /// Waits until so many seconds after the start; that must not be past.
    async fn at(&self, seconds: f64) {
        let then = self.start + Duration::from_secs_f64(seconds);
        assert!(Instant::now() <= then, "{seconds} s are past");
        sleep_until(then).await;
    }

    async fn send(&self, method: Method, uri: http::Uri, key: &str, body: &Value) -> Answer {
        let request = Request::builder().method(method).uri(uri).header("api-key", key);
        self.finish(request, body).await
    }

    async fn finish(&self, request: http::request::Builder, body: &Value) -> Answer {
        let sent = Instant::now();
        let request = request.body(body.to_string().into()).unwrap();
        let (parts, body) =
            self.target.service.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            body: String::from_utf8(body.to_vec()).unwrap(),
            headers: parts.headers,
            took: sent.elapsed(),
        }
    }

    /// Calls a simulator directly; `operation` is such as `embeddings`.
    async fn ask(&self, simulator: &str, path: (&str, &str), body: &Value) -> Answer {
        let simulator = self.simulator(simulator);
        let (deployment, operation) = path;
        let path = format!("/openai/deployments/{deployment}/{operation}?api-version=2023-05-15");
        let uri = simulator.url.as_ref().unwrap().join(&path).unwrap();
        self.send(Method::POST, uri, &simulator.key, body).await
    }

    /// Changes a simulator's settings.
    pub(crate) async fn patch(&self, simulator: &str, change: Value) {
        let simulator = self.simulator(simulator);
        let uri = simulator.url.as_ref().unwrap().join("/++/config").unwrap();
        let answer = self.send(Method::PATCH, uri, &simulator.key, &change).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Calls an API of the gateway with a priority, `low` or another.
    pub(crate) async fn call(
        &self,
        api: &str,
        path: (&str, &str),
        priority: &str,
        body: &Value,
    ) -> Answer {
        let (deployment, operation) = path;
        let path =
            format!("/{api}/openai/deployments/{deployment}/{operation}?api-version=2023-05-15");
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.target.gateway.join(&path).unwrap())
            .header("api-key", "subscription-key-one")
            .header("x-priority", priority);
        self.finish(request, body).await
    }

    fn simulator(&self, name: &str) -> &target::SimulatorTarget {
        self.target.simulators.iter().find(|one| one.name == name).unwrap()
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        let value = self.header(name).unwrap_or_else(|| panic!("{}: no {name}", self.status));
        value.parse().unwrap()
    }

    /// Names of headers that speak of limits.
    fn limits(&self) -> Vec<&str> {
        let names = self.headers.keys().map(http::HeaderName::as_str);
        let mut names: Vec<&str> = names
            .filter(|name| name.starts_with("x-ratelimit") || name.starts_with("retry-after"))
            .collect();
        names.sort_unstable();
        names
    }
}

/// A request that costs this many tokens.
fn costing(tokens: u64) -> Value {
    json!({ "prompt": "Once upon a time", "max_tokens": tokens })
}

const SIMULATORS: [&str; 3] = ["ptu1", "payg1", "payg2"];
const TEXT: &str = "completions";
const CHAT: &str = "chat/completions";
const EMBEDDINGS: &str = "embeddings";

/// Name, what it answers, tokens in 60 s and requests in 10 s.
const DEPLOYMENTS: [(&str, &str, u64, u64); 11] = [
    ("deployment1", TEXT, 60_000, 60),
    ("gpt-35-turbo-1k-token", TEXT, 1_000, 1),
    ("gpt-35-turbo-2k-token", TEXT, 2_000, 2),
    ("gpt-35-turbo-5k-token", TEXT, 5_000, 5),
    ("gpt-35-turbo-10k-token", TEXT, 10_000, 10),
    ("gpt-35-turbo-20k-token", TEXT, 20_000, 20),
    ("gpt-35-turbo-50k-token", TEXT, 50_000, 50),
    ("gpt-35-turbo-100k-token", TEXT, 100_000, 100),
    ("gpt-35-turbo-100m-token", TEXT, 100_000_000, 100_000),
    ("embedding", EMBEDDINGS, 10_000, 10),
    ("embedding100k", EMBEDDINGS, 100_000, 100),
];

#[tokio::test(start_paused = true)]
async fn each_deployment_has_its_limits_on_each_simulator() {
    let stack = Stack::start().await;
    for simulator in SIMULATORS {
        let fast = json!({ "latency": {
            "open_ai_completions": { "mean": 1 }, "open_ai_embeddings": { "mean": 1 },
        } });
        stack.patch(simulator, fast).await;
        for (name, operation, tokens, requests) in DEPLOYMENTS {
            let body = match operation {
                EMBEDDINGS => json!({ "input": "x" }),
                _ => costing(1),
            };
            let place = format!("{simulator}/{name}");
            // What it says after three is what there was, less these three.
            let said = requests.min(3);
            for number in 1..=said {
                let answer = stack.ask(simulator, (name, operation), &body).await;
                assert_eq!(answer.status, 200, "{place}");
                let left = |kind: &str| answer.number(&format!("x-ratelimit-remaining-{kind}"));
                assert_eq!(
                    (left("tokens"), left("requests")),
                    (tokens - number, requests - number)
                );
                assert_eq!(answer.header("retry-after"), None, "{place}");
            }
            if requests <= 100 {
                for _ in said..requests {
                    let status = stack.ask(simulator, (name, operation), &body).await.status;
                    assert_eq!(status, 200, "{place}");
                }
                let one_more = stack.ask(simulator, (name, operation), &body).await;
                assert_eq!(one_more.status, 429, "{place}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_not_defined_is_refused() {
    let stack = Stack::start().await;
    let bodies = [
        (TEXT, costing(1)),
        (CHAT, json!({ "messages": [{ "role": "user", "content": "hi" }] })),
        (EMBEDDINGS, json!({ "input": "x" })),
    ];
    for simulator in SIMULATORS {
        for (operation, body) in &bodies {
            let answer = stack.ask(simulator, ("gpt-4", operation), body).await;
            assert_eq!(answer.status, 404, "{simulator} {operation}");
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body["error"]["code"], "DeploymentNotFound");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_cost_what_they_ask_for() {
    let stack = Stack::start().await;
    let long = |length: usize| "x".repeat(length);
    let message = json!([{ "role": "user", "content": "What is a gateway good for?" }]);
    let cases = [
        (TEXT, costing(10), 10),
        // Unset: 16, and the prompt does not count.
        (TEXT, json!({ "prompt": long(4_000) }), 16),
        (CHAT, json!({ "messages": message }), 16),
        (CHAT, json!({ "messages": message, "max_tokens": 50 }), 50),
        (EMBEDDINGS, json!({ "input": long(974) }), 244),
        (EMBEDDINGS, json!({ "input": long(972) }), 243),
        (EMBEDDINGS, json!({ "input": "x" }), 1),
        // Rounded up for each string.
        (EMBEDDINGS, json!({ "input": ["x", "five!", long(974)] }), 1 + 2 + 244),
    ];
    for (operation, body, cost) in &cases {
        let deployment =
            if *operation == EMBEDDINGS { "embedding100k" } else { "gpt-35-turbo-100k-token" };
        let left = async || {
            let answer = stack.ask("payg1", (deployment, operation), body).await;
            answer.number("x-ratelimit-remaining-tokens")
        };
        let before = left().await;
        assert_eq!(before - left().await, *cost, "{operation} {body}");
    }
}

/// Its status, limit headers, and how long to wait.
fn refusal(answer: &Answer) -> (u16, Vec<&str>, u64) {
    let waits = answer.limits().into_iter().map(|name| answer.number(name));
    let waits: Vec<u64> = waits.collect();
    assert_eq!(waits.first(), waits.last(), "one wait in both headers");
    (answer.status, answer.limits(), waits[0])
}

const FOR_TOKENS: [&str; 2] = ["retry-after", "x-ratelimit-reset-tokens"];
const FOR_REQUESTS: [&str; 2] = ["retry-after", "x-ratelimit-reset-requests"];

#[tokio::test(start_paused = true)]
async fn a_refusal_for_requests_says_when_the_window_has_room() {
    let stack = Stack::start().await;
    let deployment = ("gpt-35-turbo-1k-token", TEXT);
    let ask = async |tokens| stack.ask("ptu1", deployment, &costing(tokens)).await;
    assert_eq!(ask(1).await.status, 200);
    // 7.5 s until the first is 10 s old: rounded up.
    stack.at(2.5).await;
    assert_eq!(refusal(&ask(1).await), (429, FOR_REQUESTS.to_vec(), 8));
    // Refused requests do not count: the wait ends when it was said to.
    stack.at(9.9).await;
    assert_eq!(refusal(&ask(1).await), (429, FOR_REQUESTS.to_vec(), 1));
    stack.at(10.5).await;
    let answer = ask(1).await;
    assert_eq!((answer.status, answer.number("x-ratelimit-remaining-tokens")), (200, 998));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_tokens_says_when_enough_have_left() {
    let stack = Stack::start().await;
    let ask =
        async |tokens| stack.ask("ptu1", ("gpt-35-turbo-2k-token", TEXT), &costing(tokens)).await;
    assert_eq!(ask(600).await.status, 200);
    stack.at(20.0).await;
    assert_eq!(ask(600).await.status, 200);
    // 1,200 of 2,000: 900 need the first 600 to leave, 1,500 both.
    stack.at(35.0).await;
    assert_eq!(refusal(&ask(900).await), (429, FOR_TOKENS.to_vec(), 25));
    assert_eq!(refusal(&ask(1_500).await), (429, FOR_TOKENS.to_vec(), 45));
    // What just fits is admitted.
    assert_eq!(ask(800).await.number("x-ratelimit-remaining-tokens"), 0);
}

#[tokio::test(start_paused = true)]
async fn of_two_limits_that_are_hit_the_longer_wait_is_told() {
    let stack = Stack::start().await;
    let ask =
        async |tokens| stack.ask("ptu1", ("gpt-35-turbo-1k-token", TEXT), &costing(tokens)).await;
    assert_eq!(ask(900).await.status, 200);
    stack.at(55.0).await;
    assert_eq!(ask(100).await.status, 200);
    // At 58 s: 2 s until 900 tokens leave, 7 s until the request of 55 s does.
    stack.at(58.0).await;
    assert_eq!(refusal(&ask(500).await), (429, FOR_REQUESTS.to_vec(), 7));
    // All 1,000 are needed: 57 s until the last 100 leave.
    assert_eq!(refusal(&ask(1_000).await), (429, FOR_TOKENS.to_vec(), 57));
}

#[tokio::test(start_paused = true)]
async fn answers_take_the_latency_that_is_set_and_refusals_none() {
    let stack = Stack::start().await;
    let slow = json!({ "latency": {
        "open_ai_completions": { "mean": 1000, "std_dev": 50 },
        "open_ai_chat_completions": { "mean": 1000, "std_dev": 50 },
        "open_ai_embeddings": { "mean": 5000, "std_dev": 250 },
    } });
    stack.patch("payg2", slow).await;
    let messages = json!([{ "role": "user", "content": "hi" }]);
    // Five tokens of a second each, or one call of five; within five standard deviations.
    let cases = [
        (("gpt-35-turbo-1k-token", TEXT), costing(5)),
        (("gpt-35-turbo-2k-token", CHAT), json!({ "messages": messages, "max_tokens": 5 })),
        (("embedding", EMBEDDINGS), json!({ "input": "x" })),
    ];
    for (path, body) in &cases {
        let requests = DEPLOYMENTS.iter().find(|one| one.0 == path.0).unwrap().3;
        let all = (0..requests).map(|_| stack.ask("payg2", *path, body));
        for answer in futures_util::future::join_all(all).await {
            assert_eq!(answer.status, 200);
            let seconds = answer.took.as_secs_f64();
            assert!((3.75..6.25).contains(&seconds), "{path:?}: {seconds} s");
        }
        let refused = stack.ask("payg2", *path, body).await;
        assert_eq!((refused.status, refused.took), (429, Duration::ZERO), "{path:?}");
    }
}
