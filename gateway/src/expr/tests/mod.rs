//! Tests of the language as a whole: text in, value out.

mod cases;
mod documented;
mod errors;
mod frequencies;
mod limits;
mod numbers;
mod platform;

use std::sync::Arc;

use bytes::Bytes;
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::rng::Seed;

use super::compile;
use super::exception::Exception;
use super::value::Value;
use crate::pipeline::context::{
    ApiInfo, Context, DeploymentInfo, MessageBody, OperationInfo, QueryParameter, RequestState,
    ResponseState, SubscriptionInfo, Url,
};

/// A request as the tests' expressions see it.
pub(super) fn context() -> Context {
    let url = Url {
        scheme: "https".into(),
        host: "gateway.example".into(),
        port: 443,
        path: "/openai/deployments/gpt-4o/chat/completions".into(),
        query: vec![
            QueryParameter::new("api-version", "2024-02-01"),
            QueryParameter::new("x", "1"),
        ],
    };
    let mut context = Context {
        request_id: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
        started: tokio::time::Instant::now(),
        clock: WallClock::fixed(VIRTUAL_EPOCH),
        variables: crate::pipeline::context::Variables::default(),
        request: RequestState {
            method: "POST".into(),
            url: Url { host: "backend.example".into(), ..url.clone() },
            original_url: url,
            headers: http::HeaderMap::new(),
            body: MessageBody::Bytes(Bytes::from_static(BODY.as_bytes())),
            ip_address: "10.0.0.1".into(),
            matched_parameters: vec![("deployment-id".into(), "gpt-4o".into())],
        },
        response: ResponseState {
            status: 200,
            reason: "OK".into(),
            headers: http::HeaderMap::new(),
            body: MessageBody::Absent,
            null: false,
        },
        api: Some(Arc::new(ApiInfo {
            id: "azure-openai".into(),
            name: "Azure OpenAI".into(),
            path: "openai".into(),
            revision: "1".into(),
            key_header: "api-key".into(),
            key_query: "subscription-key".into(),
            ..ApiInfo::default()
        })),
        operation: Some(Arc::new(OperationInfo {
            id: "chat".into(),
            name: "Chat".into(),
            method: "POST".into(),
            url_template: "/deployments/{deployment-id}/chat/completions".into(),
        })),
        product: None,
        subscription: Some(Arc::new(SubscriptionInfo {
            id: "team-a".into(),
            name: "Team A".into(),
            key: "key-1".into(),
            primary_key: "key-1".into(),
            secondary_key: "key-2".into(),
            created: VIRTUAL_EPOCH,
        })),
        backend: None,
        deployment: Arc::new(DeploymentInfo {
            region: "West Europe".into(),
            service_name: "bench".into(),
            gateway_id: "managed".into(),
            gateway_instance_id: "i-1".into(),
        }),
        last_error: None,
        random: Seed(1).stream("test"),
        trace: Vec::new(),
        stored_responses: indexmap::IndexMap::new(),
        tracing: false,
    };
    let headers = &mut context.request.headers;
    headers.insert("api-key", http::HeaderValue::from_static("key-1"));
    headers.append("accept", http::HeaderValue::from_static("a"));
    headers.append("accept", http::HeaderValue::from_static("b"));
    let variables: [(&str, Value); 6] = [
        ("text", Value::from("abc")),
        ("number", Value::Int(5)),
        ("long", Value::Long(5)),
        ("flag", Value::Bool(true)),
        ("array", json(r#"["payg-1","ptu-1",3]"#)),
        ("object", json(r#"{"a":{"b":[1,2]},"s":"x","n":null,"d":1.5}"#)),
    ];
    context.variables.extend(variables.map(|(name, value)| (name.to_owned(), value)));
    context.variables.insert("null".into(), Value::Null);
    context
}

pub(super) const BODY: &str =
    r#"{"model":"gpt-4o","stream":true,"max_tokens":10,"preferredBackends":["ptu-1","payg-1"]}"#;

pub(super) fn json(text: &str) -> Value {
    Value::Json(super::json::parse(text).unwrap())
}

/// Compiles and runs in a runtime with a paused clock.
#[track_caller]
pub(super) fn run(text: &str) -> Result<Value, Exception> {
    let expression = match compile(text) {
        Ok(expression) => expression,
        Err(errors) => panic!("{text}\n{errors:#?}"),
    };
    in_runtime(|| expression.evaluate(&mut context()))
}

pub(super) fn in_runtime<T>(test: impl FnOnce() -> T) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async { test() })
}

/// The value's text.
#[track_caller]
pub(super) fn check(text: &str, expect: &str) {
    match run(text) {
        Ok(value) => assert_eq!(value.to_text(), expect, "{text}"),
        Err(exception) => panic!("{text}\n{exception}"),
    }
}

/// The exception's text.
#[track_caller]
pub(super) fn fails(text: &str, expect: &str) {
    match run(text) {
        Ok(value) => panic!("{text} gave {}", value.to_text()),
        Err(exception) => assert_eq!(exception.to_string(), expect, "{text}"),
    }
}
