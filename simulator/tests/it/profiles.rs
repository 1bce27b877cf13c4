//! Bodies by wire profile: chat, completions, embeddings, whole and streamed.

use serde_json::Value;

use crate::support::{Bench, CHAT, EMBEDDING, TEXT, events};

const PROFILES: [&str; 5] = ["documented", "azure_2024", "azure_2025", "azure_2026", "openai"];

/// Three deployments of a profile; the chat takes 100 ms and 20 ms a token.
fn bench(profile: &str) -> Bench {
    Bench::new(&format!(
        r#"{{ name = "chat", model = "gpt-4o", tpm = 1000000, wire_profile = "{profile}", latency = {{ profile = "payg-gpt-4o", overhead_ms = 60, base_ms = 40, sigma = 0, prefill_ms_per_1k = 0, itl_ms = 20, itl_shape = 1000000, speed_sigma = 0, tail_probability = 0, daytime_slowdown = 0 }} }},
           {{ name = "text", model = "gpt-35-turbo", tpm = 1000000, wire_profile = "{profile}", latency = {{ profile = "zero" }} }},
           {{ name = "emb", model = "text-embedding-3-small", tpm = 1000000, wire_profile = "{profile}", latency = {{ profile = "zero" }} }}"#
    ))
}

const HELLO: &str =
    r#"{"messages":[{"role":"user","content":"What is the capital of France?"}],"max_tokens":4}"#;
const STREAM: &str = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":2,"stream":true,"stream_options":{"include_usage":true}}"#;

#[tokio::test(start_paused = true)]
async fn bodies_are_golden() {
    for profile in PROFILES {
        let bench = bench(profile);
        let mut all = String::new();
        for (uri, body) in [
            (CHAT, HELLO),
            (CHAT, STREAM),
            (CHAT, r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":1,"stream":true}"#),
            (TEXT, r#"{"prompt":["Once","Twice"],"max_tokens":3}"#),
            (TEXT, r#"{"prompt":"Once","max_tokens":1,"stream":true}"#),
            (EMBEDDING, r#"{"input":["a","b"],"dimensions":2}"#),
        ] {
            let answer = bench.post(uri, body).await;
            assert_eq!(answer.status, 200, "{profile} {body}");
            all.push_str(&answer.body);
            all.push_str("\n--\n");
        }
        insta::assert_snapshot!(format!("bodies_{profile}"), all);
    }
}

/// The order of keys that recordings show, at every depth that has one.
#[tokio::test(start_paused = true)]
async fn openais_keys_stand_in_its_order() {
    let bench = bench("openai");
    let in_order = |text: &str, keys: &[&str]| {
        let mut rest = text;
        for key in keys {
            let at = rest.find(&format!("\"{key}\"")).unwrap_or_else(|| panic!("{key}: {text}"));
            rest = &rest[at..];
        }
    };
    let whole = bench.post(CHAT, HELLO).await.body;
    in_order(
        &whole,
        &[
            "id",
            "object",
            "created",
            "model",
            "choices",
            "index",
            "message",
            "role",
            "content",
            "refusal",
            "annotations",
            "logprobs",
            "finish_reason",
            "usage",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "prompt_tokens_details",
            "cached_tokens",
            "audio_tokens",
            "completion_tokens_details",
            "reasoning_tokens",
            "service_tier",
            "system_fingerprint",
        ],
    );
    let stream = bench.post(CHAT, STREAM).await.body;
    for event in events(&stream).iter().filter(|event| **event != "[DONE]") {
        in_order(
            event,
            &[
                "id",
                "object",
                "created",
                "model",
                "service_tier",
                "system_fingerprint",
                "choices",
                "usage",
                "obfuscation",
            ],
        );
        assert!(!event.contains("filter"), "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn padding_can_be_turned_off() {
    for profile in ["openai", "documented"] {
        let body = STREAM.replace(
            "\"include_usage\":true",
            "\"include_usage\":true,\"include_obfuscation\":false",
        );
        let answer = bench(profile).post(CHAT, &body).await;
        assert!(!answer.body.contains("obfuscation"), "{}", answer.body);
        let answer = bench(profile).post(CHAT, STREAM).await;
        assert!(answer.body.contains("obfuscation"), "{}", answer.body);
    }
}

/// The identities of the recorded samples, and the schedule that a client sees.
#[tokio::test(start_paused = true)]
async fn the_latency_checkpoint_tells_the_schedule() {
    let bench = bench("azure_2026");
    let body = HELLO.replace("\"max_tokens\":4", "\"max_tokens\":11");
    let start = tokio::time::Instant::now();
    let whole = bench.post(CHAT, &body).await.json();
    let elapsed = u64::try_from(start.elapsed().as_millis()).unwrap();
    let stream = STREAM.replace("\"max_tokens\":2", "\"max_tokens\":11");
    let answer = bench.post(CHAT, &stream).await;
    let all = events(&answer.body);
    let last: Value = serde_json::from_str(all[all.len() - 2]).unwrap();
    for usage in [&whole["usage"], &last["usage"]] {
        let of = |key: &str| usage["latency_checkpoint"][key].as_u64().unwrap();
        assert_eq!(of("pre_inference_ms"), 60);
        assert_eq!(of("user_visible_ttft_ms"), of("service_ttft_ms") - of("pre_inference_ms"));
        assert_eq!(of("total_duration_ms"), of("service_ttlt_ms") - of("pre_inference_ms") + 10);
        let n = usage["completion_tokens"].as_u64().unwrap() - 1;
        assert!((99..=101).contains(&of("user_visible_ttft_ms")), "{usage}");
        assert!(n == 0 || (19..=21).contains(&of("service_tbt_ms")), "{usage}");
        assert!(of("total_duration_ms").abs_diff(110 + 20 * n) <= 2, "{usage}");
    }
    let tokens = whole["usage"]["completion_tokens"].as_u64().unwrap();
    assert!(elapsed.abs_diff(100 + 20 * (tokens - 1)) <= 2);
    let keys: Vec<_> = whole["usage"]["latency_checkpoint"].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 9);
}
