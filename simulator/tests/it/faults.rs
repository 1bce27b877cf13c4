//! Faults: each kind as a client sees it, when it strikes, and what it leaves in
//! journal and metrics.

use http_body_util::BodyExt as _;
use seam::http::{HttpService, InProcessNetwork, TransportErrorKind, call};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};
use tower::ServiceExt as _;

use crate::support::{Answer, Bench, CHAT, EMBEDDING, KEY, ms};

const ASK: &str = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":10}"#;
const STREAM: &str = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":10,"stream":true,"stream_options":{"include_usage":true}}"#;

/// First token after 100 ms, then one every 20 ms, each by itself.
const STEADY: &str = r#"latency = { profile = "payg-gpt-4o", overhead_ms = 100, base_ms = 0, sigma = 0, prefill_ms_per_1k = 0, itl_ms = 20, itl_shape = 1000000, speed_sigma = 0, tail_probability = 0, refusal_min_ms = 0, refusal_max_ms = 0 }, completion_tokens = "max_tokens", content_filter_group = [1, 1]"#;

/// A resource with a steady chat deployment, embeddings and these faults.
fn config(faults: &str) -> String {
    format!(
        r#"version = 1
[[resources]]
name = "r"
port = 0
keys = ["{KEY}"]
fault_header = true
deployments = [
  {{ name = "chat", model = "gpt-4o", tpm = 1000000, {STEADY} }},
  {{ name = "ptu", model = "gpt-4o", sku = "provisioned_managed", ptu = 15, {STEADY} }},
  {{ name = "emb", model = "text-embedding-3-small", tpm = 1000000, latency = {{ profile = "zero" }} }},
]
{faults}
"#
    )
}

fn bench(faults: &str) -> Bench {
    Bench::with(&config(faults), 1)
}

/// One fault of the resource.
fn fault(keys: &str) -> String {
    format!("[[resources.faults]]\n{keys}\n")
}

/// Status, body so far and how it ended.
struct Seen {
    status: u16,
    body: String,
    error: Option<String>,
    took: Duration,
    pieces: usize,
}

async fn see(bench: &Bench, uri: &str, body: &str) -> Seen {
    let start = Instant::now();
    let request = Bench::request(uri, body.to_owned());
    let response = bench.router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let mut stream = response.into_body();
    let (mut body, mut error, mut pieces) = (String::new(), None, 0);
    while let Some(frame) = stream.frame().await {
        match frame {
            Ok(frame) => {
                let data = frame.into_data().unwrap();
                pieces += 1;
                body.push_str(std::str::from_utf8(&data).unwrap());
            }
            Err(broken) => error = Some(broken.to_string()),
        }
    }
    Seen { status, body, error, took: start.elapsed(), pieces }
}

fn network(bench: &Bench) -> HttpService {
    InProcessNetwork::new().host("sim:80", bench.router()).into_service()
}

async fn ask(service: &HttpService) -> Result<u16, TransportErrorKind> {
    let request = Bench::request(&format!("http://sim{CHAT}"), ASK);
    call(service, request).await.map(|answer| answer.status().as_u16()).map_err(|e| e.kind)
}

async fn last(bench: &Bench) -> Value {
    bench.journal().await.last().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn the_next_three_fail_and_then_all_succeed() {
    let bench = bench(&fault("name = \"three\"\nkind = \"status\"\nstatus = 503\ncount = 3"));
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(bench.post(CHAT, ASK).await.status.as_u16());
    }
    assert_eq!(seen, [503, 503, 503, 200, 200]);
    let journal = bench.journal().await;
    assert_eq!(journal[0]["fault"], "three");
    assert_eq!(
        (journal[0]["reason"].as_str(), journal[0]["status"].as_u64()),
        (Some("fault"), Some(503))
    );
    // The limiter never heard of it.
    assert_eq!(journal[0]["admitted_us"], Value::Null);
    assert_eq!(journal[3]["fault"], Value::Null);
    let metrics = bench.get("/metrics").await.body;
    let line =
        r#"simulator_faults_total{resource="r",deployment="chat",fault="three",kind="status"} 3"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn statuses_have_the_services_bodies() {
    let bench = bench("");
    let mut all = String::new();
    for status in [400, 408, 429, 500, 502, 503, 504] {
        let answer = injected(&bench, CHAT, &format!("{status}")).await;
        all += &format!("{}\n\n", answer.redacted());
    }
    let ptu = CHAT.replace("/chat/chat/", "/ptu/chat/");
    all += &format!("{}\n\n", injected(&bench, &ptu, "429; retry_after_ms=2500").await.redacted());
    let requests = "429; limit=requests; retry_after=7";
    all += &format!("{}\n\n", injected(&bench, CHAT, requests).await.redacted());
    let own = "500; message=out of order; set_headers=x-should-retry:false";
    all += &injected(&bench, CHAT, own).await.redacted();
    insta::assert_snapshot!("fault_statuses", all);
}

