//! `images/generations` and `images/edits`: small valid PNGs (specification, section
//! 2.7).

mod read;
mod size;
mod whole;

pub(super) use read::{read_edit, read_generation};

use rand::Rng as _;

use super::call::{Call, Delivery, Document, Ground, Plan};
use super::fields::Parsed;
use super::usage::Usage;
use crate::catalogue::{ImageFamily, Model};
use crate::content::picture;
use crate::wire::ApiError;
use size::{Quality, Size};

/// A request for pictures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Images {
    family: ImageFamily,
    prompt: String,
    n: u64,
    size: Size,
    quality: Quality,
    transparent: bool,
    /// DALL-E only: a link instead of the picture itself.
    as_url: bool,
    /// Tokens of the pictures that are edited.
    image_tokens: u64,
}

impl Call for Images {
    fn prompt_tokens(&self, model: &Model) -> u64 {
        model.encoding.count(&self.prompt) as u64 + self.image_tokens
    }

    fn prompt_texts(&self) -> Vec<&str> {
        vec![&self.prompt]
    }

    fn check_context(&self, _prompt_tokens: u64, _model: &Model) -> Parsed<()> {
        let most = self.family.most_prompt_chars();
        let length = self.prompt.chars().count();
        if length <= most {
            return Ok(());
        }
        let message = format!(
            "Invalid 'prompt': string too long. Expected a string with maximum length {most}, but got a string with length {length} instead."
        );
        Err(ApiError::invalid_request(message, Some("prompt"), Some("string_above_max_length")))
    }

    fn max_tokens(&self) -> Option<u64> {
        None
    }

    fn answer_bytes(&self, _model: &Model) -> u64 {
        let pixels = u64::from(self.size.width) * u64::from(self.size.height);
        // A link is short; a file is, too, but each of its pixels is drawn.
        if self.as_url { 0 } else { pixels.saturating_mul(self.n) }
    }

    fn plan(&self, mut ground: Ground<'_>) -> Plan {
        let (width, height) = (self.size.width, self.size.height);
        let pictures: Vec<whole::Picture> = (0..self.n)
            .map(|_| {
                // A picture is drawn from a number, so that a link to it can be too.
                let seed = ground.rng.next_u64();
                let link = self.as_url.then(|| whole::link(ground.origin, seed, self.size));
                let file = match &link {
                    Some(_) => Vec::new(),
                    None => picture(width, height, self.transparent, seed),
                };
                whole::Picture { file, link }
            })
            .collect();
        let each = match self.family {
            ImageFamily::Gpt => self.size.tokens(self.quality),
            ImageFamily::DallE2 | ImageFamily::DallE3 => 0,
        };
        let usage = Usage {
            prompt_tokens: ground.prompt_tokens,
            completion_tokens: each.saturating_mul(self.n),
            ..Usage::default()
        };
        let body = whole::body(self, &ground, &pictures, usage);
        Plan {
            usage,
            inputs: self.n,
            file_bytes: 0,
            reasoning_tokens: 0,
            choices: Vec::new(),
            delivery: Delivery::Whole(Document::json(body)),
            keep: None,
        }
    }
}
