//! One try to serve a request at a deployment: admit → validate. What comes out
//! is a request that may be answered, or the error it fails with.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::deployment::Deployment;
use super::early::{self, Reached, early};
use super::exchange::Exchange;
use super::faults::Draws;
use super::faulty::{change_headers, no_response, pretended};
use super::reply::{fail, wait_until};
use super::route::Route;
use crate::api::{self, Call, Outline, Parsed};
use crate::aside::aside;
use crate::catalogue::Operation;
use crate::config::Capacity;
use crate::fault::{Armed, Candidate, Effect, Stage, StatusFault};
use crate::latency;
use crate::limit::{Demand, Refusal, Standing, Ticket};
use crate::wire::{
    ApiError, Identity, Ids, JSON, RefusalText, Served, answer_headers, refusal_headers,
    refusal_message, retry_millis, retry_seconds,
};

/// A request's body: a JSON object.
pub(super) struct Json {
    pub bytes: Bytes,
    pub json: Map<String, Value>,
}

/// A request that has reached its deployment.
pub(super) struct Addressed<'p> {
    pub identity: Identity,
    pub ids: Ids<ChaCha8Rng>,
    pub exchange: Exchange,
    pub route: Route<'p>,
    pub deployment: Arc<Deployment>,
    /// The fault that the request brought, until it strikes.
    pub brought: Option<Arc<Armed>>,
    /// The fault that struck this attempt and that its reply still has to show.
    pub struck: Option<Arc<Armed>>,
}

/// A request that was admitted and that the model layer accepts.
pub(super) struct Accepted {
    pub ticket: Ticket,
    pub call: Box<dyn Call>,
    pub prompt_tokens: u64,
}

/// How an attempt fails.
enum Failure {
    Reply(Box<Reply>),
    /// The connection is reset: nothing is sent.
    NoReply,
}

/// An error, and the headers it is sent with.
struct Reply {
    error: ApiError,
    headers: HeaderMap,
}

impl From<Reply> for Failure {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

impl Addressed<'_> {
    pub(super) async fn answer(mut self, body: Json) -> Response {
        match self.attempt(&body) {
            Ok(accepted) => self.deliver(accepted).await,
            Err(Failure::Reply(reply)) => {
                let Reply { error, mut headers } = *reply;
                change_headers(self.struck.as_ref(), error.status, &mut headers);
                self.refusal_delay().await;
                fail(self.exchange, error, headers)
            }
            Err(Failure::NoReply) => no_response(self.exchange),
        }
    }

    /// A body that nobody can read: no estimate, no admission.
    pub(super) async fn unread(mut self, error: ApiError) -> Response {
        self.refusal_delay().await;
        early(self.exchange, &self.identity, error, Reached::Resource)
    }

    fn attempt(&mut self, Json { bytes, json }: &Json) -> Result<Accepted, Failure> {
        let deployment = Arc::clone(&self.deployment);
        let operation = self.route.operation;
        let model = &deployment.config.model;
        let outline = Outline::of(operation, json, model.facts.output_tokens);
        let call = api::read(operation, json, model);
        let mut prompt_tokens = None;
        let mut count = |call: &dyn Call| {
            *prompt_tokens.get_or_insert_with(|| aside(bytes.len(), || call.prompt_tokens(model)))
        };
        let now = self.exchange.started;
        let stream = json.get("stream").and_then(Value::as_bool).unwrap_or(false);
        self.strike(Stage::BeforeAdmission, now, stream, None)?;
        let demand = demand(&deployment, operation, outline, &call, || {
            // A full deployment refuses before anybody counts.
            match &call {
                Ok(call) if !deployment.is_full(now) => count(call.as_ref()),
                Ok(_) | Err(_) => 0,
            }
        });
        let ticket = deployment.try_admit(now, demand).map_err(|refusal| self.refused(&refusal))?;
        self.exchange.admitted(&deployment, ticket, now);
        let checked = call.and_then(|call| {
            let tokens = count(call.as_ref());
            call.check_context(tokens, model).map(|()| (call, tokens))
        });
        match checked {
            Ok((call, prompt_tokens)) => {
                self.strike(Stage::AfterAdmission, now, stream, Some(ticket))?;
                Ok(Accepted { ticket, call, prompt_tokens })
            }
            // A 400 of the model layer, after admission.
            Err(error) => {
                Err(Reply { error, headers: self.headers(ticket.standing, JSON, false) }.into())
            }
        }
    }

