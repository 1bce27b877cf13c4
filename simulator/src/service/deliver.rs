//! An accepted request answered: generate → pace.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use seam::interrupt::{BrokenOff, Interruption};
use tokio::time::Instant;

use super::attempt::{Accepted, Addressed};
use super::deployment::Deployment;
use super::faulty::{Breach, Flaws, change_headers, flawed_document};
use super::reply::respond;
use super::resource::Resource;
use super::stored::spawn_in_background;
use super::stream::{StreamPlan, stream_body};
use crate::answer::Given;
use crate::api::{Call, Course, Delivery, Ground, Keep, Kept, Plan, Timing};
use crate::catalogue::Operation;
use crate::filter::{Filters, Findings, Mode};
use crate::latency::{self, Conditions, Schedule, Shape, Work};
use crate::limit::{Standing, Ticket};
use crate::wire::{EVENT_STREAM, Ids};

impl Addressed<'_> {
    pub(super) async fn deliver(mut self, accepted: Accepted) -> Response {
        let Accepted { ticket, call, prompt, findings, given, asked } = accepted;
        let deployment = Arc::clone(&self.deployment);
        let resource = Arc::clone(&self.exchange.resource);
        let bytes = call.answer_bytes(&deployment.config.model);
        let making = Making {
            deployment: Arc::clone(&deployment),
            resource: Arc::clone(&resource),
            operation: self.route.operation,
            number: self.exchange.number,
            origin: std::mem::take(&mut self.origin),
            ids: self.ids.clone(),
            ticket,
            tier_stated: asked.stated,
            call,
            findings,
            given,
            prompt_tokens: prompt.tokens,
            cached_tokens: prompt.cached_tokens,
        };
        let pool = &resource.settings.pool;
        let (plan, schedule) = pool.make(bytes, move || making.make()).await;
        let schedule = Arc::new(schedule);
        self.exchange.planned(plan.usage, &schedule);
        let started = self.exchange.started;
        deployment.remember(started, started + schedule.first(), &prompt.prefix);
        self.exchange.ready();
        let flaws = Flaws::of(self.struck.as_ref());
        if let Some(delay) = flaws.delay {
            self.exchange.delay(delay);
        }
        let started = self.exchange.started;
        let timing = self.timing(&schedule, &plan);
        let background = self.keep(plan.keep, &schedule, timing.over_second);
        let document = match plan.delivery {
            Delivery::Whole(document) => document,
            Delivery::Timed(write) => pool.make(bytes, move || write(&timing)).await,
            Delivery::Stream(mut events) => {
                events.timed(&timing);
                // Until the tokens are there, or until they are begun.
                let early = events.opens_early();
                let due = if early { schedule.begin() } else { schedule.first() };
                let mut headers = self.headers(ticket, asked, EVENT_STREAM, true, due);
                change_headers(self.struck.as_ref(), StatusCode::OK, &mut headers);
                let choices = plan.choices;
                let schedule = self.released(&schedule);
                let resets = matches!(flaws.breach, Some((_, Breach::Break(BrokenOff::Reset))));
                let mut plan = StreamPlan {
                    exchange: None,
                    pacer: resource.pacer.clone(),
                    started,
                    events,
                    schedule,
                    choices,
                    flaws,
                };
                match background {
                    // The work goes on whether its stream is read or not.
                    Some(kept) => spawn_in_background(self.exchange, kept),
                    None => {
                        resource.pacer.until(plan.opening()).await;
                        self.exchange.first_byte();
                        plan.exchange = Some(self.exchange);
                    }
                }
                let mut response = respond(StatusCode::OK, headers, stream_body(plan));
                if resets {
                    response.extensions_mut().insert(Interruption::ResetIfBroken);
                }
                return response;
            }
        };
        if background.is_none() {
            let due = started + schedule.end();
            resource.pacer.until(due).await;
            self.exchange.was_due(due, Instant::now());
        }
        let mut headers = self.headers(ticket, asked, document.content_type, false, schedule.end());
        change_headers(self.struck.as_ref(), StatusCode::OK, &mut headers);
        match background {
            Some(kept) => spawn_in_background(self.exchange, kept),
            None if !flaws.spare_the_body() => {
                return flawed_document(self.exchange, headers, document.body, flaws);
            }
            None => self.exchange.complete(200, None),
        }
        respond(StatusCode::OK, headers, Body::from(document.body))
    }

    /// When tokens leave: as they are made, or in the groups that filters release.
    fn released(&self, schedule: &Arc<Schedule>) -> Arc<Schedule> {
        let Filters { mode, group, .. } = &self.deployment.config.filters;
        if *mode == Mode::Asynchronous || *group.end() <= 1 {
            return Arc::clone(schedule);
        }
        let mut rng = self.exchange.resource.rng("filter groups", self.exchange.number);
        let mut size = || rng.random_range(group.clone());
        Arc::new(schedule.in_groups(|| usize::try_from(size()).unwrap_or(usize::MAX)))
    }

    /// What stays of the answer: handed out where it is made in the background,
    /// kept when it is complete otherwise.
    fn keep(
        &mut self,
        keep: Option<Keep>,
        schedule: &Arc<Schedule>,
        over_second: u64,
    ) -> Option<Kept> {
        let Keep { record, background } = keep?;
        let course = Course::new(self.exchange.started, Arc::clone(schedule), over_second);
        let kept = Kept { record, course };
        if background {
            return Some(kept);
        }
        self.exchange.keep(kept);
        None
    }

    /// What the schedule says of the answer's speed.
    fn timing(&self, schedule: &Schedule, plan: &Plan) -> Timing {
        let overhead_ms = match &self.deployment.latency().shape {
            Shape::Measured(measured) => measured.overhead_ms,
            Shape::Zero | Shape::Compat(_) => 0.0,
        };
        let over = self.exchange.started + schedule.end();
        let tokens = plan.choices.iter().max().copied().unwrap_or_default();
        Timing {
            overhead: Duration::try_from_secs_f64(overhead_ms / 1e3).unwrap_or_default(),
            first: schedule.first(),
            last: schedule.end(),
            tokens: tokens as u64,
            over_second: self.exchange.resource.environment.clock.at(over).unix_seconds(),
        }
    }
}

