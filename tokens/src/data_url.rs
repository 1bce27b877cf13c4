//! `data:` URLs, in which requests carry images and sounds.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Base64 as clients write it: with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Base64 characters that are decoded to look for a header: 192 KiB of data, more
/// than the metadata before a photograph's size takes.
const HEAD_CHARS: usize = 256 << 10;

/// A `data:` URL with base64 content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataUrl<'a> {
    /// `image/png`; empty when the URL names none.
    pub media_type: &'a str,
    base64: &'a str,
}

impl<'a> DataUrl<'a> {
    /// Reads a URL; `None` when it is no `data:` URL with base64 content.
    #[must_use]
    pub fn parse(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let (head, base64) = rest.split_once(',')?;
        let media = head.strip_suffix(";base64")?;
        let media_type = media.split_once(';').map_or(media, |(media_type, _)| media_type);
        scheme.eq_ignore_ascii_case("data").then_some(Self { media_type, base64 })
    }

    /// Base64 content without a URL around it.
    #[must_use]
    pub fn bare(base64: &'a str) -> Self {
        Self { media_type: "", base64 }
    }

    /// The first bytes, enough for the header of an image or a sound. Ends
    /// before the first character that is no base64.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let text = self.base64.as_bytes();
        let clean = text
            .iter()
            .take(HEAD_CHARS)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
            .count();
        let mut head = text.get(..clean).unwrap_or_default();
        // A single character left over decodes to nothing.
        if head.len() % 4 == 1 {
            head = head.get(..head.len() - 1).unwrap_or_default();
        }
        LENIENT.decode(head).unwrap_or_else(|_| {
            // Bits left over in a cut group: decode the whole groups.
            LENIENT.decode(head.get(..head.len() / 4 * 4).unwrap_or_default()).unwrap_or_default()
        })
    }

    /// How many bytes the content is, by the length of its base64.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.base64.trim_end_matches('=').len() * 3 / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_base64_and_nothing_else() {
        let url = DataUrl::parse("data:image/png;base64,aGVsbG8=").unwrap();
        assert_eq!((url.media_type, url.bytes()), ("image/png", 5));
        assert_eq!(url.head(), b"hello");
        let url = DataUrl::parse("DATA:image/png;charset=x;base64,aGVsbG8").unwrap();
        assert_eq!((url.media_type, url.head()), ("image/png", b"hello".to_vec()));
        assert_eq!(DataUrl::bare("aGVs*bG8").head(), b"hel");
        assert_eq!(DataUrl::bare("aGVsb").head(), b"hel");
        for other in ["https://example.com/a.png", "data:text/plain,hello", "", "data:,"] {
            assert_eq!(DataUrl::parse(other), None, "{other}");
        }
    }
}
