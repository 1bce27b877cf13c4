//! Streams: bytes, order, deadlines, and clients that go away.

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::{Duration, Instant};
use tower::ServiceExt as _;

use crate::support::{Bench, CHAT, TEXT, events, ms};

fn steady(profile: &str, more: &str) -> String {
    format!(
        r#"{{ name = "chat", model = "gpt-4o", tpm = 1000000, wire_profile = "{profile}", content_filter_group = [1, 1], latency = {{ profile = "payg-gpt-4o", overhead_ms = 100, base_ms = 0, sigma = 0, prefill_ms_per_1k = 0, itl_ms = 20, itl_shape = 1000000, speed_sigma = 0, tail_probability = 0 {more} }} }},
           {{ name = "text", model = "gpt-35-turbo", tpm = 1000000, wire_profile = "{profile}", latency = {{ profile = "zero" }} }}"#
    )
}

const STREAM: &str =
    r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":4,"stream":true}"#;
const WITH_USAGE: &str = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":4,"n":2,"stream":true,"stream_options":{"include_usage":true}}"#;

#[tokio::test(start_paused = true)]
async fn chat_streams_are_golden() {
    for profile in ["documented", "azure_2024"] {
        let bench = Bench::new(&steady(profile, ""));
        let answer = bench.post(CHAT, STREAM).await;
        insta::assert_snapshot!(format!("stream_{profile}"), answer.redacted());
        let answer = bench.post(CHAT, WITH_USAGE).await;
        insta::assert_snapshot!(format!("stream_usage_{profile}"), answer.redacted());
    }
}

