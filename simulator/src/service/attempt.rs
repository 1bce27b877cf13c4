//! One try to serve a request at a deployment: admit → validate. What comes out
//! is a request that may be answered, or the error it fails with.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::HeaderMap;
use rand_chacha::ChaCha8Rng;

use super::deployment::Deployment;
use super::early::{Reached, early};
use super::exchange::Exchange;
use super::metrics::Tokens;
use super::reply::{fail, wait_until};
use super::route::Route;
use crate::api::{self, Call, Outline, Parsed, Payload};
use crate::aside::aside;
use crate::catalogue::Operation;
use crate::config::Capacity;
use crate::latency;
use crate::limit::{Demand, Refusal, Ticket, Tier};
use crate::wire::{ApiError, Identity, Ids, JSON, Refused, Served, answer_headers};

/// A request that has reached its deployment.
pub(super) struct Addressed<'p> {
    pub identity: Identity,
    /// How the client reaches the resource.
    pub origin: String,
    pub ids: Ids<ChaCha8Rng>,
    pub exchange: Exchange,
    pub route: Route<'p>,
    pub deployment: Arc<Deployment>,
}

/// A request that was admitted and that the model layer accepts.
pub(super) struct Accepted {
    pub ticket: Ticket,
    pub call: Box<dyn Call>,
    pub prompt_tokens: u64,
}

/// An error, and the headers it is sent with.
struct Failure {
    error: ApiError,
    headers: HeaderMap,
}

impl Addressed<'_> {
    pub(super) async fn answer(mut self, body: Payload) -> Response {
        match self.attempt(&body) {
            Ok(accepted) => self.deliver(accepted).await,
            Err(failure) => {
                self.exchange.ready();
                self.refusal_delay().await;
                fail(self.exchange, failure.error, failure.headers)
            }
        }
    }

    /// A body that nobody can read: no estimate, no admission.
    pub(super) async fn unread(mut self, error: ApiError) -> Response {
        self.refusal_delay().await;
        early(self.exchange, &self.identity, error, Reached::Resource)
    }

    fn attempt(&mut self, body: &Payload) -> Result<Accepted, Failure> {
        let deployment = Arc::clone(&self.deployment);
        let operation = self.route.operation;
        let model = &deployment.config.model;
        let outline = outline(&deployment, operation, body);
        self.exchange.asks(Tokens {
            prompt: outline.chars.div_ceil(4),
            completion: outline.max_tokens.unwrap_or(0).saturating_mul(outline.choices),
        });
        let call = api::read(operation, body, model);
        let mut prompt_tokens = None;
        let mut count = |call: &dyn Call| {
            *prompt_tokens
                .get_or_insert_with(|| aside(body.bytes.len(), || call.prompt_tokens(model)))
        };
        let now = self.exchange.started;
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
            Ok((call, prompt_tokens)) => Ok(Accepted { ticket, call, prompt_tokens }),
            // A 400 of the model layer, after admission.
            Err(error) => {
                Err(Failure { error, headers: self.headers(ticket, JSON, false, Duration::ZERO) })
            }
        }
    }

    fn refused(&mut self, refusal: &Refusal) -> Failure {
        self.exchange.refused(refusal.standing, refusal.reason.name());
        let config = &self.deployment.config;
        let region = &self.exchange.resource.config.region;
        let refused = Refused {
            refusal,
            limits: self.deployment.limit_headers(self.exchange.resource.organization()),
            texts: &config.refusals,
            operation: self.route.operation,
            api_version: self.route.api_version,
            model: config.model.facts.name,
            region,
        };
        let (error, headers) = (refused.error(), refused.headers(&self.identity));
        Failure { error, headers }
    }

    async fn refusal_delay(&mut self) {
        let mut rng = self.exchange.resource.rng("refusals", self.exchange.number);
        let delay = latency::refusal_delay(&self.deployment.latency(), &mut rng);
        wait_until(self.exchange.started + delay).await;
    }

    /// Headers of an answer, or of an error of the model layer.
    pub(super) fn headers(
        &self,
        ticket: Ticket,
        content_type: &'static str,
        streaming: bool,
        worked: Duration,
    ) -> HeaderMap {
        let config = &self.deployment.config;
        answer_headers(
            &self.identity,
            &Served {
                operation: self.route.operation,
                region: &self.exchange.resource.config.region,
                limits: self.deployment.limit_headers(self.exchange.resource.organization()),
                model: &config.model.snapshot,
                model_session: &self.deployment.model_session,
                content_type,
                streaming,
                standing: ticket.standing,
                tiers: ("default", ticket.tier),
                spilled_from: None,
                worked,
            },
        )
    }
}

/// What the limiter looks at. Only some estimates take time.
fn outline(deployment: &Deployment, operation: Operation, body: &Payload) -> Outline {
    let (estimate, most) =
        (deployment.config.token_estimate, deployment.config.model.facts.output_tokens);
    let read = || Outline::of(operation, &body.fields, most, estimate);
    if estimate.counts_tokens(operation) { aside(body.bytes.len(), read) } else { read() }
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
                deployment.config.token_estimate,
                settings.default_max_tokens,
            ),
            prompt_tokens: 0,
            max_tokens: None,
            choices: 0,
            tier: Tier::Default,
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
            choices: if operation.is_text() { outline.choices } else { 0 },
            tier: Tier::Default,
        },
    }
}
