//! What images and sounds cost.

use serde_json::{Map, Value};
use tokens::{Detail, ImageSize, audio_tokens};

use crate::catalogue::Model;

/// Prompt tokens of an `input_image`, `input_audio` or other part.
pub(super) fn tokens(part: &Map<String, Value>, model: &Model) -> u64 {
    let text = |key: &str| part.get(key).and_then(Value::as_str);
    match text("type") {
        Some("input_image") => {
            let detail = match text("detail") {
                Some("low") => Detail::Low,
                Some("high") => Detail::High,
                _ => Detail::Auto,
            };
            // Neither files nor URLs are fetched.
            let size = text("image_url").and_then(ImageSize::of_url);
            model.images.tokens(size.unwrap_or(model.url_image), detail) as u64
        }
        Some("input_audio") => {
            let data = part.get("input_audio").and_then(|sound| sound.get("data"));
            data.and_then(Value::as_str).map_or(0, |data| audio_tokens(data) as u64)
        }
        _ => 0,
    }
}
