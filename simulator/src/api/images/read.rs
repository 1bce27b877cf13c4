//! Requests for pictures, read strictly.

use tokens::ImageSize;

use super::Images;
use super::size::{Quality, Size, input_tokens};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::payload::{Payload, text};
use crate::catalogue::{ImageFamily, Kind, Model};
use crate::wire::ApiError;

const COMMON: &[&str] = &["model", "n", "prompt", "quality", "response_format", "size", "user"];
const GPT: &[&str] = &[
    "background",
    "input_fidelity",
    "moderation",
    "output_compression",
    "output_format",
    "partial_images",
    "stream",
];
const MOST_PICTURES: u64 = 10;
/// Most pictures one edit may start from.
const MOST_SOURCES: usize = 16;
/// Largest picture that may be edited, in bytes.
const MOST_SOURCE_BYTES: usize = 50 << 20;

fn family(model: &Model) -> ImageFamily {
    match model.facts.kind {
        Kind::Images(family) => family,
        _ => ImageFamily::Gpt,
    }
}

pub(in crate::api) fn read_generation(payload: &Payload, model: &Model) -> Parsed<Images> {
    read(Fields(&payload.fields), family(model), 0)
}

pub(in crate::api) fn read_edit(payload: &Payload, model: &Model) -> Parsed<Images> {
    let family = family(model);
    if family == ImageFamily::DallE3 {
        let message = "Invalid value: 'dall-e-3'. Value must be 'dall-e-2' or 'gpt-image-1'.";
        return Err(ApiError::invalid_request(message, Some("model"), Some("invalid_value")));
    }
    let sources: Vec<_> = payload.files_of("image").collect();
    if sources.is_empty() {
        return Err(fields::missing("image"));
    }
    let most = if family == ImageFamily::Gpt { MOST_SOURCES } else { 1 };
    fields::at_most("image", sources.len(), most)?;
    let mut tokens = 0;
    for file in sources.iter().copied().chain(payload.file("mask")) {
        let Some(size) = ImageSize::read(&file.bytes) else {
            let message = format!(
                "Invalid image file or mode for `{}`, please check your image file.",
                file.field
            );
            return Err(ApiError::invalid_request(message, None, Some("invalid_image_file")));
        };
        if MOST_SOURCE_BYTES < file.bytes.len() {
            let message = "Image file too large. Maximum file size is 50MB.";
            return Err(ApiError::invalid_request(message, Some(&file.field), None));
        }
        if family == ImageFamily::Gpt && file.field != "mask" {
            tokens += input_tokens(size);
        }
    }
    read(Fields(&payload.fields), family, tokens)
}

fn read(fields: Fields<'_>, family: ImageFamily, image_tokens: u64) -> Parsed<Images> {
    let mut known = COMMON.to_vec();
    match family {
        ImageFamily::Gpt => known.extend(GPT),
        ImageFamily::DallE3 => known.push("style"),
        ImageFamily::DallE2 => {}
    }
    fields.only_known(&known)?;
    let prompt = match fields.get("prompt") {
        None => return Err(fields::missing("prompt")),
        Some(serde_json::Value::String(prompt)) => prompt.clone(),
        Some(other) => return Err(fields::wrong_type("prompt", "a string", other)),
    };
    let most = if family == ImageFamily::DallE3 { 1 } else { MOST_PICTURES };
    let n = text::whole(fields, "n", 1, most)?.unwrap_or(1);
    if family == ImageFamily::Gpt && fields.get("response_format").is_some() {
        let message = "Unknown parameter: 'response_format'.";
        let (param, code) = (Some("response_format"), Some("unknown_parameter"));
        return Err(ApiError::invalid_request(message, param, code));
    }
    let formats = [("url", true), ("b64_json", false)];
    let as_url = text::choice(fields, "response_format", &formats)?;
    let as_url = family != ImageFamily::Gpt && as_url.unwrap_or(true);
    text::choice(fields, "style", &[("vivid", ()), ("natural", ())])?;
    text::choice(fields, "moderation", &[("auto", ()), ("low", ())])?;
    text::choice(fields, "input_fidelity", &[("low", ()), ("high", ())])?;
    // Other formats exist at the service; here is none that makes them.
    text::choice(fields, "output_format", &[("png", ())])?;
    text::whole(fields, "output_compression", 0, 100)?;
    if text::boolean(fields, "stream")? {
        let message = "Unsupported value: 'stream' does not support true with this model.";
        return Err(ApiError::invalid_request(message, Some("stream"), Some("unsupported_value")));
    }
    let backgrounds = [("transparent", true), ("opaque", false), ("auto", false)];
    let transparent = text::choice(fields, "background", &backgrounds)?.unwrap_or(false);
    let (size, quality) = (Size::read(fields, family)?, Quality::read(fields, family)?);
    Ok(Images { family, prompt, n, size, quality, transparent, as_url, image_tokens })
}
