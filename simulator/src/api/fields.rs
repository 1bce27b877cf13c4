//! Reading one field of a request, and the service's complaints about it.

use serde_json::{Map, Value};

use crate::catalogue::Operation;
use crate::wire::ApiError;

/// What is read, or the service's complaint.
pub(crate) type Parsed<T> = Result<T, ApiError>;

/// The fields of a request body. `null` is the same as absent.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub &'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// Complains about the first field that is not `known`.
    pub(super) fn only(self, known: &[&str]) -> Parsed<()> {
        match self.0.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(ApiError::unknown_parameter(key)),
        }
    }

    /// The same in newer endpoints' words.
    pub(super) fn only_known(self, known: &[&str]) -> Parsed<()> {
        match self.0.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let message = format!("Unknown parameter: '{key}'.");
                Err(ApiError::invalid_request(message, Some(key), Some("unknown_parameter")))
            }
        }
    }

    pub(super) fn boolean(self, key: &str) -> Parsed<bool> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(wrong_type(key, "a boolean", other)),
        }
    }

    pub(super) fn whole(self, key: &str, least: u64, most: u64) -> Parsed<Option<u64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        // A negative integer is below any minimum; a decimal is of the wrong type.
        let number = match (value.as_u64(), value.as_i64()) {
            (Some(number), _) => number,
            (None, Some(_)) => return Err(out_of_range(key, "integer", Bound::Min, least, value)),
            (None, None) => return Err(wrong_type(key, "an integer", value)),
        };
        if number < least {
            return Err(out_of_range(key, "integer", Bound::Min, least, value));
        }
        if most < number {
            return Err(out_of_range(key, "integer", Bound::Max, most, value));
        }
        Ok(Some(number))
    }

    pub(super) fn decimal(self, key: &str, least: f64, most: f64) -> Parsed<Option<f64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let Some(number) = value.as_f64() else {
            return Err(wrong_type(key, "a decimal", value));
        };
        if number < least {
            return Err(out_of_range(key, "decimal", Bound::Min, least, value));
        }
        if most < number {
            return Err(out_of_range(key, "decimal", Bound::Max, most, value));
        }
        Ok(Some(number))
    }
}

/// A body that is a JSON object, or the service's complaint.
pub(crate) fn parse_json(body: &[u8]) -> Parsed<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(ApiError::invalid_json()),
    }
}

/// `model`, which names the deployment on the v1 surface.
pub(crate) fn model_of(operation: Operation, json: &Map<String, Value>) -> Parsed<&str> {
    match json.get("model") {
        None if operation == Operation::Responses => Err(missing("model")),
        // As measured: null is taken for an object.
        Some(Value::Null) if operation == Operation::Responses => {
            Err(wrong_type("model", "a string", &Value::Object(Map::new())))
        }
        None | Some(Value::Null) => Err(ApiError::missing_model()),
        Some(Value::String(name)) if name.is_empty() && operation != Operation::Responses => {
            Err(ApiError::missing_model())
        }
        Some(Value::String(name)) => Ok(name),
        Some(other) => Err(wrong_type("model", "a string", other)),
    }
}

enum Bound {
    Min,
    Max,
}

fn out_of_range(
    key: &str,
    kind: &str,
    bound: Bound,
    limit: impl std::fmt::Display,
    found: &Value,
) -> ApiError {
    let (words, sign, code) = match bound {
        Bound::Min => ("below minimum", ">=", "below_min"),
        Bound::Max => ("above maximum", "<=", "above_max"),
    };
    let message = format!(
        "Invalid '{key}': {kind} {words} value. Expected a value {sign} {limit}, but got {found} instead."
    );
    ApiError::invalid_request(message, Some(key), Some(&format!("{kind}_{code}_value")))
}

pub(super) fn missing(path: &str) -> ApiError {
    let message = format!("Missing required parameter: '{path}'.");
    ApiError::invalid_request(message, Some(path), Some("missing_required_parameter"))
}

pub(super) fn wrong_type(path: &str, expected: &str, found: &Value) -> ApiError {
    let found = kind_of(found);
    let message =
        format!("Invalid type for '{path}': expected {expected}, but got {found} instead.");
    ApiError::invalid_request(message, Some(path), Some("invalid_type"))
}

/// A text that is none of the known ones.
pub(super) fn not_supported(path: &str, found: &str, supported: &str) -> ApiError {
    let message = format!("Invalid value: '{found}'. Supported values are: {supported}.");
    ApiError::invalid_request(message, Some(path), Some("invalid_value"))
}

pub(super) fn no_longer(path: &str, text: &str, most: usize) -> Parsed<()> {
    let length = text.chars().count();
    if length <= most {
        return Ok(());
    }
    let message = format!(
        "Invalid '{path}': string too long. Expected a string with maximum length {most}, but got a string with length {length} instead."
    );
    Err(ApiError::invalid_request(message, Some(path), Some("string_above_max_length")))
}

/// The name of a function or schema: letters, digits, `_` and `-`.
pub(super) fn identifier(path: &str, name: &str, most: usize) -> Parsed<()> {
    no_longer(path, name, most)?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(known) {
        return Ok(());
    }
    let message = format!(
        "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    );
    Err(ApiError::invalid_request(message, Some(path), Some("invalid_value")))
}

pub(super) fn empty_array(path: &str) -> ApiError {
    let message = format!(
        "Invalid '{path}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    );
    ApiError::invalid_request(message, Some(path), Some("empty_array"))
}

pub(super) fn at_most(path: &str, length: usize, most: usize) -> Parsed<()> {
    if length <= most {
        return Ok(());
    }
    let message = format!(
        "Invalid '{path}': array too long. Expected an array with maximum length {most}, but got an array with length {length} instead."
    );
    Err(ApiError::invalid_request(message, Some(path), Some("array_above_max_length")))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
