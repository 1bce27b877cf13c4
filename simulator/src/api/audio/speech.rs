//! `audio/speech`: a valid file of silence, as long as the text would take.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::api::call::{Call, Delivery, Document, Ground, Plan};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::payload::text;
use crate::api::usage::Usage;
use crate::catalogue::Model;
use crate::content::{SoundFormat, silence};
use crate::wire::ApiError;

const FIELDS: &[&str] =
    &["input", "instructions", "model", "response_format", "speed", "stream_format", "voice"];
const VOICES: &[&str] = &[
    "alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse",
    "marin", "cedar",
];
/// The longest text, in characters.
const MOST_CHARS: usize = 4_096;
/// How fast English is read aloud, about: 150 words a minute.
const CHARS_PER_SECOND: f64 = 15.0;

/// A request to read a text aloud.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::api) struct Speech {
    input: String,
    format: SoundFormat,
    speed: f64,
}

pub(in crate::api) fn read(fields: Fields<'_>) -> Parsed<Speech> {
    fields.only_known(FIELDS)?;
    let input = match fields.get("input") {
        None => return Err(fields::missing("input")),
        Some(Value::String(input)) => input.clone(),
        Some(other) => return Err(fields::wrong_type("input", "a string", other)),
    };
    let length = input.chars().count();
    let bound = if length == 0 {
        Some(("too short", "minimum length 1", "string_below_min_length"))
    } else if MOST_CHARS < length {
        Some(("too long", "maximum length 4096", "string_above_max_length"))
    } else {
        None
    };
    if let Some((problem, expected, code)) = bound {
        let message = format!(
            "Invalid 'input': string {problem}. Expected a string with {expected}, but got a string with length {length} instead."
        );
        return Err(ApiError::invalid_request(message, Some("input"), Some(code)));
    }
    if fields.get("voice").is_none() {
        return Err(fields::missing("voice"));
    }
    let voices: Vec<_> = VOICES.iter().map(|voice| (*voice, ())).collect();
    text::choice(fields, "voice", &voices)?;
    // The service has more formats; here is nothing that makes them.
    let formats = [("mp3", SoundFormat::Mp3), ("wav", SoundFormat::Wav), ("pcm", SoundFormat::Pcm)];
    let format = text::choice(fields, "response_format", &formats)?.unwrap_or(SoundFormat::Mp3);
    text::choice(fields, "stream_format", &[("audio", ())])?;
    let speed = fields.decimal("speed", 0.25, 4.0)?.unwrap_or(1.0);
    Ok(Speech { input, format, speed })
}

impl Speech {
    fn length(&self) -> Duration {
        let seconds = self.input.chars().count() as f64 / CHARS_PER_SECOND / self.speed;
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

impl Call for Speech {
    fn prompt_tokens(&self, model: &Model) -> u64 {
        model.encoding.count(&self.input) as u64
    }

    fn check_context(&self, _prompt_tokens: u64, _model: &Model) -> Parsed<()> {
        Ok(())
    }

    fn max_tokens(&self) -> Option<u64> {
        None
    }

    fn answer_bytes(&self, _model: &Model) -> u64 {
        self.format.bytes(self.length())
    }

    fn plan(&self, ground: Ground<'_>) -> Plan {
        let content_type = match self.format {
            SoundFormat::Mp3 => "audio/mpeg",
            SoundFormat::Wav => "audio/wav",
            SoundFormat::Pcm => "audio/pcm",
        };
        let body = Bytes::from(silence(self.format, self.length()));
        Plan {
            usage: Usage { prompt_tokens: ground.prompt_tokens, ..Usage::default() },
            inputs: 1,
            file_bytes: 0,
            reasoning_tokens: 0,
            choices: Vec::new(),
            delivery: Delivery::Whole(Document { content_type, body }),
            keep: None,
        }
    }
}
