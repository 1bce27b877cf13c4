//! Answers that are no filler text: tool calls, structured output, refusals,
//! probabilities, seeds; and the requests the model layer refuses for them.

use serde_json::{Value, json};
use tokens::Encoding;

use crate::support::{Bench, CHAT, KEY, TEXT, events};

fn bench(more: &str) -> Bench {
    bench_of("documented", more)
}

fn bench_of(profile: &str, more: &str) -> Bench {
    Bench::new(&format!(
        r#"{{ name = "chat", model = "gpt-4o", tpm = 10000000, wire_profile = "{profile}", completion_tokens = "natural", latency = {{ profile = "zero" }} {more} }},
           {{ name = "text", model = "gpt-35-turbo", tpm = 10000000, latency = {{ profile = "zero" }} }}"#
    ))
}

/// The tool of a recorded request (gpt-4o-mini on Azure, 2026-01).
fn temperature() -> Value {
    json!({"type": "function", "function": {
        "name": "get_current_temperature",
        "description": "Get the current temperature in a city.",
        "parameters": {"type": "object", "required": ["city"], "properties": {"city": {
            "type": "string", "description": "The name of the city to get the temperature for."}}},
    }})
}

fn ask(more: Value) -> String {
    let mut body = json!({
        "messages": [{"role": "user", "content": "What is the temperature in San Francisco?"}],
        "tools": [temperature()],
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body.to_string()
}

#[tokio::test(start_paused = true)]
async fn tool_calls_are_golden() {
    for profile in ["documented", "azure_2024"] {
        let bench = bench_of(profile, ", parallel_call_probability = 0");
        let whole = bench.post(CHAT, &ask(json!({}))).await;
        insta::assert_snapshot!(format!("tool_call_{profile}"), whole.body);
        let stream = ask(
            json!({"stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false}}),
        );
        insta::assert_snapshot!(
            format!("tool_call_stream_{profile}"),
            bench.post(CHAT, &stream).await.body
        );
    }
    let bench = bench(", parallel_call_probability = 0.9");
    let stream = ask(json!({"stream": true, "n": 2, "max_tokens": 60}));
    insta::assert_snapshot!("tool_calls_parallel_stream", bench.post(CHAT, &stream).await.body);
}

#[tokio::test(start_paused = true)]
async fn prompts_with_tools_cost_what_was_recorded() {
    let answer = bench("").post(CHAT, &ask(json!({}))).await.json();
    assert_eq!(answer["usage"]["prompt_tokens"], 66);
}

#[tokio::test(start_paused = true)]
async fn the_choice_of_tools_is_obeyed() {
    let bench = bench(", parallel_call_probability = 1");
    let first = |answer: Value| answer["choices"][0].clone();
    let required = first(bench.post(CHAT, &ask(json!({"tool_choice": "required"}))).await.json());
    assert_eq!(required["finish_reason"], "tool_calls");
    assert_eq!(required["content_filter_results"], json!({}));
    let calls = required["message"]["tool_calls"].as_array().unwrap();
    assert_eq!(calls.len(), 8);
    for call in calls {
        assert!(call["id"].as_str().unwrap().starts_with("call_"));
        let arguments: Value =
            serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        assert!(arguments["city"].is_string(), "{arguments}");
    }
    let forced = json!({"tool_choice": {"type": "function", "function": {"name": "get_current_temperature"}}});
    let forced = first(bench.post(CHAT, &ask(forced)).await.json());
    assert_eq!(forced["finish_reason"], "stop");
    assert_eq!(forced["message"]["tool_calls"].as_array().unwrap().len(), 1);
    let single = first(bench.post(CHAT, &ask(json!({"parallel_tool_calls": false}))).await.json());
    assert_eq!(single["message"]["tool_calls"].as_array().unwrap().len(), 1);
    let none = first(bench.post(CHAT, &ask(json!({"tool_choice": "none"}))).await.json());
    assert_eq!(none["finish_reason"], "stop");
    assert!(none["message"]["content"].is_string());
    // After a result the model answers.
    let id = calls[0]["id"].clone();
    let after = json!({"messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function",
            "function": {"name": "get_current_temperature", "arguments": "{\"city\":\"Paris\"}"}}]},
        {"role": "tool", "tool_call_id": id, "content": "21"},
    ]});
    let after = first(bench.post(CHAT, &ask(after)).await.json());
    assert!(after["message"]["content"].is_string(), "{after}");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_may_never_or_always_call() {
    let never = bench(r#", tool_calls = "never""#);
    let answer = never.post(CHAT, &ask(json!({}))).await.json();
    assert!(answer["choices"][0]["message"]["content"].is_string());
    let always = bench(r#", tool_calls = "always""#);
    let turn = json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]});
    let answer = always.post(CHAT, &ask(turn)).await.json();
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test(start_paused = true)]
async fn functions_before_tools_still_work() {
    let bench = bench("");
    let body = |more: &str| {
        format!(
            r#"{{"messages":[{{"role":"user","content":"x"}}],"functions":[{{"name":"f","parameters":{{"type":"object","properties":{{"a":{{"const":1}}}},"required":["a"]}}}}]{more}}}"#
        )
    };
    let auto = bench.post(CHAT, &body("")).await.json();
    let choice = &auto["choices"][0];
    assert_eq!(choice["finish_reason"], "function_call");
    assert_eq!(choice["message"]["function_call"], json!({"name": "f", "arguments": "{\"a\":1}"}));
    let forced = bench.post(CHAT, &body(r#","function_call":{"name":"f"}"#)).await.json();
    assert_eq!(forced["choices"][0]["finish_reason"], "stop");
    let stream = bench.post(CHAT, &body(r#","stream":true"#)).await;
    let arguments: String = events(&stream.body)
        .iter()
        .filter_map(|event| serde_json::from_str::<Value>(event).ok())
        .filter_map(|chunk| {
            let call = chunk.pointer("/choices/0/delta/function_call/arguments")?;
            call.as_str().map(str::to_owned)
        })
        .collect();
    assert_eq!(arguments, "{\"a\":1}");
}

const SCHEMA: &str = r##"{"messages":[{"role":"user","content":"Plan my day"}],"response_format":{"type":"json_schema","json_schema":{"name":"plan","strict":true,"schema":{
    "type":"object","additionalProperties":false,"required":["title","steps","mood"],
    "properties":{"title":{"type":"string"},"steps":{"type":"array","items":{"$ref":"#/$defs/step"}},"mood":{"type":["string","null"],"enum":["good","bad",null]}},
    "$defs":{"step":{"type":"object","additionalProperties":false,"required":["at","what"],"properties":{"at":{"type":"string","format":"time"},"what":{"type":"string"}}}}}}}"##;

#[tokio::test(start_paused = true)]
async fn structured_answers_are_valid_and_exactly_counted() {
    let bench = bench("");
    let body = format!("{SCHEMA}}}");
    let schema = serde_json::from_str::<Value>(&body).unwrap();
    let schema = &schema["response_format"]["json_schema"]["schema"];
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    for _ in 0..20 {
        let answer = bench.post(CHAT, &body).await.json();
        let choice = &answer["choices"][0];
        assert_eq!(choice["finish_reason"], "stop");
        assert!(choice["message"]["refusal"].is_null());
        let text = choice["message"]["content"].as_str().unwrap();
        assert!(text.starts_with(r#"{"title":"#), "the schema's order: {text}");
        validator.validate(&serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(answer["usage"]["completion_tokens"], Encoding::O200kBase.count(text));
    }
    // The stream has a token a chunk.
    let stream = bench.post(CHAT, &format!("{SCHEMA},\"stream\":true}}")).await;
    let pieces: Vec<String> = events(&stream.body)
        .iter()
        .filter_map(|event| serde_json::from_str::<Value>(event).ok())
        .filter_map(|chunk| chunk.pointer("/choices/0/delta/content")?.as_str().map(str::to_owned))
        .filter(|piece| !piece.is_empty())
        .collect();
    let text = pieces.concat();
    validator.validate(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(pieces.len(), Encoding::O200kBase.count(&text));
}

#[tokio::test(start_paused = true)]
async fn structured_answers_may_be_refused() {
    let bench = bench(", refusal_probability = 1");
    let answer = bench.post(CHAT, &format!("{SCHEMA}}}")).await.json();
    let message = &answer["choices"][0]["message"];
    assert!(message["content"].is_null());
    assert_eq!(message["refusal"], "I'm sorry, I can't assist with that request.");
    let stream = bench.post(CHAT, &format!("{SCHEMA},\"stream\":true}}")).await;
    insta::assert_snapshot!("refusal_stream", stream.body);
}

#[tokio::test(start_paused = true)]
async fn json_mode_answers_json() {
    let bench = bench("");
    let body = |text: &str| {
        format!(
            r#"{{"messages":[{{"role":"user","content":"{text}"}}],"response_format":{{"type":"json_object"}}}}"#
        )
    };
    let answer = bench.post(CHAT, &body("Answer in JSON")).await.json();
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(text).unwrap().is_object());
    let refused = bench.post(CHAT, &body("Answer")).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["param"], "messages");
}

#[tokio::test(start_paused = true)]
async fn what_the_model_layer_refuses_is_golden() {
    let bench = bench("");
    let schema = |schema: Value| json!({"response_format": {"type": "json_schema", "json_schema": {"name": "plan", "strict": true, "schema": schema}}});
    let tool = |function: Value| json!({"tools": [{"type": "function", "function": function}]});
    let cases = [
        schema(json!({"type": "object", "properties": {"a": {"type": "string"}}})),
        schema(json!({"type": "array", "items": {}})),
        json!({"response_format": {"type": "xml"}}),
        json!({"response_format": {"type": "json_schema"}}),
        tool(
            json!({"name": "f", "strict": true, "parameters": {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}, "required": ["a"], "additionalProperties": false}}),
        ),
        tool(
            json!({"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "array"}}}}),
        ),
        tool(json!({"name": "no spaces"})),
        tool(json!({"name": "f".repeat(65)})),
        tool(json!({"description": "no name"})),
        json!({"tools": []}),
        json!({"tools": [{"type": "retrieval"}]}),
        json!({"tools": null, "tool_choice": "required"}),
        json!({"tool_choice": {"type": "function", "function": {"name": "other"}}}),
        json!({"tool_choice": "sometimes"}),
        json!({"messages": [{"role": "tool", "tool_call_id": "a", "content": "x"}]}),
        json!({"top_logprobs": 3}),
        json!({"logprobs": true, "top_logprobs": 21}),
        json!({"seed": 1.5}),
        json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x", "detail": "most"}}]}]}),
    ];
    let mut all = String::new();
    for case in cases {
        let answer = bench.post(CHAT, &ask(case.clone())).await;
        assert_eq!(answer.status, 400, "{case}");
        all.push_str(&format!("{case}\n{}\n\n", answer.body));
    }
    insta::assert_snapshot!("refused_forms", all);
}

#[tokio::test(start_paused = true)]
async fn images_and_sounds_cost_tokens() {
    let prompt = async |more: &str, parts: Value| -> u64 {
        let body = json!({"messages": [{"role": "user", "content": parts}], "max_tokens": 1});
        let answer = bench(more).post(CHAT, &body.to_string()).await.json();
        answer["usage"]["prompt_tokens"].as_u64().unwrap()
    };
    let text = json!({"type": "text", "text": "What is this?"});
    let plain = prompt("", json!([text])).await;
    // A GIF of 640 x 480.
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lGODlhgALgAQ=="}});
    assert_eq!(prompt("", json!([text, image])).await - plain, 425);
    let low = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}});
    assert_eq!(prompt("", json!([text, low])).await - plain, 85);
    let far = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
    assert_eq!(prompt("", json!([text, far])).await - plain, 765);
    let sized = prompt(r#", url_image_size = "512x512""#, json!([text, far])).await;
    assert_eq!(sized - plain, 255);
    let sound = json!({"type": "input_audio", "input_audio": {"data": "A".repeat(64_000), "format": "mp3"}});
    assert_eq!(prompt("", json!([text, sound])).await - plain, 30);
}

#[tokio::test(start_paused = true)]
async fn a_seed_repeats_the_text() {
    let bench = bench("");
    let text = async |more: Value| -> String {
        let mut body = json!({"messages": [{"role": "user", "content": "Tell me a story"}]});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let answer = bench.post(CHAT, &body.to_string()).await.json();
        assert!(answer["system_fingerprint"].is_string());
        answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    let first = text(json!({"seed": 7})).await;
    assert_eq!(first, text(json!({"seed": 7})).await);
    assert_ne!(first, text(json!({"seed": 8})).await);
    assert_ne!(text(json!({})).await, text(json!({})).await);
    assert!(first.starts_with(&text(json!({"seed": 7, "max_tokens": 3})).await));
    assert_eq!(text(json!({"seed": -7})).await, text(json!({"seed": -7})).await);
}

#[tokio::test(start_paused = true)]
async fn probabilities_are_given_for_every_token() {
    let bench = bench("");
    let body = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":3,"logprobs":true,"top_logprobs":1,"seed":1"#;
    let answer = bench.post(CHAT, &format!("{body}}}")).await;
    insta::assert_snapshot!("logprobs", answer.body);
    let list = answer.json()["choices"][0]["logprobs"]["content"].as_array().unwrap().len();
    assert_eq!(list, 3);
    let stream = bench.post(CHAT, &format!("{body},\"stream\":true}}")).await;
    insta::assert_snapshot!("logprobs_stream", stream.body);
}

#[tokio::test(start_paused = true)]
async fn legacy_completions_echo_score_and_choose() {
    let bench = bench("");
    let body = r#"{"prompt":"Once upon a time","max_tokens":3,"n":1,"best_of":3,"echo":true,"logprobs":2}"#;
    let answer = bench.post(TEXT, body).await.json();
    let choice = &answer["choices"][0];
    let text = choice["text"].as_str().unwrap();
    assert!(text.starts_with("Once upon a time"), "{text}");
    let logprobs = &choice["logprobs"];
    let tokens = logprobs["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 4 + 3);
    assert_eq!(tokens.iter().map(|t| t.as_str().unwrap()).collect::<String>(), text);
    assert!(logprobs["token_logprobs"][0].is_null());
    assert_eq!(logprobs["text_offset"][1], 4);
    assert_eq!(logprobs["top_logprobs"][5].as_object().unwrap().len(), 2);
    // All candidates are billed.
    assert_eq!(answer["usage"]["completion_tokens"], 9);
    assert_eq!(answer["usage"]["prompt_tokens"], 4);
    let few = bench.post(TEXT, r#"{"prompt":"x","n":3,"best_of":2}"#).await;
    assert_eq!(few.status, 400);
    let stream = r#"{"prompt":"Once","max_tokens":2,"echo":true,"logprobs":0,"stream":true}"#;
    let stream = bench.post(TEXT, stream).await;
    let chunks = events(&stream.body);
    let chunk: Value = serde_json::from_str(chunks[1]).unwrap();
    assert_eq!(chunk["choices"][0]["text"], "Once");
    let chunk: Value = serde_json::from_str(chunks[2]).unwrap();
    assert_eq!(chunk["choices"][0]["logprobs"]["text_offset"], json!([4]));
}

/// OpenAI's dress: no filters, keys in its own order, a chunk of its own for a call.
#[tokio::test(start_paused = true)]
async fn openai_has_its_own_layout_of_calls() {
    let bench = bench_of("openai", ", parallel_call_probability = 0");
    let post = async |body: String| {
        let mut request = Bench::request("/v1/chat/completions", body);
        let key = format!("Bearer {KEY}").parse().unwrap();
        request.headers_mut().remove("api-key");
        request.headers_mut().insert("authorization", key);
        bench.send(request).await.body
    };
    let stream =
        json!({"model": "chat", "stream": true, "stream_options": {"include_obfuscation": false}});
    insta::assert_snapshot!("tool_call_stream_openai", post(ask(stream)).await);
    insta::assert_snapshot!("tool_call_openai", post(ask(json!({"model": "chat"}))).await);
}
