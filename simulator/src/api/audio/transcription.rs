//! `audio/transcriptions` and `audio/translations`.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::subtitles::{round, segments, segments_json, srt, vtt, words_json};
use crate::api::call::{Call, Delivery, Document, Events, Ground, Plan, text_bytes};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::object::json_string;
use crate::api::payload::{Payload, text};
use crate::api::usage::Usage;
use crate::catalogue::Model;
use crate::config::WireProfile;
use crate::content::words;
use crate::wire::ApiError;

const FIELDS: &[&str] = &[
    "chunking_strategy",
    "include",
    "language",
    "model",
    "prompt",
    "response_format",
    "stream",
    "temperature",
    "timestamp_granularities",
];
/// The largest file (documented: 25 MB).
const MOST_BYTES: usize = 25 << 20;
/// What the service says it takes.
const KINDS: &[&str] = &["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"];
/// Tokens of a second of speech: 150 words a minute.
const TOKENS_PER_SECOND: f64 = 2.5;
/// Audio tokens of a second of sound (specification, section 6.4: about 10).
const AUDIO_TOKENS_PER_SECOND: f64 = 10.0;

/// In the sound's own language, or in English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Task {
    Transcribe,
    Translate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    VerboseJson,
    Text,
    Srt,
    Vtt,
}

/// A request to write down what a sound says.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::api) struct Transcription {
    task: Task,
    format: Format,
    language: String,
    length: Duration,
    file_bytes: u64,
    prompt: Option<String>,
    words: bool,
    stream: bool,
    /// Whisper knows nothing of tokens.
    counts_tokens: bool,
}

pub(in crate::api) fn read(payload: &Payload, model: &Model, task: Task) -> Parsed<Transcription> {
    let fields = Fields(&payload.fields);
    fields.only_known(FIELDS)?;
    let file = payload.file("file").ok_or_else(|| fields::missing("file"))?;
    if MOST_BYTES < file.bytes.len() {
        return Err(ApiError::content_too_large(MOST_BYTES, file.bytes.len()));
    }
    let kind = file.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if file.bytes.is_empty() || !KINDS.contains(&kind.as_str()) {
        let kinds: Vec<String> = KINDS.iter().map(|kind| format!("'{kind}'")).collect();
        let message = format!("Invalid file format. Supported formats: [{}]", kinds.join(", "));
        return Err(ApiError::invalid_request(message, None, None));
    }
    let counts_tokens = model.facts.name.contains("transcribe");
    let all = [
        ("json", Format::Json),
        ("text", Format::Text),
        ("srt", Format::Srt),
        ("verbose_json", Format::VerboseJson),
        ("vtt", Format::Vtt),
    ];
    let format = text::choice(fields, "response_format", &all)?.unwrap_or(Format::Json);
    if counts_tokens && format != Format::Json && format != Format::Text {
        let name = text::string(fields, "response_format").unwrap_or_default();
        let message = format!(
            "response_format '{name}' is not compatible with model '{}'. Use 'json' or 'text' instead.",
            model.facts.name
        );
        let (param, code) = (Some("response_format"), Some("unsupported_value"));
        return Err(ApiError::invalid_request(message, param, code));
    }
    text::decimal(fields, "temperature", 0.0, 1.0)?;
    let granularities = fields.get("timestamp_granularities").and_then(Value::as_array);
    let words = granularities.is_some_and(|list| list.iter().any(|item| item == "word"));
    if words && format != Format::VerboseJson {
        let message =
            "'timestamp_granularities' is only supported with response_format 'verbose_json'.";
        return Err(ApiError::invalid_request(message, Some("timestamp_granularities"), None));
    }
    let language = match task {
        Task::Translate => "english",
        Task::Transcribe => text::string(fields, "language").unwrap_or("english"),
    };
    Ok(Transcription {
        task,
        format,
        language: language.to_owned(),
        length: length(&file.bytes),
        file_bytes: file.bytes.len() as u64,
        prompt: text::string(fields, "prompt").map(str::to_owned),
        words,
        // Whisper takes the flag and does not stream.
        stream: counts_tokens && text::boolean(fields, "stream")?,
        counts_tokens,
    })
}

