//! Every recording of the real services, replayed: a simulator is set up as the
//! recording shows the service to have been (provider, era, model, limits, what the
//! model did), gets the recorded request, and its answer is held beside the recorded
//! one: status, names of headers, arithmetic of limits, shape of the JSON, usage, order
//! of events. What differs is in [`KNOWN`], with its reason, or fails the test; so does
//! what no longer differs.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::support::{Answer, Bench, KEY};
use crate::tape::{Exchange, files, read};

/// Differences that stay: a part of the exchange's name, a part of the difference,
/// the reason.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "az-chat-2025-gpt4o",
        "added .choices[].message.annotations[]",
        "recorded in March 2025, before there were annotations",
    ),
    (
        "az-chat-stream-2025",
        "event 1: added .choices[].delta.",
        "the oldest api-version here; no other recording lacks the first delta",
    ),
    (
        "az-v1-responses-multiturn",
        "prompt of Some(Number(38)) tokens for Some(Number(40))",
        "what thoughts sent back cost is not known",
    ),
    (
        "oa-404-model_not_found",
        "header openai-",
        "recorded in December 2024; errors of responses of December 2025 have them",
    ),
    (
        "oa-responses-stream-refusal",
        "header access-control-expose-headers",
        "this recording of October 2025 has none; chats of that time have it",
    ),
    ("oa-responses-stream-refusal", "header x-openai-proxy-wasm", "the same, as chats have it"),
    (
        "oa-responses-stream-refusal",
        "header x-ratelimit-",
        "this recording has none; the specification gives them to every answer (3.5)",
    ),
    (
        "oa-responses-stream-refusal",
        "added .response.",
        "recorded in October 2025, before these keys",
    ),
    (
        "oa-responses-stream-refusal",
        "prompt of Some(Number(63)) tokens for Some(Number(54))",
        "what a schema costs is known to a fifth",
    ),
];

#[tokio::test(start_paused = true)]
async fn every_recording_is_replayed() {
    let mut found = Vec::new();
    let mut names = Vec::new();
    for file in files() {
        // Together, since limits go on counting; apart, where the service was another.
        let mut world: Option<(String, Bench)> = None;
        for exchange in read(&file) {
            let deployment = deployment(&exchange);
            if world.as_ref().is_none_or(|(former, _)| *former != deployment) {
                world = Some((deployment.clone(), Bench::new(&deployment)));
            }
            let bench = &world.as_ref().unwrap().1;
            let answer = bench.send(request(&exchange)).await;
            names.push(exchange.name.clone());
            let differences = compare(&exchange, &answer);
            found.extend(differences.into_iter().map(|text| format!("{}: {text}", exchange.name)));
        }
    }
    let known = |difference: &str| {
        KNOWN
            .iter()
            .any(|(name, part, _)| difference.starts_with(name) && difference.contains(part))
    };
    let unknown: Vec<&String> = found.iter().filter(|text| !known(text)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    let here = |name: &str| names.iter().any(|one| one.starts_with(name));
    for (name, part, _) in KNOWN.iter().filter(|(name, ..)| here(name)) {
        let stays = found.iter().any(|text| text.starts_with(name) && text.contains(part));
        assert!(stays, "no longer different: {name}: {part}");
    }
}

/// Whose service it was.
fn is_openai(exchange: &Exchange) -> bool {
    exchange.host.ends_with("openai.com")
}

/// The era: by the headers about limits, or else by the date.
fn profile(exchange: &Exchange) -> &'static str {
    let has = |name: &str| exchange.headers.contains_key(name);
    let date = exchange.headers.get("date").map_or("", String::as_str);
    let no_limits = !has("x-ratelimit-limit-tokens") && !has("x-ratelimit-remaining-tokens");
    if is_openai(exchange) {
        "openai"
    } else if has("x-ms-is-spilled-over") || no_limits && date.contains(" 2026 ") {
        "azure_2026"
    } else if has("x-ratelimit-remaining-tokens") && !has("x-ratelimit-limit-tokens") {
        "azure_2024"
    } else {
        "azure_2025"
    }
}

