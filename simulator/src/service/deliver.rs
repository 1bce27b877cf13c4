//! An accepted request answered: generate → pace.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use rand::RngExt as _;
use seam::interrupt::{BrokenOff, Interruption};
use tokio::time::Instant;

use super::attempt::{Accepted, Addressed};
use super::faulty::{Breach, Flaws, change_headers, flawed_document};
use super::reply::respond;
use super::stored::spawn_in_background;
use super::stream::{StreamPlan, stream_body};
use crate::api::{Course, Delivery, Ground, Keep, Kept, Plan, Timing};
use crate::filter::{Filters, Mode};
use crate::latency::{self, Conditions, Schedule, Shape, Work};
use crate::limit::{Standing, Ticket};
use crate::wire::EVENT_STREAM;

impl Addressed<'_> {
    pub(super) async fn deliver(mut self, accepted: Accepted) -> Response {
        let Accepted { ticket, call, prompt, findings, given, asked } = accepted;
        let deployment = Arc::clone(&self.deployment);
        let resource = Arc::clone(&self.exchange.resource);
        let plan = call.plan(Ground {
            deployment: &deployment.config,
            fingerprint: deployment.fingerprint.as_deref(),
            origin: &self.origin,
            created: resource.environment.clock.now().unix_seconds(),
            prompt_findings: findings,
            given,
            prompt_tokens: prompt.tokens,
            cached_tokens: prompt.cached_tokens,
            tier: (ticket.tier, asked.stated),
            ids: self.ids.clone(),
            rng: resource.rng("content", self.exchange.number),
        });
        let schedule = Arc::new(self.schedule(ticket, &plan));
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
            Delivery::Timed(write) => write(&timing),
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

    fn schedule(&self, ticket: Ticket, plan: &Plan) -> Schedule {
        let work = Work {
            operation: self.route.operation,
            prompt_tokens: plan.usage.prompt_tokens.saturating_sub(plan.usage.cached_tokens),
            inputs: plan.inputs,
            file_bytes: plan.file_bytes,
            reasoning_tokens: plan.reasoning_tokens,
            choices: &plan.choices,
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
        latency::draw(&self.deployment.latency(), work, conditions, &mut rng)
    }
}
