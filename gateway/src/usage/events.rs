//! Reads server-sent events of chat, completions and responses in pieces:
//! `usage` where a chunk has it, and the texts, which are counted and forgotten.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Counter, RawUsage, Usage};

/// A longer line is skipped.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Text of one choice that is kept at most before it is counted: tokens may
/// span chunks, so the longer the better.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// Choices whose texts are kept apart; the service allows 128.
const MAX_CHOICES: usize = 128;

/// A reader of one stream.
#[derive(Debug)]
pub(super) struct Events {
    counter: Counter,
    line: Vec<u8>,
    /// The present line is too long.
    skipping: bool,
    usage: Option<Usage>,
    texts: BTreeMap<u64, String>,
    counted: u64,
}

/// A chunk of chat or completions, or an event of the Responses API.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    usage: Option<RawUsage>,
    #[serde(default)]
    choices: Vec<Choice>,
    /// Responses API: a piece of text.
    #[serde(default)]
    delta: Value,
    /// Responses API: the response so far; complete in the last event.
    #[serde(default)]
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    usage: Option<RawUsage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    /// Completions.
    #[serde(default)]
    text: Value,
    /// Chat.
    #[serde(default)]
    delta: Value,
}

impl Events {
    /// At the start of a stream.
    pub(super) fn new(counter: Counter) -> Self {
        Self {
            counter,
            line: Vec::new(),
            skipping: false,
            usage: None,
            texts: BTreeMap::new(),
            counted: 0,
        }
    }

    /// The next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            if self.line.len() + text.len() <= MAX_LINE_BYTES {
                self.line.extend_from_slice(text);
            } else {
                self.skipping = true;
            }
            if ends {
                let line = std::mem::take(&mut self.line);
                if !std::mem::take(&mut self.skipping) {
                    self.read(&line);
                }
            }
        }
    }

    /// `usage`, if a chunk had it.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Tokens of all texts so far.
    pub(super) fn tokens(&self) -> u64 {
        let open = self.texts.values().map(|text| self.counter.count(text));
        open.fold(self.counted, u64::saturating_add)
    }

    fn read(&mut self, line: &[u8]) {
        let Some(data) = line.strip_prefix(b"data:") else { return };
        let Ok(chunk) = serde_json::from_slice::<Chunk>(data.trim_ascii()) else { return };
        let usage = chunk.usage.or(chunk.response.and_then(|response| response.usage));
        self.usage = usage.and_then(RawUsage::usage).or(self.usage);
        if let Some(text) = chunk.delta.as_str() {
            self.text(0, text);
        }
        for choice in chunk.choices {
            let calls = choice.delta["tool_calls"].as_array().into_iter().flatten();
            let calls = calls.flat_map(|call| {
                [call["function"]["name"].as_str(), call["function"]["arguments"].as_str()]
            });
            let texts = [choice.text.as_str(), choice.delta["content"].as_str()];
            for text in texts.into_iter().chain(calls).flatten() {
                self.text(choice.index, text);
            }
        }
    }

    fn text(&mut self, index: u64, text: &str) {
        if MAX_CHOICES <= self.texts.len() && !self.texts.contains_key(&index) {
            self.counted = self.counted.saturating_add(self.counter.count(text));
            return;
        }
        let open = self.texts.entry(index).or_default();
        open.push_str(text);
        if MAX_TEXT_BYTES < open.len() {
            // A token rarely spans a space.
            let end = open.rfind(' ').filter(|&end| 0 < end).unwrap_or(open.len());
            let rest = open.split_off(end);
            let done = std::mem::replace(open, rest);
            self.counted = self.counted.saturating_add(self.counter.count(&done));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokens::Encoding;

    use super::*;

    const CL100K: Counter = Counter::Encoding(Encoding::Cl100kBase);

    fn chunk(index: u64, text: &str) -> String {
        let chunk =
            serde_json::json!({ "choices": [{ "index": index, "delta": { "content": text } }] });
        format!("data: {chunk}\n\n")
    }

    #[test]
    fn texts_are_counted_as_one_text_for_each_choice() {
        let words: Vec<String> = (0..3_000).map(|n| format!(" word{n}")).collect();
        let mut events = Events::new(CL100K);
        for word in &words {
            // Split inside words, and inside lines.
            let (start, end) = word.split_at(3);
            for bytes in chunk(0, start).as_bytes().chunks(7) {
                events.push(bytes);
            }
            events.push(chunk(1, start).as_bytes());
            events.push(chunk(0, end).as_bytes());
            events.push(chunk(1, end).as_bytes());
        }
        events.push(b"data: [DONE]\n\n");
        assert_eq!(events.tokens(), 2 * CL100K.count(&words.concat()));
        assert_eq!(events.usage(), None);
        assert!(events.texts.values().all(|text| text.len() <= MAX_TEXT_BYTES));
    }

    #[test]
    fn usage_comes_from_whichever_chunk_has_it() {
        let mut events = Events::new(Counter::Characters);
        events.push(b"data: {\"choices\":[],\"usage\":null}\r\n\r\n: comment\n");
        events.push(b"data: {\"choices\":[{\"text\":\"12345678\"}]}\n\n");
        let tool = r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"abcd","arguments":"{}{}"}}]}}]}"#;
        events.push(format!("data:{tool}\n").as_bytes());
        assert_eq!((events.usage(), events.tokens()), (None, 4));
        events.push(b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12}}\n\n");
        assert_eq!(events.usage(), Some(Usage { prompt: 5, completion: 7, total: 12 }));
    }

    #[test]
    fn events_of_the_responses_api_count_too() {
        let mut events = Events::new(Counter::Characters);
        events.push(b"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"1234\"}\n\n");
        events.push(b"data: {\"type\":\"response.output_text.delta\",\"delta\":\"5678\"}\n\n");
        assert_eq!((events.usage(), events.tokens()), (None, 2));
        events.push(b"data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":2,\"total_tokens\":5}}}\n\n");
        assert_eq!(events.usage(), Some(Usage { prompt: 3, completion: 2, total: 5 }));
    }

    #[test]
    fn memory_is_bounded() {
        let mut events = Events::new(Counter::Characters);
        let long = vec![b'x'; 600 * 1024];
        events.push(b"data: ");
        for _ in 0..4 {
            events.push(&long);
        }
        assert!(events.line.len() <= MAX_LINE_BYTES);
        events.push(b"\n");
        for index in 0..1_000 {
            events.push(chunk(index, "1234").as_bytes());
        }
        assert_eq!((events.texts.len(), events.tokens()), (MAX_CHOICES, 1_000));
    }
}