async fn injected(bench: &Bench, uri: &str, fault: &str) -> Answer {
    let mut request = Bench::request(uri, ASK);
    request.headers_mut().insert("x-simulator-fault", fault.parse().unwrap());
    bench.send(request).await
}

#[tokio::test(start_paused = true)]
async fn a_request_brings_its_fault_only_where_that_is_allowed() {
    let bench = bench("");
    assert_eq!(injected(&bench, CHAT, "503").await.status, 503);
    assert_eq!(last(&bench).await["fault"], "header");
    let wrong = injected(&bench, CHAT, "503; retry=1").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("x-simulator-fault: unknown field `retry`"), "{}", wrong.body);
    let closed = Bench::new("{ name = \"chat\", model = \"gpt-4o\", tpm = 1000000 }");
    assert_eq!(injected(&closed, CHAT, "503").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn windows_repeat_and_spare_what_they_do_not_name() {
    let bench = bench(&fault(
        "kind = \"status\"\nstatus = 500\nfrom = \"10s\"\nuntil = \"20s\"\nevery = \"60s\"\ndeployments = [\"chat\"]\noperations = [\"chat\"]\nstream = false",
    ));
    let (start, mut struck) = (Instant::now(), Vec::new());
    for second in 0..90_u32 {
        tokio::time::sleep_until(start + ms(1_000) * second).await;
        if bench.post(CHAT, ASK).await.status == 500 {
            struck.push(second);
            assert_eq!(bench.post(CHAT, STREAM).await.status, 200);
            assert_eq!(bench.post(EMBEDDING, r#"{"input":"x"}"#).await.status, 200);
        }
    }
    let expected: Vec<u32> = (10..20).chain(70..80).collect();
    assert_eq!(struck, expected);
}

#[tokio::test(start_paused = true)]
async fn the_seed_decides_who_is_struck_whatever_the_order() {
    let faults = fault(
        "name = \"some\"\nkind = \"status\"\nstatus = 500\nprobability = 0.3\nkeyed_by = \"correlation_id\"",
    );
    let struck = |seed: u64, reversed: bool| {
        let config = config(&faults);
        async move {
            let bench = Bench::with(&config, seed);
            let mut numbers: Vec<u32> = (0..60).collect();
            if reversed {
                numbers.reverse();
            }
            let asked = numbers.into_iter().map(|number| {
                let mut request = Bench::request(CHAT, ASK);
                let id = format!("id-{number}").parse().unwrap();
                request.headers_mut().insert("x-ms-client-request-id", id);
                let bench = &bench;
                async move { (number, bench.send(request).await.status == 500) }
            });
            // All at once.
            let mut answers = futures_util::future::join_all(asked).await;
            answers.sort_unstable();
            answers.into_iter().filter(|(_, struck)| *struck).map(|(n, _)| n).collect::<Vec<_>>()
        }
    };
    let first = struck(1, false).await;
    assert!((8..=30).contains(&first.len()), "{first:?}");
    assert_eq!(first, struck(1, true).await);
    assert_ne!(first, struck(2, false).await);
}

#[tokio::test(start_paused = true)]
async fn a_draw_by_number_repeats_with_the_seed() {
    let faults = fault("kind = \"status\"\nstatus = 500\nprobability = 0.5");
    let struck = |seed| {
        let bench = Bench::with(&config(&faults), seed);
        async move {
            let mut all = Vec::new();
            for _ in 0..40 {
                all.push(bench.post(CHAT, ASK).await.status.as_u16());
            }
            all
        }
    };
    assert_eq!(struck(3).await, struck(3).await);
    assert_ne!(struck(3).await, struck(4).await);
}

#[tokio::test(start_paused = true)]
async fn after_admission_tokens_are_counted() {
    let status = |stage| fault(&format!("kind = \"status\"\nstatus = 500\nstage = \"{stage}\""));
    for (stage, counted) in [("before_admission", false), ("after_admission", true)] {
        let bench = bench(&status(stage));
        let answer = bench.post(CHAT, ASK).await;
        assert_eq!(answer.status, 500);
        assert_eq!(last(&bench).await["counted_tokens"].is_u64(), counted, "{stage}");
        assert_eq!(answer.header("x-ratelimit-remaining-tokens").is_some(), counted);
        // A provisioned deployment takes the estimate back: nothing was made.
        let ptu = CHAT.replace("/chat/chat/", "/ptu/chat/");
        assert_eq!(bench.post(&ptu, ASK).await.status, 500);
        let metrics = bench.get("/metrics").await.body;
        let gauge = r#"simulator_ptu_utilization{resource="r",deployment="ptu"} 0.0"#;
        assert!(metrics.contains(gauge), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_a_transport_failure() {
    let bench = bench(&fault("name = \"rst\"\nkind = \"reset\"\ncount = 1"));
    let service = network(&bench);
    assert_eq!(ask(&service).await, Err(TransportErrorKind::Broken));
    assert_eq!(ask(&service).await, Ok(200));
    let journal = bench.journal().await;
    assert_eq!(
        (journal[0]["status"].as_u64(), journal[0]["fault"].as_str()),
        (Some(444), Some("rst"))
    );
    assert_eq!(journal[0]["first_byte_us"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_refusing_resource_has_no_journal_of_it() {
    let bench = bench(&fault("name = \"down\"\nkind = \"refuse\"\nfrom = \"5s\"\nuntil = \"10s\""));
    let service = network(&bench);
    assert_eq!(ask(&service).await, Ok(200));
    tokio::time::sleep(ms(6_000)).await;
    assert_eq!(ask(&service).await, Err(TransportErrorKind::Connect));
    tokio::time::sleep(ms(5_000)).await;
    assert_eq!(ask(&service).await, Ok(200));
    assert_eq!(bench.journal().await.len(), 2);
    let faults = bench.get("/++/faults").await.json();
    assert_eq!(faults["faults"][0]["state"], "over");
    assert_eq!(faults["faults"][0]["struck"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_breaks_after_its_tokens() {
    for (kind, message) in [("cut", "connection closed"), ("reset", "connection reset")] {
        let bench = bench(&fault(&format!("kind = \"{kind}\"\nafter_tokens = 3")));
        let seen = see(&bench, CHAT, STREAM).await;
        assert_eq!((seen.status, seen.body.matches("\"delta\":{\"content\":\"").count()), (200, 4));
        assert!(seen.error.unwrap().contains(message));
        assert!((ms(139)..ms(145)).contains(&seen.took), "{:?}", seen.took);
        let record = last(&bench).await;
        assert_eq!(
            (record["status"].as_u64(), record["completion_tokens"].as_u64()),
            (Some(200), Some(3))
        );
        assert_eq!(record["reason"], "fault");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shorter_answer_breaks_at_its_end_and_none_before_its_start() {
    let long = bench(&fault("kind = \"cut\"\nafter_tokens = 1000"));
    let seen = see(&long, CHAT, STREAM).await;
    assert!(seen.error.is_some() && !seen.body.contains("[DONE]"));
    assert_eq!(last(&long).await["completion_tokens"], 10);
    let none = bench(&fault("kind = \"cut\""));
    let seen = see(&none, CHAT, STREAM).await;
    assert_eq!((seen.status, seen.body.as_str(), seen.error.is_some()), (200, "", true));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_an_error_event() {
    let bench = bench(&fault("kind = \"error_event\"\nafter_tokens = 2\nmessage = \"boom\""));
    let seen = see(&bench, CHAT, STREAM).await;
    assert_eq!(seen.error, None);
    let end = "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n";
    assert!(seen.body.ends_with(end), "{}", seen.body);
    assert_eq!(last(&bench).await["completion_tokens"], 2);
    // Nothing to see in an answer that is no stream.
    let whole = bench.post(CHAT, ASK).await;
    assert_eq!(whole.json()["usage"]["completion_tokens"], 10);
}

#[tokio::test(start_paused = true)]
async fn one_event_is_malformed_and_the_rest_is_not() {
    let bench = bench(&fault("kind = \"malformed\"\nafter_tokens = 2"));
    let seen = see(&bench, CHAT, STREAM).await;
    let events: Vec<&str> =
        seen.body.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    let broken: Vec<usize> = (0..events.len() - 1)
        .filter(|index| serde_json::from_str::<Value>(events[*index]).is_err())
        .collect();
    // The prompt's filter results, the role, two tokens, the broken one.
    assert_eq!(broken, [4], "{}", seen.body);
    assert_eq!(events.last(), Some(&"[DONE]"));
    let seen = see(&bench, CHAT, ASK).await;
    assert!(seen.error.is_none() && serde_json::from_str::<Value>(&seen.body).is_err());
}

#[tokio::test(start_paused = true)]
async fn stalls_hold_headers_or_tokens() {
    let headers = bench(&fault("kind = \"stall\"\nduration = \"5s\""));
    let seen = see(&headers, CHAT, STREAM).await;
    assert!((ms(5_278)..ms(5_286)).contains(&seen.took), "{:?}", seen.took);
    assert!(seen.body.ends_with("data: [DONE]\n\n"));
    let middle = bench(&fault("kind = \"stall\"\nduration = \"5s\"\nafter_tokens = 5"));
    let seen = see(&middle, CHAT, STREAM).await;
    // What is left keeps its pace: the whole is five seconds later.
    assert!((ms(5_278)..ms(5_286)).contains(&seen.took), "{:?}", seen.took);
    assert_eq!(last(&middle).await["completion_tokens"], 10);
    let whole = see(&middle, CHAT, ASK).await;
    assert!(serde_json::from_str::<Value>(&whole.body).is_ok() && ms(5_200) < whole.took);
}

#[tokio::test(start_paused = true)]
async fn a_stall_without_end_outlasts_every_client() {
    let bench = bench(&fault("kind = \"stall\""));
    let waiting = tokio::time::timeout(ms(600_000), bench.post(CHAT, ASK)).await;
    assert!(waiting.is_err());
    let record = last(&bench).await;
    assert_eq!(
        (record["status"].as_u64(), record["completion_tokens"].as_u64()),
        (Some(499), Some(0))
    );
    assert_eq!(record["fault"], "stall");
}

#[tokio::test(start_paused = true)]
async fn answers_trickle() {
    let bench = bench(&fault("kind = \"trickle\"\nbytes = 100\ninterval = \"10ms\""));
    let plain = self::bench("");
    for ask in [ASK, STREAM] {
        let seen = see(&bench, CHAT, ask).await;
        // Every byte is there.
        assert_eq!(seen.body.len(), see(&plain, CHAT, ask).await.body.len());
        assert!(seen.body.len() / 100 <= seen.pieces, "{} in {}", seen.body.len(), seen.pieces);
        let least = ms(100) + ms(10) * u32::try_from(seen.pieces - 1).unwrap();
        assert!(least <= seen.took, "{:?}", seen.took);
        let record = last(&bench).await;
        assert_eq!(
            (record["status"].as_u64(), record["completion_tokens"].as_u64()),
            (Some(200), Some(10))
        );
        let took = record["done_us"].as_u64().unwrap() - record["received_us"].as_u64().unwrap();
        assert!(least.as_micros() <= u128::from(took) + 2_000);
    }
}

#[tokio::test(start_paused = true)]
async fn headers_go_wrong_on_refusals_and_answers() {
    let faults = fault("kind = \"headers\"\nomit_headers = [\"retry-after\", \"retry-after-ms\"]");
    let tiny = config(&faults).replacen("tpm = 1000000", "tpm = 10", 1);
    let bench = Bench::with(&tiny, 1);
    assert_eq!(bench.post(CHAT, ASK).await.status, 200);
    let refused = bench.post(CHAT, ASK).await;
    assert_eq!(refused.status, 429);
    assert_eq!((refused.header("retry-after"), refused.header("retry-after-ms")), (None, None));
    assert_eq!(last(&bench).await["reason"], "requests");
    let negative = self::bench(&fault("kind = \"headers\"\nanomaly = \"negative_limits\""));
    let answer = negative.post(CHAT, ASK).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-ratelimit-remaining-tokens")),
        (200, Some("-1"))
    );
    let own = self::bench(&fault(
        "kind = \"headers\"\nretry_after = 86400\nset_headers = { x-a = \"b\" }",
    ));
    let answer = own.post(CHAT, ASK).await;
    assert_eq!((answer.header("retry-after"), answer.header("x-a")), (None, Some("b")));
}

#[tokio::test(start_paused = true)]
async fn faults_change_while_it_runs() {
    let bench = bench(&fault("name = \"old\"\nkind = \"status\"\nstatus = 500"));
    // A patch replaces the lists it names, and windows begin with it.
    tokio::time::sleep(ms(60_000)).await;
    let patch = json!({
        "deployments": { "chat": { "faults": [
            { "kind": "status", "status": 429, "until": "30s", "retry_after_ms": 40 },
        ] } },
        "faults": [],
    });
    let config = bench.patch(&patch.to_string()).await;
    assert_eq!(config.status, 200, "{}", config.body);
    let config = config.json();
    assert_eq!(config["faults"], json!([]));
    assert_eq!(config["deployments"]["chat"]["faults"][0]["name"], "status");
    let refused = bench.post(CHAT, ASK).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after-ms")), (429, Some("40")));
    assert_eq!(bench.post(EMBEDDING, r#"{"input":"x"}"#).await.status, 200);
    tokio::time::sleep(ms(30_000)).await;
    assert_eq!(bench.post(CHAT, ASK).await.status, 200);
    // What it shows can be sent back, and begins anew.
    let back =
        json!({ "deployments": { "chat": { "faults": config["deployments"]["chat"]["faults"] } } });
    assert_eq!(bench.patch(&back.to_string()).await.status, 200);
    assert_eq!(bench.post(CHAT, ASK).await.status, 429);
    // One more, and one less.
    let one = r#"{"name":"emb","kind":"status","status":502,"deployments":["emb"],"count":2}"#;
    let all = bench.send(Bench::request("/++/faults", one)).await;
    assert_eq!(all.status, 200, "{}", all.body);
    assert_eq!(bench.post(EMBEDDING, r#"{"input":"x"}"#).await.status, 502);
    insta::assert_snapshot!("faults_listed", bench.get("/++/faults").await.body);
    let delete = |path: &str| {
        let mut request = Bench::request(path, "");
        *request.method_mut() = http::Method::DELETE;
        bench.send(request)
    };
    assert_eq!(delete("/++/faults/none").await.status, 404);
    assert_eq!(delete("/++/faults/emb").await.json()["faults"].as_array().unwrap().len(), 1);
    assert_eq!(delete("/++/faults").await.json()["faults"], json!([]));
    assert_eq!(bench.post(CHAT, ASK).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn bad_faults_change_nothing() {
    let bench = bench(&fault("name = \"kept\"\nkind = \"status\"\nstatus = 500"));
    let mut answers = String::new();
    for patch in [
        json!({ "faults": {} }),
        json!({ "faults": [{ "kind": "statu", "status": 500 }] }),
        json!({ "faults": [{ "kind": "status" }] }),
        json!({ "faults": [{ "kind": "status", "status": 500, "afer_tokens": 2 }] }),
        json!({ "faults": [{ "kind": "cut", "status": 500, "from": "10s", "until": "5s" }] }),
        json!({ "faults": [{ "kind": "refuse" }] }),
        json!({ "faults": [{ "kind": "reset", "deployments": ["chta"] }] }),
        json!({ "deployments": { "chat": { "faults": [{ "kind": "refuse", "until": "1s" }] } } }),
        json!({ "deployments": { "chat": { "faults": [{ "kind": "reset", "name": "kept" }] } } }),
    ] {
        let answer = bench.patch(&patch.to_string()).await;
        assert_eq!(answer.status, 400, "{patch}");
        answers += &answer.body;
    }
    insta::assert_snapshot!("bad_fault_patches", answers);
    assert_eq!(bench.post(CHAT, ASK).await.status, 500);
    let mut unknown = Bench::request("/++/faults", "{}");
    unknown.headers_mut().remove("api-key");
    assert_eq!(bench.send(unknown).await.status, 401);
}
