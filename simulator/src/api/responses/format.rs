//! `text`: the form of the answer's text.

use serde_json::Value;

use super::complaint::{not_one_of, unknown};
use super::raw::Raw;
use super::tools::check_name;
use crate::api::fields::{self, Fields, Parsed};
use crate::api::object::json_string;

/// The form of the answer's text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Format {
    #[default]
    Text,
    /// Any JSON object.
    Object,
    Schema {
        name: String,
        schema: Value,
    },
}

/// `text`, read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Text {
    pub format: Format,
    /// `text` in answers.
    pub json: String,
}

pub(super) fn read(fields: Fields<'_>, raw: &Raw<'_>) -> Parsed<Text> {
    let (mut format, mut format_json) = (Format::Text, r#"{"type":"text"}"#.to_owned());
    let mut verbosity = "medium";
    match fields.get("text") {
        None => {}
        Some(Value::Object(text)) => {
            if let Some(key) =
                text.keys().find(|key| !["format", "verbosity"].contains(&key.as_str()))
            {
                return Err(unknown(&format!("text.{key}")));
            }
            match Fields(text).get("format") {
                None => {}
                Some(Value::Object(object)) => {
                    (format, format_json) = read_format(Fields(object), raw)?
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

fn read_format(format: Fields<'_>, raw: &Raw<'_>) -> Parsed<(Format, String)> {
    const KINDS: &[&str] = &["json_object", "text", "json_schema"];
    let string = |key: &str| match format.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(other) => Err(fields::wrong_type(&format!("text.format.{key}"), "a string", other)),
    };
    match string("type")?.ok_or_else(|| fields::missing("text.format.type"))? {
        "text" => Ok((Format::Text, r#"{"type":"text"}"#.to_owned())),
        "json_object" => Ok((Format::Object, r#"{"type":"json_object"}"#.to_owned())),
        "json_schema" => {
            let name = string("name")?.ok_or_else(|| fields::missing("text.format.name"))?;
            check_name("text.format.name", name)?;
            let schema = match format.get("schema") {
                Some(schema @ Value::Object(_)) => schema,
                None => return Err(fields::missing("text.format.schema")),
                Some(other) => {
                    return Err(fields::wrong_type("text.format.schema", "an object", other));
                }
            };
            let strict = match format.get("strict") {
                None => false,
                Some(Value::Bool(strict)) => *strict,
                Some(other) => {
                    return Err(fields::wrong_type("text.format.strict", "a boolean", other));
                }
            };
            let json = format!(
                r#"{{"type":"json_schema","description":{},"name":{},"schema":{},"strict":{strict}}}"#,
                string("description")?.map_or_else(|| "null".to_owned(), json_string),
                json_string(name),
                raw.schema(schema),
            );
            Ok((Format::Schema { name: name.to_owned(), schema: schema.clone() }, json))
        }
        other => Err(not_one_of("text.format.type", other, KINDS)),
    }
}