#[tokio::test(start_paused = true)]
async fn completions_streams_are_golden() {
    let bench = Bench::new(&steady("documented", ""));
    let body =
        r#"{"prompt":"Once","max_tokens":3,"stream":true,"stream_options":{"include_usage":true}}"#;
    insta::assert_snapshot!("stream_completions", bench.post(TEXT, body).await.redacted());
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_what_the_whole_answer_would() {
    let bench = Bench::new(&steady("documented", ""));
    let answer = bench.post(CHAT, WITH_USAGE).await;
    let events = events(&answer.body);
    assert_eq!(events.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|e| serde_json::from_str(e).unwrap()).collect();
    assert_eq!(chunks[0]["id"], "");
    let usage = &chunks.last().unwrap()["usage"];
    assert_eq!(usage["completion_tokens"], 8);
    for index in 0..2 {
        let of_choice: Vec<&Value> = chunks
            .iter()
            .flat_map(|chunk| chunk["choices"].as_array().unwrap())
            .filter(|choice| choice["index"] == index)
            .collect();
        assert_eq!(of_choice.len(), 1 + 4 + 1, "role, four tokens, finish");
        assert_eq!(of_choice[0]["delta"]["role"], "assistant");
        assert_eq!(of_choice[5]["finish_reason"], "length");
        assert_eq!(of_choice[5]["delta"], serde_json::json!({}));
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_leave_at_their_deadlines() {
    let bench = Bench::new(&steady("documented", ""));
    let start = Instant::now();
    let body = STREAM.replace("\"max_tokens\":4", "\"max_tokens\":50");
    let response = bench.router().oneshot(Bench::request(CHAT, body)).await.unwrap();
    let due = |n: u64| ms(100 + 20 * n);
    let within = |elapsed: Duration, n: u64| {
        // The gamma draws of shape 10⁶ stray by a thousandth; tokio's timer rounds up to 1 ms.
        due(n) - ms(1) <= elapsed && elapsed <= due(n) + ms(2)
    };
    assert!(within(start.elapsed(), 0), "{:?}", start.elapsed());
    let mut stream = response.into_body().into_data_stream();
    let mut writes = Vec::new();
    while let Some(chunk) = stream.next().await {
        writes.push((start.elapsed(), chunk.unwrap()));
    }
    assert_eq!(writes.len(), 50, "one write a token, the first and last with what surrounds them");
    for (n, (elapsed, _)) in (0..).zip(&writes) {
        assert!(within(*elapsed, n), "token {n} at {elapsed:?}");
    }
    assert!(writes[49].1.ends_with(b"data: [DONE]\n\n"));
}

#[tokio::test(start_paused = true)]
async fn what_is_due_together_leaves_in_writes_that_let_others_in() {
    let bench = Bench::new(
        r#"{ name = "chat", model = "gpt-4o", tpm = 10000000, completion_tokens = "max_tokens", latency = { profile = "zero" } }"#,
    );
    let body = STREAM.replace("\"max_tokens\":4", "\"max_tokens\":1000,\"n\":8");
    let response = bench.router().oneshot(Bench::request(CHAT, body)).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    let mut whole = Vec::new();
    let mut longest = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.unwrap();
        longest = longest.max(chunk.len());
        whole.extend_from_slice(&chunk);
    }
    assert!(longest <= 65 << 10, "{longest} bytes at once of {}", whole.len());
    let whole = String::from_utf8(whole).unwrap();
    let tokens = events(&whole).iter().filter(|event| event.contains("\"content\":\"")).count();
    // Each choice begins with an empty one.
    assert_eq!(tokens, 8 * (1000 + 1));
    assert!(whole.ends_with("data: [DONE]\n\n"));
}

#[tokio::test(start_paused = true)]
async fn what_is_due_together_leaves_together() {
    let bench = Bench::new(&steady("documented", ""));
    let body = STREAM.replace("\"max_tokens\":4", "\"max_tokens\":50");
    let response = bench.router().oneshot(Bench::request(CHAT, body)).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    let _first = stream.next().await.unwrap().unwrap();
    // A reader that was away for ten tokens' time gets them in one write.
    tokio::time::advance(ms(200)).await;
    let second = stream.next().await.unwrap().unwrap();
    let tokens = String::from_utf8(second.to_vec()).unwrap().matches("data: ").count();
    assert!((9..=11).contains(&tokens), "{tokens}");
}

#[tokio::test(start_paused = true)]
async fn the_zero_profile_needs_no_timer() {
    let bench = Bench::new(
        r#"{ name = "chat", model = "gpt-4o", tpm = 1000000, latency = { profile = "zero" } }"#,
    );
    let start = Instant::now();
    let response = bench.router().oneshot(Bench::request(CHAT, STREAM)).await.unwrap();
    let writes: Vec<_> = response.into_body().into_data_stream().collect().await;
    assert_eq!(writes.len(), 1);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_is_499_with_what_was_made() {
    let bench = Bench::new(&steady("documented", ""));
    let body = STREAM.replace("\"max_tokens\":4", "\"max_tokens\":50");
    // During a stream: 100 + 5 × 20 ms make six tokens.
    let response = bench.router().oneshot(Bench::request(CHAT, body.clone())).await.unwrap();
    tokio::time::advance(ms(105)).await;
    drop(response);
    // Before a stream's first byte.
    let call = bench.router().oneshot(Bench::request(CHAT, body.clone()));
    assert!(tokio::time::timeout(ms(50), call).await.is_err());
    // Before a whole answer.
    let whole = body.replace("\"stream\":true", "\"stream\":false");
    let call = bench.router().oneshot(Bench::request(CHAT, whole));
    assert!(tokio::time::timeout(ms(151), call).await.is_err());
    let journal = bench.journal().await;
    let rows: Vec<_> = journal
        .iter()
        .map(|row| (row["status"].as_u64().unwrap(), row["completion_tokens"].as_u64().unwrap()))
        .collect();
    assert_eq!(rows, [(499, 6), (499, 0), (499, 3)]);
    assert!(journal[0]["first_byte_us"].is_u64());
    assert_eq!(journal[1]["first_byte_us"], Value::Null);
    assert_eq!(journal[1]["reason"], "client_closed");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_at_done_has_not_gone_away() {
    let bench = Bench::new(&steady("documented", ""));
    let response = bench.router().oneshot(Bench::request(CHAT, STREAM)).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    while let Some(chunk) = stream.next().await {
        if chunk.unwrap().ends_with(b"[DONE]\n\n") {
            break;
        }
    }
    drop(stream);
    assert_eq!(bench.journal().await[0]["status"], 200);
}
