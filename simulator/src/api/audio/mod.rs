//! `audio/transcriptions`, `audio/translations` and `audio/speech` (specification,
//! section 2.7).
//!
//! Nothing is heard or said: a text as long as the sound, silence as long as the text.

mod speech;
mod subtitles;
mod transcription;

pub(super) use speech::read as read_speech;
pub(super) use transcription::{Task, read as read_transcription};
