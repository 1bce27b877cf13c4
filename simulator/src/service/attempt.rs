//! One try to serve a request at a deployment: admit → validate. What comes out
//! is a request that may be answered, or the error it fails with.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::deployment::Deployment;
use super::early::{Reached, early};
use super::exchange::Exchange;
use super::faulty::{change_headers, no_response};
use super::metrics::Tokens;
use super::past::PastOf;
use super::reply::fail;
use super::route::Route;
use super::tier::{AskedTier, asked_tier};
use crate::answer::{Asked, Given};
use crate::api::{self, Call, Outline, Parsed, Payload, Usage};
use crate::aside::aside;
use crate::catalogue::Operation;
use crate::config::Capacity;
use crate::fault::{Armed, Stage};
use crate::filter::Findings;
use crate::latency;
use crate::limit::{Demand, Refusal, RefusalReason, Ticket, Tier};
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
    /// `x-ms-spillover-deployment` as it came.
    pub spillover_header: Option<HeaderValue>,
    /// The provisioned deployment that could not serve it.
    pub spilled_from: Option<Arc<Deployment>>,
    /// The fault that the request brought, until it strikes.
    pub brought: Option<Arc<Armed>>,
    /// The fault that struck this attempt and that its reply still has to show.
    pub struck: Option<Arc<Armed>>,
}

/// A request that was admitted and that the model layer accepts.
pub(super) struct Accepted {
    pub ticket: Ticket,
    pub call: Box<dyn Call>,
    pub prompt: Prompt,
    /// What filters found in the prompt without blocking it.
    pub findings: Findings,
    /// Answers given in advance, by choice.
    pub given: Vec<Option<Given>>,
    pub asked: AskedTier,
}

/// A prompt, counted.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    pub tokens: u64,
    /// Those of them that the prompt cache holds.
    pub cached_tokens: u64,
    /// As the prompt cache knows it.
    pub prefix: Vec<u64>,
}

/// How an attempt fails.
pub(super) enum Failure {
    Reply(Box<Reply>),
    /// The connection is reset: nothing is sent.
    NoReply,
}

/// An error, and the headers it is sent with.
pub(super) struct Reply {
    pub error: ApiError,
    pub headers: HeaderMap,
    /// The prompt is longer than the deployment takes.
    pub too_long: bool,
}

impl From<Reply> for Failure {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

impl Addressed<'_> {
    pub(super) async fn answer(mut self, body: Payload) -> Response {
        let mut reply = match self.attempt(&body) {
            Ok(accepted) => return self.deliver(accepted).await,
            Err(Failure::Reply(reply)) => *reply,
            Err(Failure::NoReply) => return no_response(self.exchange),
        };
        change_headers(self.struck.as_ref(), reply.error.status, &mut reply.headers);
        self.exchange.ready();
        self.refusal_delay().await;
        match self.spillover(&reply) {
            Some(target) => Box::pin(self.spill(target, reply, &body)).await,
            None => fail(self.exchange, reply.error, reply.headers),
        }
    }

    /// A body that nobody can read: no estimate, no admission.
    pub(super) async fn unread(mut self, error: ApiError) -> Response {
        self.refusal_delay().await;
        early(self.exchange, &self.identity, error, Reached::Resource)
    }

    pub(super) fn attempt(&mut self, body: &Payload) -> Result<Accepted, Failure> {
        let deployment = Arc::clone(&self.deployment);
        let operation = self.route.operation;
        let model = &deployment.config.model;
        let outline = outline(&deployment, operation, body);
        self.exchange.asks(Tokens {
            prompt: outline.chars.div_ceil(4),
            completion: outline.max_tokens.unwrap_or(0).saturating_mul(outline.choices),
        });
        let past = PastOf { resource: &self.exchange.resource, now: self.exchange.started };
        let call = api::read(operation, body, model, &past);
        let asked = asked_tier(&deployment.config.tiers, &body.fields);
        let tier = asked.as_ref().map_or(deployment.config.tiers.own, |asked| asked.tier);
        let now = self.exchange.started;
        let mut prompt = None;
        // Tokens, and those of them that are cached.
        let mut count = |call: &dyn Call| {
            let prompt =
                prompt.get_or_insert_with(|| counted(&deployment, operation, now, body, call));
            (prompt.tokens, prompt.cached_tokens)
        };
        if tier == Tier::Flex && self.lacks_flex_capacity() {
            let wait = Some(FLEX_WAIT);
            let standing = deployment.standing(now);
            let refusal = Refusal::flat(RefusalReason::FlexCapacity, wait, standing);
            return Err(self.refused(&refusal));
        }
        // In a form it is a text.
        let stream = body
            .fields
            .get("stream")
            .is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"));
        self.strike(Stage::BeforeAdmission, now, stream, None)?;
        let demand = demand(&deployment, operation, outline, tier, &call, || {
            // A full deployment refuses before anybody counts.
            match &call {
                Ok(call) if !deployment.is_full(now) => {
                    let (tokens, cached_tokens) = count(call.as_ref());
                    tokens - cached_tokens
                }
                Ok(_) | Err(_) => 0,
            }
        });
        let ticket = deployment.try_admit(now, demand).map_err(|refusal| self.refused(&refusal))?;
        self.exchange.admitted(&deployment, ticket, now);
        // Errors of the model layer come after admission.
        let (call, asked) = match (call, asked) {
            (Ok(call), Ok(asked)) => (call, asked),
            (Err(error), _) | (_, Err(error)) => {
                return Err(self.complaint(ticket, error, false));
            }
        };
        let (prompt_tokens, _) = count(call.as_ref());
        call.check_context(prompt_tokens, model)
            .and_then(|()| check_offer(&deployment, ticket.tier, prompt_tokens))
            .map_err(|error| self.complaint(ticket, error, true))?;
        check_images(&self.exchange.resource.config.unreachable_images, &body.fields)
            .map_err(|error| self.complaint(ticket, error, false))?;
        let findings = self.judge_prompt(call.as_ref());
        if findings.blocked() {
            self.exchange.prompt_charged(Usage { prompt_tokens, ..Usage::default() });
            let layout = deployment.config.wire_profile.layout();
            let error = ApiError::prompt_filtered(&findings, layout);
            return Err(self.complaint(ticket, error, false));
        }
        self.strike(Stage::AfterAdmission, now, stream, Some(ticket))?;
        let given = self.given(call.as_ref(), body);
        Ok(Accepted { ticket, call, prompt: prompt.unwrap_or_default(), findings, given, asked })
    }

