//! `<forward-request />`: the backend call.
//!
//! The timeout runs until the response's headers. With
//! `buffer-response="false"` its body is handed on chunk by chunk. The request's
//! body is complete in memory, so every attempt of a retry sends it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::ext::ReasonPhrase;
use seam::http::{Response, call};

use crate::backend::{self, Outgoing};
use crate::pipeline::context::{MessageBody, ResponseState};
use crate::pipeline::errors::reason_phrase;
use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome, Policy, Target};
use crate::pipeline::url;
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ContentSpec, ElementSpec, Form, MAX_SECONDS, PolicySpec, Section, optional,
};

const POSITIVE: Form = Form::Integer(1, MAX_SECONDS);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "forward-request",
        attributes: &[
            optional("timeout", POSITIVE),
            optional("timeout-ms", POSITIVE),
            optional("continue-timeout", POSITIVE),
            optional("http-version", Form::OneOf(&["1", "2or1", "2"])).literal(),
            optional("follow-redirects", Form::Boolean),
            optional("buffer-request-body", Form::Boolean).literal(),
            optional("buffer-response", Form::Boolean).literal(),
            optional("fail-on-error-status-code", Form::Boolean).literal(),
        ],
        content: ContentSpec::Empty,
    },
    sections: &[Section::Backend],
    compile,
};

/// What becomes of an attribute that is a boolean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

struct ForwardRequest {
    timeout: Option<PolicyValue>,
    timeout_ms: Option<PolicyValue>,
    buffer_request_body: Switch,
    buffer_response: Switch,
    fail_on_error_status_code: Switch,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let switch = |name, default| match node.flag(name) {
        Some(true) => Switch::On,
        Some(false) => Switch::Off,
        None => default,
    };
    let buffer_request_body = switch("buffer-request-body", Switch::Off);
    if compiler.inside("retry") && buffer_request_body == Switch::Off {
        let problem = compiler
            .warning(
                node.element.name_span.clone(),
                "a retried `forward-request` does not buffer the request's body",
            )
            .code("W010")
            .help("documented to need `buffer-request-body=\"true\"`; this gateway sends the body on every attempt unless `strict_retry_body` is set");
        compiler.report(problem);
    }
    if node.value("follow-redirects").is_some_and(|value| value.literal() != Some("false")) {
        let problem = compiler
            .warning(node.span("follow-redirects"), "redirects are not followed by this gateway")
            .help("the backend's redirect is passed on to the client");
        compiler.report(problem);
    }
    if switch("buffer-response", Switch::On) == Switch::Off {
        compiler.facts().streams_response();
    }
    node.complete()?;
    Some(Box::new(ForwardRequest {
        timeout: node.value("timeout"),
        timeout_ms: node.value("timeout-ms"),
        buffer_request_body,
        buffer_response: switch("buffer-response", Switch::On),
        fail_on_error_status_code: switch("fail-on-error-status-code", Switch::Off),
    }))
}

