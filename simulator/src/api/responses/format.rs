//! `text`: the form of the answer's text.

use serde_json::Value;
use tokens::{ResponseSchema, response_schema_tokens};

use super::complaint::{bad, not_one_of, unknown};
use crate::api::fields::{self, Fields, Parsed};
use crate::api::object::json_string;
use crate::catalogue::Model;
use crate::content::{self, Json, Members, Strictness};

const MOST_NAME_CHARS: usize = 64;

/// `text`, read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Text {
    pub format: Format,
    /// `text` in answers.
    pub json: String,
}

/// The form of the answer's text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Format {
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    Schema(Box<NamedSchema>),
}

/// A schema, ordered to generate by and as it was sent to count.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamedSchema {
    name: String,
    ordered: Json,
    sent: Value,
}

impl Format {
    pub(super) fn wanted(&self) -> content::Format<'_> {
        match self {
            Format::Text => content::Format::Text,
            Format::JsonObject => content::Format::JsonObject,
            Format::Schema(schema) => content::Format::Schema(&schema.ordered),
        }
    }

    /// What it adds to the prompt.
    pub(super) fn prompt_tokens(&self, model: &Model, has_system: bool) -> u64 {
        match self {
            Format::Text | Format::JsonObject => 0,
            Format::Schema(schema) => {
                let NamedSchema { name, sent, .. } = schema.as_ref();
                let schema = ResponseSchema { name, schema: sent, has_system };
                response_schema_tokens(model.encoding, schema) as u64
            }
        }
    }
}

/// Reads `text`. `ordered` has it with its keys in the order they were sent.
pub(super) fn read(fields: Fields<'_>, ordered: &Members) -> Parsed<Text> {
    let (mut format, mut format_json) = (Format::Text, r#"{"type":"text"}"#.to_owned());
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

fn read_format(format: Fields<'_>, sent: Option<&Json>) -> Parsed<(Format, String)> {
    const KINDS: &[&str] = &["json_object", "text", "json_schema"];
    let string = |key: &str| match format.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(other) => Err(fields::wrong_type(&format!("text.format.{key}"), "a string", other)),
    };
    match string("type")?.ok_or_else(|| fields::missing("text.format.type"))? {
        "text" => return Ok((Format::Text, r#"{"type":"text"}"#.to_owned())),
        "json_object" => {
            return Ok((Format::JsonObject, r#"{"type":"json_object"}"#.to_owned()));
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
    Ok((Format::Schema(Box::new(schema)), json))
}

/// JSON mode wants the word in what is said.
pub(super) fn check_word<'a>(
    format: &Format,
    mut texts: impl Iterator<Item = &'a str>,
) -> Parsed<()> {
    let says_it = |text: &str| text.to_ascii_lowercase().contains("json");
    if *format != Format::JsonObject || texts.any(says_it) {
        return Ok(());
    }
    let message = "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.";
    Err(bad(message, Some("text.format"), None))
}
