//! Errors with the service's bodies (specification, sections 1.2 to 1.5, 3.6
//! and 4.3). What is sent here is part of the product: golden files hold it.

use http::StatusCode;
use serde::Serialize;

use super::style::{ErrorObject, Style};
use crate::catalogue::{Model, Operation};
use crate::config::{Layout, WireProfile};
use crate::filter::{Findings, prompt_categories};
use crate::limit::RefusalReason;

const INVALID: &str = "invalid_request_error";

/// An error reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    /// For the journal and metrics: what happened, in one word.
    pub reason: &'static str,
    content: Content,
    /// How eras before 2026 say the same.
    older: Option<Box<ErrorObject>>,
    /// Sent without a length, as the service does for this one.
    pub chunked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    /// Exactly this.
    Text(String),
    /// Laid out by the style of who answers.
    Object(Box<ErrorObject>),
}

impl ApiError {
    pub(super) fn new(status: StatusCode, reason: &'static str, body: impl Into<String>) -> Self {
        Self { status, reason, content: Content::Text(body.into()), older: None, chunked: false }
    }

    pub(super) fn object(status: StatusCode, reason: &'static str, object: ErrorObject) -> Self {
        Self {
            status,
            reason,
            content: Content::Object(Box::new(object)),
            older: None,
            chunked: false,
        }
    }

