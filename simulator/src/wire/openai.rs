//! Errors and headers of OpenAI's own surface (specification, sections 1.3, 1.4
//! and 3.5).

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};

use super::error::ApiError;
use super::headers::Identity;
use super::headers::{name, project};
use super::style::{ErrorObject, Style};
use crate::catalogue::Operation;

/// Keys up to this length are echoed whole.
const UNMASKED: usize = 12;
const SHOWN_BEFORE: usize = 8;
const SHOWN_AFTER: usize = 4;

const INVALID: &str = "invalid_request_error";

impl ApiError {
    /// A key that is not known. It is shown as the service shows it.
    pub(crate) fn incorrect_api_key(key: &str) -> Self {
        let message = format!(
            "Incorrect API key provided: {}. You can find your API key at https://platform.openai.com/account/api-keys.",
            masked(key)
        );
        let object = ErrorObject::new(message, INVALID, None, Some("invalid_api_key"));
        Self::object(StatusCode::UNAUTHORIZED, "invalid_key", object.of_the_edge())
    }

    /// No key. The text is from public reports.
    pub(crate) fn missing_api_key() -> Self {
        let message = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API from your browser and are prompted for a username and password. You can obtain an API key from https://platform.openai.com/account/api-keys.";
        let object = ErrorObject::new(message, INVALID, None, None);
        Self::object(StatusCode::UNAUTHORIZED, "unauthorized", object.of_the_edge())
    }

    /// Nothing at this path.
    pub(crate) fn invalid_url(method: &str, path: &str) -> Self {
        let message = format!("Invalid URL ({method} {path})");
        let object = ErrorObject::new(message, INVALID, None, None);
        Self::object(StatusCode::NOT_FOUND, "invalid_url", object.of_the_edge())
    }

