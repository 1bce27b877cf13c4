//! The specification's minimum conformance checks (section 11), each a named test.
//!
//! | Check | Test |
//! |---|---|
//! | 1. bodies of 401 and 404 | [`conformance_1_bodies_of_401_and_404`] |
//! | 2. order of Azure's streams | [`conformance_2_order_of_azures_streams`] |
//! | 3. orders of the Responses API | [`conformance_3_orders_of_responses`]; reasoning summaries and failures: `api::responses::tests::orders` |
//! | 4. arithmetic of headers | `conformance_4_resets_in_every_unit`, `conformance_4_waits_in_the_texts_of_openai` in `wire::refusal` |
//! | 5. estimators | `conformance_5_estimators`, `conformance_5_estimators_of_responses` in `api::estimate` |
//! | 6. token counts | [`conformance_6_prompts_cost_what_was_billed`]; each model's numbers: crate `tokens` |
//! | 7. sizing of provisioned throughput | `conformance_7_worked_examples` in `sizing` |
//! | 8. the leaky bucket | `conformance_8_one_request_beyond_the_cap_and_the_wait_of_its_overshoot` in `limit::bucket` |
//! | 9. a retrying client succeeds | [`conformance_9_two_retries_suffice`]; real clients: `scripts/clients` |
//! | 10. spillover | `conformance_10_spillover_headers_in_both_directions` and the next in `offers` |

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::support::{Bench, CHAT, KEY, events, ms};

const ZERO: &str = r#"latency = { profile = "zero" }"#;