fn length(file: &[u8]) -> Duration {
    let seconds = tokens::audio_seconds(file, file.len());
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

impl Transcription {
    fn audio_tokens(&self) -> u64 {
        whole(self.length.as_secs_f64() * AUDIO_TOKENS_PER_SECOND)
    }

    fn document(&self, pieces: &[Cow<'static, str>], usage: Option<Value>) -> Document {
        let text = pieces.concat();
        let plain = |text: String| Document {
            content_type: "text/plain; charset=utf-8",
            body: Bytes::from(text),
        };
        match self.format {
            Format::Text => plain(text + "\n"),
            Format::Srt => plain(srt(&segments(pieces, self.length))),
            Format::Vtt => plain(vtt(&segments(pieces, self.length))),
            Format::Json => Document::json(match usage {
                None => format!("{{\"text\":{}}}", json_string(&text)),
                Some(usage) => format!("{{\"text\":{},\"usage\":{usage}}}", json_string(&text)),
            }),
            Format::VerboseJson => {
                let task = if self.task == Task::Transcribe { "transcribe" } else { "translate" };
                let mut body = json!({
                    "task": task,
                    "language": self.language,
                    "duration": round(self.length.as_secs_f64()),
                    "text": text,
                });
                let parts = if self.words {
                    ("words", words_json(pieces, self.length))
                } else {
                    ("segments", segments_json(&segments(pieces, self.length)))
                };
                if let Some(object) = body.as_object_mut() {
                    object.insert(parts.0.to_owned(), parts.1);
                    object.extend(usage.map(|usage| ("usage".to_owned(), usage)));
                }
                Document::json(body.to_string())
            }
        }
    }

    /// `usage`: of models that count their tokens; of whisper the begun seconds, which
    /// OpenAI says and Azure is not known to say.
    fn usage_json(&self, usage: Usage, profile: WireProfile) -> Option<Value> {
        let audio = self.audio_tokens();
        if self.counts_tokens {
            return Some(json!({
                "type": "tokens",
                "total_tokens": usage.prompt_tokens.saturating_add(usage.completion_tokens),
                "input_tokens": usage.prompt_tokens,
                "input_token_details": {
                    "text_tokens": usage.prompt_tokens.saturating_sub(audio),
                    "audio_tokens": audio,
                },
                "output_tokens": usage.completion_tokens,
            }));
        }
        let says = self.task == Task::Transcribe && profile == WireProfile::OpenAi;
        let seconds = whole(self.length.as_secs_f64().ceil());
        says.then(|| json!({ "type": "duration", "seconds": seconds }))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "25 MB of sound are far below a billion tokens"
)]
fn whole(value: f64) -> u64 {
    value.round().clamp(0.0, 1e9) as u64
}

impl Transcription {
    /// Tokens of what was said.
    fn spoken_tokens(&self) -> u64 {
        whole(self.length.as_secs_f64() * TOKENS_PER_SECOND).clamp(1, 100_000)
    }
}

impl Call for Transcription {
    fn prompt_tokens(&self, model: &Model) -> u64 {
        if !self.counts_tokens {
            return 0;
        }
        let prompt = self.prompt.as_deref().map_or(0, |prompt| model.encoding.count(prompt));
        self.audio_tokens().saturating_add(prompt as u64)
    }

    fn check_context(&self, _prompt_tokens: u64, _model: &Model) -> Parsed<()> {
        Ok(())
    }

    fn max_tokens(&self) -> Option<u64> {
        None
    }

    fn answer_bytes(&self, _model: &Model) -> u64 {
        text_bytes(1, Some(self.spoken_tokens()), 0)
    }

    fn plan(&self, mut ground: Ground<'_>) -> Plan {
        let tokens = self.spoken_tokens();
        let pieces = words(tokens, &mut ground.rng);
        let completion_tokens = if self.counts_tokens { tokens } else { 0 };
        let usage =
            Usage { prompt_tokens: ground.prompt_tokens, completion_tokens, ..Usage::default() };
        let choices = vec![pieces.len()];
        let said = self.usage_json(usage, ground.deployment.wire_profile);
        let delivery = if self.stream {
            Delivery::Stream(Box::new(Transcript { pieces, usage: said.unwrap_or_default() }))
        } else {
            Delivery::Whole(self.document(&pieces, said))
        };
        let file_bytes = self.file_bytes;
        Plan { usage, inputs: 1, file_bytes, reasoning_tokens: 0, choices, delivery, keep: None }
    }
}

/// The events of a streamed transcript.
struct Transcript {
    pieces: Vec<Cow<'static, str>>,
    usage: Value,
}

impl Events for Transcript {
    fn open(&mut self, _out: &mut String) {}

    fn token(&mut self, _choice: usize, index: usize, out: &mut String) {
        if let Some(piece) = self.pieces.get(index) {
            let event = json!({ "type": "transcript.text.delta", "delta": piece });
            out.push_str(&format!("data: {event}\n\n"));
        }
    }

    fn close(&mut self, out: &mut String) {
        let text = self.pieces.concat();
        let event = json!({ "type": "transcript.text.done", "text": text, "usage": self.usage });
        out.push_str(&format!("data: {event}\n\n"));
    }
}
