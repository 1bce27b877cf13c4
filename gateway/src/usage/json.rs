//! Finds the member `usage` of a JSON object that arrives in pieces, without
//! keeping the rest.

use super::{RawUsage, Usage};

/// A `usage` larger than this is none.
const MAX_USAGE_BYTES: usize = 16 * 1024;

/// The name looked for.
const NAME: &[u8] = b"usage";

/// Follows strings and brackets only: what lies between is not checked.
#[derive(Debug, Default)]
pub(super) struct JsonUsage {
    depth: u32,
    text: Text,
    /// The last string of the outermost object, as far as it could be [`NAME`].
    last: Vec<u8>,
    /// The value of `usage`, so far.
    value: Option<Vec<u8>>,
    found: Option<Usage>,
}

/// Whether the next byte belongs to a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    /// After a backslash.
    Escaped,
}

impl JsonUsage {
    /// The next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.byte(byte);
        }
    }

    /// `usage`, once its value is complete.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.found
    }

    fn byte(&mut self, byte: u8) {
        let value_ends =
            self.text == Text::Outside && self.depth == 1 && matches!(byte, b',' | b'}' | b']');
        if value_ends && let Some(value) = self.value.take() {
            let parsed = serde_json::from_slice::<Option<RawUsage>>(&value).ok().flatten();
            self.found = parsed.and_then(RawUsage::usage).or(self.found);
        }
        if let Some(value) = &mut self.value {
            value.push(byte);
            if MAX_USAGE_BYTES < value.len() {
                self.value = None;
            }
        }
        match (self.text, byte) {
            (Text::Escaped, _) => self.text = Text::Inside,
            (Text::Inside, b'\\') => self.text = Text::Escaped,
            (Text::Inside, b'"') => self.text = Text::Outside,
            (Text::Inside, _) => {
                if self.depth == 1 && self.value.is_none() && self.last.len() <= NAME.len() {
                    self.last.push(byte);
                }
            }
            (Text::Outside, b'"') => {
                self.text = Text::Inside;
                if self.depth == 1 && self.value.is_none() {
                    self.last.clear();
                }
            }
            (Text::Outside, b'{' | b'[') => self.depth = self.depth.saturating_add(1),
            (Text::Outside, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            (Text::Outside, b':') => {
                if self.depth == 1 && self.value.is_none() && self.last == NAME {
                    self.value = Some(Vec::new());
                }
            }
            (Text::Outside, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<(u64, u64, u64)>) {
        let mut whole = JsonUsage::default();
        whole.push(body.as_bytes());
        let expected =
            expected.map(|(prompt, completion, total)| Usage { prompt, completion, total });
        assert_eq!(whole.usage(), expected, "{body}");
        let mut bytewise = JsonUsage::default();
        body.bytes().for_each(|byte| bytewise.push(&[byte]));
        assert_eq!(bytewise.usage(), expected, "{body}");
    }

    #[test]
    fn finds_the_member_of_the_outermost_object() {
        let usage = r#"{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}"#;
        check(&format!(r#"{{"id":"a","usage":{usage},"model":"m"}}"#), Some((9, 12, 21)));
        check(&format!("{{\n  \"usage\" : {usage}\n}}"), Some((9, 12, 21)));
        check(r#"{"usage":{"prompt_tokens":8,"total_tokens":8}}"#, Some((8, 0, 8)));
        check(r#"{"usage":{"input_tokens":3,"output_tokens":4}}"#, Some((3, 4, 7)));
        check(r#"{"usage":null}"#, None);
        check(r#"{"usage":{}}"#, None);
        check(&format!(r#"{{"choices":[{{"usage":{usage}}}]}}"#), None);
        check(&format!(r#"{{"text":"\"usage\":{{\"total_tokens\":1}}","x":{usage}}}"#), None);
        check(&format!(r#"{{"object":"usage","usages":{usage},"usag":{usage}}}"#), None);
        check(r#"{"usage":{"prompt_tokens":8"#, None);
        check("", None);
    }

    #[test]
    fn a_member_that_is_no_usage_takes_no_memory() {
        let usage = |padding: usize| {
            format!(r#"{{"usage":{{"x":"{}","total_tokens":1}}}}"#, "x".repeat(padding))
        };
        check(&usage(1_000), Some((0, 0, 1)));
        check(&usage(MAX_USAGE_BYTES), None);
        let mut reader = JsonUsage::default();
        reader.push(&usage(10 * MAX_USAGE_BYTES).as_bytes()[..5 * MAX_USAGE_BYTES]);
        assert!(reader.value.is_none());
    }

    proptest! {
        #[test]
        fn what_a_parser_finds_is_found(text in "\\PC{0,20}", prompt in 0_u64..1_000, deep in 0_usize..4) {
            let mut inner = serde_json::json!({ "usage": { "total_tokens": 1 }, "t": text });
            for _ in 0..deep {
                inner = serde_json::json!([{ "usage": inner }]);
            }
            let body = serde_json::json!({
                "a": text, "inner": inner, "usage": { "prompt_tokens": prompt, "total_tokens": prompt }, "z": text,
            });
            let mut found = JsonUsage::default();
            found.push(serde_json::to_string_pretty(&body).unwrap().as_bytes());
            prop_assert_eq!(found.usage().map(|usage| usage.total), Some(prompt));
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            JsonUsage::default().push(&bytes);
        }
    }
}
