//! The Responses API over its routes: bodies, streams, and what is kept.

use axum::body::Body;
use futures_util::StreamExt as _;
use http::{Method, Request};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};
use tower::ServiceExt as _;

use crate::support::{Answer, Bench, KEY, ms};

const V1: &str = "/openai/v1/responses";
const FLAT: &str = "/openai/responses?api-version=2025-03-01-preview";
const OPENAI: &str = "/v1/responses";

/// Deployments of one profile: no waits but 20 ms a token after 100 ms.
fn deployments(profile: &str) -> String {
    let latency = r#"latency = { profile = "payg-gpt-4o", overhead_ms = 100, base_ms = 0, sigma = 0, prefill_ms_per_1k = 0, itl_ms = 20, itl_shape = 1000000, speed_sigma = 0, tail_probability = 0 }"#;
    format!(
        r#"{{ name = "gpt-4o", model = "gpt-4o", tpm = 1000000, wire_profile = "{profile}", mean_completion_tokens = 5, completion_tokens_sigma = 0, {latency} }},
           {{ name = "gpt-5", model = "gpt-5", tpm = 1000000, wire_profile = "{profile}", mean_completion_tokens = 3, completion_tokens_sigma = 0, {latency} }},
           {{ name = "emb", model = "text-embedding-3-small", tpm = 1000000, wire_profile = "{profile}", {latency} }}"#
    )
}

fn bench(profile: &str) -> Bench {
    Bench::new(&deployments(profile))
}

async fn send(bench: &Bench, method: Method, uri: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("authorization", format!("Bearer {KEY}"))
        .body(Body::from(body.to_owned()));
    bench.send(request.unwrap()).await
}

