//! `<forward-request />`: the backend call.
//!
//! The timeout runs until the response's headers. With
//! `buffer-response="false"` its body is handed on chunk by chunk. The request's
//! body is complete in memory, so every attempt of a retry sends it. Of a pool
//! each call goes to a member chosen anew, with that member's URL and credentials.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use hyper::ext::ReasonPhrase;
use rand::Rng as _;
use seam::http::{Response, call};
use tokio::time::Instant;

use crate::backend::breaker::{CallResult, ErrorReason};
use crate::backend::{self, Choice, Outgoing, Route};
use crate::config::model::Credentials;
use crate::config::settings::{
    FailOnErrorResponse, PoolReason, PoolRetryAfter, ResponseOnError, TrippingCall,
};
use crate::journal::BreakerChange;
use crate::pipeline::context::{MessageBody, ResponseState, Url};
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
/// The usual reason phrase of 503.
const UNAVAILABLE: &str = "Service Unavailable";

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
    compiler.facts().forward();
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

/// Where one call goes.
struct Destination {
    /// The backend's id, or the base URL.
    name: String,
    /// Its name in metrics, of which there must be few.
    label: &'static str,
    /// The configured backend.
    choice: Option<Choice>,
}

impl ForwardRequest {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let timeout = self.timeout(exchange).await?;
        let destination = destination(exchange)?;
        let request = self.request(exchange, &destination)?;
        note_call(exchange, &destination);
        let answered = tokio::time::timeout(timeout, call(&exchange.worker.client, request)).await;
        let status = answered.as_ref().ok().and_then(|answer| answer.as_ref().ok());
        exchange.recorder.attempt_answered(status.map(|response| response.status().as_u16()));
        if let Some(choice) = &destination.choice {
            let (result, headers) = match &answered {
                Ok(Ok(response)) => {
                    (CallResult::Status(response.status().as_u16()), Some(response.headers()))
                }
                Ok(Err(_)) => (CallResult::Error(ErrorReason::ConnectionFailure), None),
                Err(_) => (CallResult::Error(ErrorReason::Timeout), None),
            };
            settle_breaker(exchange, choice, result, headers)?;
        }
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                tracing::debug!(backend = destination.name, %error, "a backend call failed");
                let message = format!("Error connecting to the backend service: {}", error.kind);
                return Err(no_answer(exchange, ErrorReason::ConnectionFailure, message));
            }
            Err(_) => {
                let message = "Request to the backend service timed out";
                return Err(no_answer(exchange, ErrorReason::Timeout, message.to_owned()));
            }
        };
        exchange.context.response = received(response);
        exchange.meter_response();
        if let Some(cookie) = destination.choice.and_then(|choice| choice.set_cookie) {
            exchange.context.response.headers.append(SET_COOKIE, cookie);
        }
        if self.buffer_response == Switch::On {
            exchange.buffer_response().await?;
        }
        let status = exchange.context.response.status;
        if self.fail_on_error_status_code == Switch::On && (400..600).contains(&status) {
            let message = format!("The backend service answered with status code {status}.");
            let reason = "BackendErrorStatusCode";
            return Err(match exchange.shared.model.settings.fail_on_error_response {
                FailOnErrorResponse::Backend => exchange.fail_with_response(reason, message),
                FailOnErrorResponse::Gateway => exchange.fail(status, reason, message),
            });
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

    /// The request that leaves, with the credentials of this call's backend.
    fn request(
        &self,
        exchange: &mut Exchange,
        destination: &Destination,
    ) -> Result<seam::http::Request, Failure> {
        let shared = Arc::clone(&exchange.shared);
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
        let hide_key = if settings.forward_subscription_key {
            None
        } else {
            let id = context.api.as_ref().map(|api| api.id.as_str());
            shared.model.apis.iter().find(|api| Some(api.info.id.as_str()) == id)
        };
        let credentials =
            destination.choice.as_ref().map(|choice| &choice.single.backend.credentials);
        let authorization = authorization(exchange, credentials)?;
        let context = &exchange.context;
        let request = backend::build(Outgoing {
            method: &context.request.method,
            url: &context.request.url,
            headers: &context.request.headers,
            client_host: exchange.client_host.as_ref(),
            body,
            credentials,
            authorization,
            hide_key: hide_key.map(|api| (&api.key_header, api.key_query.as_str())),
        });
        exchange.forwards += 1;
        request.map_err(|error| {
            let message = format!("The request cannot be sent: {error}");
            exchange.fail(500, "BackendConnectionFailure", message)
        })
    }
}

/// The token that the backend's requests carry, if any; a new one when the last
/// is about to expire.
fn authorization(
    exchange: &mut Exchange,
    credentials: Option<&Credentials>,
) -> Result<Option<HeaderValue>, Failure> {
    let Some(own) = credentials.and_then(|own| own.managed_identity.as_ref()) else {
        return Ok(None);
    };
    let now = exchange.context.clock.now();
    let client_id = own.client_id.as_deref();
    match exchange.shared.identity.authorization(&own.resource, client_id, now) {
        Some((header, token)) => {
            if let Some(tracer) = &mut exchange.recorder.tracer {
                tracer.hide(&token);
            }
            Ok(Some(header))
        }
        None => Err(exchange.no_token(&own.resource)),
    }
}

