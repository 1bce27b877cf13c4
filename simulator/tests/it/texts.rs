//! Answers of the three operations, whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokens::Encoding;

use crate::support::{Bench, CHAT, EMBEDDING, TEXT, ms};

const ZERO: &str = r#"
  { name = "chat", model = "gpt-4o", tpm = 100000, latency = { profile = "zero" } },
  { name = "text", model = "gpt-35-turbo", tpm = 100000, latency = { profile = "zero" } },
  { name = "emb", model = "text-embedding-3-large", tpm = 1000000, latency = { profile = "zero" } },
"#;

/// The same in the dress of 2024.
fn old() -> String {
    ZERO.replace("latency =", "wire_profile = \"azure_2024\", latency =")
}

const HELLO: &str =
    r#"{"messages":[{"role":"user","content":"What is the capital of France?"}],"max_tokens":12}"#;

#[tokio::test(start_paused = true)]
async fn chat_bodies_are_golden() {
    let answer = Bench::new(ZERO).post(CHAT, HELLO).await;
    insta::assert_snapshot!("chat_documented", answer.redacted());
    let answer = Bench::new(&old()).post(CHAT, HELLO).await;
    insta::assert_snapshot!("chat_azure_2024", answer.redacted());
}

#[tokio::test(start_paused = true)]
async fn completions_bodies_are_golden() {
    let body = r#"{"prompt":["Once upon a time","In the end"],"max_tokens":5,"model":"ignored"}"#;
    let answer = Bench::new(ZERO).post(TEXT, body).await;
    insta::assert_snapshot!("completions_documented", answer.redacted());
    let answer = Bench::new(&old()).post(TEXT, body).await;
    insta::assert_snapshot!("completions_azure_2024", answer.redacted());
}

#[tokio::test(start_paused = true)]
async fn embeddings_bodies_are_golden() {
    let body = r#"{"input":["a",[1,2,3]],"dimensions":3,"model":"embedding"}"#;
    let answer = Bench::new(ZERO).post(EMBEDDING, body).await;
    insta::assert_snapshot!("embeddings_documented", answer.redacted());
    let answer = Bench::new(&old()).post(EMBEDDING, body).await;
    insta::assert_snapshot!("embeddings_azure_2024", answer.redacted());
}

