//! The pipeline of the data plane:
//! route → authenticate → resolve deployment → read JSON → admit → validate →
//! generate → pace → settle (specification, section 7). On the v1 surface the
//! JSON is read to resolve the deployment; all after that is the same.
//!
//! The limiter runs before the model layer's validation, as recorded replies
//! show: a 400 for an unsupported parameter has its tokens deducted.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

use super::authenticate::authenticate;
use super::deployment::Deployment;
use super::exchange::Exchange;
use super::resource::Resource;
use super::route::{Route, Surface, address, route};
use super::stream::{StreamPlan, stream_body};
use crate::catalogue::{Kind, Operation};
use crate::config::Capacity;
use crate::content::{self, Completion, Lengths};
use crate::latency::{self, Conditions, Schedule, Work};
use crate::limit::{Demand, Refusal, Standing, Ticket};
use crate::wire::{
    Answer, ApiError, Call, ChoiceText, ChunkStyle, Chunks, Identity, Ids, Outline, RefusalText,
    Served, Usage, answer_headers, chat_body, completions_body, embeddings_body, error_headers,
    model_of, parse_json, refusal_headers, refusal_message, retry_millis, retry_seconds,
};

/// Counting a longer text takes long enough to delay other requests' tokens.
const COUNT_INLINE_BYTES: usize = 8 << 10;

/// Serves whatever is not control.
pub(super) async fn serve(
    State(resource): State<Arc<Resource>>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut exchange = Exchange::begin(&resource, &parts.headers);
    if let Some((operation, surface)) = address(parts.uri.path()) {
        exchange.called(operation);
        if let Surface::Deployment(name) = surface {
            exchange.addressed(name);
        }
    }
    let mut ids = Ids(resource.rng("ids", exchange.number));
    let identity = Identity {
        apim_request_id: ids.uuid(),
        request_id: ids.uuid(),
        client_request_id: parts.headers.get("x-ms-client-request-id").cloned(),
    };
    // Read in any case: a connection lives on only when its request was read.
    let bytes = read_body(body, resource.settings.max_body_bytes).await;
    exchange.read();
    let body = bytes.and_then(|bytes| parse_json(&bytes).map(|json| Json { bytes, json }));
    let found = match resolve(&resource, &parts, &body, &mut exchange) {
        Ok(found) => found,
        Err((error, region)) => {
            let headers = error_headers(&identity, error.status, error.chunked, region);
            return fail(exchange, error, headers);
        }
    };
    let request = Addressed { identity, ids, exchange, found };
    match body {
        Ok(body) => request.answer(body).await,
        Err(error) => request.unread(error).await,
    }
}

/// A deployment, and what the request's path asks of it.
struct Found<'a> {
    route: Route<'a>,
    deployment: Arc<Deployment>,
}

/// A request's body: a JSON object.
struct Json {
    bytes: Bytes,
    json: Map<String, Value>,
}

/// The steps up to the deployment. With an error comes the region, once the
/// resource itself has been reached.
fn resolve<'a, 'p>(
    resource: &'a Resource,
    parts: &'p Parts,
    body: &Result<Json, ApiError>,
    exchange: &mut Exchange,
) -> Result<Found<'p>, (ApiError, Option<&'a str>)> {
    let route =
        route(parts, &resource.settings.newest_api_version).map_err(|error| (error, None))?;
    let credential =
        authenticate(resource, route.surface, &parts.headers).map_err(|error| (error, None))?;
    exchange.authenticated(credential);
    let region = Some(resource.config.region.as_str());
    let name = match (route.surface, body) {
        (Surface::Deployment(name), _) => name,
        (Surface::V1, Ok(body)) => model_of(&body.json).map_err(|error| (error, region))?,
        (Surface::V1, Err(error)) => return Err((error.clone(), region)),
    };
    exchange.addressed(name);
    let Some(deployment) = resource.deployments.get(name) else {
        return Err((ApiError::deployment_not_found(resource.wire_profile()), region));
    };
    let model = &deployment.config.model;
    if !model.supports(route.operation) {
        return Err((ApiError::operation_not_supported(route.operation, model), region));
    }
    Ok(Found { deployment: Arc::clone(deployment), route })
}