/// Where this call goes; of a pool, each call to a member chosen anew.
fn destination(exchange: &mut Exchange) -> Result<Destination, Failure> {
    match exchange.target.clone() {
        Some(Target::Backend(route)) => {
            let choice = choose(exchange, &route)?;
            let name = choice.single.backend.id.clone();
            Ok(Destination { name, label: "", choice: Some(choice) })
        }
        Some(Target::Url(base)) => {
            Ok(Destination { name: base_url(&base), label: "", choice: None })
        }
        Some(Target::ComputedUrl(base)) => {
            Ok(Destination { name: base_url(&base), label: "computed base-url", choice: None })
        }
        None => {
            let api = exchange.context.api.as_ref();
            let Some(base) = api.and_then(|api| api.service_url.clone()) else {
                let message = "No backend is selected: the API has no service URL, and no set-backend-service ran.";
                return Err(exchange.fail(500, "BackendConnectionFailure", message));
            };
            // No policy chose: the API's own URL, from here on visible.
            rebase(exchange, &base);
            let name = base_url(&base);
            exchange.target = Some(Target::Url(base));
            Ok(Destination { name, label: "", choice: None })
        }
    }
}

fn base_url(base: &Url) -> String {
    url::to_uri(base).map_or_else(|_| base.host.clone(), |uri| uri.to_string())
}

/// Puts the request's path and query below a base URL.
fn rebase(exchange: &mut Exchange, base: &Url) {
    let query = std::mem::take(&mut exchange.context.request.url.query);
    exchange.context.request.url = url::join(base, &exchange.rest_path, &query);
}

fn choose(exchange: &mut Exchange, route: &Route) -> Result<Choice, Failure> {
    let shared = Arc::clone(&exchange.shared);
    let (number, forwards) = (exchange.recorder.number(), exchange.forwards);
    let draw = || {
        let mut stream = shared.seed.numbered("gateway/pool", number);
        // Two words of 32 bits a draw.
        stream.set_word_pos(2 * u128::from(forwards));
        stream.next_u64()
    };
    let choice = match route.choose(&exchange.context.request.headers, draw) {
        Ok(choice) => choice,
        Err(until) => {
            let (id, reason) = match (route, shared.model.settings.pool_reason) {
                (Route::Pool(pool), PoolReason::Old) => {
                    let reason = format!("Backend pool {} is temporarily unavailable", pool.id);
                    (&pool.id, reason)
                }
                (Route::Pool(pool), PoolReason::New) => (&pool.id, UNAVAILABLE.to_owned()),
                (Route::Single(single), _) => (&single.backend.id, UNAVAILABLE.to_owned()),
            };
            shared.metrics.unavailable(id);
            return Err(unavailable(exchange, until, reason));
        }
    };
    if let Some(pool) = &choice.pool {
        shared.metrics.pool_choice(&pool.id, &choice.single.backend.id);
        rebase(exchange, &choice.single.backend.url);
    }
    exchange.context.backend = Some(Arc::clone(&choice.info));
    Ok(choice)
}

/// A call without an answer.
fn no_answer(exchange: &mut Exchange, reason: ErrorReason, message: String) -> Failure {
    let settings = &exchange.shared.model.settings;
    let seen = settings.response_on_transport_error;
    let (status, reason) = match reason {
        ErrorReason::Timeout => (settings.timeout_status.code(), "Timeout"),
        ErrorReason::ConnectionFailure => {
            (settings.connection_failure_status.code(), "BackendConnectionFailure")
        }
    };
    let failure = exchange.fail(status, reason, message);
    exchange.context.response.null = seen == ResponseOnError::Null;
    failure
}

/// The 503 of an open breaker: until when is in `Retry-After`.
fn unavailable(exchange: &mut Exchange, until: Instant, reason: String) -> Failure {
    let left = until.saturating_duration_since(Instant::now());
    let seconds = left.as_secs() + u64::from(0 < left.subsec_nanos());
    let settings = &exchange.shared.model.settings;
    let (retry_after, named) = (settings.pool_retry_after, settings.breaker_reason.name());
    let failure = exchange.fail(503, named, reason.clone());
    let response = &mut exchange.context.response;
    if retry_after == PoolRetryAfter::FirstCloses {
        response.headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response.reason = reason;
    failure
}

/// What the journal and metrics say of a call that leaves.
fn note_call(exchange: &mut Exchange, destination: &Destination) {
    let Destination { name, label, choice } = destination;
    exchange.recorder.attempt_sent(name, if label.is_empty() { name } else { label });
    let called = url::without_query(&exchange.context.request.url);
    exchange.recorder.note_attempt(|attempt| {
        attempt.url = called;
        if let Some(choice) = choice {
            attempt.pool = choice.pool.as_ref().map(|pool| pool.id.clone());
            attempt.breaker = choice.closed_again.then_some(BreakerChange::Closed);
        }
    });
}

/// Tells the backend's breaker what became of the call.
fn settle_breaker(
    exchange: &mut Exchange,
    choice: &Choice,
    result: CallResult,
    headers: Option<&HeaderMap>,
) -> Result<(), Failure> {
    let Some(until) = choice.single.record(result, headers, exchange.shared.clock) else {
        return Ok(());
    };
    let id = &choice.single.backend.id;
    tracing::debug!(backend = id, ?result, "a circuit breaker opened");
    exchange.shared.metrics.breaker_tripped(id);
    exchange.recorder.note_attempt(|attempt| {
        attempt.breaker = Some(match attempt.breaker {
            None => BreakerChange::Opened,
            Some(_) => BreakerChange::Reopened,
        });
    });
    match exchange.shared.model.settings.breaker_tripping_call {
        TrippingCall::Pass => Ok(()),
        TrippingCall::ServiceUnavailable => {
            Err(unavailable(exchange, until, UNAVAILABLE.to_owned()))
        }
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
    ResponseState { status, reason, headers: parts.headers, body, null: false }
}

impl Policy for ForwardRequest {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
