//! Readings of requests against recordings and the estimator table.

use super::*;
use crate::catalogue::{Model, Operation};
use crate::config::WireProfile;

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

fn prompt_tokens(operation: Operation, body: &str, model: &Model) -> u64 {
    let json = parse_json(body.as_bytes()).unwrap();
    let body = Body { json: &json, bytes: body.as_bytes() };
    read(operation, body, model, &()).unwrap().prompt_tokens(model)
}

#[test]
fn prompt_tokens_are_those_recorded() {
    let model = Model::find("gpt-4o").unwrap();
    let body = r#"{"messages":[{"role":"user","content":"What is the capital of France?"}],"n":1,"stream":false}"#;
    assert_eq!(prompt_tokens(Operation::Chat, body, &model), 14);
    let model = Model::find("text-embedding-3-large").unwrap();
    let body = r#"{"input":"Tell me a joke about opentelemetry","encoding_format":"base64"}"#;
    assert_eq!(prompt_tokens(Operation::Embeddings, body, &model), 8);
}
