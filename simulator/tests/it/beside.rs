//! An answer held beside a recorded one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::Answer;
use crate::tape::Exchange;

/// A field of an answer, or of the response that an event carries.
pub(crate) fn said<'a>(answer: &'a Value, key: &str) -> &'a Value {
    if answer["response"].is_object() { &answer["response"][key] } else { &answer[key] }
}

/// The JSON of an answer, or of each event.
pub(crate) fn answers(body: &str) -> Vec<Value> {
    if let Ok(value) = serde_json::from_str(body) {
        return vec![value];
    }
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
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

pub(crate) fn compare(exchange: &Exchange, answer: &Answer) -> Vec<String> {
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
