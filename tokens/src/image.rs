//! What an image in a prompt costs (specification, section 6.3).
//!
//! Two schemes: *tiles* of 512 pixels over the image fitted into a square, and
//! *patches* of 32 pixels with a factor. The numbers are those of OpenAI's vision
//! guide; the ones that recordings show are tests.

use crate::DataUrl;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// `detail` of an image part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// The base cost alone.
    Low,
    /// All tiles.
    High,
    /// The service's choice, which recordings show to be high.
    #[default]
    Auto,
}

/// How a model counts images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ImageRule {
    /// `base` and `tile` tokens for each tile.
    Tiles {
        /// Tokens of any image.
        base: usize,
        /// Tokens of a tile.
        tile: usize,
    },
    /// `factor` tokens for each patch. The detail makes no difference.
    Patches {
        /// Tokens of a patch.
        factor: f64,
    },
}

/// Model families by the start of their name; longer names first.
const FAMILIES: &[(&str, ImageRule)] = &[
    ("gpt-4o-mini", ImageRule::Tiles { base: 2_833, tile: 5_667 }),
    ("gpt-4.1-mini", ImageRule::Patches { factor: 1.62 }),
    ("gpt-4.1-nano", ImageRule::Patches { factor: 2.46 }),
    ("gpt-5-mini", ImageRule::Patches { factor: 1.62 }),
    ("gpt-5-nano", ImageRule::Patches { factor: 2.46 }),
    ("gpt-5", ImageRule::Tiles { base: 70, tile: 140 }),
    ("o4-mini", ImageRule::Patches { factor: 1.72 }),
    ("o1", ImageRule::Tiles { base: 75, tile: 150 }),
    ("o3", ImageRule::Tiles { base: 75, tile: 150 }),
];

/// gpt-4o, gpt-4.1, gpt-4.5, gpt-4-turbo; also for models nobody knows.
const USUAL: ImageRule = ImageRule::Tiles { base: 85, tile: 170 };

const PATCH: f64 = 32.0;
const MOST_PATCHES: f64 = 1_536.0;

impl ImageRule {
    /// The rule of a model, by its name.
    #[must_use]
    pub fn for_model(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let named = |family: &str| {
            model
                .strip_prefix(family)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
        };
        FAMILIES.iter().find(|(family, _)| named(family)).map_or(USUAL, |&(_, rule)| rule)
    }

    /// The tokens of an image.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "both schemes bound the size before they count"
    )]
    pub fn tokens(self, size: ImageSize, detail: Detail) -> usize {
        let (width, height) = (f64::from(size.width.max(1)), f64::from(size.height.max(1)));
        match self {
            ImageRule::Tiles { base, .. } if detail == Detail::Low => base,
            ImageRule::Tiles { base, tile } => {
                let fit = (2_048.0 / width.max(height)).min(1.0);
                let short = (768.0 / (width.min(height) * fit)).min(1.0);
                // Forgives the last bits of the divisions: 2048 × 768 / 768 is 4 tiles wide.
                let tiles = |side: f64| (side * fit * short / 512.0 - 1e-9).ceil().max(1.0);
                base + tile * (tiles(width) * tiles(height)) as usize
            }
            ImageRule::Patches { factor } => {
                let patches = |scale: f64| {
                    let side = |pixels: f64| (pixels * scale / PATCH - 1e-9).ceil().max(1.0);
                    side(width) * side(height)
                };
                let counted = if patches(1.0) <= MOST_PATCHES {
                    patches(1.0)
                } else {
                    let scale = (PATCH * PATCH * MOST_PATCHES / (width * height)).sqrt();
                    // Shrinks on to whole patches on one side.
                    let whole = |pixels: f64| {
                        let sides = pixels * scale / PATCH;
                        if sides < 1.0 { 1.0 } else { sides.floor() / sides }
                    };
                    patches(scale * whole(width).min(whole(height))).min(MOST_PATCHES)
                };
                (counted * factor).round() as usize
            }
        }
    }
}

impl ImageSize {
    /// The size that an image's own header states: PNG, JPEG, GIF or WebP.
    #[must_use]
    pub fn read(head: &[u8]) -> Option<Self> {
        let size = png(head).or_else(|| gif(head)).or_else(|| webp(head)).or_else(|| jpeg(head))?;
        (0 < size.width && 0 < size.height).then_some(size)
    }

    /// The size of the image in a `data:` URL; `None` for other URLs and formats.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        Self::read(&DataUrl::parse(url)?.head())
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let &[low, middle, high] = bytes.get(at..at + 3)? else { return None };
    Some(u32::from_le_bytes([low, middle, high, 0]))
}

fn png(head: &[u8]) -> Option<ImageSize> {
    let be32 = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    head.starts_with(b"\x89PNG\r\n\x1a\n").then_some(())?;
    Some(ImageSize { width: be32(16)?, height: be32(20)? })
}

