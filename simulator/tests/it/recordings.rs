//! Recordings of the real services, replayed: `../shared/recordings` beside the
//! workspace. Where that folder is absent these tests say so and check nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use http::Method;
use saphyr::{LoadableYamlNode as _, MappingOwned, ScalarOwned, YamlOwned};
use serde_json::Value;

use crate::support::{Answer, Bench, KEY};

/// One exchange.
struct Recorded {
    uri: String,
    request: Value,
    status: u16,
    headers: BTreeSet<String>,
    remaining_tokens: Option<String>,
    body: String,
}

/// The exchanges of a file, if there are recordings here.
#[expect(clippy::print_stderr, reason = "what is skipped must be seen")]
fn recorded(file: &str) -> Option<Vec<Recorded>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recordings");
    let path: PathBuf = folder.join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no recording at {}", path.display());
        return None;
    };
    let documents = YamlOwned::load_from_str(&text).unwrap();
    let root = &documents[0];
    let list = at(root, "http_interactions").or_else(|| at(root, "interactions")).unwrap();
    let list = list.as_vec().unwrap();
    Some(list.iter().map(exchange).collect())
}

fn at<'a>(node: &'a YamlOwned, key: &str) -> Option<&'a YamlOwned> {
    let map: &MappingOwned = node.as_mapping()?;
    map.get(&YamlOwned::Value(ScalarOwned::String(key.to_owned())))
}

fn exchange(node: &YamlOwned) -> Recorded {
    let (request, response) = (at(node, "request").unwrap(), at(node, "response").unwrap());
    let text = |node: &YamlOwned| {
        let body = at(node, "body").map(|body| at(body, "string").unwrap_or(body));
        body.and_then(YamlOwned::as_str).unwrap_or_default().to_owned()
    };
    let mut remaining_tokens = None;
    let headers = at(response, "headers").and_then(YamlOwned::as_mapping).unwrap();
    let headers = headers
        .iter()
        .map(|(name, values)| {
            let name = name.as_str().unwrap().to_ascii_lowercase();
            if name == "x-ratelimit-remaining-tokens" {
                let value = values.as_vec().and_then(|values| values[0].as_str());
                remaining_tokens = value.map(str::to_owned);
            }
            name
        })
        .collect();
    let status = at(at(response, "status").unwrap(), "code").unwrap();
    Recorded {
        uri: at(request, "uri").unwrap().as_str().unwrap().to_owned(),
        request: serde_json::from_str(&text(request)).unwrap(),
        status: u16::try_from(status.as_integer().unwrap()).unwrap(),
        headers,
        remaining_tokens,
        body: text(response),
    }
}

/// What the wire does, or what lies before the service.
const NOT_OURS: &[&str] = &[
    "alt-svc",
    "cf-cache-status",
    "cf-ray",
    "connection",
    "date",
    "server",
    "set-cookie",
    "transfer-encoding",
    "x-envoy-upstream-service-time",
];

impl Recorded {
    async fn again(&self, bench: &Bench) -> Answer {
        let path = self.uri.splitn(4, '/').nth(3).unwrap();
        let mut request = Bench::request(&format!("/{path}"), self.request.to_string());
        *request.method_mut() = Method::POST;
        request.headers_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
        bench.send(request).await
    }

    /// Recorded headers that the answer lacks.
    fn missing_headers(&self, answer: &Answer) -> Vec<&str> {
        let ours = answer.header_names();
        let names = self.headers.iter().map(String::as_str);
        names.filter(|name| !NOT_OURS.contains(name) && !ours.contains(name)).collect()
    }
}

/// Names and data of the events.
fn events(body: &str) -> Vec<(String, Value)> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| {
        let data: Value = serde_json::from_str(data).unwrap();
        (data["type"].as_str().unwrap().to_owned(), data)
    })
    .collect()
}

/// Repeats of a name folded into one.
fn order(events: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names
}

/// The keys of an object and the kinds of their values, all the way down; of arrays
/// the kinds of their members.
fn shape(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
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
        Value::String(_) => drop(out.insert(format!("{path}: string"))),
    }
}

fn shape_of(value: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    shape(value, "", &mut out);
    out
}

/// Prefix and length of every id.
fn ids(value: &Value) -> Vec<String> {
    let mut found = vec![form(&value["id"])];
    found.extend(value["output"].as_array().unwrap().iter().map(|item| form(&item["id"])));
    found
}