/// A deployment that does what was recorded.
fn deployment(exchange: &Exchange) -> String {
    let asked: Value = serde_json::from_str(&exchange.request).unwrap_or_default();
    let told = answers(&exchange.body);
    let last = told.last().cloned().unwrap_or_default();
    let name = match exchange.path.trim_start_matches('/').strip_prefix("openai/deployments/") {
        Some(rest) => rest.split('/').next().unwrap().to_owned(),
        None => asked["model"].as_str().unwrap_or("none").to_owned(),
    };
    // Not there, or by its own name.
    let (name, model) = match (exchange.status, said(&last, "model").as_str()) {
        // The resource's own, without a deployment.
        (200, Some(model)) if model.contains("moderation") => {
            ("another".to_owned(), "gpt-4o".to_owned())
        }
        (200, Some(model)) => (name, model.to_owned()),
        (200 | 401, None) => (name, "gpt-4o".to_owned()),
        (400, _) if asked["model"] == "gpt-4o" => (name, "gpt-4o".to_owned()),
        _ => ("another".to_owned(), "gpt-4o".to_owned()),
    };
    let limit = |kind: &str| {
        let value = exchange.headers.get(&format!("x-ratelimit-limit-{kind}"))?;
        value.parse::<f64>().ok()
    };
    let remaining = exchange.headers.get("x-ratelimit-remaining-tokens");
    let remaining = remaining.and_then(|text| text.parse::<f64>().ok());
    // Without a limit header: the next round number above what was left.
    let guess = remaining.map(|left| (left / 10_000.0).ceil() * 10_000.0);
    let tpm = limit("tokens").or(guess).unwrap_or(1e6);
    let mut settings = format!("tpm = {tpm}");
    if let Some(rpm) = limit("requests") {
        settings.push_str(&format!(", rpm_per_1k_tpm = {:?}", rpm * 1_000.0 / tpm));
    }
    let calls =
        exchange.body.contains("tool_calls\"") || exchange.body.contains("\"function_call\"");
    let refused = exchange.body.contains("response.refusal.done");
    let length = match exchange.body.contains("\"finish_reason\":\"length\"") {
        true => 10_000,
        false => completion(&told),
    };
    format!(
        "{{ name = \"{name}\", model = \"{model}\", {settings}, wire_profile = \"{}\", mean_completion_tokens = {length}, completion_tokens_sigma = 0, tool_calls = \"{}\", parallel_call_probability = 0, refusal_probability = {}, latency = {{ profile = \"zero\" }} }}",
        profile(exchange),
        if calls { "always" } else { "never" },
        if refused { 1.0 } else { 0.0 },
    )
}

/// A field of an answer, or of the response that an event carries.
fn said<'a>(answer: &'a Value, key: &str) -> &'a Value {
    if answer["response"].is_object() { &answer["response"][key] } else { &answer[key] }
}

/// Visible tokens that were made.
fn completion(told: &[Value]) -> u64 {
    let last = told.last().cloned().unwrap_or_default();
    let usage = said(&last, "usage");
    let of = |names: [&str; 2]| names.iter().find_map(|name| usage.pointer(name)?.as_u64());
    let all = of(["/completion_tokens", "/output_tokens"]);
    let hidden = of([
        "/completion_tokens_details/reasoning_tokens",
        "/output_tokens_details/reasoning_tokens",
    ]);
    let contents = told.iter().filter(|one| one.pointer("/choices/0/delta/content").is_some());
    match all {
        Some(all) => all.saturating_sub(hidden.unwrap_or_default()).max(1),
        None => (contents.count() as u64).max(1),
    }
}

