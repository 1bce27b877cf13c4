//! Bytes against recordings of the service (traceloop/openllmetry 2025-08,
//! crewAIInc/crewAI 2026-01): given the recorded ids, the recorded bytes.

use seam::rng::Seed;

use super::*;
use crate::catalogue::{Model, Operation};
use crate::config::WireProfile;

const RECORDED_CHAT: &str = concat!(
    r#"{"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"filtered":false,"detected":false},"protected_material_text":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}},"finish_reason":"stop","index":0,"logprobs":null,"message":{"annotations":[],"content":"3","refusal":null,"role":"assistant"}}],"created":1755601034,"id":"chatcmpl-C6EJeKZdEaC0VeeKH3lWwJBjCTcpd","model":"gpt-5-nano-2025-08-07","object":"chat.completion","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}],"system_fingerprint":null,"usage":{"completion_tokens":203,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":192,"rejected_prediction_tokens":0},"prompt_tokens":11,"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":0},"total_tokens":214}}"#,
    "\n"
);

#[test]
fn a_chat_completion_is_as_recorded() {
    let answer = Answer {
        profile: WireProfile::Documented,
        id: "chatcmpl-C6EJeKZdEaC0VeeKH3lWwJBjCTcpd",
        created: 1_755_601_034,
        model: "gpt-5-nano-2025-08-07",
        fingerprint: None,
    };
    let choice = ChoiceText { text: "3".to_owned(), finish_reason: "stop" };
    let usage = Usage {
        prompt_tokens: 11,
        cached_tokens: 0,
        completion_tokens: 203,
        reasoning_tokens: 192,
    };
    assert_eq!(chat_body(&answer, &[choice], usage), RECORDED_CHAT);
}

const RECORDED_STREAM: &[&str] = &[
    r#"data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}]}"#,
    r#"data: {"choices":[{"content_filter_results":{},"delta":{"content":"","refusal":null,"role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}],"created":1769122114,"id":"chatcmpl-D0xlaV5L5Qq2rCcLp0Bp0ObW4fKM3","model":"gpt-4o-mini-2024-07-18","object":"chat.completion.chunk","system_fingerprint":"fp_f97eff32c5","usage":null}"#,
    r#"data: {"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}},"delta":{"content":" now"},"finish_reason":null,"index":0,"logprobs":null}],"created":1769122114,"id":"chatcmpl-D0xlaV5L5Qq2rCcLp0Bp0ObW4fKM3","model":"gpt-4o-mini-2024-07-18","object":"chat.completion.chunk","system_fingerprint":"fp_f97eff32c5","usage":null}"#,
    r#"data: {"choices":[{"content_filter_results":{},"delta":{},"finish_reason":"stop","index":0,"logprobs":null}],"created":1769122114,"id":"chatcmpl-D0xlaV5L5Qq2rCcLp0Bp0ObW4fKM3","model":"gpt-4o-mini-2024-07-18","object":"chat.completion.chunk","system_fingerprint":"fp_f97eff32c5","usage":null}"#,
    r#"data: {"choices":[],"created":1769122114,"id":"chatcmpl-D0xlaV5L5Qq2rCcLp0Bp0ObW4fKM3","model":"gpt-4o-mini-2024-07-18","object":"chat.completion.chunk","system_fingerprint":"fp_f97eff32c5","usage":{"completion_tokens":158,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":0,"rejected_prediction_tokens":0},"prompt_tokens":168,"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":0},"total_tokens":326}}"#,
    "data: [DONE]",
];

/// The recorded events, without their random padding.
#[test]
fn a_stream_is_as_recorded() {
    let answer = Answer {
        profile: WireProfile::Documented,
        id: "chatcmpl-D0xlaV5L5Qq2rCcLp0Bp0ObW4fKM3",
        created: 1_769_122_114,
        model: "gpt-4o-mini-2024-07-18",
        fingerprint: Some("fp_f97eff32c5"),
    };
    let style = ChunkStyle { chat: true, prompts: 1, include_usage: true, obfuscation: false };
    let mut chunks = Chunks::new(&answer, style, Ids(Seed(1).stream("x")));
    let mut out = String::new();
    chunks.opening(&mut out);
    chunks.role(0, &mut out);
    chunks.token(0, " now", &mut out);
    chunks.finish(0, "stop", &mut out);
    let usage = Usage { prompt_tokens: 168, completion_tokens: 158, ..Usage::default() };
    chunks.closing(usage, &mut out);
    assert_eq!(out, RECORDED_STREAM.join("\n\n") + "\n\n");
}

#[test]
fn padding_stands_where_it_was_recorded() {
    let answer = Answer {
        profile: WireProfile::Documented,
        id: "i",
        created: 1,
        model: "m",
        fingerprint: None,
    };
    let style = ChunkStyle { chat: true, prompts: 1, include_usage: true, obfuscation: true };
    let mut chunks = Chunks::new(&answer, style, Ids(Seed(1).stream("x")));
    let mut out = String::new();
    chunks.finish(0, "stop", &mut out);
    let expected = r#""model":"m","obfuscation":""#;
    assert!(
        out.contains(expected) && out.contains(r#"","object":"chat.completion.chunk""#),
        "{out}"
    );
}

#[track_caller]
fn estimate(operation: Operation, body: &str, profile: WireProfile, expected: u64) {
    let body = parse_json(body.as_bytes()).unwrap();
    assert_eq!(Outline::of(operation, &body, 4_096).estimate(operation, profile, 16), expected);
}

/// The estimator table of specification section 3.3.
#[test]
fn estimates_are_those_of_the_era() {
    let chat = r#"{"messages":[{"role":"user","content":"Tell me a joke about opentelemetry"}]}"#;
    estimate(Operation::Chat, chat, WireProfile::Azure2024, 16);
    estimate(Operation::Chat, chat, WireProfile::Documented, 9 + 16);
    let more = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"12345678"}]}],"n":3,"max_completion_tokens":100}"#;
    estimate(Operation::Chat, more, WireProfile::Azure2024, 100);
    estimate(Operation::Chat, more, WireProfile::Documented, 2 + 300);
    let text = r#"{"prompt":"12345678","best_of":4,"max_tokens":10}"#;
    estimate(Operation::Completions, text, WireProfile::Documented, 2 + 40);
    let one = r#"{"input":"Tell me a joke about opentelemetry"}"#;
    estimate(Operation::Embeddings, one, WireProfile::Azure2024, 9);
    let three = r#"{"input":["12345","1",[7,8,9]]}"#;
    estimate(Operation::Embeddings, three, WireProfile::Azure2024, 2 + 1 + 3);
    estimate(Operation::Embeddings, three, WireProfile::Documented, 5);
}

#[test]
fn prompt_tokens_are_those_recorded() {
    let model = Model::find("gpt-4o").unwrap();
    let body = r#"{"messages":[{"role":"user","content":"What is the capital of France?"}],"n":1,"stream":false}"#;
    let call = Call::read(Operation::Chat, &parse_json(body.as_bytes()).unwrap(), &model).unwrap();
    assert_eq!(call.prompt_tokens(&model), 14);
    let model = Model::find("text-embedding-3-large").unwrap();
    let body = r#"{"input":"Tell me a joke about opentelemetry","encoding_format":"base64"}"#;
    let body = parse_json(body.as_bytes()).unwrap();
    let call = Call::read(Operation::Embeddings, &body, &model).unwrap();
    assert_eq!(call.prompt_tokens(&model), 8);
}