async fn create(bench: &Bench, body: Value) -> Value {
    let answer = send(bench, Method::POST, V1, &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn get(bench: &Bench, id: &Value, rest: &str) -> Answer {
    let id = id.as_str().unwrap();
    send(bench, Method::GET, &format!("{V1}/{id}{rest}"), "").await
}

/// Name and data of each event.
fn events(body: &str) -> Vec<(String, Value)> {
    body.split_terminator("\n\n")
        .map(|event| {
            let (name, data) = event.split_once('\n').unwrap();
            let data = data.strip_prefix("data: ").unwrap();
            let name = name.strip_prefix("event: ").unwrap().to_owned();
            (name, serde_json::from_str(data).unwrap())
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn answers_are_golden() {
    let plain = r#"{"model":"gpt-4o","input":"hi"}"#;
    let full = r#"{"model":"gpt-5","instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}],"include":["reasoning.encrypted_content"],"max_output_tokens":4000,"metadata":{"b":"1","a":"2"},"parallel_tool_calls":false,"prompt_cache_key":"k","reasoning":{"effort":"low","summary":"auto"},"service_tier":"priority","store":false,"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}},"required":["z","a"],"additionalProperties":false},"strict":true},"verbosity":"low"},"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}},"required":["z","a"],"additionalProperties":false}}],"tool_choice":"none","truncation":"auto","user":"u"}"#;
    for profile in ["documented", "azure_2025", "azure_2026", "openai"] {
        let bench = bench(profile);
        let uri = if profile == "openai" { OPENAI } else { V1 };
        for (name, body) in [("plain", plain), ("full", full)] {
            let answer = send(&bench, Method::POST, uri, body).await;
            insta::assert_snapshot!(format!("responses_{name}_{profile}"), answer.redacted());
        }
        let body = plain.replace("\"hi\"", "\"hi\",\"stream\":true");
        let answer = send(&bench, Method::POST, uri, &body).await;
        insta::assert_snapshot!(format!("responses_stream_{profile}"), answer.redacted());
    }
}

#[tokio::test(start_paused = true)]
async fn every_surface_has_them() {
    let azure = bench("documented");
    let body = r#"{"model":"gpt-4o","input":"hi"}"#;
    for uri in [V1, FLAT, "/openai/v1/responses?api-version=preview"] {
        let answer = send_with_key(&azure, uri, body).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.body);
        // The deployment, not the snapshot.
        assert_eq!(answer.json()["model"], "gpt-4o");
    }
    for uri in [
        "/openai/responses",
        "/openai/responses?api-version=2024-10-21",
        "/openai/deployments/gpt-4o/responses?api-version=2025-03-01-preview",
        OPENAI,
    ] {
        assert_eq!(send_with_key(&azure, uri, body).await.status, 404, "{uri}");
    }
    let openai = bench("openai");
    let answer = send(&openai, Method::POST, OPENAI, body).await;
    assert_eq!(answer.json()["model"], "gpt-4o-2024-11-20");
}

async fn send_with_key(bench: &Bench, uri: &str, body: &str) -> Answer {
    bench.send(Bench::request(uri, body.to_owned())).await
}

#[tokio::test(start_paused = true)]
async fn unknown_models_are_told_in_the_dialect() {
    let body = r#"{"model":"gpt-9","input":"hi"}"#;
    let openai = bench("openai");
    let answer = send(&openai, Method::POST, OPENAI, body).await;
    assert_eq!(answer.status, 400);
    // Recorded (oa-400-responses-model_not_found), but for the name.
    assert_eq!(
        answer.body,
        "{\n  \"error\": {\n    \"message\": \"The requested model 'gpt-9' does not exist.\",\n    \"type\": \"invalid_request_error\",\n    \"param\": \"model\",\n    \"code\": \"model_not_found\"\n  }\n}"
    );
    let azure = bench("documented");
    let answer = send(&azure, Method::POST, V1, body).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]["code"]),
        (404, &json!("DeploymentNotFound"))
    );
    let answer = send(&azure, Method::POST, V1, r#"{"input":"hi"}"#).await;
    assert_eq!(answer.json()["error"]["message"], "Missing required parameter: 'model'.");
    let answer = send(&azure, Method::POST, V1, r#"{"model":"emb","input":"hi"}"#).await;
    assert_eq!(answer.json()["error"]["code"], "OperationNotSupported");
}

#[tokio::test(start_paused = true)]
async fn too_long_an_input_is_refused_or_cut() {
    let bench = bench("documented");
    let long = "word ".repeat(130_000);
    let body = json!({ "model": "gpt-4o", "input": long });
    let answer = send(&bench, Method::POST, V1, &body.to_string()).await;
    assert_eq!(answer.status, 400);
    let error = &answer.json()["error"];
    assert_eq!(
        error["message"],
        "Your input exceeds the context window of this model. Please adjust your input and try again."
    );
    assert_eq!(
        (&error["param"], &error["code"]),
        (&json!("input"), &json!("context_length_exceeded"))
    );
    let body = json!({ "model": "gpt-4o", "input": long, "truncation": "auto" });
    let cut = send(&bench, Method::POST, V1, &body.to_string()).await;
    assert_eq!(cut.status, 200, "{}", cut.body);
    assert!(cut.json()["usage"]["input_tokens"].as_u64().unwrap() <= 128_000);
}

#[tokio::test(start_paused = true)]
async fn usage_counts_instructions_and_the_past() {
    let bench = bench("documented");
    let bare = create(&bench, json!({ "model": "gpt-4o", "input": "What is 4200 + 42?" })).await;
    // Recorded: 16 (Mirascope, Azure gpt-4o-mini, 2025-11).
    assert_eq!(bare["usage"]["input_tokens"], 16);
    let with =
        json!({ "model": "gpt-4o", "input": "What is 4200 + 42?", "instructions": "Be brief." });
    let with = create(&bench, with).await;
    let instructed = with["usage"]["input_tokens"].as_u64().unwrap();
    // A system message: 3, its role, three tokens of text.
    assert_eq!(instructed, 16 + 3 + 1 + 3);
    let next = json!({ "model": "gpt-4o", "input": "What is 4200 + 42?", "previous_response_id": with["id"] });
    let next = create(&bench, next).await;
    assert_eq!(next["previous_response_id"], with["id"]);
    let said = with["usage"]["output_tokens"].as_u64().unwrap();
    // The first question, its answer, the new question; instructions are not kept.
    assert_eq!(next["usage"]["input_tokens"], 13 + (3 + 1 + said) + 13 + 3);
    let unknown = json!({ "model": "gpt-4o", "input": "x", "previous_response_id": "resp_x" });
    let answer = send(&bench, Method::POST, V1, &unknown.to_string()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["code"], "previous_response_not_found");
}

#[tokio::test(start_paused = true)]
async fn responses_are_kept_until_deleted() {
    let bench = bench("documented");
    let made = create(
        &bench,
        json!({ "model": "gpt-4o", "input": [
        { "role": "user", "content": "one" },
        { "role": "user", "content": [{ "type": "input_text", "text": "two" }] },
    ] }),
    )
    .await;
    assert_eq!(get(&bench, &made["id"], "").await.json(), made);
    let items = get(&bench, &made["id"], "/input_items?limit=1").await.json();
    assert_eq!(items["object"], "list");
    assert_eq!(items["has_more"], true);
    assert_eq!(items["data"][0]["content"][0], json!({ "type": "input_text", "text": "two" }));
    let after = format!("/input_items?order=asc&after={}", items["first_id"].as_str().unwrap());
    assert_eq!(get(&bench, &made["id"], &after).await.json()["data"], json!([]));
    assert_eq!(get(&bench, &made["id"], "/input_items?limit=101").await.status, 400);
    assert_eq!(get(&bench, &made["id"], "/input_items?order=up").await.status, 400);
    let path = format!("{V1}/{}", made["id"].as_str().unwrap());
    let cancelled = send(&bench, Method::POST, &format!("{path}/cancel"), "").await;
    assert_eq!(cancelled.json()["error"]["message"], "Cannot cancel a synchronous response.");
    let gone = send(&bench, Method::DELETE, &path, "").await.json();
    assert_eq!(gone, json!({ "id": made["id"], "object": "response", "deleted": true }));
    let gone = get(&bench, &made["id"], "").await;
    assert_eq!(gone.status, 404);
    let message = format!("Response with id '{}' not found.", made["id"].as_str().unwrap());
    assert_eq!(gone.json()["error"]["message"], message);
    let not_kept = create(&bench, json!({ "model": "gpt-4o", "input": "x", "store": false })).await;
    assert_eq!(get(&bench, &not_kept["id"], "").await.status, 404);
    let journal = bench.journal().await;
    let names: Vec<_> = journal.iter().map(|row| row["operation"].as_str().unwrap()).collect();
    assert!(names.contains(&"Responses_Create") && names.contains(&"Responses_Get"), "{names:?}");
    assert!(names.contains(&"Responses_Delete") && names.contains(&"Responses_ListInputItems"));
}

#[tokio::test(start_paused = true)]
async fn as_many_are_kept_as_configured() {
    let config = format!(
        "version = 1\nstored_responses = 2\n[[resources]]\nname = \"r\"\nport = 0\nkeys = [\"{KEY}\"]\ndeployments = [\n{}\n]\n",
        deployments("documented")
    );
    let bench = Bench::with(&config, 1);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(create(&bench, json!({ "model": "gpt-4o", "input": "x" })).await["id"].clone());
    }
    let mut statuses = Vec::new();
    for id in &ids {
        statuses.push(get(&bench, id, "").await.status.as_u16());
    }
    assert_eq!(statuses, [404, 200, 200]);
}

#[tokio::test(start_paused = true)]
async fn background_responses_go_on_alone() {
    let bench = bench("documented");
    let start = Instant::now();
    let asked = json!({ "model": "gpt-4o", "input": "x", "background": true });
    let made = create(&bench, asked.clone()).await;
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody waits");
    assert_eq!((&made["status"], &made["usage"]), (&json!("queued"), &Value::Null));
    let status = async |id| get(&bench, id, "").await.json()["status"].clone();
    assert_eq!(status(&made["id"]).await, "queued");
    tokio::time::advance(ms(110)).await;
    assert_eq!(status(&made["id"]).await, "in_progress");
    let cancelled = create(&bench, asked).await;
    tokio::time::advance(ms(141)).await;
    let path = format!("{V1}/{}/cancel", cancelled["id"].as_str().unwrap());
    let cancelled = send(&bench, Method::POST, &path, "").await.json();
    assert_eq!((&cancelled["status"], &cancelled["output"]), (&json!("cancelled"), &json!([])));
    let over = get(&bench, &made["id"], "").await.json();
    assert_eq!(over["status"], "completed");
    assert_eq!(over["usage"]["output_tokens"], 5);
    assert_eq!(over["background"], true);
    // What is over stays so.
    let path = format!("{V1}/{}/cancel", made["id"].as_str().unwrap());
    assert_eq!(send(&bench, Method::POST, &path, "").await.json()["status"], "completed");
    tokio::time::sleep(ms(1)).await;
    let journal = bench.journal().await;
    let made: Vec<_> = journal
        .iter()
        .filter(|row| row["operation"] == "Responses_Create")
        .map(|row| {
            (row["status"].as_u64(), row["reason"].as_str(), row["completion_tokens"].as_u64())
        })
        .collect();
    // The cancelled one had made three of its five tokens.
    assert_eq!(made, [(Some(200), None, Some(5)), (Some(200), Some("cancelled"), Some(3))]);
}

#[tokio::test(start_paused = true)]
async fn streams_in_the_background_can_be_taken_up_again() {
    let bench = bench("documented");
    let body = r#"{"model":"gpt-4o","input":"x","background":true,"stream":true}"#;
    let whole = send(&bench, Method::POST, V1, body).await;
    let all = events(&whole.body);
    assert_eq!(all[1].0, "response.queued");
    let id = &all[0].1["response"]["id"];
    let rest = get(&bench, id, "?stream=true&starting_after=4").await;
    assert_eq!(events(&rest.body), &all[5..]);
    // A reader that leaves stops nothing.
    let response = bench.router().oneshot(Bench::request(V1, body)).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    let first = String::from_utf8(stream.next().await.unwrap().unwrap().to_vec()).unwrap();
    drop(stream);
    let id = events(&first)[0].1["response"]["id"].clone();
    let start = Instant::now();
    let rest = events(&get(&bench, &id, "?stream=true&starting_after=0").await.body);
    assert_eq!(rest.last().unwrap().0, "response.completed");
    assert!(ms(79) <= start.elapsed(), "told as it is made: {:?}", start.elapsed());
    let plain = create(&bench, json!({ "model": "gpt-4o", "input": "x" })).await;
    assert_eq!(get(&bench, &plain["id"], "?stream=true").await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_what_the_whole_answer_would() {
    let bench = bench("documented");
    let body = r#"{"model":"gpt-5","input":"hi","reasoning":{"summary":"auto"},"stream":true}"#;
    let answer = send(&bench, Method::POST, V1, body).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let events = events(&answer.body);
    for (at, (name, data)) in events.iter().enumerate() {
        assert_eq!(
            (data["sequence_number"].as_u64(), data["type"].as_str()),
            (Some(at as u64), Some(name.as_str()))
        );
    }
    let told = |name: &str| -> String {
        let deltas = events.iter().filter(|(event, _)| event == name);
        deltas.map(|(_, data)| data["delta"].as_str().unwrap()).collect()
    };
    let end = &events.last().unwrap().1["response"];
    assert_eq!(end["output"][1]["content"][0]["text"], told("response.output_text.delta"));
    let summary: String = end["output"][0]["summary"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["text"].as_str().unwrap())
        .collect();
    assert_eq!(summary, told("response.reasoning_summary_text.delta"));
    assert!(!summary.is_empty());
    assert_eq!(get(&bench, &end["id"], "").await.json(), *end);
    let usage = &end["usage"];
    let thought = usage["output_tokens_details"]["reasoning_tokens"].as_u64().unwrap();
    assert_eq!(usage["output_tokens"].as_u64().unwrap(), thought + 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_begins_before_the_thoughts_end() {
    let bench = bench("documented");
    let start = Instant::now();
    let body = r#"{"model":"gpt-5","input":"hi","stream":true}"#;
    let response = bench.router().oneshot(Bench::request(V1, body)).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    let first = stream.next().await.unwrap().unwrap();
    let begun = start.elapsed();
    assert!((ms(99)..=ms(102)).contains(&begun), "{begun:?}");
    let first = events(std::str::from_utf8(&first).unwrap());
    let names: Vec<_> = first.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["response.created", "response.in_progress", "response.output_item.added"]);
    let second = stream.next().await.unwrap().unwrap();
    // At least 64 tokens of thought at 20 ms.
    assert!(begun + ms(64 * 20 - 5) <= start.elapsed(), "{:?}", start.elapsed());
    assert!(std::str::from_utf8(&second).unwrap().contains("response.output_text.delta"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let bench = bench("documented");
    let body = r#"{"model":"gpt-4o","input":"x","stream":true}"#;
    let response = bench.router().oneshot(Bench::request(V1, body)).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    let first = String::from_utf8(stream.next().await.unwrap().unwrap().to_vec()).unwrap();
    drop(stream);
    let id = events(&first)[0].1["response"]["id"].clone();
    assert_eq!(get(&bench, &id, "").await.status, 404);
    assert_eq!(bench.journal().await[0]["status"], 499);
}

#[tokio::test(start_paused = true)]
async fn a_full_deployment_answers_in_json() {
    let bench = Bench::new(
        r#"{ name = "d", model = "gpt-4o", tpm = 1000, latency = { profile = "zero" } }"#,
    );
    let body = r#"{"model":"d","input":"hi","max_output_tokens":2000,"stream":true}"#;
    assert_eq!(send(&bench, Method::POST, V1, body).await.status, 200);
    let refused = send(&bench, Method::POST, V1, body).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("content-type"), Some("application/json"));
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("This request was for Responses_Create under"), "{message}");
}

const WEATHER: &str = r#"[{"type":"function","name":"get_weather","description":"Tells the weather.","parameters":{"type":"object","properties":{"unit":{"enum":["c","f"]},"city":{"type":"string"}},"required":["unit","city"],"additionalProperties":false},"strict":true},{"type":"web_search"}]"#;

fn tools() -> Value {
    serde_json::from_str(WEATHER).unwrap()
}

/// A deployment that calls as many functions as it may, or refuses.
fn talkative(settings: &str) -> Bench {
    Bench::new(&format!(
        r#"{{ name = "gpt-4o", model = "gpt-4o", tpm = 10000000, latency = {{ profile = "zero" }}, {settings} }}"#
    ))
}

#[tokio::test(start_paused = true)]
async fn functions_are_called_and_their_outputs_answered() {
    let bench = talkative("parallel_call_probability = 1.0");
    let asked = json!({ "model": "gpt-4o", "input": "weather?", "tools": tools() });
    // As text: a parsed body has lost the order of its keys.
    let body = format!(r#"{{"model":"gpt-4o","input":"weather?","tools":{WEATHER}}}"#);
    let made = send(&bench, Method::POST, V1, &body).await.json();
    let calls = made["output"].as_array().unwrap();
    assert_eq!(calls.len(), 8);
    for call in calls {
        assert_eq!(
            (&call["type"], &call["name"]),
            (&json!("function_call"), &json!("get_weather"))
        );
        let arguments = call["arguments"].as_str().unwrap();
        assert!(arguments.starts_with("{\"unit\""), "in the schema's order: {arguments}");
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        assert!(arguments["city"].is_string() && arguments.as_object().unwrap().len() == 2);
        let id = call["call_id"].as_str().unwrap();
        assert!(id.starts_with("call_") && id.len() == 29, "{id}");
        assert!(call["id"].as_str().unwrap().starts_with("fc_"));
    }
    assert_eq!(made["tools"], tools());
    // One at a time where that is asked for, and the one that is named.
    let mut one = asked.clone();
    one["parallel_tool_calls"] = json!(false);
    one["tool_choice"] = json!({ "type": "function", "name": "get_weather" });
    let one = create(&bench, one).await;
    assert_eq!(one["output"].as_array().unwrap().len(), 1);
    let mut none = asked.clone();
    none["tool_choice"] = json!("none");
    assert_eq!(create(&bench, none).await["output"][0]["type"], "message");
    // The outputs by themselves, after the response, and with everything.
    let outputs: Vec<Value> = calls
        .iter()
        .map(|call| json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "sunny" }))
        .collect();
    let mut next = asked.clone();
    next["input"] = json!(outputs);
    next["previous_response_id"] = made["id"].clone();
    let chained = create(&bench, next).await;
    assert_eq!(chained["output"][0]["type"], "message");
    let mut history = vec![json!({ "role": "user", "content": "weather?" })];
    history.extend(calls.iter().cloned());
    history.extend(outputs);
    let mut whole = asked.clone();
    whole["input"] = json!(history);
    let whole = create(&bench, whole).await;
    assert_eq!(whole["usage"]["input_tokens"], chained["usage"]["input_tokens"]);
    let mut open = asked;
    open["previous_response_id"] = made["id"].clone();
    let complaint = send(&bench, Method::POST, V1, &open.to_string()).await;
    let first = calls[0]["call_id"].as_str().unwrap();
    let message = format!("No tool output found for function call {first}.");
    assert_eq!(complaint.json()["error"]["message"], message);
}

#[tokio::test(start_paused = true)]
async fn calls_are_streamed_one_after_the_other() {
    let bench = talkative("parallel_call_probability = 1.0");
    let asked = json!({ "model": "gpt-4o", "input": "weather?", "tools": tools(), "stream": true });
    let events = events(&send(&bench, Method::POST, V1, &asked.to_string()).await.body);
    let end = &events.last().unwrap().1["response"];
    for (index, call) in end["output"].as_array().unwrap().iter().enumerate() {
        let told: String = events
            .iter()
            .filter(|(name, data)| {
                name == "response.function_call_arguments.delta" && data["output_index"] == index
            })
            .map(|(_, data)| data["delta"].as_str().unwrap())
            .collect();
        assert_eq!(call["arguments"], told.as_str());
    }
    let numbers: Vec<_> = events.iter().map(|(_, data)| data["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, (0..events.len() as u64).map(Some).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn texts_keep_to_their_format() {
    let bench = talkative("refusal_probability = 0.0");
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"], "additionalProperties": false });
    let format = json!({ "type": "json_schema", "name": "n", "schema": schema, "strict": true });
    let asked = json!({ "model": "gpt-4o", "input": "x", "text": { "format": format } });
    let text = |made: &Value| made["output"][0]["content"][0]["text"].as_str().unwrap().to_owned();
    let made: Value = serde_json::from_str(&text(&create(&bench, asked.clone()).await)).unwrap();
    assert!(made["n"].is_i64());
    let plain =
        json!({ "model": "gpt-4o", "input": "x", "text": { "format": { "type": "json_object" } } });
    let complaint = send(&bench, Method::POST, V1, &plain.to_string()).await;
    assert_eq!(complaint.json()["error"]["param"], "text.format");
    let mut said = plain;
    said["input"] = json!("as JSON");
    let made: Value = serde_json::from_str(&text(&create(&bench, said).await)).unwrap();
    assert!(made.is_object());
    let mut loose = asked.clone();
    loose["text"]["format"]["schema"]["additionalProperties"] = json!(true);
    let complaint = send(&bench, Method::POST, V1, &loose.to_string()).await.json();
    assert_eq!(complaint["error"]["code"], "invalid_json_schema");
    assert_eq!(complaint["error"]["param"], "text.format.schema");
    let bench = talkative("refusal_probability = 1.0");
    let refused = create(&bench, asked).await;
    assert_eq!(refused["output"][0]["content"][0]["type"], "refusal");
}

/// Recorded: 36 with one flat function and a developer message (Mirascope, Azure
/// gpt-4o-mini, 2025-11).
#[tokio::test(start_paused = true)]
async fn functions_cost_about_what_was_billed() {
    let bench = talkative("tool_calls = \"never\"");
    let tool = json!({ "type": "function", "name": "secret_retrieval_tool", "description": "A tool that requires a password to retrieve a secret.", "parameters": { "properties": { "password": { "title": "Password", "type": "string" } }, "required": ["password"], "additionalProperties": false, "type": "object" }, "strict": false });
    let input = json!([
        { "role": "developer", "content": "Use parallel tool calling." },
        { "content": "Please retrieve the secrets associated with each of these passwords: mellon,radiance", "role": "user" },
    ]);
    let made = create(&bench, json!({ "model": "gpt-4o", "input": input, "tools": [tool] })).await;
    let counted = made["usage"]["input_tokens"].as_u64().unwrap();
    assert!((60..=90).contains(&counted), "{counted}");
    let image = json!([{ "role": "user", "content": [{ "type": "input_image", "image_url": "https://example.com/a.png", "detail": "low" }] }]);
    let made = create(&bench, json!({ "model": "gpt-4o", "input": image })).await;
    // 85 for an image of low detail.
    assert_eq!(made["usage"]["input_tokens"], 3 + 1 + 85 + 3);
}
