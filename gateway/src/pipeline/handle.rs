//! One request from arrival to answer: the built-in steps and the sections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, EXPECT, HOST, HeaderName, ORIGIN,
    WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::ext::ReasonPhrase;
use indexmap::IndexMap;
use rand::Rng as _;

use super::completion::LastByte;
use super::context::{
    Context, LastError, MessageBody, RequestState, ResponseState, SubscriptionInfo, Variables,
};
use super::exchange::{Exchange, Failure, Flow, Outcome, ScopeDocument};
use super::subscription::{Refusal, admit};
use super::{errors, matching, url};
use crate::app::Worker;
use crate::config::model::{Api, Operation};
use crate::config::settings::{
    KeyChallenge, KeyCheck, KeyMissingMessage, LastErrorOutside, LimitHeaders, NotFoundMessage,
    Preflight, ResponseBefore, SecondError,
};
use crate::policy::document::{PolicyDocument, Scope};
use crate::policy::spec::Section;
use crate::telemetry::redact::Secrets;
use crate::telemetry::tracer::Tracer;

/// The client's own number for a request; passed on like any header.
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// Answers one request.
pub(crate) async fn handle(worker: Arc<Worker>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let mut exchange = arrive(worker, parts);
    if let Err(failure) = run(&mut exchange, body).await {
        on_error(&mut exchange, failure).await;
    }
    leave(&mut exchange).await;
    respond(exchange, &method)
}

/// What is left to do before the response leaves. After outbound that was done:
/// here is the rest for pipelines that ended otherwise.
async fn leave(exchange: &mut Exchange) {
    // As in on-error, a failure here does not become the response.
    exchange.section = Section::OnError;
    while let Err(Failure(error)) = exchange.complete_leaving().await {
        tracing::warn!(?error, "work left for the end of a request failed");
    }
    exchange.apply_response_headers();
}

/// The exchange of a request that nothing is known of yet.
fn arrive(worker: Arc<Worker>, request: Parts) -> Exchange {
    let shared = &worker.shared;
    let headers = request.headers;
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let recorder = shared.journal.begin(text(CORRELATION_ID));
    let address = request.extensions.get::<ConnectInfo<SocketAddr>>();
    let called = url::of_request(&request.uri, text(HOST));
    let client_host = headers.get(HOST).cloned();
    let mut random = shared.seed.numbered("gateway/request", recorder.number());
    let request_id = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
    let context = Context {
        request_id: as_guid(request_id),
        started: recorder.started(),
        clock: shared.clock,
        variables: Variables::default(),
        request: RequestState {
            method: request.method.as_str().to_owned(),
            url: called.clone(),
            original_url: called,
            headers,
            body: MessageBody::Absent,
            ip_address: address
                .map_or_else(|| "127.0.0.1".to_owned(), |peer| peer.0.ip().to_string()),
            matched_parameters: Vec::new(),
        },
        response: ResponseState {
            status: 200,
            reason: "OK".to_owned(),
            headers: HeaderMap::new(),
            body: MessageBody::Absent,
            null: shared.model.settings.response_before_backend == ResponseBefore::Null,
        },
        api: None,
        operation: None,
        product: None,
        subscription: None,
        backend: None,
        deployment: Arc::clone(&shared.model.deployment),
        last_error: match shared.model.settings.last_error_outside_on_error {
            LastErrorOutside::Null => None,
            LastErrorOutside::Empty => Some(LastError::default()),
        },
        random,
        trace: Vec::new(),
        stored_responses: IndexMap::new(),
        tracing: false,
    };
    let mut exchange = Exchange::new(context, worker, recorder);
    exchange.client_host = client_host;
    exchange.add_scope(Scope::Global, Some(&Arc::clone(&exchange.shared.model.global)));
    begin_trace(&mut exchange, request.extensions.get::<TraceWanted>().is_some());
    exchange
}

/// A request in process that wants its trace: an extension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceWanted;

