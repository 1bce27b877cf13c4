//! An expression: lexer, parser and checker, then its evaluation, which must
//! end by itself within its bounds. The input is cut where the scanner of
//! documents would cut it.
#![no_main]

use std::sync::{Arc, LazyLock};

use gateway::expr::{Value, compile, expression_end};
use gateway::pipeline::context::{
    Context, DeploymentInfo, MessageBody, QueryParameter, RequestState, ResponseState, Url,
    Variables,
};
use http::{HeaderMap, HeaderValue};
use indexmap::IndexMap;
use libfuzzer_sys::fuzz_target;
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::rng::Seed;

const BODY: &[u8] = br#"{"model":"m","stream":true,"n":[1,2.5,null,"x"],"o":{"a":{"b":"c"}}}"#;

static CLOCK: LazyLock<WallClock> = LazyLock::new(|| WallClock::fixed(VIRTUAL_EPOCH));

fuzz_target!(|text: &str| {
    let wrapped;
    let text = if text.starts_with("@(") || text.starts_with("@{") {
        text
    } else {
        wrapped = format!("@({text})");
        &wrapped
    };
    let Some(end) = expression_end(text) else {
        let _ = compile(text);
        return;
    };
    let text = text.get(..end).expect("the end is on a character boundary");
    match compile(text) {
        Ok(expression) => {
            if let Ok(value) = expression.evaluate(&mut context()) {
                let _ = value.to_text();
            }
        }
        Err(problems) => {
            for problem in problems {
                assert!(problem.span.start <= problem.span.end);
                assert!(problem.span.end <= text.len(), "{}: {:?}", problem.message, problem.span);
            }
        }
    }
});

fn context() -> Context {
    let url = Url {
        scheme: "https".into(),
        host: "gateway.example".into(),
        port: 443,
        path: "/openai/deployments/m/chat/completions".into(),
        query: vec![QueryParameter::new("api-version", "2024-10-21")],
    };
    let mut headers = HeaderMap::new();
    headers.insert("api-key", HeaderValue::from_static("key"));
    headers.append("accept", HeaderValue::from_static("a, b"));
    let mut variables = Variables::default();
    variables.insert("text".to_owned(), Value::from("abc"));
    variables.insert("number".to_owned(), Value::Int(5));
    variables.insert("null".to_owned(), Value::Null);
    Context {
        request_id: 7,
        started: tokio::time::Instant::now(),
        clock: CLOCK.clone(),
        variables,
        request: RequestState {
            method: "POST".into(),
            url: url.clone(),
            original_url: url,
            headers: headers.clone(),
            body: MessageBody::Bytes(BODY.into()),
            ip_address: "10.0.0.1".into(),
            matched_parameters: vec![("deployment-id".into(), "m".into())],
        },
        response: ResponseState {
            status: 429,
            reason: "Too Many Requests".into(),
            headers,
            body: MessageBody::Bytes(BODY.into()),
            null: false,
        },
        api: None,
        operation: None,
        product: None,
        subscription: None,
        backend: None,
        deployment: Arc::new(DeploymentInfo {
            region: "West Europe".into(),
            service_name: "fuzz".into(),
            gateway_id: "managed".into(),
            gateway_instance_id: "i".into(),
        }),
        last_error: None,
        random: Seed(1).stream("fuzz"),
        trace: Vec::new(),
        stored_responses: IndexMap::new(),
        tracing: false,
    }
}