/// The JSON of an answer, or of each event.
fn answers(body: &str) -> Vec<Value> {
    if let Ok(value) = serde_json::from_str(body) {
        return vec![value];
    }
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// The recorded request, with the bench's key.
fn request(exchange: &Exchange) -> http::Request<axum::body::Body> {
    let mut request = Bench::request(&exchange.path, exchange.request.clone());
    *request.method_mut() = Method::from_bytes(exchange.method.as_bytes()).unwrap();
    let refused = exchange.status == 401;
    let headers = request.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    if is_openai(exchange) {
        headers.remove("api-key");
        let key = if refused { masked_key(&exchange.body) } else { KEY.to_owned() };
        headers.insert("authorization", value(&format!("Bearer {key}")));
    } else if refused {
        headers.insert("api-key", value("wrong"));
    }
    for name in ["content-type", "x-ms-client-request-id"] {
        if let Some(text) = exchange.request_headers.get(name) {
            headers.insert(HeaderName::from_static(name), value(text));
        }
    }
    request
}

/// A key that is masked as the recorded one was.
fn masked_key(body: &str) -> String {
    let after = body.split("provided: ").nth(1).unwrap_or_default();
    after.split(". You can").next().unwrap_or_default().replace('*', "x")
}

/// Of the wire, of what lies before the service, or of some servers only.
const NOT_OURS: &[&str] = &[
    "alt-svc",
    "cf-cache-status",
    "cf-ray",
    "connection",
    "content-length",
    "date",
    "ms-azureml-model-time",
    "cmp-upstream-response-duration",
    "server",
    "set-cookie",
    "transfer-encoding",
    "x-envoy-upstream-service-time",
];

fn compare(exchange: &Exchange, answer: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    if answer.status != exchange.status {
        out.push(format!("status {} for {}: {}", answer.status, exchange.status, answer.body));
        return out;
    }
    compare_headers(exchange, answer, &mut out);
    let (ours, theirs) = (answers(&answer.body), answers(&exchange.body));
    if 400 <= exchange.status {
        if ours != theirs {
            out.push(format!("error {} for {}", answer.body, exchange.body));
        } else if !exchange.rewritten && answer.body.trim() != exchange.body.trim() {
            out.push(format!("white space of {:?} for {:?}", answer.body, exchange.body));
        }
        return out;
    }
    let (shapes, recorded) = (kinds(&ours), kinds(&theirs));
    if shapes.len() == recorded.len() {
        for (place, (ours, theirs)) in shapes.iter().zip(&recorded).enumerate() {
            let kind = |place: usize| {
                if shapes.len() == 1 { String::new() } else { format!("event {place}: ") }
            };
            out.extend(theirs.difference(ours).map(|key| format!("{}no {key}", kind(place))));
            out.extend(ours.difference(theirs).map(|key| format!("{}added {key}", kind(place))));
        }
    } else {
        out.push(format!("{} kinds of events in a row for {}", shapes.len(), recorded.len()));
    }
    let model = |all: &[Value]| all.last().map(|last| said(last, "model").clone());
    if model(&ours) != model(&theirs) {
        out.push(format!("model {:?} for {:?}", model(&ours), model(&theirs)));
    }
    let vector = |all: &[Value]| {
        let vector = all.first()?.pointer("/data/0/embedding")?;
        vector.as_array().map(Vec::len).or(vector.as_str().map(str::len))
    };
    if vector(&ours) != vector(&theirs) {
        out.push(format!("a vector of {:?} for {:?}", vector(&ours), vector(&theirs)));
    }
    let prompt = |all: &[Value]| {
        let usage = said(all.last()?, "usage");
        usage.get("prompt_tokens").or_else(|| usage.get("input_tokens")).cloned()
    };
    if prompt(&ours) != prompt(&theirs) {
        out.push(format!("prompt of {:?} tokens for {:?}", prompt(&ours), prompt(&theirs)));
    }
    let finish = |all: &[Value]| -> Vec<Value> {
        let reasons = all.iter().filter_map(|one| one.pointer("/choices/0/finish_reason"));
        reasons.filter(|reason| !reason.is_null()).cloned().collect()
    };
    if finish(&ours) != finish(&theirs) {
        out.push(format!("finish {:?} for {:?}", finish(&ours), finish(&theirs)));
    }
    let done = |body: &str| body.trim_end().ends_with("data: [DONE]");
    if done(&answer.body) != done(&exchange.body) {
        out.push("[DONE] at one end only".to_owned());
    }
    out
}

fn compare_headers(exchange: &Exchange, answer: &Answer, out: &mut Vec<String>) {
    let ours: BTreeSet<&str> = answer.header_names().into_iter().collect();
    let theirs: BTreeSet<&str> = exchange.headers.keys().map(String::as_str).collect();
    let counts = |name: &&&str| !NOT_OURS.contains(*name);
    out.extend(theirs.difference(&ours).filter(counts).map(|name| format!("no header {name}")));
    if !exchange.rewritten {
        out.extend(ours.difference(&theirs).filter(counts).map(|name| format!("header {name}")));
    }
    for (name, value) in &exchange.headers {
        // Some recorders put words in place of values.
        let told = value.starts_with(|c: char| c.is_ascii_digit());
        let compared = name.starts_with("x-ratelimit-") && told || name == "content-type";
        if compared && ours.contains(name.as_str()) && answer.header(name) != Some(value.as_str()) {
            out.push(format!("{name}: {:?} for {value}", answer.header(name)));
        }
    }
}

/// The shapes of answers, each once in a row. Texts that hold JSON count as JSON.
fn kinds(answers: &[Value]) -> Vec<BTreeSet<String>> {
    let mut kinds: Vec<BTreeSet<String>> = answers.iter().map(shape_of).collect();
    kinds.dedup();
    kinds
}

fn shape_of(value: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    shape(value, "", &mut out);
    out
}

/// The keys of an object and the kinds of their values, all the way down; of arrays the
/// kinds of their members.
fn shape(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if object.is_empty() => drop(out.insert(format!("{path}: {{}}"))),
        Value::Object(object) => {
            for (key, value) in object {
                shape(value, &format!("{path}.{key}"), out);
            }
        }
        Value::Array(items) => {
            out.insert(format!("{path}[]"));
            for item in items {
                shape(item, &format!("{path}[]"), out);
            }
        }
        Value::Null => drop(out.insert(format!("{path}: null"))),
        Value::Bool(_) => drop(out.insert(format!("{path}: boolean"))),
        Value::Number(_) => drop(out.insert(format!("{path}: number"))),
        // What kind of thing it is, is part of its form.
        Value::String(text) if [".type", ".object"].iter().any(|name| path.ends_with(name)) => {
            out.insert(format!("{path}: {text:?}"));
        }
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner) if path.ends_with(".content") && inner.is_object() => {
                shape(&inner, path, out)
            }
            _ => drop(out.insert(format!("{path}: string"))),
        },
    }
}

