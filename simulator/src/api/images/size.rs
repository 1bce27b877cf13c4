//! Sizes and qualities, and what a picture of each costs.

use tokens::ImageSize;

use crate::api::fields::{Fields, Parsed};
use crate::api::payload::text;
use crate::catalogue::ImageFamily;

/// A picture's size, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub width: u32,
    pub height: u32,
}

/// How well a picture is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quality {
    Low,
    Medium,
    High,
    /// DALL-E 3.
    Standard,
    Hd,
}

impl Quality {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Standard => "standard",
            Self::Hd => "hd",
        }
    }
}

const fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

const SQUARE: Size = size(1024, 1024);

impl Size {
    /// The stated size, or the family's default.
    pub(super) fn read(fields: Fields<'_>, family: ImageFamily) -> Parsed<Self> {
        let choices: &[(&str, Size)] = match family {
            // `auto` lets the model choose: the square here.
            ImageFamily::Gpt => &[
                ("1024x1024", SQUARE),
                ("1024x1536", size(1024, 1536)),
                ("1536x1024", size(1536, 1024)),
                ("auto", SQUARE),
            ],
            ImageFamily::DallE3 => &[
                ("1024x1024", SQUARE),
                ("1024x1792", size(1024, 1792)),
                ("1792x1024", size(1792, 1024)),
            ],
            ImageFamily::DallE2 => {
                &[("256x256", size(256, 256)), ("512x512", size(512, 512)), ("1024x1024", SQUARE)]
            }
        };
        Ok(text::choice(fields, "size", choices)?.unwrap_or(SQUARE))
    }

    /// Output tokens of one picture by gpt-image-1: for the square those of
    /// specification section 2.7, for the others those of OpenAI's image guide.
    pub(super) fn tokens(self, quality: Quality) -> u64 {
        let [low, medium, high] = match self.width.cmp(&self.height) {
            std::cmp::Ordering::Equal => [272, 1_056, 4_160],
            std::cmp::Ordering::Less => [408, 1_584, 6_240],
            std::cmp::Ordering::Greater => [400, 1_568, 6_208],
        };
        match quality {
            Quality::Low => low,
            Quality::Medium => medium,
            Quality::High | Quality::Standard | Quality::Hd => high,
        }
    }

    pub(super) fn name(self) -> String {
        format!("{}x{}", self.width, self.height)
    }
}

impl Quality {
    /// The stated quality, or the family's default.
    pub(super) fn read(fields: Fields<'_>, family: ImageFamily) -> Parsed<Self> {
        let choices: &[(&str, Quality)] = match family {
            ImageFamily::Gpt => &[
                ("low", Self::Low),
                ("medium", Self::Medium),
                ("high", Self::High),
                ("auto", Self::High),
            ],
            ImageFamily::DallE3 => &[("standard", Self::Standard), ("hd", Self::Hd)],
            ImageFamily::DallE2 => &[("standard", Self::Standard)],
        };
        let default = choices.last().map_or(Self::Standard, |(_, last)| *last);
        let default = if family == ImageFamily::DallE3 { Self::Standard } else { default };
        Ok(text::choice(fields, "quality", choices)?.unwrap_or(default))
    }
}

/// Input tokens of a picture that is edited: 65 and 129 for each tile of 512 pixels,
/// the short side scaled to 512 (OpenAI's image guide, gpt-image-1).
pub(super) fn input_tokens(size: ImageSize) -> u64 {
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    let long = width.max(height).saturating_mul(512) / width.min(height).max(1);
    65 + 129 * long.div_ceil(512).clamp(1, 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::picture;

    #[test]
    fn pictures_cost_what_the_tables_say() {
        assert_eq!(SQUARE.tokens(Quality::Low), 272);
        assert_eq!(SQUARE.tokens(Quality::High), 4_160);
        assert_eq!(size(1024, 1536).tokens(Quality::Medium), 1_584);
        let read = |width, height| ImageSize::read(&picture(width, height, false, 1)).unwrap();
        assert_eq!(input_tokens(read(512, 512)), 65 + 129);
        assert_eq!(input_tokens(read(512, 1024)), 65 + 2 * 129);
    }
}
