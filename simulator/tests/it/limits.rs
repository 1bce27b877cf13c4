//! Limits as clients see them.

use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{Bench, CHAT, EMBEDDING, TEXT, ms};

const BODY: &str = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":400}"#;

#[tokio::test(start_paused = true)]
async fn refusals_are_golden() {
    for profile in ["documented", "azure_2024"] {
        let bench = Bench::new(&format!(
            r#"{{ name = "chat", model = "gpt-4o", tpm = 1000, wire_profile = "{profile}", latency = {{ profile = "zero" }} }}"#
        ));
        assert_eq!(bench.post(CHAT, BODY).await.status, 200);
        tokio::time::advance(ms(1_500)).await;
        let refused = bench.post(CHAT, BODY).await;
        insta::assert_snapshot!(format!("429_requests_{profile}"), refused.redacted());
        tokio::time::advance(ms(10_000)).await;
        bench.post(CHAT, BODY).await;
        tokio::time::advance(ms(10_000)).await;
        bench.post(CHAT, BODY).await;
        tokio::time::advance(ms(10_000)).await;
        let refused = bench.post(CHAT, BODY).await;
        insta::assert_snapshot!(format!("429_tokens_{profile}"), refused.redacted());
    }
}

const PTU: &str = r#"{ name = "chat", model = "gpt-4o", sku = "provisioned_managed", ptu = 15,
  latency = { profile = "payg-gpt-4o", overhead_ms = 100, base_ms = 0, sigma = 0, prefill_ms_per_1k = 0, itl_ms = 10, itl_shape = 1000000, speed_sigma = 0, load_slowdown = 0 } }"#;

#[tokio::test(start_paused = true)]
async fn a_full_provisioned_deployment_refuses_with_a_wait_in_milliseconds() {
    // 15 PTU × 2,500 = 625 a second, 6,250 in 10 s; 2,000 tokens weigh 8,000.
    let bench = Bench::new(PTU);
    let big = BODY.replace("400", "2000");
    let first = tokio::spawn(bench.router().oneshot(Bench::request(CHAT, big.clone())));
    tokio::time::sleep(ms(1)).await;
    let refused = bench.post(CHAT, BODY).await;
    insta::assert_snapshot!("429_ptu", refused.redacted());
    let wait: u64 = refused.header("retry-after-ms").unwrap().parse().unwrap();
    assert!((2_795..=2_812).contains(&wait), "(8,009 - 6,250) / 625 s less what passed: {wait}");
    tokio::time::sleep(ms(wait)).await;
    let answer = bench.post(CHAT, BODY).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("azure-openai-deployment-utilization").unwrap().ends_with('%'));
    assert_eq!(answer.header("x-ratelimit-remaining-tokens"), None);
    assert!(first.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_gives_back_what_it_did_not_make() {
    let bench = Bench::new(PTU);
    let big = BODY.replace("400", "2000");
    let call = bench.router().oneshot(Bench::request(CHAT, big));
    assert!(tokio::time::timeout(ms(150), call).await.is_err());
    let utilization = async || {
        let metrics = bench.get("/metrics").await.body;
        let line = metrics.lines().find(|line| line.starts_with("simulator_ptu_utilization{"));
        line.unwrap().rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    // Six tokens and the prompt: about 0.5 % instead of 128 %, less what drained.
    assert!(utilization().await < 0.01, "{}", utilization().await);
    let journal = bench.journal().await;
    assert_eq!(journal[0]["status"], 499);
    assert_eq!(journal[0]["counted_tokens"], 8_008);
    assert_eq!(bench.post(CHAT, BODY).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_seed_toolkits_capacities_hold() {
    let bench = Bench::new(
        r#"{ name = "emb", model = "text-embedding-ada-002", tpm = 100000, wire_profile = "azure_2024", latency = { profile = "zero" } },
           { name = "text", model = "gpt-35-turbo", tpm = 1000, wire_profile = "azure_2024", latency = { profile = "zero" } }"#,
    );
    // 974 characters cost 244 tokens: 409 calls fit 60 s, 100 fit 10 s.
    let body = format!(r#"{{"input":"{}","model":"embedding"}}"#, "x".repeat(974));
    let mut admitted = 0;
    for second in 0..60 {
        for _ in 0..20 {
            admitted += u64::from(bench.post(EMBEDDING, &body).await.status == 200);
        }
        if second == 9 {
            assert_eq!(admitted, 100);
        }
        tokio::time::advance(ms(1_000)).await;
    }
    assert_eq!(admitted, 409);
    let journal = bench.journal().await;
    assert_eq!(journal[0]["counted_tokens"], 244);
    let refused = journal.iter().find(|row| row["status"] == 429).unwrap();
    assert_eq!(refused["reason"], "requests");
    assert_eq!(refused["counted_tokens"], Value::Null);
    // Without max_tokens a completion costs 16.
    let answer = bench.post(TEXT, r#"{"prompt":"a long prompt that does not count"}"#).await;
    assert_eq!(answer.header("x-ratelimit-remaining-tokens"), Some("984"));
    // A request that can never fit is told so.
    let answer = bench.post(TEXT, r#"{"prompt":"x","max_tokens":1001}"#).await;
    assert_eq!(answer.header("retry-after"), Some("86400"));
}

#[tokio::test(start_paused = true)]
async fn refusals_do_not_wait_for_the_latency() {
    let slow = r#"{ name = "text", model = "gpt-35-turbo", tpm = 1000, wire_profile = "azure_2024",
      latency = { profile = "aoai_simulator_compat", completions_ms_per_token = 1000 } }"#;
    let bench = Bench::new(slow);
    let body = r#"{"prompt":"x","max_tokens":1}"#;
    bench.post(TEXT, body).await;
    let start = tokio::time::Instant::now();
    assert_eq!(bench.post(TEXT, body).await.status, 429);
    assert_eq!(start.elapsed(), ms(0));
    let documented = Bench::new(r#"{ name = "text", model = "gpt-35-turbo", tpm = 1000 }"#);
    documented.post(TEXT, body).await;
    let start = tokio::time::Instant::now();
    let refused = documented.post(TEXT, body).await;
    if refused.status == 429 {
        assert!((ms(5)..=ms(32)).contains(&start.elapsed()), "{:?}", start.elapsed());
    }
}