impl ForwardRequest {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let timeout = self.timeout(exchange).await?;
        let (name, request) = self.request(exchange)?;
        let label = match &exchange.target {
            Some(Target::ComputedUrl(_)) => "computed base-url",
            _ => &name,
        };
        exchange.recorder.attempt_sent(&name, label);
        let client = exchange.shared.client.clone();
        let answered = tokio::time::timeout(timeout, call(&client, request)).await;
        let status = answered.as_ref().ok().and_then(|answer| answer.as_ref().ok());
        exchange.recorder.attempt_answered(status.map(|response| response.status().as_u16()));
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                tracing::debug!(backend = name, %error, "a backend call failed");
                let message = format!("Error connecting to the backend service: {}", error.kind);
                return Err(exchange.fail(500, "BackendConnectionFailure", message));
            }
            Err(_) => {
                let message = "Request to the backend service timed out";
                return Err(exchange.fail(500, "Timeout", message));
            }
        };
        exchange.context.response = received(response);
        exchange.meter_response();
        if self.buffer_response == Switch::On {
            exchange.buffer_response().await?;
        }
        let status = exchange.context.response.status;
        if self.fail_on_error_status_code == Switch::On && (400..600).contains(&status) {
            let message = format!("The backend service answered with status code {status}.");
            return Err(exchange.fail_with_response("BackendErrorStatusCode", message));
        }
        Ok(Flow::Next)
    }

    async fn timeout(&self, exchange: &mut Exchange) -> Result<Duration, Failure> {
        if let Some(milliseconds) = &self.timeout_ms {
            let found = exchange.integer(milliseconds, 1, MAX_SECONDS).await?;
            return Ok(Duration::from_millis(found.unsigned_abs()));
        }
        match &self.timeout {
            Some(seconds) => exchange.seconds(seconds, 1).await,
            None => Ok(DEFAULT_TIMEOUT),
        }
    }

    /// The backend's name and the request that leaves.
    fn request(&self, exchange: &mut Exchange) -> Result<(String, seam::http::Request), Failure> {
        let target = match (&exchange.target, &exchange.context.api) {
            (Some(target), _) => target.clone(),
            (None, Some(api)) => match &api.service_url {
                Some(base) => {
                    // No policy chose: the API's own URL, from here on visible.
                    let query = std::mem::take(&mut exchange.context.request.url.query);
                    exchange.context.request.url = url::join(base, &exchange.rest_path, &query);
                    let target = Target::Url(base.clone());
                    exchange.target = Some(target.clone());
                    target
                }
                None => return Err(self.no_backend(exchange)),
            },
            (None, None) => return Err(self.no_backend(exchange)),
        };
        let shared = std::sync::Arc::clone(&exchange.shared);
        let settings = &shared.model.settings;
        let context = &exchange.context;
        let resend = exchange.forwards == 0
            || self.buffer_request_body == Switch::On
            || !settings.strict_retry_body;
        let body = match &context.request.body {
            MessageBody::Bytes(bytes) if resend => bytes.clone(),
            MessageBody::Consumed if resend && !settings.strict_body => {
                exchange.client_body.clone()
            }
            _ => Bytes::new(),
        };
        let (name, credentials) = match &target {
            Target::Backend(backend) => (backend.id.clone(), Some(&backend.credentials)),
            Target::Url(base) | Target::ComputedUrl(base) => {
                let name =
                    url::to_uri(base).map_or_else(|_| base.host.clone(), |uri| uri.to_string());
                (name, None)
            }
        };
        let hide_key = if settings.forward_subscription_key {
            None
        } else {
            let id = context.api.as_ref().map(|api| api.id.as_str());
            shared.model.apis.iter().find(|api| Some(api.info.id.as_str()) == id)
        };
        let request = backend::build(Outgoing {
            method: &context.request.method,
            url: &context.request.url,
            headers: &context.request.headers,
            client_host: exchange.client_host.as_ref(),
            body,
            credentials,
            hide_key: hide_key.map(|api| (&api.key_header, api.key_query.as_str())),
        });
        exchange.forwards += 1;
        match request {
            Ok(request) => Ok((name, request)),
            Err(error) => {
                let message = format!("The request cannot be sent: {error}");
                Err(exchange.fail(500, "BackendConnectionFailure", message))
            }
        }
    }

    fn no_backend(&self, exchange: &mut Exchange) -> Failure {
        let message =
            "No backend is selected: the API has no service URL, and no set-backend-service ran.";
        exchange.fail(500, "BackendConnectionFailure", message)
    }
}

/// A backend's response as `context.Response`.
fn received(response: Response) -> ResponseState {
    let (mut parts, body) = response.into_parts();
    backend::remove_hop_by_hop(&mut parts.headers);
    let status = parts.status.as_u16();
    let reason = match parts.extensions.get::<ReasonPhrase>() {
        Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        None => reason_phrase(status).to_owned(),
    };
    let body = if http_body::Body::is_end_stream(&body) {
        MessageBody::Absent
    } else {
        MessageBody::Stream(body)
    };
    ResponseState { status, reason, headers: parts.headers, body }
}

impl Policy for ForwardRequest {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