/// The comparison sees what it is for: each of these changes of a recorded answer is a
/// difference.
#[test]
fn a_changed_answer_is_seen() {
    let told = json!({"id": "x", "choices": [{"finish_reason": "stop", "index": 0}], "usage": {"prompt_tokens": 3}});
    let exchange = Exchange {
        name: "made up".to_owned(),
        method: "POST".to_owned(),
        host: "x.openai.azure.com".to_owned(),
        path: "/".to_owned(),
        request: "{}".to_owned(),
        request_headers: [].into(),
        status: 200,
        headers: [("x-ratelimit-remaining-tokens".to_owned(), "7".to_owned())].into(),
        body: told.to_string(),
        rewritten: false,
    };
    let answer = |body: &Value, left: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert("x-ratelimit-remaining-tokens", left.parse().unwrap());
        Answer { status: http::StatusCode::OK, headers, body: body.to_string() }
    };
    assert_eq!(compare(&exchange, &answer(&told, "7")), Vec::<String>::new());
    assert_eq!(compare(&exchange, &answer(&told, "8")).len(), 1);
    for (pointer, value) in [
        ("/usage/prompt_tokens", json!(4)),
        ("/choices/0/finish_reason", json!("length")),
        ("/choices/0/index", json!("0")),
        ("/choices/0", json!({"finish_reason": "stop"})),
        ("/id", json!({"a": 1})),
    ] {
        let mut changed = told.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(!compare(&exchange, &answer(&changed, "7")).is_empty(), "{pointer}");
    }
    let mut bare = answer(&told, "7");
    bare.headers.clear();
    assert_eq!(compare(&exchange, &bare), ["no header x-ratelimit-remaining-tokens"]);
}
