//! Where a fault strikes an attempt, and the failure it causes.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::attempt::{Addressed, Failure, Reply};
use super::early::{self, Reached};
use super::faults::Draws;
use super::faulty::pretended;
use super::tier::AskedTier;
use crate::fault::{Candidate, Effect, Stage, StatusFault};
use crate::limit::Ticket;
use crate::wire::{ApiError, JSON};

impl Addressed<'_> {
    /// Lets a fault strike: one that ends the attempt is its failure, another is
    /// left for the reply.
    pub(super) fn strike(
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
        let failure = || {
            let request_id = &self.identity.apim_request_id;
            let azure = !self.exchange.style.is_openai();
            ApiError::failure(fault.status, azure, fault.message.as_deref(), request_id)
        };
        if fault.status == StatusCode::TOO_MANY_REQUESTS {
            let refusal = pretended(fault, deployment.standing(now));
            let Reply { error: own, headers, .. } = self.refusal(&refusal);
            let mut error = if fault.message.is_some() { failure() } else { own };
            error.reason = "fault";
            return Reply { error, headers, too_long: false }.into();
        }
        let error = failure();
        let headers = match ticket {
            Some(ticket) => self.headers(ticket, AskedTier::NONE, JSON, false, Duration::ZERO),
            None => {
                let (identity, reached) = (&self.identity, Reached::Resource);
                early::headers(&self.exchange, identity, error.status, false, reached)
            }
        };
        Reply { error, headers, too_long: false }.into()
    }
}
