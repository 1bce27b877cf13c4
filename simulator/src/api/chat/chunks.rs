//! Events of a streamed chat completion, in the order Azure sends them: prompt
//! filter results, role, one event per token, finish, usage, `[DONE]`
//! (specification, section 2.4).

use std::fmt::Write as _;

use rand::Rng;

use crate::api::answer::{Answer, SEVERITIES, json_string};
use crate::api::call::Events;
use crate::api::envelope::{Envelope, StreamOptions};
use crate::api::usage::Usage;
use crate::config::Layout;
use crate::content::Completion;
use crate::wire::Ids;

/// Writes the events of one answer.
pub(super) struct Chunks<R> {
    envelope: Envelope<R>,
    role: &'static str,
    choices: Vec<Completion>,
    usage: String,
}

impl<R: Rng> Chunks<R> {
    pub(super) fn new(
        answer: &Answer<'_>,
        options: StreamOptions,
        choices: Vec<Completion>,
        usage: Usage,
        ids: Ids<R>,
    ) -> Self {
        let fingerprint = answer.fingerprint_json();
        let end = format!(r#""object":"chat.completion.chunk","system_fingerprint":{fingerprint}"#);
        let role = match answer.profile.layout() {
            Layout::Azure2024 => r#"{"content":"","role":"assistant"}"#,
            Layout::Azure | Layout::OpenAi => r#"{"content":"","refusal":null,"role":"assistant"}"#,
        };
        Self {
            envelope: Envelope::new(answer, options, 1, end, ids),
            role,
            choices,
            usage: usage.chat_json(answer.profile),
        }
    }

    fn finish(&mut self, choice: usize, out: &mut String) {
        let Some(completion) = self.choices.get(choice) else { return };
        let reason = format!("\"{}\"", completion.finish.name());
        event(&mut self.envelope, "{}", "{}", &reason, choice, out);
    }
}

impl<R: Rng + Send> Events for Chunks<R> {
    fn open(&mut self, out: &mut String) {
        self.envelope.opening(out);
        for choice in 0..self.choices.len() {
            event(&mut self.envelope, "{}", self.role, "null", choice, out);
        }
        for choice in 0..self.choices.len() {
            if self.choices.get(choice).is_some_and(|completion| completion.pieces.is_empty()) {
                self.finish(choice, out);
            }
        }
    }

    fn token(&mut self, choice: usize, index: usize, out: &mut String) {
        let Some(completion) = self.choices.get(choice) else { return };
        let Some(piece) = completion.pieces.get(index) else { return };
        let last = index + 1 == completion.pieces.len();
        let delta = format!(r#"{{"content":{}}}"#, json_string(piece));
        event(&mut self.envelope, SEVERITIES, &delta, "null", choice, out);
        if last {
            self.finish(choice, out);
        }
    }

    fn close(&mut self, out: &mut String) {
        self.envelope.closing(&self.usage, out);
    }
}

fn event<R: Rng>(
    envelope: &mut Envelope<R>,
    filters: &str,
    delta: &str,
    finish: &str,
    choice: usize,
    out: &mut String,
) {
    let _ = write!(
        out,
        r#"data: {{"choices":[{{"content_filter_results":{filters},"delta":{delta},"finish_reason":{finish},"index":{choice},"logprobs":null}}]"#
    );
    envelope.close_event(out);
}
