//! Sounds: files of a given length to answer with.
//!
//! They are silence in a valid file. WAV and PCM are samples of 24 kHz, 16 bits,
//! one channel, as the service sends them; MP3 is made of frames without any signal.

use std::time::Duration;

/// Samples a second of everything that is made here.
pub(crate) const SAMPLE_RATE: u32 = 24_000;

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
const SAMPLES_PER_FRAME: u32 = 576;

/// Kinds of files that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SoundFormat {
    Mp3,
    Wav,
    /// Samples without a header.
    Pcm,
}

impl SoundFormat {
    /// About how long a file is.
    pub(crate) fn bytes(self, length: Duration) -> u64 {
        let samples = samples(length) as u64;
        match self {
            Self::Pcm | Self::Wav => samples * 2,
            Self::Mp3 => samples * MP3_FRAME.len() as u64 / u64::from(SAMPLES_PER_FRAME),
        }
    }
}

fn samples(length: Duration) -> usize {
    count(length.as_secs_f64() * f64::from(SAMPLE_RATE))
}

/// A silent file of this length.
pub(crate) fn silence(format: SoundFormat, length: Duration) -> Vec<u8> {
    let samples = samples(length);
    match format {
        SoundFormat::Pcm => vec![0; samples * 2],
        SoundFormat::Wav => {
            let mut file = wav_header(samples);
            file.resize(file.len() + samples * 2, 0);
            file
        }
        SoundFormat::Mp3 => {
            let frames = count(samples as f64 / f64::from(SAMPLES_PER_FRAME)).max(1);
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

#[cfg(test)]
mod tests {
    use tokens::audio_seconds;

    use super::*;

    #[test]
    fn files_have_the_length_they_are_given() {
        let second = Duration::from_secs(1);
        let wav = silence(SoundFormat::Wav, second);
        assert_eq!(wav.len(), 44 + 48_000);
        assert!((audio_seconds(&wav, wav.len()) - 1.0).abs() < 0.01);
        assert_eq!(silence(SoundFormat::Pcm, second).len(), 48_000);
        let mp3 = silence(SoundFormat::Mp3, second);
        // 24,000 / 576 frames, rounded up.
        assert_eq!(mp3.len(), 42 * 192);
        assert!(mp3.chunks(192).all(|frame| frame.starts_with(&[0xff, 0xf3])));
        assert!((audio_seconds(&mp3, mp3.len()) - 1.0).abs() < 0.03);
    }
}