fn form(id: &Value) -> String {
    let id = id.as_str().unwrap();
    let (kind, digits) = id.split_once('_').unwrap();
    assert!(digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{id}");
    format!("{kind}_{}", digits.len())
}

fn azure() -> Bench {
    Bench::new(
        r#"{ name = "gpt-5-nano", model = "gpt-5-nano", tpm = 250000, wire_profile = "azure_2026", mean_completion_tokens = 1, completion_tokens_sigma = 0, latency = { profile = "zero" } }"#,
    )
}

#[tokio::test(start_paused = true)]
async fn azure_responses_are_as_recorded() {
    let Some(recorded) = recorded("az-v1-responses-multiturn-ratelimit-estimates.yml") else {
        return;
    };
    for (turn, exchange) in recorded.iter().enumerate() {
        let answer = exchange.again(&azure()).await;
        assert_eq!(answer.status, exchange.status, "{}", answer.body);
        let (ours, theirs) = (answer.json(), serde_json::from_str(&exchange.body).unwrap());
        assert_eq!(shape_of(&ours), shape_of(&theirs));
        assert_eq!(ids(&ours), ids(&theirs));
        // What the thoughts sent back cost is not known: 2 tokens in the second turn.
        let unknown = if turn == 0 { 0 } else { 2 };
        let theirs = theirs["usage"]["input_tokens"].as_u64().unwrap();
        assert_eq!(ours["usage"]["input_tokens"].as_u64().unwrap() + unknown, theirs);
        assert_eq!(exchange.missing_headers(&answer), Vec::<&str>::new());
        let remaining = exchange.remaining_tokens.as_deref();
        assert_eq!(answer.header("x-ratelimit-remaining-tokens"), remaining);
    }
}

#[tokio::test(start_paused = true)]
async fn an_azure_stream_is_as_recorded() {
    let Some(recorded) = recorded("az-v1-responses-stream.yml") else { return };
    let exchange = &recorded[0];
    let answer = exchange.again(&azure()).await;
    assert_eq!(answer.status, exchange.status, "{}", answer.body);
    let (ours, theirs) = (events(&answer.body), events(&exchange.body));
    assert_eq!(order(&ours), order(&theirs));
    assert_eq!(ours.len(), theirs.len(), "one token each");
    for ((name, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        assert_eq!(shape_of(ours), shape_of(theirs), "{name}");
        assert_eq!(ours["sequence_number"], theirs["sequence_number"]);
    }
    let (ours, theirs) =
        (&ours.last().unwrap().1["response"], &theirs.last().unwrap().1["response"]);
    assert_eq!(ids(ours), ids(theirs));
    assert_eq!(ours["usage"]["input_tokens"], theirs["usage"]["input_tokens"]);
    assert_eq!(exchange.missing_headers(&answer), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn openai_errors_of_responses_are_as_recorded() {
    let Some(recorded) = recorded("oa-400-responses-model_not_found.yaml") else { return };
    let bench = Bench::new(
        r#"{ name = "gpt-4o", model = "gpt-4o", tpm = 1000000, wire_profile = "openai", latency = { profile = "zero" } }"#,
    );
    for exchange in &recorded {
        let answer = exchange.again(&bench).await;
        assert_eq!(answer.status, exchange.status);
        assert_eq!(answer.body, exchange.body);
        assert_eq!(exchange.missing_headers(&answer), Vec::<&str>::new());
    }
}

/// The keys that came after the recording of October 2025.
const SINCE: &[&str] = &[
    "completed_at",
    "frequency_penalty",
    "moderation",
    "presence_penalty",
    "prompt_cache_retention",
    "tool_usage",
];

#[tokio::test(start_paused = true)]
async fn an_openai_refusal_has_the_recorded_order() {
    let Some(recorded) = recorded("oa-responses-stream-refusal.yaml") else { return };
    let bench = Bench::new(
        r#"{ name = "gpt-4o", model = "gpt-4o-2024-08-06", tpm = 1000000, wire_profile = "openai", refusal_probability = 1.0, latency = { profile = "zero" } }"#,
    );
    let exchange = &recorded[0];
    let answer = exchange.again(&bench).await;
    assert_eq!(answer.status, exchange.status, "{}", answer.body);
    let (ours, theirs) = (events(&answer.body), events(&exchange.body));
    assert_eq!(order(&ours), order(&theirs));
    for (at, name) in [(0, "created"), (ours.len() - 1, "completed")] {
        let keys = |value: &Value| -> BTreeSet<String> {
            value["response"].as_object().unwrap().keys().cloned().collect()
        };
        let (ours, theirs) = (keys(&ours[at].1), keys(&theirs[at.min(theirs.len() - 1)].1));
        let mut newer: Vec<_> = ours.difference(&theirs).map(String::as_str).collect();
        newer.sort_unstable();
        assert_eq!(newer, SINCE, "{name}");
        assert_eq!(theirs.difference(&ours).count(), 0, "{name}");
    }
    let end = &ours.last().unwrap().1["response"];
    let usage = |events: &[(String, Value)]| {
        events.last().unwrap().1["response"]["usage"]["input_tokens"].as_u64().unwrap()
    };
    // What a schema costs is known to a fifth (here 63 for 54).
    let (counted, billed) = (usage(&ours), usage(&theirs));
    assert!(billed * 4 <= counted * 5 && counted * 4 <= billed * 5, "{counted} for {billed}");
    assert_eq!(end["model"], "gpt-4o-2024-08-06");
    assert_eq!(end["text"], theirs[0].1["response"]["text"]);
    assert_eq!(exchange.missing_headers(&answer), Vec::<&str>::new());
}