    /// Lets a fault strike: one that ends the attempt is its failure, another is
    /// left for the reply.
    fn strike(
        &mut self,
        stage: Stage,
        now: Instant,
        stream: bool,
        ticket: Option<Ticket>,
    ) -> Result<(), Failure> {
        if self.struck.is_some() {
            return Ok(());
        }
        let resource = Arc::clone(&self.exchange.resource);
        let brought = self.brought.take_if(|own| own.fault.stage == stage);
        let struck = brought.or_else(|| {
            let candidate = Candidate {
                deployment: &self.deployment.config.name,
                operation: self.route.operation,
                correlation_id: self.exchange.correlation_id(),
                stream,
            };
            let (seed, number) = (resource.environment.seed, self.exchange.number);
            let draws = Draws { seed, resource: resource.name(), number };
            resource.faults.strike(now, stage, &candidate, &draws)
        });
        let Some(armed) = struck else { return Ok(()) };
        self.exchange.struck(&armed);
        let failure = match &armed.fault.effect {
            Effect::Status(fault) => Err(self.injected(fault, now, ticket)),
            Effect::Reset { after_tokens: None } => Err(Failure::NoReply),
            _ => Ok(()),
        };
        self.struck = Some(armed);
        failure
    }

    /// The error of a fault: a refusal like the limiter's, or a failure of the service.
    fn injected(&self, fault: &StatusFault, now: Instant, ticket: Option<Ticket>) -> Failure {
        let deployment = &self.deployment;
        if fault.status == StatusCode::TOO_MANY_REQUESTS {
            let refusal = pretended(fault, &deployment.capacity(), deployment.utilization(now));
            let Reply { mut error, headers } = self.refusal(&refusal);
            if let Some(message) = &fault.message {
                error = ApiError::too_many_requests(refusal.reason, message);
            }
            error.reason = "fault";
            return Reply { error, headers }.into();
        }
        let message = fault.message.as_deref();
        let request_id = &self.identity.apim_request_id;
        let azure = !self.exchange.style.is_openai();
        let error = ApiError::failure(fault.status, azure, message, request_id);
        let headers = match ticket {
            Some(ticket) => self.headers(ticket.standing, JSON, false),
            None => {
                let (identity, reached) = (&self.identity, Reached::Resource);
                early::headers(&self.exchange, identity, error.status, false, reached)
            }
        };
        Reply { error, headers }.into()
    }

    fn refused(&mut self, refusal: &Refusal) -> Failure {
        self.exchange.refused(refusal.standing, refusal.reason.name());
        self.refusal(refusal).into()
    }

    /// A refusal as it is sent.
    fn refusal(&self, refusal: &Refusal) -> Reply {
        let config = &self.deployment.config;
        let region = &self.exchange.resource.config.region;
        let message = refusal_message(&RefusalText {
            profile: config.wire_profile,
            reason: refusal.reason,
            operation: self.route.operation,
            api_version: self.route.api_version,
            deployment: &config.name,
            model: config.model.facts.name,
            region,
            wait_seconds: retry_seconds(refusal),
            wait_millis: retry_millis(refusal),
        });
        let error = ApiError::too_many_requests(refusal.reason, &message);
        let headers = refusal_headers(&self.identity, config.wire_profile, region, refusal);
        Reply { error, headers }
    }

    async fn refusal_delay(&mut self) {
        let mut rng = self.exchange.resource.rng("refusals", self.exchange.number);
        let delay = latency::refusal_delay(&self.deployment.latency(), &mut rng);
        wait_until(self.exchange.started + delay).await;
    }

    /// Headers of an answer, or of an error of the model layer.
    pub(super) fn headers(
        &self,
        standing: Standing,
        content_type: &'static str,
        streaming: bool,
    ) -> HeaderMap {
        let config = &self.deployment.config;
        answer_headers(
            &self.identity,
            &Served {
                profile: config.wire_profile,
                operation: self.route.operation,
                region: &self.exchange.resource.config.region,
                deployment: &config.name,
                model: &config.model.snapshot,
                model_session: &self.deployment.model_session,
                content_type,
                streaming,
                standing,
            },
        )
    }
}

/// What the request asks of the deployment's limiter. `count` gives its exact
/// prompt tokens, which only provisioned deployments need.
fn demand(
    deployment: &Deployment,
    operation: Operation,
    outline: Outline,
    call: &Parsed<Box<dyn Call>>,
    count: impl FnOnce() -> u64,
) -> Demand {
    match &deployment.config.capacity {
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
            prompt_tokens: count(),
            // The strict reading knows the surface's own defaults.
            max_tokens: call
                .as_ref()
                .ok()
                .and_then(|call| call.max_tokens())
                .or(outline.max_tokens),
            choices: if operation == Operation::Embeddings { 0 } else { outline.choices },
        },
    }
}
