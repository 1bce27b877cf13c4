//! Bytes against recordings of the service (traceloop/openllmetry 2025-08,
//! crewAIInc/crewAI 2026-01): given the recorded ids, the recorded bytes.

use seam::rng::Seed;

use super::choice::{Choice, Writing};
use super::chunks::Chunks;
use super::whole;
use crate::api::answer::Answer;
use crate::api::call::Events as _;
use crate::api::envelope::StreamOptions;
use crate::api::usage::Usage;
use crate::config::{Layout, WireProfile};
use crate::content::{Call, Completion, Dialect, Finish, Said, Scorer};
use crate::filter::{Findings, Mode};
use crate::wire::Ids;

fn text(pieces: &[&'static str]) -> Choice {
    let pieces = pieces.iter().map(|&piece| piece.into()).collect();
    Choice { completion: Completion { pieces, ..Completion::default() }, call_ids: Vec::new() }
}

fn writing(profile: WireProfile) -> Writing {
    Writing { profile, mode: Mode::Buffered, before: 0, dialect: Dialect::Tools, scorer: None }
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
        prompt: &Findings::default(),
        service_tier: None,
    };
    let usage = Usage {
        prompt_tokens: 11,
        cached_tokens: 0,
        completion_tokens: 203,
        reasoning_tokens: 192,
    };
    assert_eq!(
        whole::Body::new(&answer, &writing(WireProfile::Documented), &[text(&["3"])], usage)
            .write(None),
        RECORDED_CHAT
    );
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
        prompt: &Findings::default(),
        service_tier: None,
    };
    let options = StreamOptions { include_usage: true, obfuscation: false };
    let usage = Usage { prompt_tokens: 168, completion_tokens: 158, ..Usage::default() };
    let choices = vec![text(&[" now"])];
    let mut chunks = Chunks::new(
        &answer,
        options,
        writing(WireProfile::Documented),
        choices,
        usage,
        Ids(Seed(1).stream("x")),
    );
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
        prompt: &Findings::default(),
        service_tier: None,
    };
    let options = StreamOptions { include_usage: true, obfuscation: true };
    let choices = vec![text(&[])];
    let ids = Ids(Seed(1).stream("x"));
    let mut chunks = Chunks::new(
        &answer,
        options,
        writing(WireProfile::Documented),
        choices,
        Usage::default(),
        ids,
    );
    let mut out = String::new();
    chunks.open(&mut out);
    let expected = r#""model":"m","obfuscation":""#;
    assert!(
        out.contains(expected) && out.contains(r#"","object":"chat.completion.chunk""#),
        "{out}"
    );
}

