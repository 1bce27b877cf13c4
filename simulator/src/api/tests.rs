//! Readings of requests against recordings.

use bytes::Bytes;

use super::*;
use crate::catalogue::{Model, Operation};

fn prompt_tokens(operation: Operation, body: &str, model: &Model) -> u64 {
    let payload = Payload::json(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    read(operation, &payload, model, &()).unwrap().prompt_tokens(model)
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
