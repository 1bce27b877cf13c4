//! The whole path with managed identities: load, gateway, simulators, journals;
//! and what the gateway's loggers still hold when a run is over.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use gateway::Gateway;
use harness::record::{Outcome, World};
use harness::run::{Run, Watch, run};
use harness::scenario::load;
use harness::target::{Target, set_up};
use http_body_util::BodyExt as _;
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::env::Env;
use seam::http::{Body, InProcessNetwork, call};
use seam::rng::Seed;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::stub::Bench;

const SCENARIO: &str = r#"
version = 1
name = "identity"
[topology]
simulators = "simulator.toml"
gateway = "gateway.toml"
[[workloads]]
name = "w"
path = "/ai/openai/deployments/chat/chat/completions"
query = { api-version = "2024-10-21" }
headers = { api-key = "subscription" }
body = { messages = [{ role = "user", content = "hi" }], max_tokens = 5 }
timeout = "10s"
[[stages]]
name = "s"
duration = "4s"
[[stages.load]]
workload = "w"
arrivals = { process = "constant", rate = "1/s" }
[[assertions]]
id = "answered"
claim = "some are answered"
status = { code = 200, at_least = 1 }
"#;

const SIMULATORS: &str = r#"
version = 1
[[resources]]
name = "a"
port = 8001
keys = ["key-a"]
[[resources]]
name = "b"
port = 8002
keys = ["key-b"]
entra = { accept = "none" }
[[deployments]]
name = "chat"
model = "gpt-4o"
tpm = 100000
"#;

const GATEWAY: &str = r#"
version = 1
[[backends]]
id = "a"
url = "http://localhost:8001"
CREDENTIALS
[[backends]]
id = "b"
url = "http://localhost:8002"
credentials = { headers = { "api-key" = "key-b" } }
[[backends]]
id = "pool"
pool = { services = [{ id = "a" }, { id = "b" }] }
[[apis]]
id = "ai"
path = "ai"
policy = "api.xml"
subscription_key = { header = "api-key" }
operations = [{ id = "chat", method = "POST", url_template = "/*" }]
[[subscriptions]]
id = "s"
primary_key = "subscription"
"#;

/// Runs one request a second for 4 s through the gateway. Comes back with the
/// run, and what let the requests into the simulator `a`, or why not.
async fn go(credentials: &str, inbound: &str) -> (Run, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let document = format!(
        "<policies><inbound><base />{inbound}</inbound><backend><base /></backend>\
         <outbound><base /></outbound><on-error><base /></on-error></policies>"
    );
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("scenario.toml", SCENARIO);
    write("simulator.toml", SIMULATORS);
    write("gateway.toml", &GATEWAY.replace("CREDENTIALS", credentials));
    write("api.xml", &document);
    let path: &Path = &folder.path().join("scenario.toml");
    let loaded = load(path, &Env::empty());
    let scenario = loaded.map_err(|all| all.iter().map(ToString::to_string).collect::<String>());
    let scenario = Arc::new(scenario.unwrap().0);
    let target = set_up(&scenario, 1, World::Virtual).await.unwrap();
    let run = run(&scenario, 1, &target, &Watch::default()).await;
    let seen = journal(&target, "http://localhost:8001", "key-a").await;
    target.stop().await;
    assert_eq!(run.problems, Vec::<String>::new());
    (run, seen)
}

/// The credential of each record of a simulator's journal, or the reason.
async fn journal(target: &Target, url: &str, key: &str) -> Vec<String> {
    let request = http::Request::get(format!("{url}/++/journal")).header("api-key", key);
    let answer = call(&target.service, request.body(Body::empty()).unwrap()).await.unwrap();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let page: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let word = |record: &serde_json::Value| {
        let text = record["credential"].as_str().or(record["reason"].as_str());
        text.unwrap_or_default().to_owned()
    };
    page["records"].as_array().unwrap().iter().map(word).collect()
}

fn statuses(run: &Run) -> Vec<u16> {
    let status = |outcome: &Outcome| match outcome {
        Outcome::Answered(status) => *status,
        _ => 0,
    };
    run.dataset.clients.iter().map(|row| status(&row.outcome)).collect()
}