    /// Something at this path, but not for this method (inferred).
    pub(crate) fn method_not_allowed(method: &str, path: &str) -> Self {
        let message = format!(
            "Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)"
        );
        let object = ErrorObject::new(message, INVALID, None, Some("method_not_supported"));
        Self::object(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", object.of_the_edge())
    }

    /// No model of this name. Chat and its like say 404, Responses 400.
    pub(crate) fn model_not_found(model: &str, style: Style) -> Self {
        let code = Some("model_not_found");
        let (status, message, param) = match style {
            Style::OpenAiResponses => (
                StatusCode::BAD_REQUEST,
                format!("The requested model '{model}' does not exist."),
                Some("model"),
            ),
            Style::Azure | Style::OpenAi => (
                StatusCode::NOT_FOUND,
                format!("The model `{model}` does not exist or you do not have access to it."),
                None,
            ),
        };
        let object = ErrorObject::new(message, INVALID, param, code);
        Self::object(status, "model_not_found", object)
    }

    /// No model of this name, said by the endpoint that describes models.
    pub(crate) fn no_such_model(model: &str) -> Self {
        let message = format!("The model '{model}' does not exist");
        let object = ErrorObject::new(message, INVALID, Some("model"), Some("model_not_found"));
        Self::object(StatusCode::NOT_FOUND, "model_not_found", object)
    }

    /// A model that was retired.
    pub(crate) fn model_deprecated(model: &str) -> Self {
        let message = format!(
            "The model `{model}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations"
        );
        let object = ErrorObject::new(message, INVALID, None, Some("model_not_found"));
        Self::object(StatusCode::NOT_FOUND, "model_deprecated", object)
    }

    /// A model asked at an endpoint it does not have. The first two sentences are
    /// from public reports, the third is made after them.
    pub(crate) fn wrong_endpoint(operation: Operation, right: Operation) -> Self {
        let (asked, right) = (operation.path(), right.path());
        let message = match (operation, right) {
            (Operation::Chat, _) => format!(
                "This is not a chat model and thus not supported in the v1/{asked} endpoint. Did you mean to use v1/{right}?"
            ),
            (_, "chat/completions") => format!(
                "This is a chat model and not supported in the v1/{asked} endpoint. Did you mean to use v1/{right}?"
            ),
            _ => format!(
                "This model is not supported in the v1/{asked} endpoint. Did you mean to use v1/{right}?"
            ),
        };
        let object = ErrorObject::new(message, INVALID, Some("model"), None);
        Self::object(StatusCode::NOT_FOUND, "operation_not_supported", object)
    }
}

/// A key as error texts show it: the first eight characters, an asterisk for
/// each that is hidden, and the last four.
fn masked(key: &str) -> String {
    let length = key.chars().count();
    if length <= UNMASKED {
        return key.to_owned();
    }
    let hidden = length - SHOWN_BEFORE - SHOWN_AFTER;
    let before = key.chars().take(SHOWN_BEFORE);
    let after = key.chars().skip(SHOWN_BEFORE + hidden);
    before.chain(std::iter::repeat_n('*', hidden)).chain(after).collect()
}

/// Headers of a reply that no model's layer made: an error, or what an account says.
pub(crate) fn openai_error_headers(
    identity: &Identity,
    status: StatusCode,
    style: Style,
    reached: Option<&Account>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let content_type = match style {
        Style::OpenAiResponses => "application/json",
        Style::Azure | Style::OpenAi => "application/json; charset=utf-8",
    };
    set(CONTENT_TYPE, content_type);
    set(name!("x-request-id"), &identity.openai_request_id());
    set(name!("x-content-type-options"), "nosniff");
    let policy = "max-age=31536000; includeSubDomains; preload";
    set(name!("strict-transport-security"), policy);
    // Answers and the edge's errors, as recorded since December 2025.
    if status == StatusCode::OK || reached.is_none() && style == Style::OpenAi {
        set(name!("x-openai-proxy-wasm"), "v0.1");
    }
    if status == StatusCode::OK {
        set(name!("access-control-expose-headers"), "X-Request-ID");
    } else if style == Style::OpenAi {
        set(http::header::VARY, "Origin");
    } else if status == StatusCode::UNAUTHORIZED {
        set(WWW_AUTHENTICATE, "Bearer realm=\"OpenAI API\"");
    }
    if let Some(account) = reached {
        set(name!("openai-version"), "2020-10-01");
        set(name!("openai-organization"), account.organization);
        let millis = account.elapsed.as_millis().to_string();
        set(name!("openai-processing-ms"), &millis);
        // Recorded with errors of responses of 2025-12 and with answers; with chat's
        // errors of 2024-12 not.
        if style == Style::OpenAiResponses || status == StatusCode::OK {
            set(name!("openai-project"), &project(account.organization));
        }
    }
    headers
}

/// Who asked, once a key was accepted.
pub(crate) struct Account<'a> {
    pub organization: &'a str,
    pub elapsed: std::time::Duration,
}

impl Identity {
    /// `x-request-id` as OpenAI writes it.
    pub(crate) fn openai_request_id(&self) -> String {
        format!("req_{}", self.request_id.replace('-', ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded pairs.
    #[test]
    fn keys_are_masked_as_recorded() {
        for (key, shown) in [
            ("sk-fake-key", "sk-fake-key"),
            ("test-api-key", "test-api-key"),
            ("invalid-key-12345", "invalid-*****2345"),
        ] {
            assert_eq!(masked(key), shown);
        }
        assert_eq!(masked(&"é".repeat(14)), format!("{}**{}", "é".repeat(8), "é".repeat(4)));
    }

    /// Responses: two spaces, no newline, 400 instead of 404, and a challenge with
    /// the 401. The length is the recorded one.
    #[test]
    fn responses_has_a_style_of_its_own() {
        let style = Style::OpenAiResponses;
        let error = ApiError::model_not_found("this-model-does-not-exist-12345", style);
        assert_eq!((error.status.as_u16(), error.body(style).len()), (400, 197));
        let identity = Identity {
            apim_request_id: String::new(),
            request_id: "4034503e-4974-42ed-887b-172915a0b39a".to_owned(),
            client_request_id: None,
        };
        let headers = openai_error_headers(&identity, StatusCode::UNAUTHORIZED, style, None);
        assert_eq!(headers["www-authenticate"], "Bearer realm=\"OpenAI API\"");
        assert_eq!(headers["x-request-id"], "req_4034503e497442ed887b172915a0b39a");
    }
}