fn gif(head: &[u8]) -> Option<ImageSize> {
    (head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a")).then_some(())?;
    Some(ImageSize { width: le16(head, 6)?, height: le16(head, 8)? })
}

fn webp(head: &[u8]) -> Option<ImageSize> {
    (head.starts_with(b"RIFF") && head.get(8..12)? == b"WEBP").then_some(())?;
    match head.get(12..16)? {
        b"VP8 " => {
            Some(ImageSize { width: le16(head, 26)? & 0x3fff, height: le16(head, 28)? & 0x3fff })
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(head.get(21..25)?.try_into().ok()?);
            Some(ImageSize { width: (bits & 0x3fff) + 1, height: (bits >> 14 & 0x3fff) + 1 })
        }
        b"VP8X" => Some(ImageSize { width: le24(head, 24)? + 1, height: le24(head, 27)? + 1 }),
        _ => None,
    }
}

/// The first frame header (SOF) among a JPEG's segments.
fn jpeg(head: &[u8]) -> Option<ImageSize> {
    head.starts_with(b"\xff\xd8").then_some(())?;
    let mut at = 2_usize;
    loop {
        let (mark, marker) = (*head.get(at)?, *head.get(at + 1)?);
        match marker {
            _ if mark != 0xff => return None,
            // Fill bytes and markers without a segment.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            // C4, C8 and CC are tables and extensions.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some(ImageSize { width: be16(head, at + 7)?, height: be16(head, at + 5)? });
            }
            _ => at += 2 + usize::try_from(be16(head, at + 2)?).ok()?,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(model: &str, (width, height): (u32, u32), detail: Detail, expected: usize) {
        let tokens = ImageRule::for_model(model).tokens(ImageSize { width, height }, detail);
        assert_eq!(tokens, expected, "{model} {width}x{height} {detail:?}");
    }

    #[test]
    fn recorded_images_cost_what_was_billed() {
        check("gpt-4o", (100, 100), Detail::Auto, 255);
        check("gpt-4o", (640, 480), Detail::Auto, 425);
        check("gpt-4.1-2025-04-14", (640, 480), Detail::High, 425);
        check("gpt-4o-mini", (1, 1), Detail::Auto, 8_500);
        check("gpt-4o-mini", (640, 480), Detail::Auto, 14_167);
        check("gpt-4.1-nano", (128, 128), Detail::Auto, 39);
        check("o4-mini-2025-04-16", (640, 480), Detail::Auto, 516);
    }

    /// The examples of the vision guide.
    #[test]
    fn documented_examples_hold() {
        check("gpt-4o", (1_024, 1_024), Detail::High, 765);
        check("gpt-4o", (2_048, 4_096), Detail::High, 1_105);
        check("gpt-4o", (4_096, 8_192), Detail::Low, 85);
        check("gpt-5", (1_024, 1_024), Detail::Auto, 630);
        check("o1", (512, 512), Detail::Auto, 225);
        check("gpt-5-mini", (1_024, 1_024), Detail::Auto, 1_659);
        // 1800 x 2400 are 1,452 patches after shrinking.
        check("o4-mini", (1_800, 2_400), Detail::Auto, 2_497);
        check("gpt-4-turbo", (512, 512), Detail::Auto, 255);
    }

    #[test]
    fn headers_state_the_size() {
        let size = |bytes: &[u8]| ImageSize::read(bytes).map(|size| (size.width, size.height));
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x02\0\0\0";
        assert_eq!(size(png), Some((640, 480)));
        assert_eq!(size(b"GIF89a\x80\x02\xe0\x01\xf7"), Some((640, 480)));
        let jpeg =
            b"\xff\xd8\xff\xe0\0\x04JF\xff\xff\xc4\0\x02\xff\xc2\0\x11\x08\x01\xe0\x02\x80\x03";
        assert_eq!(size(jpeg), Some((640, 480)));
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01";
        assert_eq!(size(lossy), Some((640, 480)));
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x7f\xc2\x77\0";
        assert_eq!(size(lossless), Some((640, 480)));
        let extended = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0";
        assert_eq!(size(extended), Some((640, 480)));
        assert_eq!(size(b"GIF89a\0\0\xe0\x01"), None);
        assert_eq!(size(b"BM"), None);
        let url = "data:image/gif;base64,R0lGODlhgALgAQ==";
        assert_eq!(ImageSize::of_url(url), Some(ImageSize { width: 640, height: 480 }));
        assert_eq!(ImageSize::of_url("https://example.com/cat.png"), None);
    }

    proptest! {
        #[test]
        fn any_header_and_any_size_are_harmless(
            kind in 0_usize..6, rest in prop::collection::vec(any::<u8>(), 0..64),
            width: u32, height: u32,
        ) {
            let start: &[u8] = [
                &b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8L", b"RIFF\0\0\0\0WEBPVP8X", b"",
            ][kind];
            let _ = ImageSize::read(&[start, &rest].concat());
            for (_, rule) in FAMILIES {
                let tokens = rule.tokens(ImageSize { width, height }, Detail::High);
                prop_assert!((1..50_000).contains(&tokens), "{rule:?} {tokens}");
            }
        }
    }
}
