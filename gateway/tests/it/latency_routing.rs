//! Our latency-routing documents, and (by `SEED_TOOLKIT_DIR`) the seed
//! toolkit's own, against backends in process.

use std::path::{Path, PathBuf};

use seam::env::Env;
use seam::http::InProcessNetwork;

use crate::support::{Answer, Backend, Bench, post};

const COMPLETIONS: &str = "/latency-routing/openai/deployments/gpt-35-turbo-100m-token/completions?api-version=2023-05-15";

struct World {
    bench: Bench,
    first: Backend,
    second: Backend,
}

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../capabilities/latency-routing/gateway.toml")
}

fn world(file: &Path, statuses: [&[u16]; 2]) -> World {
    let [first, second] = statuses.map(Backend::answering);
    let network = InProcessNetwork::new()
        .host("localhost:8002", first.router())
        .host("localhost:8003", second.router());
    let env = Env::empty().with("APIM_KEY_ONE", "key-one");
    World { bench: Bench::load(file, &env, network.into_service()), first, second }
}

impl World {
    async fn complete(&self) -> Answer {
        self.bench.post(COMPLETIONS, "{\"prompt\": \"Once upon a time\"}").await
    }

    async fn prefer(&self, order: &str) -> Answer {
        let body = format!("{{\"preferredBackends\": {order}}}");
        self.bench.post("/helpers/set-preferred-backends", &body).await
    }

    fn counts(&self) -> (usize, usize) {
        (self.first.requests().len(), self.second.requests().len())
    }
}

/// What both sets of documents promise.
async fn follows_the_order(file: &Path) {
    let world = world(file, [&[200], &[200]]);
    let answer = world.complete().await;
    assert_eq!((answer.status, answer.header("x-apim-backend")), (200, Some("payg-backend-1")));
    assert_eq!(world.counts(), (1, 0));
    let seen = &world.first.requests()[0];
    assert_eq!(
        seen.uri,
        "/openai/deployments/gpt-35-turbo-100m-token/completions?api-version=2023-05-15"
    );
    assert_eq!(seen.headers["api-key"], "simulator-key");

    let answer = world.prefer(r#"["payg-backend-2", "payg-backend-1"]"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.body, r#"{"message": "preferred backends are set successfully"}"#);
    let answer = world.complete().await;
    assert_eq!(answer.header("x-apim-backend"), Some("payg-backend-2"));
    assert_eq!(world.counts(), (1, 1));

    // The cache forgets after 12 000 s.
    tokio::time::advance(std::time::Duration::from_secs(12_001)).await;
    assert_eq!(world.complete().await.header("x-apim-backend"), Some("payg-backend-1"));
}

async fn fails_over(file: &Path) {
    let world = world(file, [&[200], &[429]]);
    world.prefer(r#"["payg-backend-2", "payg-backend-1"]"#).await;
    let started = tokio::time::Instant::now();
    let answer = world.complete().await;
    assert_eq!((answer.status, answer.header("x-apim-backend")), (200, Some("payg-backend-1")));
    assert_eq!(started.elapsed().as_millis() / 100, 10);
    let attempts: Vec<_> = world.bench.record(2).attempts;
    let attempts: Vec<_> = attempts.iter().map(|a| (a.backend.as_str(), a.status)).collect();
    assert_eq!(attempts, [("payg-backend-2", Some(429)), ("payg-backend-1", Some(200))]);
    assert_eq!(world.first.requests()[0].body, "{\"prompt\": \"Once upon a time\"}");
}

async fn gives_up(file: &Path) {
    let world = world(file, [&[429], &[429]]);
    world.prefer(r#"["payg-backend-1", "payg-backend-2"]"#).await;
    let answer = world.complete().await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    assert_eq!(world.counts(), (1, 3));
}

async fn refuses_a_bad_order(file: &Path) {
    let world = world(file, [&[200], &[200]]);
    let answer = world.bench.answer(post("/helpers/set-preferred-backends", "no JSON")).await;
    assert_eq!(answer.status, 500);
    let record = world.bench.record(1);
    assert_eq!(record.error_reason.as_deref(), Some("ExpressionValueEvaluationFailure"));
}

#[tokio::test(start_paused = true)]
async fn our_documents_route_by_latency() {
    follows_the_order(&ours()).await;
    fails_over(&ours()).await;
    gives_up(&ours()).await;
    refuses_a_bad_order(&ours()).await;
}

/// The public documents are not ours to ship: `SEED_TOOLKIT_DIR` names a folder
/// with the toolkit's `capabilities/latency-routing/*.xml`. Without it there is
/// nothing to check, and the test says so.
#[tokio::test(start_paused = true)]
async fn the_seed_toolkits_documents_run_unmodified() {
    let Some(folder) = std::env::var_os("SEED_TOOLKIT_DIR") else {
        eprintln!("SEED_TOOLKIT_DIR is not set: the seed toolkit's documents were not tried");
        return;
    };
    let folder = Path::new(&folder).canonicalize().unwrap();
    let text = std::fs::read_to_string(ours())
        .unwrap()
        .replace("id = \"read-backend-order\"", "id = \"latency-routing-inbound\"")
        .replace("id = \"forward-by-order\"", "id = \"latency-routing-backend\"");
    let text = [
        ("read-backend-order.xml", "latency-routing-inbound.xml"),
        ("forward-by-order.xml", "latency-routing-backend.xml"),
        ("latency-routing.xml", "latency-routing-policy.xml"),
        ("set-preferred-backends.xml", "set-latency-policy.xml"),
    ]
    .into_iter()
    .fold(text, |text, (our, seed)| {
        text.replace(&format!("\"{our}\""), &format!("{:?}", folder.join(seed)))
    });
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("gateway.toml");
    std::fs::write(&file, text).unwrap();
    let (_, warnings) = gateway::load(&file, &Env::empty()).unwrap();
    let rules: Vec<_> = warnings.iter().map(|warning| warning.message().to_owned()).collect();
    assert_eq!(rules, ["a retried `forward-request` does not buffer the request's body"]);
    follows_the_order(&file).await;
    fails_over(&file).await;
    gives_up(&file).await;
    refuses_a_bad_order(&file).await;
}
