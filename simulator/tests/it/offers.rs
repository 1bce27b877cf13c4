//! Prompt cache, spillover and service tiers, as clients and the journal see them.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{Answer, Bench, ms};

const ZERO: &str = r#"latency = { profile = "zero" }"#;
const HI: &str = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#;

fn uri(deployment: &str) -> String {
    format!("/openai/deployments/{deployment}/chat/completions?api-version=2024-10-21")
}

async fn ask(bench: &Bench, deployment: &str, body: &Value) -> Answer {
    bench.post(&uri(deployment), &body.to_string()).await
}

fn with_header(
    deployment: &str,
    name: &'static str,
    value: &'static str,
    body: &str,
) -> Request<Body> {
    let mut request = Bench::request(&uri(deployment), body.to_owned());
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// 1,300 words and more: eleven whole blocks with what stands around them.
fn long(end: &str) -> Value {
    let system = "word ".repeat(1_400);
    json!({"messages": [
        {"role": "system", "content": system},
        {"role": "user", "content": end},
    ], "max_tokens": 5})
}

fn cached(answer: &Answer) -> u64 {
    answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_repeated_prefix_is_cached_and_told_in_usage_and_journal() {
    let bench = Bench::new(&format!(r#"{{ name = "chat", model = "gpt-4o", {ZERO} }}"#));
    let first = ask(&bench, "chat", &long("one")).await;
    assert_eq!(cached(&first), 0);
    let second = ask(&bench, "chat", &long("two, and something else")).await;
    assert_eq!(cached(&second), 1_408, "1,400 words and the frame are eleven whole blocks");
    assert_eq!(
        cached(
            &ask(&bench, "chat", &json!({"messages": [{"role": "user", "content": "hi"}]})).await
        ),
        0
    );
    let mut keyed = long("one");
    keyed["prompt_cache_key"] = json!("another user");
    assert_eq!(cached(&ask(&bench, "chat", &keyed).await), 0);
    tokio::time::advance(ms(601_000)).await;
    assert_eq!(cached(&ask(&bench, "chat", &long("three")).await), 0, "expired");
    let journal = bench.journal().await;
    assert_eq!(journal[1]["cached_tokens"], 1_408);
}

#[tokio::test(start_paused = true)]
async fn a_cached_prompt_costs_provisioned_throughput_its_output_only() {
    let bench = Bench::new(&format!(
        r#"{{ name = "chat", model = "gpt-4o", sku = "provisioned_managed", ptu = 15, {ZERO} }},
           {{ name = "plain", model = "gpt-4o", sku = "provisioned_managed", ptu = 15, prompt_cache = {{ enabled = false }}, {ZERO} }}"#
    ));
    let mut counted = Vec::new();
    for deployment in ["chat", "chat", "plain", "plain"] {
        ask(&bench, deployment, &long("same")).await;
        tokio::time::advance(ms(10_000)).await;
    }
    for record in bench.journal().await {
        counted.push(record["counted_tokens"].as_u64().unwrap());
    }
    let prompt = counted[0] - 4 * 5;
    assert!(1_408 < prompt);
    assert_eq!(counted[1], prompt - 1_408 + 20, "the uncached rest and the output");
    assert_eq!(counted[2..], [prompt + 20, prompt + 20]);
}

#[tokio::test(start_paused = true)]
async fn cached_tokens_are_read_faster() {
    let latency = r#"latency = { profile = "payg-gpt-4o", overhead_ms = 0, base_ms = 0, sigma = 0, prefill_ms_per_1k = 1000, itl_ms = 0, speed_sigma = 0, tail_probability = 0, daytime_slowdown = 0 }"#;
    let bench = Bench::new(&format!(r#"{{ name = "chat", model = "gpt-4o", {latency} }}"#));
    let mut times = Vec::new();
    for _ in 0..2 {
        let start = tokio::time::Instant::now();
        ask(&bench, "chat", &long("same")).await;
        times.push(start.elapsed().as_millis());
    }
    assert_eq!(times[0] - times[1], 1_408, "a millisecond a cached token: {times:?}");
}

/// A provisioned deployment that is full after one request, and a standard one.
fn spilling(property: &str, standard: &str) -> String {
    format!(
        r#"{{ name = "ptu", model = "gpt-4.1", sku = "global_provisioned_managed", ptu = 15, {property} {ZERO} }},
           {{ name = "std", model = "gpt-4.1", sku = "global_standard", {standard} {ZERO} }},
           {{ name = "regional", model = "gpt-4.1", tpm = 100000, {ZERO} }},
           {{ name = "prio", model = "gpt-4.1", sku = "global_standard", service_tier = "priority", {ZERO} }}"#
    )
}

/// Keeps the provisioned deployment full: an answer under way, with a long estimate.
async fn fill(bench: &Bench) -> tokio::task::JoinHandle<()> {
    let slow =
        r#"{"deployments":{"ptu":{"latency":{"profile":"payg-gpt-4o","overhead_ms":600000}}}}"#;
    assert_eq!(bench.patch(slow).await.status, 200);
    let body = HI.replace("\"max_tokens\":5", "\"max_tokens\":30000");
    let call = bench.router().oneshot(Bench::request(&uri("ptu"), body));
    let under_way = tokio::spawn(async move {
        let _ = call.await;
    });
    tokio::time::sleep(ms(1)).await;
    assert_eq!(
        bench.patch(r#"{"deployments":{"ptu":{"latency":{"profile":"zero"}}}}"#).await.status,
        200
    );
    under_way
}

/// Conformance check 10: the headers of both directions, by property and by header.
#[tokio::test(start_paused = true)]
async fn conformance_10_spillover_headers_in_both_directions() {
    let bench = Bench::new(&spilling(r#"spillover_deployment = "std","#, ""));
    let served = bench.post(&uri("ptu"), HI).await;
    assert_eq!(served.status, 200);
    let told = |answer: &Answer| {
        [
            "x-ms-deployment-name",
            "x-ms-is-spilled-over",
            "x-ms-spillover-from-deployment",
            "x-ms-spillover-error",
        ]
        .map(|name| answer.header(name).map(str::to_owned))
    };
    let texts = |texts: [Option<&str>; 4]| texts.map(|text| text.map(str::to_owned));
    assert_eq!(told(&served), texts([Some("ptu"), Some("false"), None, None]));
    let under_way = fill(&bench).await;
    let spilled = bench.post(&uri("ptu"), HI).await;
    assert_eq!(spilled.status, 200);
    assert_eq!(told(&spilled), texts([Some("std"), Some("true"), Some("ptu"), None]));
    assert_eq!(spilled.header("azureai-fe-offer-type"), Some("paygo"));
    insta::assert_snapshot!("spilled", spilled.redacted());
    // Both attempts are in the journal, under one number.
    let journal = bench.journal().await;
    let (refused, answered) = (&journal[journal.len() - 2], &journal[journal.len() - 1]);
    assert_eq!((&refused["deployment"], &answered["deployment"]), (&json!("ptu"), &json!("std")));
    assert_eq!((&refused["status"], &refused["reason"]), (&json!(429), &json!("utilization")));
    assert_eq!((&refused["spilled_to"], &refused["superseded"]), (&json!("std"), &json!(true)));
    assert_eq!((&answered["status"], &answered["spilled_from"]), (&json!(200), &json!("ptu")));
    assert_eq!(refused["number"], answered["number"]);
    under_way.abort();
}

#[tokio::test(start_paused = true)]
async fn conformance_10_a_failed_standard_attempt_gives_the_provisioned_reply() {
    let standard = r#"tpm = 1000, rpm = 6, wire_profile = "documented","#;
    let bench = Bench::new(&spilling(r#"spillover_deployment = "std","#, standard));
    let under_way = fill(&bench).await;
    assert_eq!(bench.post(&uri("std"), HI).await.status, 200);
    let refused = bench.post(&uri("ptu"), HI).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ms-spillover-error"), Some("429"));
    assert!(refused.header("azure-openai-deployment-utilization").is_some(), "the provisioned one");
    assert!(refused.body.contains("provisioned throughput"), "{}", refused.body);
    let journal = bench.journal().await;
    let (standard, provisioned) = (&journal[journal.len() - 2], &journal[journal.len() - 1]);
    assert_eq!((&standard["status"], &standard["superseded"]), (&json!(429), &json!(true)));
    assert_eq!(standard["reason"], "requests");
    assert_eq!((&provisioned["status"], &provisioned["superseded"]), (&json!(429), &json!(false)));
    under_way.abort();
}

#[tokio::test(start_paused = true)]
async fn a_request_names_its_own_target_and_only_a_fitting_one() {
    let bench = Bench::new(&spilling("", ""));
    let under_way = fill(&bench).await;
    let name = "x-ms-spillover-deployment";
    let plain = bench.post(&uri("ptu"), HI).await;
    assert_eq!((plain.status.as_u16(), plain.header("x-ms-spillover-error")), (429, None));
    let spilled = bench.send(with_header("ptu", name, "std", HI)).await;
    assert_eq!(
        (spilled.status.as_u16(), spilled.header("x-ms-deployment-name")),
        (200, Some("std"))
    );
    for (target, error) in [("nope", "404"), ("ptu", "400"), ("regional", "400"), ("prio", "400")] {
        let refused = bench.send(with_header("ptu", name, target, HI)).await;
        assert_eq!(refused.status, 429, "{target}");
        assert_eq!(refused.header("x-ms-spillover-error"), Some(error), "{target}");
    }
    let standard = bench.send(with_header("std", name, "regional", HI)).await;
    assert_eq!(standard.header("x-ms-is-spilled-over"), Some("false"));
    under_way.abort();
}

#[tokio::test(start_paused = true)]
async fn a_prompt_too_long_for_provisioned_throughput_spills_over() {
    let bench = Bench::new(&spilling(r#"spillover_deployment = "std","#, ""));
    let words =
        json!({"messages": [{"role": "user", "content": "a ".repeat(128_100)}], "max_tokens": 1});
    let spilled = ask(&bench, "ptu", &words).await;
    assert_eq!(
        (spilled.status.as_u16(), spilled.header("x-ms-is-spilled-over")),
        (200, Some("true"))
    );
    let alone = Bench::new(&spilling("", ""));
    let refused = ask(&alone, "ptu", &words).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["code"], "context_length_exceeded");
    // A request that is merely wrong does not.
    let wrong = ask(&bench, "ptu", &json!({"messages": []})).await;
    assert_eq!((wrong.status.as_u16(), wrong.header("x-ms-spillover-error")), (400, None));
}

#[tokio::test(start_paused = true)]
async fn tiers_are_told_in_bodies_and_headers() {
    let bench = Bench::new(&format!(
        r#"{{ name = "std", model = "gpt-5", tpm = 1000000, {ZERO} }},
           {{ name = "prio", model = "gpt-4.1", sku = "global_standard", service_tier = "priority", {ZERO} }},
           {{ name = "scarce", model = "o3", tpm = 1000000, flex = {{ unavailable_probability = 1 }}, {ZERO} }}"#
    ));
    let tiers = |answer: &Answer| {
        let body = answer.json()["service_tier"].as_str().map(str::to_owned);
        let header = |name| answer.header(name).unwrap().to_owned();
        (body, header("azureai-requested-tier"), header("azureai-processed-tier"))
    };
    let expect = |body: Option<&str>, asked: &str, processed: &str| {
        (body.map(str::to_owned), asked.to_owned(), processed.to_owned())
    };
    let body = |tier: Option<&str>| {
        let mut body = json!({"messages": [{"role": "user", "content": "hi"}]});
        if let Some(tier) = tier {
            body["service_tier"] = json!(tier);
        }
        body
    };
    for (deployment, asked, expected) in [
        ("std", None, expect(None, "default", "default")),
        ("std", Some("priority"), expect(Some("priority"), "priority", "priority")),
        ("std", Some("flex"), expect(Some("flex"), "flex", "flex")),
        ("prio", None, expect(Some("priority"), "default", "priority")),
        ("prio", Some("default"), expect(Some("default"), "default", "default")),
        ("prio", Some("auto"), expect(Some("priority"), "auto", "priority")),
    ] {
        let answer = ask(&bench, deployment, &body(asked)).await;
        assert_eq!(tiers(&answer), expected, "{deployment} {asked:?}");
    }
    let unsupported = ask(&bench, "prio", &body(Some("flex"))).await;
    assert_eq!(unsupported.status, 400);
    assert_eq!(unsupported.json()["error"]["type"], "invalid_request_error");
    let scarce = ask(&bench, "scarce", &body(Some("flex"))).await;
    assert_eq!(scarce.status, 429);
    let journal = bench.journal().await;
    assert_eq!(journal[journal.len() - 1]["reason"], "flex_capacity");
    assert_eq!(journal[1]["service_tier"], "priority");
}

#[tokio::test(start_paused = true)]
async fn priority_that_grows_too_fast_is_downgraded() {
    let bench = Bench::new(&format!(
        r#"{{ name = "prio", model = "gpt-4.1", sku = "global_standard", service_tier = "priority", priority_ramp = {{ floor_tpm = 100 }}, {ZERO} }}"#
    ));
    let body = json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 140});
    let tier = async || ask(&bench, "prio", &body).await.json()["service_tier"].clone();
    assert_eq!(tier().await, "priority");
    assert_eq!(tier().await, "default", "281 tokens in a minute, 150 allowed");
    tokio::time::advance(ms(60_000)).await;
    assert_eq!(tier().await, "priority");
}
