//! Images and sounds among a message's content parts: what they cost.

use serde_json::Value;
use tokens::{Detail, ImageSize, audio_tokens};

use crate::api::fields::{self, Parsed};
use crate::catalogue::Model;
use crate::wire::ApiError;

/// Images of one request (specification, section 1.5).
pub(super) const MOST_IMAGES: usize = 50;

/// Models that see no images.
const BLIND: &[&str] =
    &["gpt-35-turbo", "gpt-35-turbo-16k", "gpt-4", "gpt-4-32k", "o1-mini", "o3-mini"];

/// Tokens of an `image_url` part.
pub(super) fn image(path: &str, part: &Value, model: &Model) -> Parsed<u64> {
    if BLIND.contains(&model.facts.name) {
        let message = "Invalid content type. image_url is only supported by certain models.";
        return Err(ApiError::invalid_request(message, Some(&format!("{path}.type")), None));
    }
    let image_path = format!("{path}.image_url");
    let image = match part.get("image_url") {
        None | Some(Value::Null) => return Err(fields::missing(&image_path)),
        Some(Value::Object(image)) => image,
        Some(other) => return Err(fields::wrong_type(&image_path, "an object", other)),
    };
    let url_path = format!("{image_path}.url");
    let url = match image.get("url") {
        None | Some(Value::Null) => return Err(fields::missing(&url_path)),
        Some(Value::String(url)) => url,
        Some(other) => return Err(fields::wrong_type(&url_path, "a string", other)),
    };
    let detail = match image.get("detail").filter(|detail| !detail.is_null()) {
        None => Detail::Auto,
        Some(Value::String(detail)) => match detail.as_str() {
            "auto" => Detail::Auto,
            "low" => Detail::Low,
            "high" => Detail::High,
            other => {
                let supported = "'low', 'high', and 'auto'";
                return Err(fields::not_supported(
                    &format!("{image_path}.detail"),
                    other,
                    supported,
                ));
            }
        },
        Some(other) => {
            return Err(fields::wrong_type(&format!("{image_path}.detail"), "a string", other));
        }
    };
    // A URL is not fetched, and some formats have no header that we read.
    let size = ImageSize::of_url(url).unwrap_or(model.url_image);
    Ok(model.images.tokens(size, detail) as u64)
}

/// Tokens of an `input_audio` part.
pub(super) fn sound(path: &str, part: &Value) -> Parsed<u64> {
    let path = format!("{path}.input_audio");
    let sound = match part.get("input_audio") {
        None | Some(Value::Null) => return Err(fields::missing(&path)),
        Some(Value::Object(sound)) => sound,
        Some(other) => return Err(fields::wrong_type(&path, "an object", other)),
    };
    match sound.get("data") {
        None | Some(Value::Null) => Err(fields::missing(&format!("{path}.data"))),
        Some(Value::String(data)) => Ok(audio_tokens(data) as u64),
        Some(other) => Err(fields::wrong_type(&format!("{path}.data"), "a string", other)),
    }
}

/// The complaint about too many images.
pub(super) fn check_count(images: usize) -> Parsed<()> {
    if images <= MOST_IMAGES {
        return Ok(());
    }
    // The limit is documented, the text is ours.
    let message = format!(
        "Too many images in request. At most {MOST_IMAGES} images are allowed, but got {images}."
    );
    Err(ApiError::invalid_request(message, Some("messages"), Some("invalid_value")))
}