    /// An error of the model layer, after admission.
    fn complaint(&self, ticket: Ticket, error: ApiError, too_long: bool) -> Failure {
        let headers = self.headers(ticket, AskedTier::NONE, JSON, false, Duration::ZERO);
        let error = error.in_words_of(self.deployment.config.wire_profile);
        Reply { error, headers, too_long }.into()
    }

    /// What content filters find in the prompt.
    fn judge_prompt(&self, call: &dyn Call) -> Findings {
        let filters = &self.deployment.config.filters;
        if filters.rules.is_empty() {
            return Findings::default();
        }
        let mut rng = self.exchange.resource.rng("prompt filters", self.exchange.number);
        filters.judge_prompt(&call.prompt_texts(), &mut rng)
    }

    /// What is given in advance to this request.
    fn given(&self, call: &dyn Call, body: &Payload) -> Vec<Option<Given>> {
        let rules = self.exchange.resource.answers();
        if rules.0.is_empty() {
            return Vec::new();
        }
        let config = &self.deployment.config;
        let mut rng = self.exchange.resource.rng("given answers", self.exchange.number);
        let mut given = Vec::new();
        for (prompt, choices) in call.questions() {
            let asked = Asked {
                prompt: &prompt,
                deployment: &config.name,
                model: config.model.facts.name,
                body: &body.fields,
            };
            match rules.answers(&asked, choices, &mut rng) {
                Some(answers) => given.extend(answers.into_iter().map(Some)),
                None => given.extend((0..choices).map(|_| None)),
            }
        }
        given
    }

    /// Whether the flex tier has nothing left for this request.
    fn lacks_flex_capacity(&self) -> bool {
        let chance = self.deployment.config.tiers.flex_unavailable;
        let mut rng = self.exchange.resource.rng("flex", self.exchange.number);
        0.0 < chance && rng.random::<f64>() < chance
    }

    fn refused(&mut self, refusal: &Refusal) -> Failure {
        self.exchange.refused(refusal.standing, refusal.reason.name());
        self.refusal(refusal).into()
    }

    /// A refusal as it is sent.
    pub(super) fn refusal(&self, refusal: &Refusal) -> Reply {
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
        Reply { error, headers, too_long: false }
    }

    pub(super) async fn refusal_delay(&mut self) {
        let mut rng = self.exchange.resource.rng("refusals", self.exchange.number);
        let delay = latency::refusal_delay(&self.deployment.latency(), &mut rng);
        self.exchange.resource.pacer.until(self.exchange.started + delay).await;
    }

    /// Headers of an answer, or of an error of the model layer.
    pub(super) fn headers(
        &self,
        ticket: Ticket,
        asked: AskedTier,
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
                tiers: (asked.name, ticket.tier),
                spilled_from: self.spilled_from.as_ref().map(|from| from.config.name.as_str()),
                worked,
            },
        )
    }
}

/// How long a refusal for want of flex capacity asks to wait; not published.
const FLEX_WAIT: Duration = Duration::from_secs(30);

/// Counts a prompt, and looks what of it is cached.
fn counted(
    deployment: &Deployment,
    operation: Operation,
    now: Instant,
    body: &Payload,
    call: &dyn Call,
) -> Prompt {
    let model = &deployment.config.model;
    aside(body.bytes.len(), || {
        let tokens = call.prompt_tokens(model);
        let cache = deployment.config.prompt_cache.filter(|cache| cache.min_tokens <= tokens);
        let prefix = cache.map_or_else(Vec::new, |cache| {
            api::prefix(operation, &body.fields, model, cache.block_tokens)
        });
        let cached_tokens = deployment.cached_tokens(now, &prefix).min(tokens);
        Prompt { tokens, cached_tokens, prefix }
    })
}

/// Prompts that a model takes, but not in this offer (specification, sections 1.5
/// and 4.5).
fn check_offer(deployment: &Deployment, tier: Tier, prompt_tokens: u64) -> Parsed<()> {
    let most = match &deployment.config.capacity {
        Capacity::Ptu(settings) => settings.max_prompt_tokens,
        Capacity::Payg(_) if tier == Tier::Priority => {
            deployment.config.model.facts.ptu_prompt_tokens
        }
        Capacity::Payg(_) => None,
    };
    match most {
        Some(most) if most < prompt_tokens => Err(ApiError::prompt_too_long(most, prompt_tokens)),
        _ => Ok(()),
    }
}

/// No image is ever fetched; some are configured not to be there.
fn check_images(unreachable: &[String], body: &Map<String, Value>) -> Parsed<()> {
    if unreachable.is_empty() {
        return Ok(());
    }
    let urls = api::image_urls(body);
    let mut missing = urls.iter().filter(|url| unreachable.iter().any(|text| url.contains(text)));
    missing.next().map_or(Ok(()), |url| Err(ApiError::unreachable_image(url)))
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
    tier: Tier,
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
            tier,
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
            tier,
        },
    }
}
