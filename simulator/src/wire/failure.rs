//! Errors of a service that fails, for faults (specification, section 1.7).

use http::StatusCode;
use serde::Serialize;

use super::error::{ApiError, coded_error};
use super::style::ErrorObject;

/// What an error event in a stream says (specification, sections 1.7 and 2.4).
pub(crate) const STREAM_ERROR: &str =
    "The server had an error while processing your request. Sorry about that!";
const OVERLOADED: &str = "The engine is currently overloaded, please try again later";

impl ApiError {
    /// A failure of the service, with its own text or another.
    ///
    /// Azure's 500 is the one of public reports (azure-sdk-for-python issue 40812),
    /// its 408 too (dify-official-plugins issue 2199). Bodies of its 502, 503, 504
    /// and of injected 4xx are not published; these are ours.
    pub(crate) fn failure(
        status: StatusCode,
        azure: bool,
        message: Option<&str>,
        request_id: &str,
    ) -> Self {
        let own = match status.as_u16() {
            500 if azure => format!(
                "The server had an error processing your request. Sorry about that! You can retry your request, or contact us through an Azure support request at: https://go.microsoft.com/fwlink/?linkid=2213926 if you keep seeing this error. (Please include the request ID {request_id} in your email.)"
            ),
            500 => STREAM_ERROR.to_owned(),
            503 => OVERLOADED.to_owned(),
            408 if azure => "The operation was timeout.".to_owned(),
            _ => status.canonical_reason().unwrap_or("Injected error").to_owned(),
        };
        let message = message.unwrap_or(&own);
        match status.as_u16() {
            408 if azure => Self::new(status, "fault", coded_error("Timeout", message)),
            500 | 503 => Self::object(status, "fault", server_error(message)),
            code if azure => Self::new(status, "fault", coded_error(&code.to_string(), message)),
            _ => Self::object(status, "fault", server_error(message)),
        }
    }

    /// A fault in a request's header that cannot be understood.
    pub(crate) fn bad_fault(message: &str) -> Self {
        let message = format!("x-simulator-fault: {message}");
        let kind = "invalid_request_error";
        let object = ErrorObject::new(message, kind, None, Some("bad_fault"));
        Self::object(StatusCode::BAD_REQUEST, "bad_fault", object)
    }
}

fn server_error(message: &str) -> ErrorObject {
    ErrorObject::new(message, "server_error", None, None)
}

/// `{"error":{"message":…,"type":"server_error","param":null,"code":null}}` of a stream.
pub(crate) fn error_object(message: &str) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Inner<'a>,
    }
    #[derive(Serialize)]
    struct Inner<'a> {
        message: &'a str,
        r#type: &'a str,
        param: Option<&'a str>,
        code: Option<&'a str>,
    }
    let error = Inner { message, r#type: "server_error", param: None, code: None };
    serde_json::to_string(&Body { error }).unwrap_or_default()
}