#[tokio::test(start_paused = true)]
async fn conformance_1_bodies_of_401_and_404() {
    let bodies = |profile: &str| {
        Bench::new(&format!(
            r#"{{ name = "chat", model = "gpt-4o", tpm = 1000, wire_profile = "{profile}", {ZERO} }}"#
        ))
    };
    let hi = r#"{"model":"nope","messages":[{"role":"user","content":"hi"}]}"#;
    let request = |uri: &str, key: (&str, &str)| {
        let request = Request::builder().method(Method::POST).uri(uri).header(key.0, key.1);
        request.body(Body::from(hi)).unwrap()
    };
    let right = ("api-key", KEY);
    let missing = CHAT.replace("/chat/chat", "/nope/chat");
    let no_version = CHAT.split('?').next().unwrap();
    let not_found = r#"{"error":{"code":"404","message": "Resource not found"}}"#;
    let denied = r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}"#;
    let no_token = r#"{ "statusCode": 401, "message": "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired." }"#;
    let no_deployment = "{\n  \"error\": {\n    \"type\": \"invalid_request_error\",\n    \"code\": \"DeploymentNotFound\",\n    \"message\": \"The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.\"\n  }\n}";
    for profile in ["documented", "azure_2025", "azure_2026"] {
        let bench = bodies(profile);
        for (uri, key, status, body) in [
            (no_version, right, 404, not_found),
            ("/openai/nothing", right, 404, not_found),
            (CHAT, ("api-key", "wrong"), 401, denied),
            (CHAT, ("x-other", "x"), 401, no_token),
            (CHAT, ("authorization", "Bearer x"), 401, no_token),
        ] {
            let answer = bench.send(request(uri, key)).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (status, body), "{uri}");
            assert!(answer.header_names().iter().all(|name| !name.starts_with("x-ratelimit")));
            assert_eq!(answer.header("x-ms-region"), None, "{uri}");
        }
        let answer = bench.send(request(&missing, right)).await;
        assert_eq!(answer.status, 404);
        if profile == "azure_2026" || profile == "documented" {
            assert_eq!(answer.body.trim_end(), no_deployment, "{profile}");
        }
        assert!(answer.header("x-ms-region").is_some());
    }
    let openai = bodies("openai");
    let bearer = |key: &'static str| ("authorization", key);
    let answer =
        openai.send(request("/v1/chat/completions", bearer("Bearer invalid-xxxxx2345"))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (
            401,
            "{\n    \"error\": {\n        \"message\": \"Incorrect API key provided: invalid-*****2345. You can find your API key at https://platform.openai.com/account/api-keys.\",\n        \"type\": \"invalid_request_error\",\n        \"param\": null,\n        \"code\": \"invalid_api_key\"\n    }\n}\n"
        )
    );
    let answer = openai.send(request("/v1/chat/completions", bearer("Bearer k1"))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.trim_end()),
        (
            404,
            "{\n  \"error\": {\n    \"message\": \"The model `nope` does not exist or you do not have access to it.\",\n    \"type\": \"invalid_request_error\",\n    \"param\": null,\n    \"code\": \"model_not_found\"\n  }\n}"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn conformance_2_order_of_azures_streams() {
    for profile in ["documented", "azure_2024", "azure_2025", "azure_2026"] {
        let bench = Bench::new(&format!(
            r#"{{ name = "chat", model = "gpt-4o", tpm = 1000000, wire_profile = "{profile}", {ZERO} }}"#
        ));
        let body = json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 3, "stream": true, "stream_options": {"include_usage": true}});
        let answer = bench.post(CHAT, &body.to_string()).await;
        let (done, chunks) = {
            let mut events = events(&answer.body);
            (events.pop().unwrap(), events)
        };
        assert_eq!(done, "[DONE]");
        let chunks: Vec<Value> =
            chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
        let [filter, role, texts @ .., finish, usage] = chunks.as_slice() else {
            panic!("{chunks:?}")
        };
        assert_eq!((&filter["id"], &filter["choices"]), (&json!(""), &json!([])), "{profile}");
        assert!(filter["prompt_filter_results"].is_array());
        assert!(filter.get("usage").is_none());
        assert_eq!(role.pointer("/choices/0/delta/role"), Some(&json!("assistant")));
        assert_eq!(role.pointer("/choices/0/delta/content"), Some(&json!("")));
        assert_eq!(texts.len(), 3, "one event a token");
        for text in texts {
            assert!(text.pointer("/choices/0/delta/content").is_some_and(|text| text != ""));
            assert_eq!(text["usage"], Value::Null);
        }
        assert_eq!(finish.pointer("/choices/0/delta"), Some(&json!({})));
        assert_eq!(finish.pointer("/choices/0/finish_reason"), Some(&json!("length")));
        assert_eq!(usage["choices"], json!([]));
        assert_eq!(usage["usage"]["completion_tokens"], 3);
        let ids: Vec<_> = chunks[1..].iter().map(|chunk| &chunk["id"]).collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[tokio::test(start_paused = true)]
async fn conformance_3_orders_of_responses() {
    let text = "output_item.added content_part.added output_text.delta output_text.done content_part.done output_item.done";
    let call = "output_item.added function_call_arguments.delta function_call_arguments.done output_item.done";
    let function = json!([{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false}}]);
    let format = json!({"format": {"type": "json_schema", "name": "s", "schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}}});
    for (settings, model, more, expected) in [
        ("", "gpt-4o", json!({}), format!("created in_progress {text} completed")),
        ("tool_calls = \"always\", parallel_call_probability = 0,", "gpt-4o", json!({"tools": function}), format!("created in_progress {call} completed")),
        ("tool_calls = \"always\", parallel_call_probability = 1,", "gpt-4o", json!({"tools": function}), format!("created in_progress {} completed", [call; 8].join(" "))),
        ("", "gpt-5", json!({}), format!("created in_progress output_item.added output_item.done {text} completed")),
        ("refusal_probability = 1.0,", "gpt-4o", json!({"text": format}), "created in_progress output_item.added content_part.added refusal.delta refusal.done content_part.done output_item.done completed".to_owned()),
        ("mean_completion_tokens = 1000, completion_tokens_sigma = 0,", "gpt-4o", json!({"max_output_tokens": 16}), format!("created in_progress {text} incomplete")),
        ("", "gpt-4o", json!({"background": true}), format!("created queued in_progress {text} completed")),
    ] {
        let bench = Bench::new(&format!(r#"{{ name = "{model}", model = "{model}", tpm = 100000000, {settings} {ZERO} }}"#));
        let mut body = json!({"model": model, "input": "hi", "stream": true});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = bench.post("/openai/v1/responses", &body.to_string()).await;
        let data = answer.body.lines().filter_map(|line| line.strip_prefix("data: "));
        let events: Vec<Value> = data.map(|data| serde_json::from_str(data).unwrap()).collect();
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number, "{event}");
        }
        let mut names: Vec<&str> = events
            .iter()
            .map(|event| event["type"].as_str().unwrap().strip_prefix("response.").unwrap())
            .collect();
        names.dedup_by(|a, b| a == b && a.ends_with(".delta"));
        assert_eq!(names.join(" "), expected, "{more}");
    }
}

#[tokio::test(start_paused = true)]
async fn conformance_6_prompts_cost_what_was_billed() {
    // A PNG's header says its size; no more of it is read.
    let png = |width: u32, height: u32| {
        use base64::Engine as _;
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        file.extend(width.to_be_bytes());
        file.extend(height.to_be_bytes());
        file.extend(b"\x08\x02\0\0\0");
        let data = base64::engine::general_purpose::STANDARD.encode(file);
        json!({"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{data}")}})
    };
    let capital = json!("What is the capital of France?");
    for (model, content, expected) in [
        ("gpt-4o", capital.clone(), 14),
        ("gpt-35-turbo", capital.clone(), 14),
        ("gpt-5-nano", json!("Count r's in strawberry"), 11),
        ("gpt-4o", json!([{"type": "text", "text": capital}, png(100, 100)]), 14 + 255),
        ("gpt-4o", json!([{"type": "text", "text": capital}, png(640, 480)]), 14 + 425),
        ("gpt-4o-mini", json!([{"type": "text", "text": capital}, png(1, 1)]), 14 + 8_500),
        ("gpt-4o-mini", json!([{"type": "text", "text": capital}, png(640, 480)]), 14 + 14_167),
    ] {
        let bench = Bench::new(&format!(
            r#"{{ name = "chat", model = "{model}", tpm = 100000000, {ZERO} }}"#
        ));
        let body = json!({"messages": [{"role": "user", "content": content}]});
        let answer = bench.post(CHAT, &body.to_string()).await;
        assert_eq!(answer.json()["usage"]["prompt_tokens"], expected, "{model} {}", answer.body);
    }
}

/// What the official clients do with 429: wait as told, twice at most.
#[tokio::test(start_paused = true)]
async fn conformance_9_two_retries_suffice() {
    let bench = Bench::new(
        r#"{ name = "chat", model = "gpt-4o", sku = "provisioned_managed", ptu = 15, latency = { profile = "payg-gpt-4o", overhead_ms = 100, base_ms = 0, sigma = 0, itl_ms = 10, itl_shape = 1000000, speed_sigma = 0 } }"#,
    );
    let order = |tokens: u64| {
        json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": tokens}).to_string()
    };
    // Its estimate alone is more than the deployment has in ten seconds.
    let first = tokio::spawn(bench.router().oneshot(Bench::request(CHAT, order(5_000))));
    tokio::time::sleep(ms(1)).await;
    let started = Instant::now();
    let mut waits = Vec::new();
    loop {
        let answer = bench.post(CHAT, &order(20)).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.status, 429);
        let wait: f64 = answer.header("retry-after-ms").unwrap().parse().unwrap();
        assert!(0.0 < wait && wait <= 60_000.0, "clients obey no other");
        waits.push(wait);
        assert!(waits.len() <= 2, "{waits:?}");
        tokio::time::sleep(Duration::from_secs_f64(wait / 1e3)).await;
    }
    assert!(!waits.is_empty() && started.elapsed() < Duration::from_secs(60), "{waits:?}");
    assert!(first.await.unwrap().is_ok());
}