/// Asks for a trace.
const TRACE: HeaderName = HeaderName::from_static("ocp-apim-trace");
/// Carries the control key with it.
const TRACE_KEY: HeaderName = HeaderName::from_static("apim-debug-authorization");
/// Answers with the trace's id,
const TRACE_ID: HeaderName = HeaderName::from_static("apim-trace-id");
/// its place,
const TRACE_LOCATION: HeaderName = HeaderName::from_static("ocp-apim-trace-location");
/// or why there is none.
const TRACE_ERROR: HeaderName = HeaderName::from_static("ocp-apim-trace-error");

/// Begins the trace of a request that asked for one and may. The headers that
/// ask are the gateway's own: no backend sees them.
fn begin_trace(exchange: &mut Exchange, wanted: bool) {
    let headers = &mut exchange.context.request.headers;
    let asked =
        headers.remove(TRACE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let key = headers.remove(TRACE_KEY);
    if !wanted && !asked {
        return;
    }
    let model = &exchange.shared.model;
    let allowed = match &model.control_key {
        Some(expected) => key.is_some_and(|key| key.as_bytes() == expected.as_bytes()),
        None => true,
    };
    if !wanted && !allowed {
        exchange.trace_refused = true;
        return;
    }
    let mut secrets = Secrets::of_model(model);
    secrets.add_headers(&exchange.context.request.headers, &[]);
    let id = errors::guid(exchange.context.request_id);
    exchange.context.tracing = true;
    let tracer = Tracer::new(id, &exchange.context, secrets);
    exchange.recorder.tracer = Some(Box::new(tracer));
}

/// The key in the request is a secret, whatever the API calls its header.
fn hide_key(exchange: &mut Exchange, api: &Api) {
    let Some(tracer) = &mut exchange.recorder.tracer else { return };
    let request = &exchange.context.request;
    for own in request.url.query.iter().filter(|own| own.name == api.key_query) {
        tracer.hide(&own.value);
    }
    tracer.hide_headers(&request.headers, &api.key_header);
}

/// Sets a random GUID's version (4) and variant bits.
fn as_guid(random: u128) -> u128 {
    random & !(0xf000 << 64) & !(0xc000 << 48) | 0x4000 << 64 | 0x8000 << 48
}

/// Built-in steps, then inbound, backend, outbound.
async fn run(exchange: &mut Exchange, mut body: Body) -> Result<(), Failure> {
    if preflight(exchange)? {
        return Ok(());
    }
    let prepared = match admit_call(exchange) {
        Ok(()) => read_body(exchange, &mut body).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = prepared {
        if !exchange.context.request.headers.contains_key(EXPECT) {
            // An honest client is not far above the limit.
            let limit = exchange.shared.model.settings.max_request_body_bytes;
            discard(body, limit.saturating_mul(2)).await;
        }
        return Err(failure);
    }
    let mut returned = false;
    for section in [Section::Inbound, Section::Backend, Section::Outbound] {
        if returned && section == Section::Backend {
            continue;
        }
        if section == Section::Outbound {
            before_outbound(exchange).await?;
        }
        if exchange.run_section(section).await? == Flow::Respond {
            exchange.response_replaced();
            let settings = &exchange.shared.model.settings;
            if section == Section::Outbound || !settings.outbound_after_return_response {
                return Ok(());
            }
            returned = true;
        }
    }
    exchange.outbound_ended = true;
    exchange.complete_leaving().await
}

/// Answers a preflight request of an API whose documents have `cors`; others
/// are requests like any.
fn preflight(exchange: &mut Exchange) -> Result<bool, Failure> {
    let request = &exchange.context.request;
    let wanted = request.headers.get(ACCESS_CONTROL_REQUEST_METHOD);
    let (true, Some(wanted)) =
        (request.method == "OPTIONS" && request.headers.contains_key(ORIGIN), wanted)
    else {
        return Ok(false);
    };
    let shared = Arc::clone(&exchange.shared);
    let path = request.original_url.path.clone();
    let wanted = wanted.to_str().unwrap_or_default();
    let found = shared
        .model
        .apis
        .iter()
        .filter_map(|api| matching::below(&path, &api.info.path).map(|rest| (api, rest)))
        .min_by_key(|(_, rest)| rest.len());
    let Some((api, rest)) = found else { return Ok(false) };
    let operation = api
        .operations
        .iter()
        .find(|own| own.info.method == wanted && own.template.matches(rest).is_some());
    // Innermost first. No key says of which product the call will be.
    let documents = [
        operation.and_then(|own| own.policy.as_ref()),
        api.policy.as_ref(),
        Some(&shared.model.global),
    ];
    let rules = documents
        .into_iter()
        .flatten()
        .flat_map(|document| document.section(Section::Inbound))
        .find_map(|step| step.policy.cors());
    let Some(rules) = rules else { return Ok(false) };
    let headers = rules.preflight(&request.headers);
    exchange.context.api = Some(Arc::clone(&api.info));
    exchange.recorder.note(|record| record.api = Some(api.info.id.clone()));
    if shared.model.settings.preflight == Preflight::AfterKey {
        exchange.add_scope(Scope::Api, api.policy.as_ref());
        check_key(exchange, api)?;
    }
    exchange.context.response.headers = headers;
    Ok(true)
}

async fn before_outbound(exchange: &mut Exchange) -> Result<(), Failure> {
    exchange.context.response.null = false;
    if 0 < exchange.forwards {
        exchange.complete_received().await?;
    }
    if exchange.shared.model.settings.limit_headers == LimitHeaders::BeforeOutbound {
        exchange.apply_response_headers();
    }
    Ok(())
}

/// The steps that need no body. From the moment the operation is known, errors
/// go to its effective document: a missing key, too.
fn admit_call(exchange: &mut Exchange) -> Result<(), Failure> {
    let (api, operation) = find_operation(exchange)?;
    let Some(operation) = operation else {
        if exchange.shared.model.settings.key_check == KeyCheck::BeforeOperation {
            check_key(exchange, &api)?;
        }
        return Err(not_found(exchange));
    };
    exchange.add_scope(Scope::Api, api.policy.as_ref());
    exchange.add_scope(Scope::Operation, operation.policy.as_ref());
    check_key(exchange, &api)
}

/// Reads what a refused client still sends, up to `left` bytes, and forgets it:
/// closing the connection with bytes unread resets it, and the client would see
/// that instead of the refusal. (One that waits for `100 Continue` sends nothing.)
async fn discard(mut body: Body, mut left: usize) {
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

type Matched = (Arc<Api>, Option<Arc<Operation>>);

fn find_operation(exchange: &mut Exchange) -> Result<Matched, Failure> {
    let shared = Arc::clone(&exchange.shared);
    let path = exchange.context.request.original_url.path.clone();
    let found = shared
        .model
        .apis
        .iter()
        .filter_map(|api| matching::below(&path, &api.info.path).map(|rest| (api, rest)))
        .min_by_key(|(_, rest)| rest.len());
    let Some((api, rest)) = found else {
        return Err(not_found(exchange));
    };
    exchange.rest_path = rest.to_owned();
    hide_key(exchange, api);
    exchange.context.api = Some(Arc::clone(&api.info));
    exchange.recorder.note(|record| record.api = Some(api.info.id.clone()));
    let method = &exchange.context.request.method;
    let operation =
        api.operations.iter().filter(|operation| operation.info.method == *method).find_map(
            |operation| operation.template.matches(rest).map(|parameters| (operation, parameters)),
        );
    let Some((operation, parameters)) = operation else {
        return Ok((Arc::clone(api), None));
    };
    exchange.context.request.matched_parameters = parameters;
    exchange.context.operation = Some(Arc::clone(&operation.info));
    exchange.recorder.note(|record| record.operation = Some(operation.info.id.clone()));
    Ok((Arc::clone(api), Some(Arc::clone(operation))))
}

/// The log says which step failed; the body only that nothing is there.
fn not_found(exchange: &mut Exchange) -> Failure {
    let message = "Unable to match incoming request to an operation.";
    let told = match exchange.shared.model.settings.not_found_message {
        NotFoundMessage::ResourceNotFound => errors::NOT_FOUND,
        NotFoundMessage::LastError => message,
    };
    let mut failure = exchange.fail_from("configuration", 404, "OperationNotFound", told);
    failure.0.message = message.to_owned();
    failure
}

fn check_key(exchange: &mut Exchange, api: &Api) -> Result<(), Failure> {
    let shared = Arc::clone(&exchange.shared);
    let request = &exchange.context.request;
    let admission = match admit(&shared.model, api, &request.headers, &request.url) {
        Ok(admission) => admission,
        Err(refusal) => {
            let (reason, message) = match refusal {
                Refusal::Missing => {
                    let message = match shared.model.settings.key_missing_message {
                        KeyMissingMessage::ThisApi => errors::KEY_MISSING,
                        KeyMissingMessage::AnApi => errors::KEY_MISSING_OLD,
                    };
                    ("SubscriptionKeyNotFound", message)
                }
                Refusal::Invalid => ("SubscriptionKeyInvalid", errors::KEY_INVALID),
            };
            let failure = exchange.fail_from("authorization", 401, reason, message);
            let called = &exchange.context.request.original_url;
            let realm = url::to_uri(called).map(|uri| uri.to_string()).unwrap_or_default();
            let realm = realm.split('?').next().unwrap_or_default();
            let challenge = format!(
                "AzureApiManagementKey realm=\"{realm}\",name=\"{}\",type=\"header\"",
                api.key_header_text
            );
            if let Ok(challenge) = HeaderValue::from_str(&challenge)
                && shared.model.settings.key_challenge == KeyChallenge::Sent
            {
                exchange.context.response.headers.insert(WWW_AUTHENTICATE, challenge);
            }
            return Err(failure);
        }
    };
    if let Some((subscription, key)) = admission.subscription {
        exchange.recorder.note(|record| record.subscription = Some(subscription.id.clone()));
        exchange.context.subscription = Some(Arc::new(SubscriptionInfo {
            id: subscription.id.clone(),
            name: subscription.name.clone(),
            key,
            primary_key: subscription.primary_key.clone(),
            secondary_key: subscription.secondary_key.clone().unwrap_or_default(),
            created: exchange.context.clock.at(exchange.context.clock.anchor()).since_epoch(),
        }));
    }
    if let Some(product) = admission.product {
        exchange.context.product = Some(Arc::clone(&product.info));
        exchange.add_scope(Scope::Product, product.policy.as_ref());
    }
    Ok(())
}

/// Reads all of the client's body: it must survive retries, and expressions
/// read it. An empty one is none.
async fn read_body(exchange: &mut Exchange, body: &mut Body) -> Result<(), Failure> {
    let limit = exchange.shared.model.settings.max_request_body_bytes;
    let too_large = |exchange: &mut Exchange| {
        let message = format!("The request body is larger than {limit} bytes.");
        exchange.fail_from("configuration", 413, "RequestBodyTooLarge", message)
    };
    let announced = http_body::Body::size_hint(body).lower();
    if usize::try_from(announced).map_or(true, |announced| limit < announced) {
        return Err(too_large(exchange));
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => {
            let bytes = collected.to_bytes();
            if !bytes.is_empty() {
                exchange.context.request.body = MessageBody::Bytes(bytes.clone());
                exchange.client_body = bytes;
            }
            Ok(())
        }
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large(exchange)),
        Err(error) => {
            let message = format!("The request body could not be read: {error}");
            Err(exchange.fail_from("configuration", 400, "ClientConnectionFailure", message))
        }
    }
}

/// Runs on-error; an error inside it stops it.
async fn on_error(exchange: &mut Exchange, failure: Failure) {
    let Failure(error) = failure;
    tracing::debug!(?error, "the pipeline failed");
    exchange.recorder.note(|record| record.error_reason = Some(error.reason.clone()));
    if let Some(tracer) = &mut exchange.recorder.tracer {
        tracer.failed(&error.source, &error.reason, &error.message);
    }
    exchange.context.last_error = Some(*error);
    exchange.context.response.null = false;
    exchange.response_replaced();
    if exchange.shared.model.settings.limit_headers == LimitHeaders::BeforeOutbound {
        exchange.apply_response_headers();
    }
    let response = &exchange.context.response;
    let kept = (response.status, response.reason.clone(), response.headers.clone());
    // A stream cannot be kept; what on-error reads of it is in memory then.
    let kept_body = match &response.body {
        MessageBody::Bytes(bytes) => Some(bytes.clone()),
        _ => None,
    };
    let outcome: Outcome = exchange.run_section(Section::OnError).await;
    if matches!(outcome, Ok(Flow::Respond)) {
        exchange.response_replaced();
    }
    if let Err(second) = outcome {
        tracing::warn!(error = ?second.0, "on-error failed itself");
        let response = &mut exchange.context.response;
        match exchange.shared.model.settings.error_in_on_error {
            SecondError::Original => {
                (response.status, response.reason, response.headers) = kept;
                if let Some(bytes) = kept_body {
                    response.body = MessageBody::Bytes(bytes);
                }
            }
            SecondError::InternalServerError => {
                *response = errors::response(500, &second.0.message, exchange.context.request_id);
                exchange.response_replaced();
            }
        }
    }
}

/// The response that goes out, its record finished with its last byte.
fn respond(exchange: Exchange, method: &Method) -> Response<Body> {
    let Exchange { context, completions, mut recorder, trace_refused, .. } = exchange;
    if let Some(tracer) = &mut recorder.tracer {
        tracer.observe(&context);
    }
    let ResponseState { status, reason, mut headers, body, .. } = context.response;
    if recorder.tracer.is_some() {
        let id = errors::guid(context.request_id);
        let place = HeaderValue::from_str(&format!("/++/traces/{id}"));
        if let (Ok(id), Ok(place)) = (HeaderValue::from_str(&id), place) {
            headers.insert(TRACE_ID, id);
            headers.insert(TRACE_LOCATION, place);
        }
    } else if trace_refused {
        let reason = HeaderValue::from_static("apim-debug-authorization is not the control key");
        headers.insert(TRACE_ERROR, reason);
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    recorder.note(|record| record.status = status.as_u16());
    let body = match (method, status.as_u16()) {
        (&Method::HEAD, _) => {
            // The length the body would have, where that is known; never 0 for
            // want of a body.
            if let MessageBody::Bytes(bytes) = &body {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            }
            // The body hides that it is empty: a length would be added.
            let empty = futures_util::stream::empty::<Result<Bytes, Infallible>>();
            let body = Body::from_stream(empty);
            drop(LastByte::wrap(Body::empty(), status.as_u16(), completions, recorder));
            return assemble(status, reason, headers, body);
        }
        // A body would be taken for the next response.
        (_, 204 | 205 | 304) => without_body(&mut headers),
        _ => match body {
            MessageBody::Stream(body) => body,
            MessageBody::Bytes(bytes) => {
                headers.remove(CONTENT_LENGTH);
                Body::from(bytes)
            }
            MessageBody::Absent | MessageBody::Consumed => without_body(&mut headers),
        },
    };
    let body = LastByte::wrap(body, status.as_u16(), completions, recorder);
    assemble(status, reason, headers, body)
}

fn assemble(status: StatusCode, reason: String, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if !reason.is_empty()
        && reason != errors::reason_phrase(status.as_u16())
        && let Ok(phrase) = ReasonPhrase::try_from(reason.into_bytes())
    {
        response.extensions_mut().insert(phrase);
    }
    response
}

fn without_body(headers: &mut HeaderMap) -> Body {
    headers.remove(CONTENT_LENGTH);
    Body::empty()
}

impl Exchange {
    /// Keeps the outermost scope first, whatever the order they are found in.
    fn add_scope(&mut self, scope: Scope, document: Option<&Arc<PolicyDocument>>) {
        if let Some(document) = document {
            self.scopes.push(ScopeDocument { scope, document: Arc::clone(document) });
            self.scopes.sort_by_key(|known| known.scope);
        }
    }
}
