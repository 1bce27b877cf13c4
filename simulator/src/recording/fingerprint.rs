//! What makes two requests the same: method, path, query and body.
//!
//! A JSON body counts by its values, whatever the order of its keys and white
//! space. The `api-version`, and headers, do not count: a recording serves clients
//! of every age.

use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::exchange::RecordedRequest;

/// A request as playback compares it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Fingerprint {
    pub method: String,
    pub path: String,
    /// Canonical JSON, or the fingerprint of other bytes, or nothing.
    pub body: String,
}

impl Fingerprint {
    pub(crate) fn of(request: &RecordedRequest) -> Self {
        let body = match (&request.json, &request.body_sha256) {
            (Some(json), _) => canonical(json).to_string(),
            (None, Some(hash)) => hash.clone(),
            (None, None) => String::new(),
        };
        Self { method: request.method.clone(), path: path(&request.path), body }
    }
}

impl RecordedRequest {
    /// A request as it would be recorded.
    pub(crate) fn new(method: &str, path_and_query: &str, body: &[u8]) -> Self {
        let json = serde_json::from_slice(body).ok();
        let body_sha256 = (json.is_none() && !body.is_empty()).then(|| hexadecimal(body));
        let (method, path) = (method.to_owned(), path_and_query.to_owned());
        Self { method, path, json, body_sha256 }
    }
}

/// One leading slash, and the query without `api-version`.
fn path(path_and_query: &str) -> String {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("api-version="))
        .collect();
    kept.sort_unstable();
    let mark = if kept.is_empty() { "" } else { "?" };
    format!("/{}{mark}{}", path.trim_start_matches('/'), kept.join("&"))
}

/// Objects with their keys in order, at every depth. Depth is bounded by the parser.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            entries.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, body: &str) -> Fingerprint {
        Fingerprint::of(&RecordedRequest::new("POST", path, body.as_bytes()))
    }

    #[test]
    fn order_and_version_do_not_count_and_values_do() {
        let one = of("/a/b?api-version=2024-10-21", r#"{"x": 1, "y": {"b": [1, 2], "a": null}}"#);
        assert_eq!(one, of("//a/b?api-version=2025-01-01", r#"{"y":{"a":null,"b":[1,2]},"x":1}"#));
        assert_ne!(one, of("/a/b", r#"{"y":{"a":null,"b":[2,1]},"x":1}"#));
        assert_ne!(one, of("/a/c", r#"{"x": 1, "y": {"b": [1, 2], "a": null}}"#));
        assert_eq!(of("/a?y=2&x=1", ""), of("/a?x=1&y=2&api-version=1", ""));
        assert_ne!(of("/a", "--form"), of("/a", "--other"));
    }
}
