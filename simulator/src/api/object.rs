//! JSON objects written in the order of whoever answers: Azure sorts keys, OpenAI
//! has an order of its own (specification, section 2.1).

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::config::Layout;

/// An object under construction. Fields are given in OpenAI's order.
#[derive(Debug, Default)]
pub(super) struct Object<'a> {
    fields: Vec<(&'static str, Field<'a>)>,
}

#[derive(Debug)]
enum Field<'a> {
    /// JSON already.
    Json(Cow<'a, str>),
    Number(u64),
}

/// The longest number of 64 bits.
const MOST_DIGITS: usize = 20;

impl Field<'_> {
    /// At most so many bytes.
    fn most_bytes(&self) -> usize {
        match self {
            Field::Json(json) => json.len(),
            Field::Number(_) => MOST_DIGITS,
        }
    }
}

impl<'a> Object<'a> {
    pub(super) fn new() -> Self {
        Self { fields: Vec::with_capacity(12) }
    }

    /// A field whose value is JSON already.
    pub(super) fn raw(mut self, key: &'static str, json: impl Into<Cow<'a, str>>) -> Self {
        self.fields.push((key, Field::Json(json.into())));
        self
    }

    pub(super) fn text(self, key: &'static str, value: &str) -> Self {
        self.raw(key, json_string(value))
    }

    pub(super) fn number(mut self, key: &'static str, value: u64) -> Self {
        self.fields.push((key, Field::Number(value)));
        self
    }

    /// The same with another value for a field it has.
    pub(super) fn with(mut self, key: &'static str, json: String) -> Self {
        for field in &mut self.fields {
            if field.0 == key {
                field.1 = Field::Json(json.into());
                break;
            }
        }
        self
    }

    /// The same with more fields, for those who have them.
    pub(super) fn when(self, condition: bool, more: impl FnOnce(Self) -> Self) -> Self {
        if condition { more(self) } else { self }
    }

    /// The same with a text, where there is one.
    pub(super) fn maybe(self, key: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// One line, without spaces.
    pub(super) fn write(mut self, layout: Layout) -> String {
        if layout != Layout::OpenAi {
            self.fields.sort_unstable_by_key(|(key, _)| *key);
        }
        let length = |(key, field): &(&str, Field)| key.len() + field.most_bytes() + 4;
        let mut out = String::with_capacity(self.fields.iter().map(length).sum::<usize>() + 3);
        out.push('{');
        for (index, (key, field)) in self.fields.iter().enumerate() {
            if index != 0 {
                out.push(',');
            }
            out.push('"');
            out.push_str(key);
            out.push_str("\":");
            match field {
                Field::Json(json) => out.push_str(json),
                // Writing to a string does not fail.
                Field::Number(number) => drop(write!(out, "{number}")),
            }
        }
        out.push('}');
        out
    }
}

/// An array of JSON values.
pub(super) fn array(items: impl IntoIterator<Item = String>) -> String {
    let mut out = String::from("[");
    for (index, item) in items.into_iter().enumerate() {
        // Room for the bracket too: most arrays have one item.
        out.reserve(item.len() + 2);
        if index != 0 {
            out.push(',');
        }
        out.push_str(&item);
    }
    out.push(']');
    out
}

pub(super) fn json_string(text: &str) -> String {
    // Without an early end, so that many bytes are looked at together.
    let special = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, |any, byte| any | special(byte)) {
        return serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    out.push_str(text);
    out.push('"');
    out
}

/// A whole body: Azure's is a line, OpenAI's is laid out with two spaces. Both end
/// with a newline.
pub(super) fn body(line: String, layout: Layout) -> String {
    let mut text = match layout {
        Layout::OpenAi => pretty(&line),
        Layout::Azure | Layout::Azure2024 => line,
    };
    text.push('\n');
    text
}

/// JSON without spaces, laid out with two. Text inside strings stays as it is.
pub(super) fn pretty(line: &str) -> String {
    let mut out = String::with_capacity(line.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if let Some(close) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => {
                in_string = true;
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn azure_sorts_and_openai_does_not() {
        let object = || Object::new().text("id", "x\"y").number("created", 1).raw("a", "null");
        assert_eq!(object().write(Layout::Azure), r#"{"a":null,"created":1,"id":"x\"y"}"#);
        assert_eq!(object().write(Layout::OpenAi), r#"{"id":"x\"y","created":1,"a":null}"#);
    }

    proptest! {
        #[test]
        fn texts_are_quoted_as_serde_does(text in "[ -~\\x00-\\x1f\u{7f}\u{e9}\u{2028}]{0,40}") {
            prop_assert_eq!(json_string(&text), serde_json::to_string(&text).unwrap());
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z{}\\[\\],:\"\\\\ \n]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,3}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    #[test]
    fn order_spelling_and_emptiness_stay() {
        let one = r#"{"b":[1.0,"a: {\" ,}"],"a":{},"c":[]}"#;
        let many =
            "{\n  \"b\": [\n    1.0,\n    \"a: {\\\" ,}\"\n  ],\n  \"a\": {},\n  \"c\": []\n}";
        assert_eq!(pretty(one), many);
    }

    proptest! {
        #[test]
        fn laid_out_as_serde_does(value in value()) {
            let expected = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(pretty(&value.to_string()), expected);
        }
    }
}
