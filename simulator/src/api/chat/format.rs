//! `response_format`: text, some JSON, or JSON valid against a schema.

use serde_json::{Map, Value};

use crate::api::declared::{NamedSchema, TextForm};
use crate::api::fields::{self, Fields, Parsed};
use crate::catalogue::Model;
use crate::content::{self, Json, Members, Strictness};
use crate::wire::ApiError;

const MOST_NAME_CHARS: usize = 64;

/// Models from before structured outputs, and those from before JSON mode.
const NO_SCHEMAS: &[&str] =
    &["gpt-35-turbo", "gpt-35-turbo-16k", "gpt-4", "gpt-4-32k", "gpt-4-turbo"];
const NO_JSON: &[&str] = &["gpt-4", "gpt-4-32k"];

/// Reads `response_format`. `mentions_json` tells whether the messages say the word.
pub(super) fn read_format(
    fields: Fields<'_>,
    ordered: &Members,
    model: &Model,
    mentions_json: impl FnOnce() -> bool,
) -> Parsed<TextForm> {
    let format = match fields.get("response_format") {
        None => return Ok(TextForm::Text),
        Some(Value::Object(format)) => format,
        Some(other) => return Err(fields::wrong_type("response_format", "an object", other)),
    };
    let kind = match format.get("type") {
        None | Some(Value::Null) => return Err(fields::missing("response_format.type")),
        Some(Value::String(kind)) => kind.as_str(),
        Some(other) => return Err(fields::wrong_type("response_format.type", "a string", other)),
    };
    let lacking = |models: &[&str]| models.contains(&model.facts.name);
    match kind {
        "text" => Ok(TextForm::Text),
        "json_object" if lacking(NO_JSON) => {
            let message = "Invalid parameter: 'response_format' of type 'json_object' is not supported with this model.";
            Err(ApiError::invalid_request(message, Some("response_format"), None))
        }
        "json_object" if !mentions_json() => {
            let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
            Err(ApiError::invalid_request(message, Some("messages"), None))
        }
        "json_object" => Ok(TextForm::JsonObject),
        "json_schema" if lacking(NO_SCHEMAS) => {
            let message = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more about supported models at the Structured Outputs guide: https://platform.openai.com/docs/guides/structured-outputs";
            Err(ApiError::invalid_request(message, Some("response_format"), None))
        }
        "json_schema" => {
            let ordered =
                ordered.get("response_format").and_then(|format| format.get("json_schema"));
            read_schema(format, ordered)
        }
        other => {
            let supported = "'json_object', 'json_schema', and 'text'";
            Err(fields::not_supported("response_format.type", other, supported))
        }
    }
}

fn read_schema(format: &Map<String, Value>, ordered: Option<&Json>) -> Parsed<TextForm> {
    let path = "response_format.json_schema";
    let own = match format.get("json_schema") {
        None | Some(Value::Null) => return Err(fields::missing(path)),
        Some(Value::Object(own)) => own,
        Some(other) => return Err(fields::wrong_type(path, "an object", other)),
    };
    let name_path = "response_format.json_schema.name";
    let name = match own.get("name") {
        None | Some(Value::Null) => return Err(fields::missing(name_path)),
        Some(Value::String(name)) => name,
        Some(other) => return Err(fields::wrong_type(name_path, "a string", other)),
    };
    fields::identifier(name_path, name, MOST_NAME_CHARS)?;
    let schema_path = "response_format.json_schema.schema";
    let (sent, ordered) = match (own.get("schema"), ordered.and_then(|own| own.get("schema"))) {
        (Some(sent @ Value::Object(_)), Some(ordered)) => (sent.clone(), ordered.clone()),
        (None | Some(Value::Null), _) => return Err(fields::missing(schema_path)),
        (Some(other), _) => return Err(fields::wrong_type(schema_path, "an object", other)),
    };
    let strict = matches!(own.get("strict"), Some(Value::Bool(true)));
    let strictness = if strict { Strictness::Strict } else { Strictness::Loose };
    if let Some(complaint) = content::complaint(&ordered, strictness) {
        let message = format!("Invalid schema for response_format '{name}': {complaint}");
        return Err(ApiError::invalid_request(message, Some("response_format"), None));
    }
    let schema = NamedSchema { name: name.clone(), ordered, sent };
    Ok(TextForm::Schema(Box::new(schema)))
}