#[tokio::test(start_paused = true)]
async fn base64_is_the_same_vector() {
    let bench = Bench::new(ZERO);
    let floats = bench.post(EMBEDDING, r#"{"input":"hello"}"#).await.json();
    let text = bench.post(EMBEDDING, r#"{"input":"hello","encoding_format":"base64"}"#).await;
    let text = text.json();
    let bytes = STANDARD.decode(text["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let decoded: Vec<f64> = bytes
        .chunks_exact(4)
        .map(|four| f64::from(f32::from_le_bytes(four.try_into().unwrap())))
        .collect();
    let floats: Vec<f64> = floats["data"][0]["embedding"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect();
    assert_eq!(decoded.len(), 3_072);
    assert!(decoded.iter().zip(&floats).all(|(a, b)| (a - b).abs() < 1e-7));
    assert_eq!(text["usage"]["prompt_tokens"], 1);
}

#[tokio::test(start_paused = true)]
async fn completion_tokens_are_those_of_the_text() {
    let bench = Bench::new(&old());
    for max in [1, 7, 300] {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":"hi"}}],"max_tokens":{max},"n":2}}"#
        );
        let answer = bench.post(CHAT, &body).await.json();
        assert_eq!(answer["usage"]["completion_tokens"], 2 * max);
        for choice in answer["choices"].as_array().unwrap() {
            let text = choice["message"]["content"].as_str().unwrap();
            assert_eq!(Encoding::O200kBase.count(text), max, "{text}");
            assert_eq!(choice["finish_reason"], "length");
        }
        assert_ne!(answer["choices"][0], answer["choices"][1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_sequence_ends_the_text_before_it() {
    let bench = Bench::new(ZERO);
    let body = r#"{"messages":[{"role":"user","content":"hi"}],"stop":"."}"#;
    let answer = bench.post(CHAT, body).await.json();
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(!text.contains('.') && !text.is_empty(), "{text}");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["usage"]["completion_tokens"], Encoding::O200kBase.count(text));
}

#[tokio::test(start_paused = true)]
async fn a_reasoning_model_thinks_in_its_completion_tokens() {
    let bench = Bench::new(
        r#"{ name = "chat", model = "gpt-5-nano", tpm = 100000, latency = { profile = "zero" } }"#,
    );
    let body = r#"{"messages":[{"role":"user","content":"Count r's in strawberry"}]}"#;
    let answer = bench.post(CHAT, body).await.json();
    let usage = &answer["usage"];
    assert_eq!(usage["prompt_tokens"], 11);
    let reasoning = usage["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap();
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    let visible = Encoding::O200kBase.count(text) as u64;
    assert_eq!(usage["completion_tokens"], reasoning + visible);
    assert!(0 < reasoning && reasoning % 64 == 0, "{reasoning}");
    assert_eq!(answer["system_fingerprint"], serde_json::Value::Null);
}

#[tokio::test(start_paused = true)]
async fn compat_latency_is_the_mean_times_the_tokens() {
    let bench = Bench::new(
        r#"{ name = "text", model = "gpt-35-turbo", tpm = 100000, wire_profile = "azure_2024",
             latency = { profile = "aoai_simulator_compat", completions_ms_per_token = 10, completions_ms_per_token_std_dev = 0 } }"#,
    );
    let start = tokio::time::Instant::now();
    bench.post(TEXT, r#"{"prompt":"Once upon a time","max_tokens":10}"#).await;
    let elapsed = start.elapsed();
    assert!((ms(100)..=ms(101)).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_answer() {
    let run = async |seed| {
        let bench = Bench::seeded(&ZERO.replace(r#", latency = { profile = "zero" }"#, ""), seed);
        let mut all = String::new();
        for body in [HELLO, r#"{"messages":[{"role":"user","content":"x"}],"stream":true}"#] {
            all.push_str(&bench.post(CHAT, body).await.redacted());
        }
        all + &bench.get("/++/journal").await.body
    };
    assert_eq!(run(1).await, run(1).await);
    assert_ne!(run(1).await, run(2).await);
}

/// Fifty overlapping requests of every kind: who is served first must not
/// depend on anything but the seed.
#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_journal_under_load() {
    let run = async |seed| {
        let bench = Bench::seeded(&ZERO.replace(r#", latency = { profile = "zero" }"#, ""), seed);
        let calls = (0..50).map(|n| {
            let (uri, body) = match n % 3 {
                0 => (CHAT, HELLO),
                1 => (CHAT, r#"{"messages":[{"role":"user","content":"x"}],"stream":true}"#),
                _ => (TEXT, r#"{"prompt":"x"}"#),
            };
            let bench = &bench;
            async move {
                tokio::time::sleep(ms(17 * n)).await;
                bench.post(uri, body).await.body
            }
        });
        let bodies = futures_util::future::join_all(calls).await;
        (bodies, bench.get("/++/journal").await.body)
    };
    assert_eq!(run(1).await, run(1).await);
    assert_ne!(run(1).await.1, run(2).await.1);
}

#[tokio::test(start_paused = true)]
async fn the_clients_request_id_comes_back() {
    let bench = Bench::new(ZERO);
    let mut request = Bench::request(CHAT, HELLO);
    request.headers_mut().insert("x-ms-client-request-id", "abc-1".parse().unwrap());
    let answer = bench.send(request).await;
    assert_eq!(answer.header("x-ms-client-request-id"), Some("abc-1"));
    let answer = bench.post(CHAT, HELLO).await;
    assert_eq!(answer.header("x-ms-client-request-id"), answer.header("apim-request-id"));
    let journal = bench.journal().await;
    assert_eq!(journal[0]["correlation_id"], "abc-1");
    assert_eq!(journal[1]["correlation_id"], serde_json::Value::Null);
}