const COGNITIVE: &str =
    r#"<authentication-managed-identity resource="https://cognitiveservices.azure.com" />"#;

#[tokio::test(start_paused = true)]
async fn a_policys_token_opens_a_simulator() {
    // The subscription key goes on in the header of the resource's key.
    let to_a = format!(r#"<set-backend-service backend-id="a" />{COGNITIVE}"#);
    let (run, seen) = go("", &to_a).await;
    assert_eq!(statuses(&run), [200; 4]);
    assert_eq!(seen, ["entra_token"; 4]);

    let (run, seen) = go("", &to_a.replace("cognitiveservices", "vault")).await;
    assert_eq!(statuses(&run), [401; 4]);
    assert_eq!(seen, ["token_audience"; 4]);

    let (run, seen) = go("", r#"<set-backend-service backend-id="a" />"#).await;
    assert_eq!((statuses(&run), seen), (vec![401; 4], vec!["invalid_key".to_owned(); 4]));
}

/// One member knows tokens only, the other keys only: each gets its own.
#[tokio::test(start_paused = true)]
async fn a_pool_mixes_identities_and_keys() {
    let identity = r#"credentials = { managed_identity = { resource = "https://cognitiveservices.azure.com" } }"#;
    let to_pool = r#"<set-backend-service backend-id="pool" />"#;
    let (run, seen) = go(identity, to_pool).await;
    assert_eq!(statuses(&run), [200; 4]);
    assert_eq!(seen, ["entra_token"; 2]);
    assert_eq!(run.dataset.backends.len(), 4);
    let wrong = identity.replace("cognitiveservices", "vault");
    let (run, seen) = go(&wrong, to_pool).await;
    assert_eq!(statuses(&run), [401, 200, 401, 200]);
    assert_eq!(seen, ["token_audience"; 2]);
}

/// A gateway whose policy sends an event a request to a URL served by `events`,
/// and what it answered `requests` requests.
async fn with_events(events: Router, requests: usize) -> Target {
    let config = r#"
version = 1
[[loggers]]
id = "usage"
url = "http://events/in"
[[apis]]
id = "a"
path = "a"
policy = "api.xml"
subscription_required = false
operations = [{ id = "all", method = "GET", url_template = "/*" }]
"#;
    let document = r#"<policies><inbound><log-to-eventhub logger-id="usage">@("one")</log-to-eventhub><return-response /></inbound></policies>"#;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gateway.toml"), config).unwrap();
    std::fs::write(folder.path().join("api.xml"), document).unwrap();
    let (config, _) = gateway::load(&folder.path().join("gateway.toml"), &Env::empty()).unwrap();
    let client = InProcessNetwork::new().host("events:80", events).into_service();
    let clock = WallClock::fixed(VIRTUAL_EPOCH);
    let gateway = Gateway::new(config, gateway::Environment { client, seed: Seed(1), clock });
    for _ in 0..requests {
        let request = Request::get("/a/x").body(Body::empty()).unwrap();
        assert_eq!(gateway.router().oneshot(request).await.unwrap().status(), 200);
    }
    let mut target = Bench::on_virtual_time().target();
    target.embedded_gateway = Some(gateway);
    target
}

#[tokio::test(start_paused = true)]
async fn a_runs_last_events_are_sent_before_it_ends() {
    let got = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&got);
    let events = Router::new().fallback(move || {
        let count = Arc::clone(&count);
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let target = with_events(events, 5).await;
    assert_eq!(got.load(Ordering::Relaxed), 0);
    let begun = Instant::now();
    target.stop().await;
    assert_eq!((got.load(Ordering::Relaxed), begun.elapsed()), (5, Duration::from_secs(5)));
}

#[tokio::test(start_paused = true)]
async fn a_dead_logger_holds_a_run_up_for_so_long_only() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let events = Router::new().fallback(move || {
        *count.lock().unwrap() += 1;
        std::future::pending::<()>()
    });
    let target = with_events(events, 100).await;
    let begun = Instant::now();
    target.stop().await;
    assert_eq!(begun.elapsed(), Duration::from_secs(15));
    // One every 10 s.
    assert_eq!(*asked.lock().unwrap(), 2);
}
