//! What a recorded answer says that it used: `usage` of a JSON body, or of the last
//! event of a stream that has one, in the words of any surface.

use serde_json::Value;

use super::exchange::Recording;
use crate::api::Usage;

impl Recording {
    /// The usage of a successful answer, if it says one.
    pub(crate) fn usage(&self) -> Option<Usage> {
        if self.response.status != 200 {
            return None;
        }
        let frames = self.response.frames.iter().filter_map(|frame| frame.bytes().ok());
        let body: Vec<u8> = frames.flatten().collect();
        if let Ok(whole) = serde_json::from_slice::<Value>(&body) {
            return usage(&whole);
        }
        let body = std::str::from_utf8(&body).ok()?;
        body.lines()
            .rev()
            .filter_map(|line| line.strip_prefix("data:"))
            .filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok())
            .find_map(|event| usage(&event).or_else(|| usage(event.get("response")?)))
    }
}

fn usage(answer: &Value) -> Option<Usage> {
    let usage = answer.get("usage")?.as_object()?;
    let number = |names: [&str; 2]| names.iter().find_map(|name| usage.get(*name)?.as_u64());
    let detail = |groups: [&str; 2], name| {
        groups.iter().find_map(|group| usage.get(*group)?.get(name)?.as_u64()).unwrap_or(0)
    };
    let prompt_tokens = number(["prompt_tokens", "input_tokens"])?;
    let completion_tokens = number(["completion_tokens", "output_tokens"]).unwrap_or(0);
    let cached = detail(["prompt_tokens_details", "input_tokens_details"], "cached_tokens");
    let reasoning =
        detail(["completion_tokens_details", "output_tokens_details"], "reasoning_tokens");
    Some(Usage {
        prompt_tokens,
        cached_tokens: cached.min(prompt_tokens),
        completion_tokens,
        reasoning_tokens: reasoning.min(completion_tokens),
    })
}

#[cfg(test)]
mod tests {
    use super::super::exchange::{Frame, RecordedRequest, RecordedResponse, VERSION};
    use super::*;

    #[track_caller]
    fn check(status: u16, pieces: &[&str], expected: Option<[u64; 4]>) {
        let recording = Recording {
            version: VERSION,
            request: RecordedRequest::new("POST", "/", b""),
            response: RecordedResponse {
                status,
                headers: [].into(),
                headers_ms: 0.0,
                frames: pieces.iter().map(|text| Frame::new(0.0, text.as_bytes())).collect(),
            },
        };
        let found = recording.usage().map(|usage| {
            let Usage { prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens } = usage;
            [prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens]
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn bodies_and_streams_say_what_they_used() {
        check(
            200,
            &[r#"{"usage":{"prompt_tokens":3,"total"#, r#"_tokens":3}}"#],
            Some([3, 0, 0, 0]),
        );
        let chat = r#"{"usage":{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}"#;
        check(200, &[chat], Some([9, 4, 5, 2]));
        check(429, &[chat], None);
        let events = [
            "data: {\"choices\":[],\"usage\":null}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_",
            "tokens\":1}}\n\ndata: [DONE]\n\n",
        ];
        check(200, &events, Some([7, 0, 1, 0]));
        let responses = "event: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":8,\"output_tokens\":6,\"output_tokens_details\":{\"reasoning_tokens\":6}}}}\n\n";
        check(200, &[responses], Some([8, 0, 6, 6]));
        check(200, &["data: {}\n\n"], None);
        check(200, &["\u{fffd} no text of ours"], None);
    }
}
