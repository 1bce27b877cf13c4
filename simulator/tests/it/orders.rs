//! Random requests: a kind's valid body with some of its settings, or with a field
//! changed, left out or added.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::robustness::anything;

/// What is asked of which endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Chat,
    Completions,
    Embeddings,
    Responses,
    Images,
    ImageEdits,
    Transcriptions,
    Translations,
    Speech,
    Moderations,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Chat,
        Self::Completions,
        Self::Embeddings,
        Self::Responses,
        Self::Images,
        Self::ImageEdits,
        Self::Transcriptions,
        Self::Translations,
        Self::Speech,
        Self::Moderations,
    ];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Responses => "responses",
            Self::Images => "images/generations",
            Self::ImageEdits => "images/edits",
            Self::Transcriptions => "audio/transcriptions",
            Self::Translations => "audio/translations",
            Self::Speech => "audio/speech",
            Self::Moderations => "moderations",
        }
    }

    /// A valid body, with what most requests of the kind have.
    pub(crate) fn valid(self, reasons: bool) -> Value {
        match self {
            Self::Chat => {
                let model = if reasons { "o3-mini" } else { "gpt-4o" };
                json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
            }
            Self::Completions => json!({"model": "gpt-35-turbo", "prompt": "Once"}),
            Self::Embeddings => {
                json!({"model": "text-embedding-3-small", "input": "a", "dimensions": 4})
            }
            Self::Responses => json!({"model": "gpt-4o", "input": "Hello"}),
            Self::Images => json!({"model": "gpt-image-1", "prompt": "A", "quality": "low"}),
            Self::ImageEdits => json!({"model": "gpt-image-1", "prompt": "A", "image": "png"}),
            Self::Transcriptions | Self::Translations => json!({"model": "whisper", "file": "wav"}),
            Self::Speech => json!({"model": "tts", "input": "Hello", "voice": "alloy"}),
            Self::Moderations => json!({"input": "Hello"}),
        }
    }

    /// Settings that may be added, each valid.
    fn settings(self) -> Vec<(&'static str, Value)> {
        let tool = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}]);
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
        match self {
            Self::Chat => vec![
                ("stream", json!(true)),
                ("stream_options", json!({"include_usage": true})),
                ("n", json!(2)),
                ("max_tokens", json!(3)),
                ("max_completion_tokens", json!(3)),
                ("tools", tool),
                ("tool_choice", json!("required")),
                ("logprobs", json!(true)),
                ("top_logprobs", json!(2)),
                ("stop", json!("e")),
                ("seed", json!(7)),
                (
                    "response_format",
                    json!({"type": "json_schema", "json_schema": {"name": "s", "strict": true, "schema": schema}}),
                ),
                ("service_tier", json!("default")),
                ("functions", json!([{"name": "g"}])),
                ("reasoning_effort", json!("low")),
            ],
            Self::Completions => vec![
                ("stream", json!(true)),
                ("n", json!(2)),
                ("best_of", json!(3)),
                ("echo", json!(true)),
                ("logprobs", json!(2)),
                ("max_tokens", json!(3)),
                ("suffix", json!("end")),
                ("stop", json!(["a", "b"])),
            ],
            Self::Embeddings => vec![
                ("encoding_format", json!("base64")),
                ("input", json!([[1, 2], [3]])),
                ("user", json!("u")),
            ],
            Self::Responses => vec![
                ("stream", json!(true)),
                ("background", json!(true)),
                ("store", json!(false)),
                ("instructions", json!("Be brief")),
                ("max_output_tokens", json!(16)),
                ("previous_response_id", json!("resp_0")),
                ("tools", json!([{"type": "function", "name": "f", "parameters": schema}])),
                ("tool_choice", json!("required")),
                ("text", json!({"format": {"type": "json_schema", "name": "s", "schema": schema}})),
                ("truncation", json!("auto")),
            ],
            Self::Images | Self::ImageEdits => vec![
                ("n", json!(2)),
                ("size", json!("1024x1024")),
                ("quality", json!("low")),
                ("background", json!("opaque")),
            ],
            Self::Transcriptions | Self::Translations => vec![
                ("response_format", json!("verbose_json")),
                ("response_format", json!("srt")),
                ("temperature", json!(0.5)),
                ("language", json!("en")),
                ("prompt", json!("x")),
            ],
            Self::Speech => vec![
                ("response_format", json!("wav")),
                ("speed", json!(2)),
                ("voice", json!("echo")),
            ],
            Self::Moderations => {
                vec![("input", json!(["a", "b"])), ("model", json!("omni-moderation-latest"))]
            }
        }
    }

    pub(crate) fn is_form(self) -> bool {
        matches!(self, Self::ImageEdits | Self::Transcriptions | Self::Translations)
    }
}

/// A change of a valid body.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// One of the kind's own settings.
    Setting(prop::sample::Index),
    /// Any value at one of the body's own fields.
    Broken(prop::sample::Index, Value),
    Missing(prop::sample::Index),
    Added(String, Value),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => index().prop_map(Change::Setting),
        2 => (index(), anything()).prop_map(|(at, value)| Change::Broken(at, value)),
        1 => index().prop_map(Change::Missing),
        1 => ("[a-z_]{1,8}", anything()).prop_map(|(name, value)| Change::Added(name, value)),
    ]
}

/// A body of a kind, with changes.
pub(crate) fn body(kind: Kind, reasons: bool, changes: &[Change]) -> Value {
    let mut body = kind.valid(reasons);
    let object = body.as_object_mut().unwrap();
    for change in changes {
        match change {
            Change::Setting(at) => {
                let settings = kind.settings();
                let (key, value) = &settings[at.index(settings.len())];
                object.insert((*key).to_owned(), value.clone());
            }
            Change::Broken(at, value) if !object.is_empty() => {
                let key = object.keys().nth(at.index(object.len())).unwrap().clone();
                object.insert(key, value.clone());
            }
            Change::Missing(at) if !object.is_empty() => {
                let key = object.keys().nth(at.index(object.len())).unwrap().clone();
                object.remove(&key);
            }
            Change::Broken(..) | Change::Missing(_) => {}
            Change::Added(name, value) => drop(object.insert(name.clone(), value.clone())),
        }
    }
    body
}

/// The body as a form; `png` and `wav` are such files.
pub(crate) fn form(body: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in body.as_object().unwrap() {
        let (file, bytes) = match value.as_str() {
            Some("png") => ("; filename=\"a.png\"", b"\x89PNG\r\n\x1a\n".to_vec()),
            Some("wav") => ("; filename=\"a.wav\"", b"RIFF....WAVE".to_vec()),
            Some(text) => ("", text.as_bytes().to_vec()),
            None => ("", value.to_string().into_bytes()),
        };
        out.extend(
            format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes(),
        );
        out.extend(bytes);
        out.extend(b"\r\n");
    }
    out.extend(b"--b--\r\n");
    out
}
