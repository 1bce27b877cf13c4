//! Which kinds of answers a deployment gives, and the size of images it cannot see.

use std::ops::Range;

use seam::diagnostic::{Diagnostic, Source};
use serde_spanned::Spanned;
use tokens::ImageSize;

use super::model::AnswerForms;
use super::raw::Deployment;

/// The size assumed of an image behind a URL.
pub(crate) const URL_IMAGE: ImageSize = ImageSize { width: 1_024, height: 1_024 };
const MOST_PIXELS: u32 = 65_535;

/// The kinds of answers.
pub(super) fn check(
    source: &Source,
    raw: &Deployment,
    problems: &mut Vec<Diagnostic>,
) -> AnswerForms {
    let mut probability = |raw: Option<&Spanned<f64>>, key: &str, default: f64| {
        let Some(raw) = raw else { return default };
        let value = *raw.get_ref();
        if !(0.0..=1.0).contains(&value) {
            problems.push(
                Diagnostic::error(source, raw.span(), format!("`{key}` is outside 0 to 1"))
                    .label(format!("found {value}"))
                    .help("write a probability: 0.25 is one in four"),
            );
        }
        value
    };
    AnswerForms {
        tool_calls: raw.tool_calls.as_ref().map(|raw| *raw.get_ref()).unwrap_or_default(),
        parallel_call_probability: probability(
            raw.parallel_call_probability.as_ref(),
            "parallel_call_probability",
            0.2,
        ),
        refusal_probability: probability(
            raw.refusal_probability.as_ref(),
            "refusal_probability",
            0.0,
        ),
    }
}

/// `url_image_size`.
pub(super) fn url_image(
    source: &Source,
    raw: Option<&Spanned<String>>,
    problems: &mut Vec<Diagnostic>,
) -> ImageSize {
    let Some(raw) = raw else { return URL_IMAGE };
    let side = |text: &str| {
        text.trim().parse::<u32>().ok().filter(|side| (1..=MOST_PIXELS).contains(side))
    };
    let size = raw
        .get_ref()
        .split_once('x')
        .and_then(|(width, height)| Some(ImageSize { width: side(width)?, height: side(height)? }));
    size.unwrap_or_else(|| {
        problems.push(not_a_size(source, raw.span(), raw.get_ref()));
        URL_IMAGE
    })
}

fn not_a_size(source: &Source, span: Range<usize>, text: &str) -> Diagnostic {
    Diagnostic::error(source, span, format!("`{text}` is not an image size"))
        .label(format!("expected WIDTHxHEIGHT, each 1 to {MOST_PIXELS} pixels"))
        .help("an example: \"1024x768\"")
}
