//! One recorded exchange: a JSON file that people can read and edit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the format that is written.
pub(crate) const VERSION: u32 = 1;

/// Headers that are never written down: they let somebody in, or name who paid.
const SECRET: &[&str] = &[
    "api-key",
    "authorization",
    "cookie",
    "ocp-apim-subscription-key",
    "openai-organization",
    "openai-project",
    "proxy-authorization",
    "set-cookie",
    "x-api-key",
];
/// What belongs to a connection, not to a message (RFC 9110, 7.6.1), and what the
/// body's own length says.
const OF_CONNECTION: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// One exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    pub version: u32,
    pub request: RecordedRequest,
    pub response: RecordedResponse,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedRequest {
    pub method: String,
    /// Path and query. Playback does not look at `api-version`.
    pub path: String,
    /// The body when it was JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// A fingerprint of any other body that was not empty (SHA-256, hexadecimal).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedResponse {
    pub status: u16,
    /// By name in lower case; a header that came several times is a list.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Milliseconds from the request to the response's headers.
    pub headers_ms: f64,
    /// The body in the pieces it came in.
    pub frames: Vec<Frame>,
}

/// A piece of a body: as text where it is text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Frame {
    /// Milliseconds from the request to this piece.
    pub at_ms: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Frame {
    pub(crate) fn new(at_ms: f64, bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { at_ms, text: Some(text.to_owned()), base64: None },
            Err(_) => Self { at_ms, text: None, base64: Some(STANDARD.encode(bytes)) },
        }
    }

    pub(crate) fn bytes(&self) -> Result<Bytes, String> {
        match (&self.text, &self.base64) {
            (Some(text), None) => Ok(Bytes::copy_from_slice(text.as_bytes())),
            (None, Some(text)) => {
                STANDARD.decode(text).map(Bytes::from).map_err(|error| error.to_string())
            }
            _ => Err("expected one of `text` and `base64`".to_owned()),
        }
    }
}

/// The headers that may be written down and sent again.
pub(crate) fn recordable(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let name = name.as_str();
        if is_secret(name) || OF_CONNECTION.contains(&name) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        kept.entry(name.to_owned()).or_default().push(value);
    }
    kept
}

pub(crate) fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

/// Whether a proxy passes the header on.
pub(crate) fn is_end_to_end(name: &str) -> bool {
    !OF_CONNECTION.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        for bytes in [&b"data: {}\n\n"[..], b"", &[0xff, 0x00, 0x80]] {
            let json = serde_json::to_string(&Frame::new(1.5, bytes)).unwrap();
            let read: Frame = serde_json::from_str(&json).unwrap();
            assert_eq!(read.bytes().unwrap(), bytes, "{json}");
        }
    }

    #[test]
    fn no_secret_is_written() {
        let mut headers = HeaderMap::new();
        for name in SECRET.iter().chain(OF_CONNECTION) {
            headers.insert(*name, "s3cret".parse().unwrap());
        }
        headers.append("x-ratelimit-remaining-tokens", "5".parse().unwrap());
        let kept = recordable(&headers);
        assert_eq!(kept.len(), 1, "{kept:?}");
    }
}
