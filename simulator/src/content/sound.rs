//! Sounds: how long an uploaded one is, and files of a given length to answer with.
//!
//! Answers are silence in a valid file. WAV and PCM are samples of 24 kHz, 16 bits,
//! one channel, as the service sends them; MP3 is made of frames without any signal.

use std::time::Duration;

/// Samples a second of everything that is made here.
pub(crate) const SAMPLE_RATE: u32 = 24_000;

/// Bytes a second of what has no readable header: 128 kbit/s, usual for MP3.
const GUESSED_BYTES_PER_SECOND: f64 = 16_000.0;

/// One MPEG-2 Layer III frame of 576 silent samples: 64 kbit/s, 24 kHz, mono. With
/// all side information zero nothing is decoded (ISO/IEC 13818-3, 2.4.1).
const MP3_FRAME: [u8; 192] = {
    let mut frame = [0; 192];
    frame[0] = 0xff;
    frame[1] = 0xf3;
    frame[2] = 0x84;
    frame[3] = 0xc4;
    frame
};
const SAMPLES_PER_FRAME: f64 = 576.0;

/// Kinds of files that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SoundFormat {
    Mp3,
    Wav,
    /// Samples without a header.
    Pcm,
}

/// A silent file of this length.
pub(crate) fn silence(format: SoundFormat, length: Duration) -> Vec<u8> {
    let samples = count(length.as_secs_f64() * f64::from(SAMPLE_RATE));
    match format {
        SoundFormat::Pcm => vec![0; samples * 2],
        SoundFormat::Wav => {
            let mut file = wav_header(samples);
            file.resize(file.len() + samples * 2, 0);
            file
        }
        SoundFormat::Mp3 => {
            let frames = count(samples as f64 / SAMPLES_PER_FRAME).max(1);
            MP3_FRAME.repeat(frames)
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an hour of samples is far below 2^32"
)]
fn count(value: f64) -> usize {
    value.ceil().clamp(0.0, 1e8) as usize
}

fn wav_header(samples: usize) -> Vec<u8> {
    let data = u32::try_from(samples * 2).unwrap_or(u32::MAX);
    let mut header = Vec::with_capacity(44 + samples * 2);
    header.extend(b"RIFF");
    header.extend(data.saturating_add(36).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend(1_u16.to_le_bytes()); // PCM
    header.extend(1_u16.to_le_bytes()); // one channel
    header.extend(SAMPLE_RATE.to_le_bytes());
    header.extend((SAMPLE_RATE * 2).to_le_bytes());
    header.extend(2_u16.to_le_bytes()); // bytes a frame
    header.extend(16_u16.to_le_bytes()); // bits a sample
    header.extend(b"data");
    header.extend(data.to_le_bytes());
    header
}

/// How long a sound takes: by the header of a WAV file, else guessed from its size.
pub(crate) fn length(file: &[u8]) -> Duration {
    let seconds = wav_seconds(file).unwrap_or(file.len() as f64 / GUESSED_BYTES_PER_SECOND);
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Walks the chunks of a RIFF file for its byte rate and the size of its data.
fn wav_seconds(file: &[u8]) -> Option<f64> {
    if file.get(..4)? != b"RIFF" || file.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut at, mut rate) = (12_usize, None);
    loop {
        let name = file.get(at..at.checked_add(4)?)?;
        let size = u32_at(file, at.checked_add(4)?)?;
        let body = at.checked_add(8)?;
        match name {
            b"fmt " => rate = Some(u32_at(file, body.checked_add(8)?)?).filter(|rate| 0 < *rate),
            b"data" => {
                // A stream's header may claim more than there is.
                let there = file.len().saturating_sub(body);
                let bytes = usize::try_from(size).ok()?.min(there);
                return Some(bytes as f64 / f64::from(rate?));
            }
            _ => {}
        }
        // Chunks begin at even places.
        at = body.checked_add(usize::try_from(size).ok()?)?.checked_add((size % 2) as usize)?;
    }
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    let bytes = file.get(at..at.checked_add(4)?)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_have_the_length_they_are_given() {
        let second = Duration::from_secs(1);
        let wav = silence(SoundFormat::Wav, second);
        assert_eq!((wav.len(), length(&wav)), (44 + 48_000, second));
        assert_eq!(silence(SoundFormat::Pcm, second).len(), 48_000);
        let mp3 = silence(SoundFormat::Mp3, second);
        // 24,000 / 576 frames, rounded up.
        assert_eq!(mp3.len(), 42 * 192);
        assert!(mp3.chunks(192).all(|frame| frame.starts_with(&[0xff, 0xf3])));
    }

    #[test]
    fn a_file_without_a_known_header_is_guessed() {
        assert_eq!(length(&[0; 16_000]), Duration::from_secs(1));
        let mut other = silence(SoundFormat::Wav, Duration::from_secs(2));
        other.splice(36..36, *b"LIST\x03\0\0\0abc\0");
        assert_eq!(length(&other), Duration::from_secs(2), "chunks are walked");
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(tail in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
            file.extend(tail);
            let _ = length(&file);
        }
    }
}
