//! The service's complaints about a Responses request, beside those that all
//! operations share. Texts and order were measured against api.openai.com by a
//! public conformance suite (2026-08-30, "responses validation parity"); those
//! of Azure are the same engine's (specification, section 1.5).

use http::StatusCode;

use crate::api::fields::Parsed;
use crate::wire::ApiError;

pub(super) fn bad(message: impl Into<String>, param: Option<&str>, code: Option<&str>) -> ApiError {
    ApiError::invalid_request(message, param, code)
}

/// A key the API does not know.
pub(super) fn unknown(path: &str) -> ApiError {
    bad(format!("Unknown parameter: '{path}'."), Some(path), Some("unknown_parameter"))
}

/// A string outside its set.
pub(super) fn not_one_of(path: &str, found: &str, allowed: &[&str]) -> ApiError {
    let allowed = list(allowed, "and");
    let message = format!("Invalid value: '{found}'. Supported values are: {allowed}.");
    bad(message, Some(path), Some("invalid_value"))
}

/// A parameter that the model does not take; with or without a code, as measured.
pub(super) fn unsupported(path: &str, code: Option<&str>) -> ApiError {
    bad(
        format!("Unsupported parameter: '{path}' is not supported with this model."),
        Some(path),
        code,
    )
}

/// Complains about an input that hangs together badly: no code.
pub(super) fn input(message: impl Into<String>) -> ApiError {
    bad(message, Some("input"), None)
}

/// An item that the service does not hold.
pub(super) fn item_not_found(id: &str, store: bool) -> ApiError {
    let more = if store {
        ""
    } else {
        " Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input."
    };
    let mut error = input(format!("Item with id '{id}' not found.{more}"));
    error.status = StatusCode::NOT_FOUND;
    error
}

/// Something named by its id that the service does not hold.
pub(super) fn not_found(what: &str, id: &str) -> ApiError {
    let mut error = bad(format!("{what} with id '{id}' not found."), None, None);
    error.status = StatusCode::NOT_FOUND;
    error
}

/// An id that cannot be one of this kind of item.
pub(super) fn check_prefix(path: &str, id: &str, prefix: &str) -> Parsed<()> {
    if id.starts_with(prefix) {
        return Ok(());
    }
    let message = format!("Invalid '{path}': '{id}'. Expected an ID that begins with '{prefix}'.");
    Err(bad(message, Some(path), Some("invalid_value")))
}

/// `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`.
pub(super) fn list(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} {last} {two}"),
        [firsts @ .., end] => format!("{}, {last} {end}", firsts.join(", ")),
    }
}