/// All that an answer is made of. Owned, so that a long one can be made by other
/// threads.
struct Making {
    deployment: Arc<Deployment>,
    resource: Arc<Resource>,
    operation: Operation,
    /// The request's.
    number: u64,
    origin: String,
    ids: Ids<ChaCha8Rng>,
    ticket: Ticket,
    /// Whether the request named a tier.
    tier_stated: bool,
    call: Box<dyn Call>,
    findings: Findings,
    given: Vec<Option<Given>>,
    prompt_tokens: u64,
    cached_tokens: u64,
}

impl Making {
    /// The whole answer, and when each part of it is due.
    fn make(self) -> (Plan, Schedule) {
        let Self { deployment, resource, operation, number, ticket, .. } = self;
        let now = resource.environment.clock.now().unix_seconds();
        let plan = self.call.plan(Ground {
            deployment: &deployment.config,
            fingerprint: deployment.fingerprint.as_deref(),
            origin: &self.origin,
            created: now,
            prompt_findings: self.findings,
            given: self.given,
            prompt_tokens: self.prompt_tokens,
            cached_tokens: self.cached_tokens,
            tier: (ticket.tier, self.tier_stated),
            ids: self.ids,
            rng: resource.rng("content", number),
        });
        let work = Work {
            operation,
            prompt_tokens: plan.usage.prompt_tokens.saturating_sub(plan.usage.cached_tokens),
            inputs: plan.inputs,
            file_bytes: plan.file_bytes,
            reasoning_tokens: plan.reasoning_tokens,
            choices: &plan.choices,
        };
        let conditions = Conditions {
            utilization: match ticket.standing {
                Standing::Ptu(utilization) => Some(utilization),
                Standing::Payg(_) => None,
            },
            utc_hour: (now % 86_400) as f64 / 3_600.0,
        };
        let mut rng = resource.rng("latency", number);
        let schedule = latency::draw(&deployment.latency(), work, conditions, &mut rng);
        (plan, schedule)
    }
}
