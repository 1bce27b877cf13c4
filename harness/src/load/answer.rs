//! What an answer says: usage, the first token, and what is wrong with its
//! form. Decoded with the harness's own small types, never with those of the
//! simulator or gateway: a checker that shared them could not see their faults.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use tokio::time::Instant;

use super::sse::Decoder;
use crate::record::Usage;
use crate::scenario::assertion::is_kept_header;

/// A longer JSON body is not decoded, which is a finding.
const LONGEST_JSON: usize = 16 << 20;

/// The end of an OpenAI event stream.
const DONE: &str = "[DONE]";

/// What a finished answer said.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) usage: Option<Usage>,
    pub(crate) first_token: Option<Instant>,
    pub(crate) findings: Vec<String>,
}

/// Takes an answer's bytes as they come.
pub(crate) enum Reader {
    /// `application/json`: decoded at the end.
    Json(Vec<u8>),
    /// `text/event-stream`: decoded as it comes.
    Events(Box<Events>),
    /// Anything else: only its end matters.
    Other,
}

impl Reader {
    /// By the answer's content type.
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        match essence.trim().to_ascii_lowercase().as_str() {
            "application/json" => Reader::Json(Vec::new()),
            "text/event-stream" => Reader::Events(Box::default()),
            _ => Reader::Other,
        }
    }

    /// The next bytes, which arrived at `now`.
    pub(crate) fn feed(&mut self, bytes: &[u8], now: Instant) {
        match self {
            Reader::Json(body) => {
                if body.len() <= LONGEST_JSON {
                    body.extend_from_slice(bytes);
                }
            }
            Reader::Events(events) => events.feed(bytes, now),
            Reader::Other => {}
        }
    }

    /// The answer's content; `complete` is false when it broke off, which
    /// explains an unfinished form.
    pub(crate) fn finish(self, complete: bool) -> Decoded {
        match self {
            Reader::Json(_) | Reader::Other if !complete => Decoded::default(),
            Reader::Other => Decoded::default(),
            Reader::Json(body) => read_json(&body),
            Reader::Events(events) => events.finish(complete),
        }
    }
}

/// Response headers that a report or an assertion may want.
pub(crate) fn kept_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .filter(|(name, _)| is_kept_header(name.as_str()))
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

#[derive(Deserialize)]
struct Body {
    usage: Option<RawUsage>,
}

#[derive(Deserialize)]
struct RawUsage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    total_tokens: u64,
}

impl From<RawUsage> for Usage {
    fn from(raw: RawUsage) -> Self {
        Usage {
            prompt: raw.prompt_tokens,
            completion: raw.completion_tokens,
            total: raw.total_tokens,
        }
    }
}