    /// The body in the style of who answers.
    pub(crate) fn body(&self, style: Style) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::Object(object) => object.text(style),
        }
    }

    /// Unknown path, method or API version. 56 bytes, with a space after `"message":`.
    pub(crate) fn resource_not_found() -> Self {
        let body = r#"{"error":{"code":"404","message": "Resource not found"}}"#;
        Self::new(StatusCode::NOT_FOUND, "resource_not_found", body)
    }

    /// A key that is not the resource's. 224 bytes.
    pub(crate) fn invalid_key() -> Self {
        let body = r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}"#;
        Self::new(StatusCode::UNAUTHORIZED, "invalid_key", body)
    }

    /// No key, and no access token.
    pub(crate) fn unauthorized() -> Self {
        Self::bad_token("unauthorized")
    }

    /// An access token that is not valid here; the service does not say why, the
    /// journal does.
    pub(crate) fn bad_token(reason: &'static str) -> Self {
        let body = r#"{ "statusCode": 401, "message": "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired." }"#;
        Self::new(StatusCode::UNAUTHORIZED, reason, body)
    }

    /// A valid access token of an identity without the role.
    pub(crate) fn permission_denied() -> Self {
        let body = r#"{"error":{"code":"PermissionDenied","message":"Principal does not have access to API/Operation."}}"#;
        Self::new(StatusCode::UNAUTHORIZED, "permission_denied", body)
    }

    /// An access token of another tenant. Seen in public reports, such as
    /// github.com/Azure-Samples/ai-rag-chat-evaluator/issues/94.
    pub(crate) fn wrong_tenant(tenant: &str) -> Self {
        let body = coded_error(
            "Tenant provided in token does not match resource token",
            &format!("Token tenant {tenant} does not match resource tenant."),
        );
        Self::new(StatusCode::BAD_REQUEST, "token_tenant", body)
    }

    /// No deployment of this name. The body of 2026, or the one before `type` came.
    pub(crate) fn deployment_not_found(profile: WireProfile) -> Self {
        let message = "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.";
        let old = match profile {
            WireProfile::Azure2024 | WireProfile::Azure2025 => true,
            WireProfile::Documented | WireProfile::Azure2026 | WireProfile::OpenAi => false,
        };
        let body = if old {
            format!(r#"{{"error":{{"code":"DeploymentNotFound","message":"{message}"}}}}"#)
        } else {
            format!(
                "{{\n  \"error\": {{\n    \"type\": \"invalid_request_error\",\n    \"code\": \"DeploymentNotFound\",\n    \"message\": \"{message}\"\n  }}\n}}"
            )
        };
        let chunked = !old;
        Self { chunked, ..Self::new(StatusCode::NOT_FOUND, "deployment_not_found", body) }
    }

    /// A form was expected. The wording of the JSON endpoints, turned round.
    pub(crate) fn not_a_form(content_type: &str) -> Self {
        let message = format!(
            "Invalid Content-Type header ({content_type}), expected multipart/form-data. (HINT: If you're using curl, you can pass -F 'file=@path')"
        );
        Self::invalid_request(message, None, None)
    }

    /// A form that ends early or is garbled.
    pub(crate) fn broken_form() -> Self {
        Self::invalid_request("Could not parse multipart form", None, None)
    }

    /// A file beyond the service's limit.
    pub(crate) fn content_too_large(limit: usize, length: usize) -> Self {
        let message =
            format!("Maximum content size limit ({limit}) exceeded ({length} bytes read)");
        let error = Self::invalid_request(message, None, None);
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, reason: "content_too_large", ..error }
    }

    /// Playback has no recording of this request. Not an error of the service: its
    /// code says whose it is.
    pub(crate) fn not_recorded(why: &str) -> Self {
        let body = coded_error("RecordingNotFound", why);
        Self::new(StatusCode::NOT_FOUND, "not_recorded", body)
    }

    /// The endpoint that is being recorded could not be reached.
    pub(crate) fn upstream_failed(why: &str) -> Self {
        let body = coded_error("UpstreamFailed", why);
        Self::new(StatusCode::BAD_GATEWAY, "upstream_failed", body)
    }

    /// The deployment's model cannot do this operation.
    pub(crate) fn operation_not_supported(operation: Operation, model: &Model) -> Self {
        let body = format!(
            r#"{{"error":{{"code":"OperationNotSupported","message":"The {} operation does not work with the specified model, {}. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993."}}}}"#,
            operation.word(),
            model.facts.name,
        );
        Self::new(StatusCode::BAD_REQUEST, "operation_not_supported", body)
    }

    /// A version that does not have this model yet.
    pub(crate) fn model_not_enabled(model: &Model, since: &str) -> Self {
        let name = model.facts.name;
        let message = format!("Model {name} is enabled only for api versions {since} and later");
        let body = coded_error("BadRequest", &message);
        Self::new(StatusCode::BAD_REQUEST, "model_not_enabled", body)
    }

    /// More custom headers than the service takes. The text is not published; this is
    /// our own.
    pub(crate) fn too_many_headers(most: usize) -> Self {
        let message = format!("The request has more than {most} custom headers.");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, "too_many_headers", coded_error("431", &message))
    }

    /// An image that cannot be fetched.
    pub(crate) fn unreachable_image(url: &str) -> Self {
        let message = format!("Error while downloading {url}.");
        Self::invalid_request(message, None, Some("invalid_image_url"))
    }

    /// No model of this name can be deployed. The text is not published; this is
    /// our own.
    pub(crate) fn base_model_not_found() -> Self {
        let body = coded_error("ResourceNotFound", "The specified base model does not exist.");
        Self::new(StatusCode::NOT_FOUND, "model_not_found", body)
    }

    /// The body is not a JSON object.
    pub(crate) fn invalid_json() -> Self {
        Self::invalid_request(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)",
            None,
            None,
        )
    }

    /// A body beyond the configured size. The service's own text is not known.
    pub(crate) fn body_too_large(limit: usize) -> Self {
        let body = format!(
            r#"{{"error":{{"code":"413","message":"The request body is larger than {limit} bytes."}}}}"#
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", body)
    }

    /// The request's body ended early or was garbled in transfer.
    pub(crate) fn unreadable_body() -> Self {
        Self { reason: "unreadable_body", ..Self::invalid_json() }
    }

    /// A 400 of the model layer.
    pub(crate) fn invalid_request(
        message: impl Into<String>,
        param: Option<&str>,
        code: Option<&str>,
    ) -> Self {
        let object = ErrorObject::new(message, INVALID, param, code);
        Self::object(StatusCode::BAD_REQUEST, "invalid_request", object)
    }

    /// A field that nobody knows. Until 2025 the service named it otherwise.
    pub(crate) fn unknown_parameter(key: &str) -> Self {
        let message = format!("Unknown parameter: '{key}'.");
        let object = ErrorObject::new(message, INVALID, Some(key), Some("unknown_parameter"));
        let older = format!("Unrecognized request argument supplied: {key}");
        let older = ErrorObject::new(older, INVALID, None, None);
        Self {
            older: Some(Box::new(older)),
            ..Self::object(StatusCode::BAD_REQUEST, "invalid_request", object)
        }
    }

    /// The same as an era says it.
    pub(crate) fn in_words_of(mut self, profile: WireProfile) -> Self {
        let newer = match profile {
            WireProfile::Azure2026 | WireProfile::OpenAi => true,
            WireProfile::Documented | WireProfile::Azure2024 | WireProfile::Azure2025 => false,
        };
        if let Some(older) = self.older.take().filter(|_| !newer) {
            self.content = Content::Object(older);
        }
        self
    }

    /// A prompt alone beyond a window.
    pub(crate) fn prompt_too_long(window: u64, prompt_tokens: u64) -> Self {
        let message = format!(
            "This model's maximum context length is {window} tokens. However, your messages resulted in {prompt_tokens} tokens. Please reduce the length of the messages."
        );
        Self::invalid_request(message, Some("messages"), Some("context_length_exceeded"))
    }

    /// A prompt that content filters block.
    pub(crate) fn prompt_filtered(findings: &Findings, layout: Layout) -> Self {
        let (categories, clean) = prompt_categories(layout);
        let results = findings.results(categories, clean);
        let body = format!(
            r#"{{"error":{{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{{"code":"ResponsibleAIPolicyViolation","content_filter_result":{results}}}}}}}"#
        );
        Self::new(StatusCode::BAD_REQUEST, "content_filter", body)
    }

    /// No `model` on the v1 surface, where it names the deployment.
    pub(crate) fn missing_model() -> Self {
        Self::invalid_request("you must provide a model parameter", None, None)
    }

    /// A limiter's refusal.
    pub(crate) fn too_many_requests(reason: RefusalReason, body: String) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, reason.name(), body)
    }
}

/// `{"error":{"code":…,"message":…}}`.
pub(super) fn coded_error(code: &str, message: &str) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Inner<'a>,
    }
    #[derive(Serialize)]
    struct Inner<'a> {
        code: &'a str,
        message: &'a str,
    }
    serde_json::to_string(&Body { error: Inner { code, message } }).unwrap_or_default()
}
