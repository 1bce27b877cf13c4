//! The bodies of pictures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Images;
use super::size::Size;
use crate::api::call::Ground;
use crate::api::object::Object;
use crate::api::usage::Usage;
use crate::catalogue::ImageFamily;
use crate::config::Layout;

/// One picture: a file, or where it is.
pub(super) struct Picture {
    pub file: Vec<u8>,
    pub link: Option<String>,
}

/// Where the simulator shows the picture of a number.
pub(super) fn link(origin: &str, number: u64, size: Size) -> String {
    format!("{origin}/++/images/{number:016x}-{}.png", size.name())
}

/// Filters that let everything pass, as DALL-E's answers on Azure state them.
const FILTERS: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
/// Those of the prompt: no severity for profanity.
const PROMPT_FILTERS: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"profanity":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;

pub(super) fn body(
    request: &Images,
    ground: &Ground<'_>,
    pictures: &[Picture],
    usage: Usage,
) -> String {
    let layout = ground.deployment.wire_profile.layout();
    let data: Vec<String> = pictures.iter().map(|own| item(request, own, layout)).collect();
    let data = format!("[{}]", data.join(","));
    let object = Object::new().number("created", ground.created);
    let object = match request.family {
        ImageFamily::Gpt => {
            let details = Object::new()
                .number("image_tokens", request.image_tokens)
                .number("text_tokens", usage.prompt_tokens.saturating_sub(request.image_tokens));
            let usage = Object::new()
                .number("input_tokens", usage.prompt_tokens)
                .raw("input_tokens_details", details.write(layout))
                .number("output_tokens", usage.completion_tokens)
                .number(
                    "total_tokens",
                    usage.prompt_tokens.saturating_add(usage.completion_tokens),
                );
            let background = if request.transparent { "transparent" } else { "opaque" };
            object
                .text("background", background)
                .raw("data", data)
                .text("output_format", "png")
                .text("quality", request.quality.name())
                .text("size", &request.size.name())
                .raw("usage", usage.write(layout))
        }
        ImageFamily::DallE2 | ImageFamily::DallE3 => object.raw("data", data),
    };
    let mut text = object.write(layout);
    text.push('\n');
    text
}

fn item(request: &Images, picture: &Picture, layout: Layout) -> String {
    let object = match &picture.link {
        Some(link) => Object::new().text("url", link),
        None => Object::new().text("b64_json", &STANDARD.encode(&picture.file)),
    };
    let azure = layout != Layout::OpenAi && request.family != ImageFamily::Gpt;
    object
        .when(request.family == ImageFamily::DallE3, |object| {
            object.text("revised_prompt", &request.prompt)
        })
        .when(azure, |object| {
            object
                .raw("content_filter_results", FILTERS)
                .raw("prompt_filter_results", PROMPT_FILTERS)
        })
        .write(layout)
}