fn calls(list: &[(&str, &[&'static str])]) -> Choice {
    let mut pieces = Vec::new();
    let mut calls = Vec::new();
    let mut call_ids = Vec::new();
    for (index, (name, arguments)) in list.iter().enumerate() {
        calls.push(Call { name: (*name).to_owned(), from: pieces.len() });
        pieces.extend(arguments.iter().map(|&piece| piece.into()));
        call_ids.push(format!("call_{index}"));
    }
    let said = Said::Calls(calls);
    let completion =
        Completion { pieces, said, finish: Finish::ToolCalls, ..Completion::default() };
    Choice { completion, call_ids }
}

/// Every event of a stream, without what is the same in all.
fn deltas(writing: Writing, choice: Choice) -> Vec<String> {
    let findings = Findings::default();
    let answer = Answer {
        profile: writing.profile,
        id: "i",
        created: 1,
        model: "m",
        fingerprint: None,
        prompt: &findings,
        service_tier: None,
    };
    let options = StreamOptions { include_usage: false, obfuscation: false };
    let pieces = choice.completion.pieces.len();
    let writing_layout = writing.layout();
    let ids = Ids(Seed(1).stream("x"));
    let mut chunks = Chunks::new(&answer, options, writing, vec![choice], Usage::default(), ids);
    let mut out = String::new();
    chunks.open(&mut out);
    for index in 0..pieces {
        chunks.token(0, index, &mut out);
    }
    let layout = writing_layout;
    out.lines()
        .filter_map(|line| line.split_once(r#""delta":"#))
        .filter_map(|(_, rest)| match layout {
            Layout::OpenAi => rest.split_once(r#","logprobs""#),
            Layout::Azure | Layout::Azure2024 => rest.split_once(r#","index":0,"logprobs""#),
        })
        .map(|(delta, _)| delta.to_owned())
        .collect()
}

/// Recorded: gpt-4o-mini on Azure, 2026-01.
#[test]
fn azure_merges_the_first_call_with_the_role() {
    let choice = calls(&[("get_current_temperature", &["{\"", "city", "\"}"]), ("other", &["{}"])]);
    assert_eq!(
        deltas(writing(WireProfile::Documented), choice),
        [
            r#"{"content":null,"refusal":null,"role":"assistant","tool_calls":[{"function":{"arguments":"","name":"get_current_temperature"},"id":"call_0","index":0,"type":"function"}]},"finish_reason":null"#,
            r#"{"tool_calls":[{"function":{"arguments":"{\""},"index":0}]},"finish_reason":null"#,
            r#"{"tool_calls":[{"function":{"arguments":"city"},"index":0}]},"finish_reason":null"#,
            r#"{"tool_calls":[{"function":{"arguments":"\"}"},"index":0}]},"finish_reason":null"#,
            r#"{"tool_calls":[{"function":{"arguments":"","name":"other"},"id":"call_1","index":1,"type":"function"}]},"finish_reason":null"#,
            r#"{"tool_calls":[{"function":{"arguments":"{}"},"index":1}]},"finish_reason":null"#,
            r#"{},"finish_reason":"tool_calls""#,
        ]
    );
}

#[test]
fn openai_begins_each_call_with_a_chunk_of_its_own() {
    let choice = calls(&[("one", &["{}"]), ("two", &["{}"])]);
    assert_eq!(
        deltas(writing(WireProfile::OpenAi), choice),
        [
            r#"{"role":"assistant","content":null,"refusal":null}"#,
            r#"{"tool_calls":[{"index":0,"id":"call_0","type":"function","function":{"name":"one","arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#,
            r#"{"tool_calls":[{"index":1,"id":"call_1","type":"function","function":{"name":"two","arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}"#,
            r#"{}"#,
        ]
    );
}

#[test]
fn function_calls_and_refusals_stream_as_such() {
    let legacy = Writing { dialect: Dialect::Functions, ..writing(WireProfile::Documented) };
    assert_eq!(
        deltas(legacy, calls(&[("one", &["{}"])])),
        [
            r#"{"content":null,"function_call":{"arguments":"","name":"one"},"refusal":null,"role":"assistant"},"finish_reason":null"#,
            r#"{"function_call":{"arguments":"{}"}},"finish_reason":null"#,
            r#"{},"finish_reason":"tool_calls""#,
        ]
    );
    let mut refusal = text(&["No"]);
    refusal.completion.said = Said::Refusal;
    assert_eq!(
        deltas(writing(WireProfile::Documented), refusal),
        [
            r#"{"content":null,"refusal":"","role":"assistant"},"finish_reason":null"#,
            r#"{"refusal":"No"},"finish_reason":null"#,
            r#"{},"finish_reason":"stop""#,
        ]
    );
}

#[test]
fn whole_messages_have_their_calls() {
    let choice = calls(&[("one", &["{\"", "a\":1}"]), ("two", &["{}"])]);
    assert_eq!(
        writing(WireProfile::Documented).message(&choice),
        r#"{"annotations":[],"content":null,"refusal":null,"role":"assistant","tool_calls":[{"function":{"arguments":"{\"a\":1}","name":"one"},"id":"call_0","type":"function"},{"function":{"arguments":"{}","name":"two"},"id":"call_1","type":"function"}]}"#
    );
    assert_eq!(
        writing(WireProfile::Azure2024).message(&calls(&[("one", &["{}"])])),
        r#"{"content":null,"role":"assistant","tool_calls":[{"function":{"arguments":"{}","name":"one"},"id":"call_0","type":"function"}]}"#
    );
    assert_eq!(
        writing(WireProfile::OpenAi).message(&calls(&[("one", &["{}"])])),
        r#"{"role":"assistant","content":null,"tool_calls":[{"id":"call_0","type":"function","function":{"name":"one","arguments":"{}"}}],"refusal":null,"annotations":[]}"#
    );
    let legacy = Writing { dialect: Dialect::Functions, ..writing(WireProfile::Azure2024) };
    assert_eq!(
        legacy.message(&calls(&[("one", &["{}"])])),
        r#"{"content":null,"function_call":{"arguments":"{}","name":"one"},"role":"assistant"}"#
    );
}

#[test]
fn probabilities_stand_at_every_token() {
    let scorer = Scorer { seed: Seed(1), encoding: tokens::Encoding::O200kBase, top: 2 };
    let writing = Writing { scorer: Some(scorer), ..writing(WireProfile::Documented) };
    let choice = text(&["Hello", " world"]);
    let whole: serde_json::Value =
        serde_json::from_str(&writing.logprobs(0, &choice, 0..2)).unwrap();
    let list = whole["content"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0]["token"], "Hello");
    assert_eq!(list[0]["bytes"], serde_json::json!([72, 101, 108, 108, 111]));
    assert_eq!(list[1]["top_logprobs"].as_array().unwrap().len(), 2);
    assert!(whole["refusal"].is_null());
    // A chunk says of its token what the whole answer says.
    let chunk: serde_json::Value =
        serde_json::from_str(&writing.logprobs(0, &choice, 1..2)).unwrap();
    assert_eq!(chunk["content"][0], list[1]);
    assert_eq!(writing.logprobs(0, &choice, 0..0), r#"{"content":[],"refusal":null}"#);
    assert_eq!(writing.logprobs(0, &calls(&[("one", &["{}"])]), 0..1), "null");
}
