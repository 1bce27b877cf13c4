//! What a call costs with one counter key and with a million of them: the whole
//! pipeline of `rate-limit-by-key`, without sockets.
//!
//!     cargo bench -p gateway --bench counter_keys
//!
//! Two gateways take turns, one with a single key and one that has counted a
//! million keys and goes on with a different one at each call. Time is the
//! thread's own on a CPU, as Linux counts it: other programs do not enter. The
//! gateways' clock stands still, so no counter expires.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench fails like a test, and prints"
)]

use std::fmt::Write as _;

use axum::Router;
use gateway::{Environment, Gateway};
use http::Request;
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::env::Env;
use seam::http::{Body, InProcessNetwork};
use seam::rng::Seed;
use tower::ServiceExt as _;

const KEYS: usize = 1_000_000;
const CALLS_A_ROUND: usize = 20_000;
const ROUNDS: usize = 9;
/// Allowed: a call with a million keys over a call with one.
const TARGET: f64 = 1.2;

const CONFIG: &str = r#"
version = 1

[[apis]]
id = "api"
path = "api"
policy = "api.xml"
subscription_required = false

[[apis.operations]]
id = "get"
method = "GET"
url_template = "/x"

[settings]
counter_entries = 2_000_000
journal_records = 1_000
"#;

const POLICY: &str = r#"<policies>
    <inbound>
        <rate-limit-by-key calls="1000000000" renewal-period="300" counter-key='@(context.Request.Headers.GetValueOrDefault("x-key", ""))' />
        <return-response><set-status code="200" /></return-response>
    </inbound>
</policies>"#;

fn gateway() -> Router {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gateway.toml"), CONFIG).unwrap();
    std::fs::write(folder.path().join("api.xml"), POLICY).unwrap();
    let (config, _) = gateway::load(&folder.path().join("gateway.toml"), &Env::empty())
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let client = InProcessNetwork::new().into_service();
    let clock = WallClock::fixed(VIRTUAL_EPOCH);
    Gateway::new(config, Environment { client, seed: Seed(1), clock }).router()
}

/// Nanoseconds this thread spent on a CPU.
fn on_cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

async fn calls(router: &Router, keys: impl Iterator<Item = usize>) {
    let mut key = String::new();
    for number in keys {
        key.clear();
        write!(key, "key-{number}").unwrap();
        let request = Request::get("/api/x").header("x-key", &key).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

/// Microseconds a call.
async fn round(router: &Router, keys: impl Iterator<Item = usize>) -> f64 {
    let before = on_cpu();
    calls(router, keys.take(CALLS_A_ROUND)).await;
    (on_cpu() - before) as f64 / CALLS_A_ROUND as f64 / 1_000.0
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::time::pause();
    let (one, million) = (gateway(), gateway());
    calls(&million, 0..KEYS).await;
    calls(&one, std::iter::repeat_n(0, CALLS_A_ROUND)).await;
    let (mut with_one, mut with_million) = (Vec::new(), Vec::new());
    for turn in 0..ROUNDS {
        // Far apart, so that no two calls find a key in a processor's cache.
        let keys = || (turn * CALLS_A_ROUND..).map(|at| at * 7_919 % KEYS);
        if turn % 2 == 0 {
            with_one.push(round(&one, std::iter::repeat(0)).await);
            with_million.push(round(&million, keys()).await);
        } else {
            with_million.push(round(&million, keys()).await);
            with_one.push(round(&one, std::iter::repeat(0)).await);
        }
    }
    let (one, million) = (median(with_one), median(with_million));
    let ratio = million / one;
    let verdict = if ratio <= TARGET { "met" } else { "not met" };
    println!(
        "1 key: {one:.2} us a call; {KEYS} keys: {million:.2} us a call (medians of {ROUNDS} rounds)"
    );
    println!("ratio {ratio:.2}, target {TARGET}: {verdict}");
}
