//! Recorded requests with tools and with a schema, sent to the simulator: the same
//! prompt tokens, the same kinds of events, the same keys. The recordings are no
//! part of this repository; without them the tests say so and pass.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{Bench, CHAT, events};

const DEPLOYMENT: &str = r#"{ name = "chat", model = "gpt-4o-mini", tpm = 10000000, latency = { profile = "zero" }, parallel_call_probability = 0 }"#;

/// Request body and answer of the first exchange.
fn recording(file: &str) -> Option<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recordings").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        skipped(&path);
        return None;
    };
    Some((quoted(&text, "    body: '"), quoted(&text, "      string: '")))
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skipped(path: &Path) {
    eprintln!("SKIPPED: no {}", path.display());
}

/// A single-quoted YAML text, unfolded.
fn quoted(text: &str, before: &str) -> String {
    let start = text.find(before).unwrap() + before.len();
    let mut raw = String::new();
    let mut rest = text[start..].chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\'', Some('\'')) => {
                rest.next();
                raw.push(c);
            }
            ('\'', _) => break,
            _ => raw.push(c),
        }
    }
    let mut out = String::new();
    let mut blank = 0;
    for (index, line) in raw.split('\n').map(str::trim).enumerate() {
        if line.is_empty() {
            blank += 1;
            continue;
        }
        match (index, blank) {
            (0, _) => {}
            (_, 0) => out.push(' '),
            (_, lines) => out.push_str(&"\n".repeat(lines)),
        }
        out.push_str(line);
        blank = 0;
    }
    out
}

/// The kinds of a stream's events, each once in a row.
fn kinds(chunks: &[Value]) -> Vec<String> {
    let mut kinds: Vec<String> = chunks
        .iter()
        .map(|chunk| {
            let keys = |value: Option<&Value>| -> Vec<String> {
                value
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .map(|(k, _)| k.clone())
                    .collect()
            };
            let finish = &chunk["choices"][0]["finish_reason"];
            let call = keys(chunk.pointer("/choices/0/delta/tool_calls/0"));
            let delta = keys(chunk.pointer("/choices/0/delta"));
            format!("{:?} {delta:?} {call:?} {finish}", keys(Some(chunk)))
        })
        .collect();
    kinds.dedup();
    kinds
}

fn chunks(body: &str) -> Vec<Value> {
    events(body).iter().filter_map(|event| serde_json::from_str(event).ok()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_recorded_tool_call_streams_alike() {
    let Some((request, answer)) = recording("az-chat-tool-call-stream.yaml") else { return };
    let recorded: Vec<Value> = answer
        .split("data: ")
        .filter_map(|event| serde_json::from_str(event.trim()).ok())
        .collect();
    let ours = chunks(&Bench::new(DEPLOYMENT).post(CHAT, &request).await.body);
    assert_eq!(kinds(&ours), kinds(&recorded));
    let usage = |chunks: &[Value]| chunks.last().unwrap()["usage"]["prompt_tokens"].clone();
    assert_eq!(usage(&ours), usage(&recorded));
}

#[tokio::test(start_paused = true)]
async fn a_recorded_structured_answer_looks_alike() {
    let Some((request, answer)) = recording("az-chat-structured-output.yaml") else { return };
    let recorded: Value = serde_json::from_str(&answer).unwrap();
    let ours = Bench::new(DEPLOYMENT).post(CHAT, &request).await.json();
    assert_eq!(ours["usage"]["prompt_tokens"], recorded["usage"]["prompt_tokens"]);
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    for place in ["", "/choices/0", "/choices/0/message", "/usage"] {
        assert_eq!(
            keys(ours.pointer(place).unwrap()),
            keys(recorded.pointer(place).unwrap()),
            "{place}"
        );
    }
    let content = |answer: &Value| -> BTreeSet<String> {
        let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
        keys(&serde_json::from_str(text).unwrap())
    };
    assert_eq!(content(&ours), content(&recorded));
}
