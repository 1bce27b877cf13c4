//! A text spread over a sound: segments, words, subtitles.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

/// Tokens of one segment; about four seconds.
const SEGMENT_TOKENS: usize = 10;

/// A stretch of the text, and when it is heard, in seconds.
pub(super) struct Segment {
    pub text: String,
    pub start: f64,
    pub end: f64,
}

/// The text in stretches, spread evenly over the sound.
pub(super) fn segments(pieces: &[Cow<'static, str>], length: Duration) -> Vec<Segment> {
    spread(pieces, SEGMENT_TOKENS, length)
}

fn spread(pieces: &[Cow<'static, str>], each: usize, length: Duration) -> Vec<Segment> {
    let total = pieces.len().max(1) as f64;
    let at = |index: usize| round(length.as_secs_f64() * index as f64 / total);
    pieces
        .chunks(each)
        .enumerate()
        .map(|(index, chunk)| {
            let first = index * each;
            Segment { text: chunk.concat(), start: at(first), end: at(first + chunk.len()) }
        })
        .collect()
}

/// Hundredths, as the service states times.
pub(super) fn round(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

/// `segments` of `verbose_json`.
pub(super) fn segments_json(segments: &[Segment]) -> Value {
    segments
        .iter()
        .enumerate()
        .map(|(id, segment)| {
            json!({
                "id": id,
                "seek": 0,
                "start": segment.start,
                "end": segment.end,
                "text": segment.text,
                "tokens": [],
                "temperature": 0.0,
                "avg_logprob": -0.25,
                "compression_ratio": 1.2,
                "no_speech_prob": 0.01,
            })
        })
        .collect()
}

/// `words` of `verbose_json`.
pub(super) fn words_json(pieces: &[Cow<'static, str>], length: Duration) -> Value {
    spread(pieces, 1, length)
        .iter()
        .filter(|word| word.text.chars().any(char::is_alphanumeric))
        .map(|word| json!({ "word": word.text.trim(), "start": word.start, "end": word.end }))
        .collect()
}

/// SubRip: numbered, with commas.
pub(super) fn srt(segments: &[Segment]) -> String {
    let mut text = String::new();
    for (index, segment) in segments.iter().enumerate() {
        let (start, end) = (clock(segment.start, ','), clock(segment.end, ','));
        let _ = write!(text, "{}\n{start} --> {end}\n{}\n\n", index + 1, segment.text.trim());
    }
    text
}

/// WebVTT: with a head, and points.
pub(super) fn vtt(segments: &[Segment]) -> String {
    let mut text = String::from("WEBVTT\n\n");
    for segment in segments {
        let (start, end) = (clock(segment.start, '.'), clock(segment.end, '.'));
        let _ = write!(text, "{start} --> {end}\n{}\n\n", segment.text.trim());
    }
    text
}

/// `00:01:02,345`.
fn clock(seconds: f64, mark: char) -> String {
    let millis = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_millis();
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}{mark}{:03}", millis / 1_000 % 60, millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtitles_cover_the_sound() {
        let pieces: Vec<Cow<'static, str>> = (0..15).map(|_| " word".into()).collect();
        let segments = segments(&pieces, Duration::from_secs(3_723));
        assert_eq!(segments.len(), 2);
        insta::assert_snapshot!(srt(&segments), @r"
        1
        00:00:00,000 --> 00:41:22,000
        word word word word word word word word word word

        2
        00:41:22,000 --> 01:02:03,000
        word word word word word
        ");
        assert!(vtt(&segments).starts_with("WEBVTT\n\n00:00:00.000 --> 00:41:22.000\nword"));
        assert_eq!(words_json(&pieces, Duration::from_secs(15))[14]["end"], 15.0);
    }
}
