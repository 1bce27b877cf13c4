//! `text`: the form of the answer's text.

use serde_json::Value;

use super::complaint::{bad, not_one_of, unknown};
use crate::api::declared::{NamedSchema, TextForm};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::object::json_string;
use crate::content::{self, Json, Members, Strictness};

const MOST_NAME_CHARS: usize = 64;

/// `text`, read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Text {
    pub format: TextForm,
    /// `text` in answers.
    pub json: String,
}

/// Reads `text`. `ordered` has it with its keys in the order they were sent.
pub(super) fn read(fields: Fields<'_>, ordered: &Members) -> Parsed<Text> {
    let (mut format, mut format_json) = (TextForm::Text, r#"{"type":"text"}"#.to_owned());
    let mut verbosity = "medium";
    match fields.get("text") {
        None => {}
        Some(Value::Object(text)) => {
            let known = |key: &String| ["format", "verbosity"].contains(&key.as_str());
            if let Some(key) = text.keys().find(|key| !known(key)) {
                return Err(unknown(&format!("text.{key}")));
            }
            match Fields(text).get("format") {
                None => {}
                Some(Value::Object(object)) => {
                    let sent = ordered.get("text").and_then(|text| text.get("format"));
                    (format, format_json) = read_format(Fields(object), sent)?;
                }
                Some(other) => return Err(fields::wrong_type("text.format", "an object", other)),
            }
            const WORDS: &[&str] = &["low", "medium", "high"];
            match Fields(text).get("verbosity") {
                None => {}
                Some(Value::String(word)) => match WORDS.iter().find(|known| *known == word) {
                    Some(word) => verbosity = word,
                    None => return Err(not_one_of("text.verbosity", word, WORDS)),
                },
                Some(other) => {
                    let expected = "one of 'low', 'medium', or 'high'";
                    return Err(fields::wrong_type("text.verbosity", expected, other));
                }
            }
        }
        Some(other) => return Err(fields::wrong_type("text", "an object", other)),
    }
    Ok(Text { format, json: format!(r#"{{"format":{format_json},"verbosity":"{verbosity}"}}"#) })
}

fn read_format(format: Fields<'_>, sent: Option<&Json>) -> Parsed<(TextForm, String)> {
    const KINDS: &[&str] = &["json_object", "text", "json_schema"];
    let string = |key: &str| match format.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(other) => Err(fields::wrong_type(&format!("text.format.{key}"), "a string", other)),
    };
    match string("type")?.ok_or_else(|| fields::missing("text.format.type"))? {
        "text" => return Ok((TextForm::Text, r#"{"type":"text"}"#.to_owned())),
        "json_object" => {
            return Ok((TextForm::JsonObject, r#"{"type":"json_object"}"#.to_owned()));
        }
        "json_schema" => {}
        other => return Err(not_one_of("text.format.type", other, KINDS)),
    }
    let name = string("name")?.ok_or_else(|| fields::missing("text.format.name"))?;
    fields::identifier("text.format.name", name, MOST_NAME_CHARS)?;
    let path = "text.format.schema";
    let ordered = sent.and_then(|format| format.get("schema"));
    let (sent, ordered) = match (format.get("schema"), ordered) {
        (Some(sent @ Value::Object(_)), Some(ordered)) => (sent.clone(), ordered.clone()),
        (None, _) => return Err(fields::missing(path)),
        (Some(other), _) => return Err(fields::wrong_type(path, "an object", other)),
    };
    let strict = match format.get("strict") {
        None => false,
        Some(Value::Bool(strict)) => *strict,
        Some(other) => return Err(fields::wrong_type("text.format.strict", "a boolean", other)),
    };
    let strictness = if strict { Strictness::Strict } else { Strictness::Loose };
    if let Some(complaint) = content::complaint(&ordered, strictness) {
        let message = format!("Invalid schema for response_format '{name}': {complaint}");
        return Err(bad(message, Some(path), Some("invalid_json_schema")));
    }
    let json = format!(
        r#"{{"type":"json_schema","description":{},"name":{},"schema":{},"strict":{strict}}}"#,
        string("description")?.map_or_else(|| "null".to_owned(), json_string),
        json_string(name),
        ordered.compact(),
    );
    let schema = NamedSchema { name: name.to_owned(), ordered, sent };
    Ok((TextForm::Schema(Box::new(schema)), json))
}

/// JSON mode wants the word in what is said.
pub(super) fn check_word<'a>(
    format: &TextForm,
    mut texts: impl Iterator<Item = &'a str>,
) -> Parsed<()> {
    let says_it = |text: &str| text.to_ascii_lowercase().contains("json");
    if *format != TextForm::JsonObject || texts.any(says_it) {
        return Ok(());
    }
    let message = "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.";
    Err(bad(message, Some("text.format"), None))
}