fn read_json(body: &[u8]) -> Decoded {
    if LONGEST_JSON < body.len() {
        let finding = format!("the body is longer than {LONGEST_JSON} bytes");
        return Decoded { findings: vec![finding], ..Decoded::default() };
    }
    match serde_json::from_slice::<Body>(body) {
        Ok(body) => Decoded { usage: body.usage.map(Usage::from), ..Decoded::default() },
        // An array or a string is JSON, too.
        Err(_) if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() => {
            Decoded::default()
        }
        Err(error) => Decoded {
            findings: vec![format!("the body is not JSON as its content type says: {error}")],
            ..Decoded::default()
        },
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<RawUsage>,
}

#[derive(Deserialize)]
struct Choice {
    text: Option<String>,
    delta: Option<Delta>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    tool_calls: Option<serde::de::IgnoredAny>,
}

impl Choice {
    fn has_content(&self) -> bool {
        let delta = self.delta.as_ref();
        let texts = [self.text.as_deref(), delta.and_then(|delta| delta.content.as_deref())];
        texts.into_iter().flatten().any(|text| !text.is_empty())
            || delta.is_some_and(|delta| delta.tool_calls.is_some())
    }
}

/// An event stream of chat or text completions.
#[derive(Default)]
pub(crate) struct Events {
    decoder: Decoder,
    content: Content,
}

#[derive(Default)]
struct Content {
    usage: Option<Usage>,
    first_token: Option<Instant>,
    ended: bool,
    events: u64,
}

impl Events {
    fn feed(&mut self, bytes: &[u8], now: Instant) {
        let content = &mut self.content;
        let mut findings = Vec::new();
        self.decoder.feed(bytes, |event| findings.extend(content.take(&event.data, now)));
        for finding in findings {
            self.decoder.find(finding);
        }
    }

    fn finish(mut self, complete: bool) -> Decoded {
        if complete && !self.content.ended {
            self.decoder.find(format!("the stream has no {DONE}"));
        }
        let Content { usage, first_token, .. } = self.content;
        let findings = if complete { self.decoder.finish() } else { Vec::new() };
        Decoded { usage, first_token, findings }
    }
}

impl Content {
    /// Takes one event; the result is what is wrong with it.
    fn take(&mut self, data: &str, now: Instant) -> Option<String> {
        self.events += 1;
        if self.ended {
            return Some(format!("event {} comes after {DONE}", self.events));
        }
        if data == DONE {
            self.ended = true;
            return None;
        }
        match serde_json::from_str::<Chunk>(data) {
            Ok(chunk) => {
                if self.first_token.is_none() && chunk.choices.iter().any(Choice::has_content) {
                    self.first_token = Some(now);
                }
                if let Some(usage) = chunk.usage {
                    self.usage = Some(usage.into());
                }
                None
            }
            Err(error) => Some(format!("event {} is not a chunk: {error}", self.events)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reader(content_type: &str) -> Reader {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        Reader::new(&headers)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_has_its_first_token_when_content_comes() {
        let start = Instant::now();
        let mut reader = reader("text/event-stream; charset=utf-8");
        let chunks = [
            "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4}}\n\n",
            "data: [DONE]\n\n",
        ];
        for (second, chunk) in (0..).zip(chunks) {
            reader.feed(chunk.as_bytes(), start + Duration::from_secs(second));
        }
        let decoded = reader.finish(true);
        assert_eq!(decoded.first_token, Some(start + Duration::from_secs(2)));
        assert_eq!(decoded.usage, Some(Usage { prompt: 3, completion: 1, total: 4 }));
        assert_eq!(decoded.findings, Vec::<String>::new());
    }

    #[track_caller]
    fn findings(content_type: &str, body: &str) -> Vec<String> {
        let mut reader = reader(content_type);
        reader.feed(body.as_bytes(), Instant::now());
        reader.finish(true).findings
    }

    #[test]
    fn oddities_are_findings() {
        let stream = |body| findings("text/event-stream", body);
        assert_eq!(stream("data: {}\n\n"), ["the stream has no [DONE]"]);
        assert_eq!(stream("data: [DONE]\n\ndata: {}\n\n"), ["event 2 comes after [DONE]"]);
        let broken = stream("data: {\n\ndata: [DONE]\n\n");
        assert!(broken[0].starts_with("event 1 is not a chunk"), "{broken:?}");
        let json = findings("application/json", "{\"a\":");
        assert!(json[0].starts_with("the body is not JSON"), "{json:?}");
        assert_eq!(findings("application/json", "[1]"), Vec::<String>::new());
        assert_eq!(findings("text/plain", "{"), Vec::<String>::new());
    }

    #[test]
    fn keeps_the_headers_that_say_something() {
        let mut headers = HeaderMap::new();
        for name in ["content-type", "retry-after-ms", "x-ratelimit-remaining-tokens", "date"] {
            headers.insert(http::HeaderName::from_static(name), "1".parse().unwrap());
        }
        let kept: Vec<String> = kept_headers(&headers).into_keys().collect();
        assert_eq!(kept, ["content-type", "retry-after-ms", "x-ratelimit-remaining-tokens"]);
    }
}