async fn read_body(body: Body, most: usize) -> Result<Bytes, ApiError> {
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::body_too_large(most)),
        Err(_) => Err(ApiError::unreadable_body()),
    }
}

/// A request that has reached its deployment.
struct Addressed<'p> {
    identity: Identity,
    ids: Ids<rand_chacha::ChaCha8Rng>,
    exchange: Exchange,
    found: Found<'p>,
}

impl Addressed<'_> {
    async fn answer(mut self, Json { bytes, json }: Json) -> Response {
        let deployment = Arc::clone(&self.found.deployment);
        let operation = self.found.route.operation;
        let model = &deployment.config.model;
        let outline = Outline::of(operation, &json, model.facts.output_tokens);
        let call = Call::read(operation, &json, model);
        let mut prompt_tokens = None;
        let mut count = |call: &Call| {
            let model = &deployment.config.model;
            *prompt_tokens.get_or_insert_with(|| aside(bytes.len(), || call.prompt_tokens(model)))
        };
        let now = self.exchange.started;
        let demand = match &deployment.config.capacity {
            Capacity::Payg(settings) => Demand {
                estimate: outline.estimate(
                    operation,
                    deployment.config.wire_profile,
                    settings.default_max_tokens,
                ),
                prompt_tokens: 0,
                max_tokens: None,
                choices: 0,
            },
            Capacity::Ptu(_) => Demand {
                estimate: 0,
                // A full deployment refuses before anybody counts.
                prompt_tokens: match &call {
                    Ok(call) if !deployment.is_full(now) => count(call),
                    Ok(_) | Err(_) => 0,
                },
                // The strict reading knows the surface's own defaults.
                max_tokens: call
                    .as_ref()
                    .ok()
                    .and_then(|call| call.generation()?.max_tokens)
                    .or(outline.max_tokens),
                choices: if operation == Operation::Embeddings { 0 } else { outline.choices },
            },
        };
        let ticket = match deployment.try_admit(now, demand) {
            Ok(ticket) => ticket,
            Err(refusal) => return self.refuse(refusal).await,
        };
        self.exchange.admitted(&deployment, ticket, now);
        let checked = call.and_then(|call| {
            let tokens = count(&call);
            call.check_context(tokens, &deployment.config.model).map(|()| (call, tokens))
        });
        match checked {
            Ok((call, prompt_tokens)) => self.generate(ticket, call, prompt_tokens).await,
            Err(error) => self.reject(ticket, error).await,
        }
    }

    /// A body that nobody can read: no estimate, no admission.
    async fn unread(mut self, error: ApiError) -> Response {
        self.refusal_delay().await;
        let region = Some(self.exchange.resource.config.region.clone());
        let headers = error_headers(&self.identity, error.status, error.chunked, region.as_deref());
        fail(self.exchange, error, headers)
    }

    async fn refuse(mut self, refusal: Refusal) -> Response {
        self.exchange.refused(refusal.standing, refusal.reason.name());
        self.refusal_delay().await;
        let config = &self.found.deployment.config;
        let region = &self.exchange.resource.config.region;
        let message = refusal_message(&RefusalText {
            profile: config.wire_profile,
            reason: refusal.reason,
            operation: self.found.route.operation,
            api_version: self.found.route.api_version,
            deployment: &config.name,
            model: config.model.facts.name,
            region,
            wait_seconds: retry_seconds(&refusal),
            wait_millis: retry_millis(&refusal),
        });
        let error = ApiError::too_many_requests(refusal.reason, &message);
        let headers = refusal_headers(&self.identity, config.wire_profile, region, &refusal);
        fail(self.exchange, error, headers)
    }

    /// A 400 of the model layer, after admission.
    async fn reject(mut self, ticket: Ticket, error: ApiError) -> Response {
        self.refusal_delay().await;
        let headers = self.headers(ticket.standing, false);
        fail(self.exchange, error, headers)
    }

    async fn refusal_delay(&mut self) {
        let mut rng = self.exchange.resource.rng("refusals", self.exchange.number);
        let delay = latency::refusal_delay(&self.found.deployment.latency(), &mut rng);
        wait_until(self.exchange.started + delay).await;
    }

    fn headers(&self, standing: Standing, streaming: bool) -> HeaderMap {
        let config = &self.found.deployment.config;
        answer_headers(
            &self.identity,
            &Served {
                profile: config.wire_profile,
                operation: self.found.route.operation,
                region: &self.exchange.resource.config.region,
                deployment: &config.name,
                model: &config.model.snapshot,
                model_session: &self.found.deployment.model_session,
                streaming,
                standing,
            },
        )
    }

    async fn generate(mut self, ticket: Ticket, call: Call, prompt_tokens: u64) -> Response {
        let completions = self.completions(&call, prompt_tokens);
        let usage = Usage {
            prompt_tokens,
            cached_tokens: 0,
            completion_tokens: completions.iter().map(Completion::tokens).sum(),
            reasoning_tokens: completions.iter().map(|c| c.reasoning_tokens).sum(),
        };
        let schedule = Arc::new(self.schedule(ticket, &call, usage, &completions));
        self.exchange.planned(usage, &schedule);
        if call.generation().is_some_and(|generation| generation.stream) {
            self.stream(ticket, &call, completions, usage, schedule).await
        } else {
            self.whole(ticket, &call, completions, usage, &schedule).await
        }
    }

    /// The texts of all choices; embeddings have none.
    fn completions(&self, call: &Call, prompt_tokens: u64) -> Vec<Completion> {
        let Some(generation) = call.generation() else { return Vec::new() };
        let config = &self.found.deployment.config;
        let prompts = match call {
            Call::Completions(completions) => completions.prompts.len() as u64,
            Call::Chat(_) | Call::Embeddings(_) => 1,
        };
        let facts = config.model.facts;
        let left = facts.context_tokens.saturating_sub(prompt_tokens);
        let mut rng = self.exchange.resource.rng("content", self.exchange.number);
        (0..prompts.saturating_mul(generation.n))
            .map(|_| {
                let lengths = Lengths {
                    settings: &config.lengths,
                    max_tokens: generation.max_tokens,
                    cap: facts.output_tokens.min(left),
                    stop: &generation.stop,
                    encoding: config.model.encoding,
                };
                content::completion(lengths, &mut rng)
            })
            .collect()
    }

    fn schedule(
        &self,
        ticket: Ticket,
        call: &Call,
        usage: Usage,
        completions: &[Completion],
    ) -> Schedule {
        let choices: Vec<usize> = completions.iter().map(|c| c.pieces.len()).collect();
        let work = Work {
            operation: self.found.route.operation,
            prompt_tokens: usage.prompt_tokens - usage.cached_tokens,
            inputs: call.inputs(),
            reasoning_tokens: completions.iter().map(|c| c.reasoning_tokens).max().unwrap_or(0),
            choices: &choices,
        };
        let seconds = self.exchange.resource.environment.clock.now().unix_seconds() % 86_400;
        let conditions = Conditions {
            utilization: match ticket.standing {
                Standing::Ptu(utilization) => Some(utilization),
                Standing::Payg(_) => None,
            },
            utc_hour: seconds as f64 / 3_600.0,
        };
        let mut rng = self.exchange.resource.rng("latency", self.exchange.number);
        latency::draw(&self.found.deployment.latency(), work, conditions, &mut rng)
    }

    async fn whole(
        mut self,
        ticket: Ticket,
        call: &Call,
        completions: Vec<Completion>,
        usage: Usage,
        schedule: &Schedule,
    ) -> Response {
        let created = self.exchange.resource.environment.clock.now().unix_seconds();
        wait_until(self.exchange.started + schedule.end()).await;
        let headers = self.headers(ticket.standing, false);
        let deployment = Arc::clone(&self.found.deployment);
        let config = &deployment.config;
        let choices: Vec<ChoiceText> = completions
            .iter()
            .map(|c| ChoiceText { text: c.text(), finish_reason: c.finish.name() })
            .collect();
        let mut answer = Answer {
            profile: config.wire_profile,
            id: "",
            created,
            model: &config.model.snapshot,
            fingerprint: deployment.fingerprint.as_deref(),
        };
        let body = match call {
            Call::Chat(_) => {
                let id = self.ids.chat();
                answer.id = &id;
                chat_body(&answer, &choices, usage)
            }
            Call::Completions(completions) => {
                let id = self.ids.completion();
                answer.id = &id;
                completions_body(&answer, completions.prompts.len(), &choices, usage)
            }
            Call::Embeddings(embeddings) => {
                let full = match config.model.facts.kind {
                    Kind::Embeddings(full) => full,
                    _ => 0,
                };
                let dimensions = embeddings.dimensions.unwrap_or(full);
                aside(embeddings.inputs.len() << 10, || {
                    let embed =
                        |input: &crate::wire::Input| content::embed(&input.key(), full, dimensions);
                    let vectors = embeddings.inputs.iter().map(embed).collect();
                    let (model, tokens) = (&config.model.snapshot, usage.prompt_tokens);
                    embeddings_body(model, vectors, embeddings.encoding, tokens)
                })
            }
        };
        self.exchange.complete(200, None);
        respond(StatusCode::OK, headers, Body::from(body))
    }

    async fn stream(
        mut self,
        ticket: Ticket,
        call: &Call,
        completions: Vec<Completion>,
        usage: Usage,
        schedule: Arc<Schedule>,
    ) -> Response {
        let created = self.exchange.resource.environment.clock.now().unix_seconds();
        let deployment = Arc::clone(&self.found.deployment);
        let config = &deployment.config;
        let (prompts, id) = match call {
            Call::Completions(completions) => (completions.prompts.len(), self.ids.completion()),
            Call::Chat(_) | Call::Embeddings(_) => (1, self.ids.chat()),
        };
        let generation = call.generation().cloned().unwrap_or_default();
        let style = ChunkStyle {
            chat: matches!(call, Call::Chat(_)),
            prompts,
            include_usage: generation.include_usage,
            obfuscation: generation.obfuscation,
        };
        let answer = Answer {
            profile: config.wire_profile,
            id: &id,
            created,
            model: &config.model.snapshot,
            fingerprint: deployment.fingerprint.as_deref(),
        };
        let headers = self.headers(ticket.standing, true);
        wait_until(self.exchange.started + schedule.first()).await;
        self.exchange.first_byte();
        let chunks = Chunks::new(&answer, style, self.ids);
        let plan = StreamPlan { exchange: self.exchange, chunks, completions, schedule, usage };
        respond(StatusCode::OK, headers, stream_body(plan))
    }
}

/// Waits, without a timer when the moment has come.
pub(super) async fn wait_until(due: Instant) {
    if Instant::now() < due {
        tokio::time::sleep_until(due).await;
    }
}

/// Runs something that may take milliseconds. On a runtime with other workers
/// they take over this one's tasks; on a single thread (a virtual run) order
/// matters more than latency, and it runs in place.
fn aside<T>(size: usize, work: impl FnOnce() -> T) -> T {
    let others = Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if others && COUNT_INLINE_BYTES < size { tokio::task::block_in_place(work) } else { work() }
}

fn fail(mut exchange: Exchange, error: ApiError, headers: HeaderMap) -> Response {
    exchange.complete(error.status.as_u16(), Some(error.reason));
    let body = if error.chunked {
        let chunk: Result<Bytes, std::convert::Infallible> = Ok(Bytes::from(error.body));
        Body::from_stream(stream::iter([chunk]))
    } else {
        Body::from(error.body)
    };
    respond(error.status, headers, body)
}

fn respond(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let length = http_body::Body::size_hint(response.body()).exact();
    if let Some(length) = length {
        // Stated here so that in process, too, an answer shows its length.
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response
}
