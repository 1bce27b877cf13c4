//! Readings of requests against recordings.

use bytes::Bytes;

use super::*;
use crate::catalogue::{Model, Operation};

#[test]
fn prompt_tokens_are_those_recorded() {
    let model = Model::find("gpt-4o").unwrap();
    let body = r#"{"messages":[{"role":"user","content":"What is the capital of France?"}],"n":1,"stream":false}"#;
    let text = body.as_bytes();
    let call = read(Operation::Chat, &Payload::json(Bytes::copy_from_slice(text)).unwrap(), &model)
        .unwrap();
    assert_eq!(call.prompt_tokens(&model), 14);
    let model = Model::find("text-embedding-3-large").unwrap();
    let body = r#"{"input":"Tell me a joke about opentelemetry","encoding_format":"base64"}"#;
    let text = body.as_bytes();
    let call =
        read(Operation::Embeddings, &Payload::json(Bytes::copy_from_slice(text)).unwrap(), &model)
            .unwrap();
    assert_eq!(call.prompt_tokens(&model), 8);
}
