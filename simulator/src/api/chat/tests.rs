//! Bytes against recordings of the service (traceloop/openllmetry 2025-08,
//! crewAIInc/crewAI 2026-01): given the recorded ids, the recorded bytes.

use seam::rng::Seed;

use super::chunks::Chunks;
use super::whole;
use crate::api::answer::Answer;
use crate::api::call::Events as _;
use crate::api::envelope::StreamOptions;
use crate::api::usage::Usage;
use crate::config::WireProfile;
use crate::content::{Completion, Finish};
use crate::wire::Ids;

fn completion(pieces: &[&'static str]) -> Completion {
    let pieces = pieces.iter().map(|&piece| piece.into()).collect();
    Completion { pieces, finish: Finish::Stop, reasoning_tokens: 0 }
}

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
    let usage = Usage {
        prompt_tokens: 11,
        cached_tokens: 0,
        completion_tokens: 203,
        reasoning_tokens: 192,
    };
    assert_eq!(whole::Body::new(&answer, &[completion(&["3"])], usage).write(None), RECORDED_CHAT);
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
    let options = StreamOptions { include_usage: true, obfuscation: false };
    let usage = Usage { prompt_tokens: 168, completion_tokens: 158, ..Usage::default() };
    let choices = vec![completion(&[" now"])];
    let mut chunks = Chunks::new(&answer, options, choices, usage, Ids(Seed(1).stream("x")));
    let mut out = String::new();
    chunks.open(&mut out);
    chunks.token(0, 0, &mut out);
    chunks.close(&mut out);
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
    let options = StreamOptions { include_usage: true, obfuscation: true };
    let choices = vec![completion(&[])];
    let ids = Ids(Seed(1).stream("x"));
    let mut chunks = Chunks::new(&answer, options, choices, Usage::default(), ids);
    let mut out = String::new();
    chunks.open(&mut out);
    let expected = r#""model":"m","obfuscation":""#;
    assert!(
        out.contains(expected) && out.contains(r#"","object":"chat.completion.chunk""#),
        "{out}"
    );
}
