//! What the gateway answers by itself: the platform's error bodies, to the
//! byte (specification 1.2, 1.3).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::context::{MessageBody, ResponseState};

/// `SubscriptionKeyNotFound`'s message.
pub(crate) const KEY_MISSING: &str = "Access denied due to missing subscription key. Make sure to include subscription key when making requests to this API.";
/// The same of older gateways.
pub(crate) const KEY_MISSING_OLD: &str = "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.";
/// `SubscriptionKeyInvalid`'s message.
pub(crate) const KEY_INVALID: &str = "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.";
/// The body's message where nothing matched; `LastError` has another.
pub(crate) const NOT_FOUND: &str = "Resource not found";

/// The error response of a status: 500 hides its message behind the request's id.
pub(crate) fn response(status: u16, message: &str, request_id: u128) -> ResponseState {
    let body = if status == 500 {
        format!(
            "{{ \"statusCode\": 500, \"message\": \"Internal server error\", \"activityId\": \"{}\" }}",
            guid(request_id)
        )
    } else {
        let message = serde_json::Value::from(message);
        format!("{{ \"statusCode\": {status}, \"message\": {message} }}")
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ResponseState {
        status,
        reason: reason_phrase(status).to_owned(),
        headers,
        body: MessageBody::Bytes(Bytes::from(body)),
        null: false,
    }
}

/// The usual phrase of a status.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default()
}

/// A GUID as .NET prints it.
pub(crate) fn guid(id: u128) -> String {
    let hex = format!("{id:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(status: u16, message: &str) -> String {
        match response(status, message, 0xabc).body {
            MessageBody::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            _ => String::new(),
        }
    }

    #[test]
    fn bodies_are_the_platforms() {
        insta::assert_snapshot!(
            [body(404, NOT_FOUND), body(401, KEY_MISSING), body(401, KEY_INVALID), body(500, "x"), body(429, "a \"b\"")]
                .join("\n"),
            @r#"
        { "statusCode": 404, "message": "Resource not found" }
        { "statusCode": 401, "message": "Access denied due to missing subscription key. Make sure to include subscription key when making requests to this API." }
        { "statusCode": 401, "message": "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription." }
        { "statusCode": 500, "message": "Internal server error", "activityId": "00000000-0000-0000-0000-000000000abc" }
        { "statusCode": 429, "message": "a \"b\"" }
        "#
        );
    }
}
