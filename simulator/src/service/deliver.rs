//! An accepted request answered: generate → pace.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;

use super::attempt::{Accepted, Addressed};
use super::reply::{respond, wait_until};
use super::stored::spawn_in_background;
use super::stream::{StreamPlan, stream_body};
use crate::api::{Delivery, Document, Ground, Keep, Kept, Plan, Timing};
use crate::latency::{self, Conditions, Schedule, Work};
use crate::limit::{Standing, Ticket};
use crate::wire::EVENT_STREAM;

impl Addressed<'_> {
    pub(super) async fn deliver(mut self, accepted: Accepted) -> Response {
        let Accepted { ticket, call, prompt_tokens } = accepted;
        let deployment = Arc::clone(&self.deployment);
        let resource = Arc::clone(&self.exchange.resource);
        let plan = call.plan(Ground {
            deployment: &deployment.config,
            fingerprint: deployment.fingerprint.as_deref(),
            created: resource.environment.clock.now().unix_seconds(),
            prompt_tokens,
            cached_tokens: 0,
            ids: self.ids.clone(),
            rng: resource.rng("content", self.exchange.number),
        });
        let schedule = Arc::new(self.schedule(ticket, &plan));
        self.exchange.planned(plan.usage, &schedule);
        let started = self.exchange.started;
        let over = started + schedule.end();
        let over_second = resource.environment.clock.at(over).unix_seconds();
        let mut background = None;
        if let Some(Keep { record, background: goes_on }) = plan.keep {
            let timing = Timing::new(started, Arc::clone(&schedule), over_second);
            let kept = Kept { record, timing };
            if goes_on {
                background = Some(kept);
            } else {
                self.exchange.keep(kept);
            }
        }
        match plan.delivery {
            Delivery::Whole(document) => {
                if background.is_none() {
                    wait_until(over).await;
                }
                self.reply(ticket, document, background)
            }
            Delivery::Deferred(write) => {
                wait_until(over).await;
                self.reply(ticket, write(over_second), background)
            }
            Delivery::Stream(events) => {
                let headers = self.headers(ticket.standing, EVENT_STREAM, true);
                let choices = plan.choices;
                let exchange = None;
                let mut plan =
                    StreamPlan { exchange, started, events, schedule, choices, over_second };
                match background {
                    // The work goes on whether its stream is read or not.
                    Some(kept) => spawn_in_background(self.exchange, kept),
                    None => {
                        wait_until(plan.opening()).await;
                        self.exchange.first_byte();
                        plan.exchange = Some(self.exchange);
                    }
                }
                respond(StatusCode::OK, headers, stream_body(plan))
            }
        }
    }

    fn reply(mut self, ticket: Ticket, document: Document, background: Option<Kept>) -> Response {
        let headers = self.headers(ticket.standing, document.content_type, false);
        match background {
            Some(kept) => spawn_in_background(self.exchange, kept),
            None => self.exchange.complete(200, None),
        }
        respond(StatusCode::OK, headers, Body::from(document.body))
    }

    fn schedule(&self, ticket: Ticket, plan: &Plan) -> Schedule {
        let work = Work {
            operation: self.route.operation,
            prompt_tokens: plan.usage.prompt_tokens.saturating_sub(plan.usage.cached_tokens),
            inputs: plan.inputs,
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
