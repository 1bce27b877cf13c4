//! What a sound in a chat prompt costs: about 10 tokens a second
//! (specification, section 6.4).

use crate::DataUrl;

/// Tokens of one second.
const TOKENS_PER_SECOND: f64 = 10.0;
/// Bytes of one second when no header tells: MP3 at 128 kbit/s.
const BYTES_PER_SECOND: u32 = 16_000;

/// Tokens of an `input_audio` part, whose data is base64 of a WAV or MP3 file.
/// How long the sound lasts is read from the file's header.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a request's size bounds the seconds"
)]
pub fn audio_tokens(data: &str) -> usize {
    let data = DataUrl::parse(data).unwrap_or_else(|| DataUrl::bare(data));
    (audio_seconds(&data.head(), data.bytes()) * TOKENS_PER_SECOND).ceil() as usize
}

/// How long a sound lasts, in seconds: by the rate in the `head` of its file, WAV or
/// MP3, and the file's length in `bytes`. Other files are taken for MP3 of 128 kbit/s.
#[must_use]
pub fn audio_seconds(head: &[u8], bytes: usize) -> f64 {
    let rate = wav_rate(head).or_else(|| mp3_rate(head)).unwrap_or(BYTES_PER_SECOND);
    bytes as f64 / f64::from(rate.max(1))
}

/// Bytes a second, from the `fmt ` chunk of a RIFF file.
fn wav_rate(head: &[u8]) -> Option<u32> {
    if head.get(..4)? != b"RIFF" || head.get(8..12)? != b"WAVE" {
        return None;
    }
    let mut at = 12_usize;
    loop {
        let length = u32::from_le_bytes(head.get(at + 4..at + 8)?.try_into().ok()?);
        if head.get(at..at + 4)? == b"fmt " {
            return Some(u32::from_le_bytes(head.get(at + 16..at + 20)?.try_into().ok()?));
        }
        // Chunks are padded to even lengths.
        at = at.checked_add(8 + usize::try_from(length).ok()?.div_ceil(2) * 2)?;
    }
}

/// Bytes a second, from the first frame's header of an MPEG 1 or 2 layer 3 file.
fn mp3_rate(head: &[u8]) -> Option<u32> {
    const V1: [u32; 16] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
    const V2: [u32; 16] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];
    let start = match head.get(..10) {
        Some(tag) if tag.starts_with(b"ID3") => {
            let size =
                tag.get(6..10)?.iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f));
            10 + size
        }
        _ => 0,
    };
    let frame = head.get(start..start + 4)?;
    let &[0xff, version, rate, _] = frame else { return None };
    let layer_3 = version & 0b1110_0110 == 0b1110_0010;
    let table = if version & 0b0000_1000 == 0 { V2 } else { V1 };
    let kilobits = table.get(usize::from(rate >> 4)).copied().filter(|rate| 0 < *rate)?;
    layer_3.then_some(kilobits * 125)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn wav(bytes_per_second: u32, bytes: usize) -> String {
        let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x01\0".to_vec();
        file.extend(24_000_u32.to_le_bytes());
        file.extend(bytes_per_second.to_le_bytes());
        file.extend([2, 0, 16, 0]);
        file.extend(b"data\0\0\0\0");
        file.resize(bytes, 0);
        STANDARD.encode(file)
    }

    #[test]
    fn ten_tokens_a_second() {
        assert_eq!(audio_tokens(&wav(48_000, 96_000)), 20);
        assert_eq!(audio_tokens(&wav(48_000, 177_600)), 37);
        let mp3 = [&[0xff, 0xfb, 0x90, 0x64][..], &[0; 31_996]].concat();
        assert_eq!(audio_tokens(&STANDARD.encode(&mp3)), 20);
        let tagged = [b"ID3\x04\0\0\0\0\0\x02zz", &mp3[..]].concat();
        assert_eq!(audio_tokens(&STANDARD.encode(tagged)), 21);
        // No header that we know: as MP3 of the usual rate.
        assert_eq!(audio_tokens(&STANDARD.encode([7; 16_000])), 10);
        assert_eq!(audio_tokens(""), 0);
        assert_eq!(audio_tokens("***"), 1, "two bytes, by length");
        // A rate of zero and a chunk without end are no trap.
        assert!(0 < audio_tokens(&wav(0, 100)));
        let endless = STANDARD.encode(b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\xff");
        assert_eq!(audio_tokens(&endless), 1);
    }
}
