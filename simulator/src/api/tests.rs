//! Readings of requests against recordings.

use super::*;
use crate::catalogue::{Model, Operation};

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
