//! Tokens to text, as Newtonsoft writes them.

use super::{Kind, Node};
use crate::expr::Style;
use crate::expr::numbers::guid_to_text;
use crate::expr::value::Value;

/// The line end of indented JSON: `Environment.NewLine` of the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Newline {
    /// Classic gateways run on Windows.
    #[default]
    CrLf,
    /// The newer ones do not.
    Lf,
}

impl Newline {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::CrLf => "\r\n",
            Self::Lf => "\n",
        }
    }
}

impl Node {
    /// `ToString()`: a scalar's own text without quotes, else indented JSON.
    pub(crate) fn to_text(&self, style: Style) -> String {
        match self.kind() {
            Kind::Scalar(value) => value.to_text_with(style),
            _ => self.print_indented(style.newline),
        }
    }

    /// `ToString(Formatting.None)`.
    pub(crate) fn print_compact(&self) -> String {
        let mut text = String::new();
        write(self, None, 0, &mut text);
        text
    }

    /// `ToString(Formatting.Indented)`: two blanks a level.
    pub(crate) fn print_indented(&self, newline: Newline) -> String {
        let mut text = String::new();
        write(self, Some(newline), 0, &mut text);
        text
    }
}

fn write(node: &Node, newline: Option<Newline>, level: usize, text: &mut String) {
    let line = |level: usize, text: &mut String| {
        if let Some(newline) = newline {
            text.push_str(newline.text());
            text.extend(std::iter::repeat_n("  ", level));
        }
    };
    let colon = if newline.is_some() { ": " } else { ":" };
    match node.kind() {
        Kind::Scalar(value) => scalar(&value, text),
        Kind::Object(members) if members.is_empty() => text.push_str("{}"),
        Kind::Object(members) => {
            text.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                if index != 0 {
                    text.push(',');
                }
                line(level + 1, text);
                escape(name, text);
                text.push_str(colon);
                write(value, newline, level + 1, text);
            }
            line(level, text);
            text.push('}');
        }
        Kind::Array(items) if items.is_empty() => text.push_str("[]"),
        Kind::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index != 0 {
                    text.push(',');
                }
                line(level + 1, text);
                write(item, newline, level + 1, text);
            }
            line(level, text);
            text.push(']');
        }
        Kind::Property(name, value) => {
            escape(&name, text);
            text.push_str(colon);
            write(&value, newline, level, text);
        }
    }
}

fn scalar(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(b) => text.push_str(if *b { "true" } else { "false" }),
        Value::Long(n) => text.push_str(&n.to_string()),
        Value::ULong(n) => text.push_str(&n.to_string()),
        Value::Float(_) | Value::Double(_) | Value::Decimal(_) => {
            let plain = value.to_text();
            if plain.ends_with(|c: char| c.is_ascii_alphabetic()) {
                escape(&plain, text);
                return;
            }
            text.push_str(&plain);
            if !plain.contains(['.', 'E']) {
                text.push_str(".0");
            }
        }
        Value::DateTime(date) => escape(&date.to_json(), text),
        Value::DateTimeOffset(date) => escape(&date.to_json(), text),
        Value::Guid(guid) => escape(&guid_to_text(*guid), text),
        Value::Bytes(bytes) => {
            use base64::Engine as _;
            escape(&base64::engine::general_purpose::STANDARD.encode(bytes), text);
        }
        other => escape(&other.to_text(), text),
    }
}

/// A JSON string with its quotes.
pub(crate) fn escape(value: &str, text: &mut String) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}
