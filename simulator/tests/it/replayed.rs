//! Every recording of the real services, replayed: a simulator is set up as the
//! recording shows the service to have been (provider, era, model, limits, what the
//! model did), gets the recorded request, and its answer is held beside the recorded
//! one: status, names of headers, arithmetic of limits, shape of the JSON, usage, order
//! of events. What differs is in [`KNOWN`], with its reason, or fails the test; so does
//! what no longer differs.

use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::beside::{answers, compare, said};
use crate::support::{Bench, KEY};
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
