//! Complaints as measured, orders of events as recorded, and bytes against
//! recordings of the service.

mod complaints;
mod orders;
mod recorded;
mod storing;

use std::sync::Arc;

use seam::rng::Seed;
use serde_json::Value;

use super::answer::{Answer, Item, Output, Piece};
use super::call::Responses;
use super::era::{Era, Vendor};
use super::events::Writer;
use super::settings::{Effort, Reasoning, Settings, Tier};
use super::store::{KnownItem, Past, Record};
use crate::api::call::Events as _;
use crate::api::fields::{Fields, Parsed, parse_json};
use crate::api::usage::{Timing, Usage};
use crate::catalogue::Model;
use crate::wire::{Ids, Style};

fn read(model: &str, body: &str) -> Parsed<Responses> {
    let json = parse_json(body.as_bytes())?;
    super::read(Fields(&json), body.as_bytes(), &Model::find(model).unwrap(), &())
}

/// `error` of the complaint about a body.
fn error(model: &str, body: &str) -> Value {
    let error = read(model, body).expect_err(body);
    let body: Value = serde_json::from_str(&error.body(Style::OpenAiResponses)).unwrap();
    body["error"].clone()
}

fn settings() -> Settings {
    Settings {
        background: false,
        instructions: "null".to_owned(),
        max_output_tokens: None,
        max_tool_calls: None,
        parallel_tool_calls: true,
        presence_penalty: 0.0,
        frequency_penalty: 0.0,
        previous_response_id: "null".to_owned(),
        prompt_cache_key: "null".to_owned(),
        prompt_cache_retention: "in_memory",
        reasoning: Reasoning::default(),
        safety_identifier: "null".to_owned(),
        tier: Tier::Auto,
        store: true,
        temperature: 1.0,
        text: r#"{"format":{"type":"text"},"verbosity":"medium"}"#.to_owned(),
        tool_choice: "\"auto\"".to_owned(),
        tools: "[]".to_owned(),
        top_logprobs: 0,
        top_p: 1.0,
        truncation: "disabled",
        user: "null".to_owned(),
        metadata: "{}".to_owned(),
    }
}

fn thinking() -> Settings {
    Settings { reasoning: Reasoning { effort: Some(Effort::Medium), summary: None }, ..settings() }
}

fn pieces(words: &[&'static str]) -> Vec<Piece> {
    words.iter().map(|&word| word.into()).collect()
}

fn item(id: &str, content: Output) -> Item {
    Item { id: id.to_owned(), content }
}

fn text(id: &str, words: &[&'static str]) -> Item {
    item(id, Output::Text(pieces(words)))
}

fn call(id: &str, words: &[&'static str]) -> Item {
    let (call_id, name) = (format!("call_{id}"), "f".to_owned());
    item(id, Output::Call { call_id, name, arguments: pieces(words) })
}

fn answer(settings: Settings, items: Vec<Item>) -> Answer {
    Answer {
        era: Era::Y2026,
        vendor: Vendor::Azure,
        id: "resp_1".to_owned(),
        created: 1_000,
        model: "d".to_owned(),
        settings: Arc::new(settings),
        items,
        usage: Usage::default(),
        incomplete: None,
        findings: Default::default(),
        prompt_chars: 0,
    }
}

/// The whole stream of an answer, padded if `padded`.
fn stream(answer: Answer, padded: bool) -> String {
    let tokens = answer.pieces();
    let ids = padded.then(|| Ids(Seed(1).stream("x")));
    let mut writer = Writer::new(Arc::new(answer), ids);
    writer.timed(&Timing { over_second: 1_007, ..Timing::default() });
    let mut out = String::new();
    writer.open(&mut out);
    for index in 0..tokens {
        writer.token(0, index, &mut out);
    }
    writer.close(&mut out);
    out
}

/// Name and data of each event.
fn events(stream: &str) -> Vec<(String, Value)> {
    stream
        .split_terminator("\n\n")
        .map(|event| {
            let (name, data) = event.split_once('\n').unwrap();
            let name = name.strip_prefix("event: ").unwrap().to_owned();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(data["type"], name.as_str());
            (name, data)
        })
        .collect()
}
