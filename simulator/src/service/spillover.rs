//! Spillover: what a provisioned deployment cannot serve, a standard one of the
//! same resource tries (specification, section 4.4).
//!
//! Both attempts are attempts like any other, each with its journal record under
//! the request's one number. Only one of them is the reply: the standard
//! deployment's if it succeeds, else the provisioned one's.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;

use super::attempt::{Addressed, Failure, Reply};
use super::deployment::Deployment;
use super::faulty::NO_RESPONSE;
use super::reply::fail;
use crate::api::Payload;
use crate::config::Capacity;
use crate::limit::Tier;
use crate::wire::spillover_failed;

/// Who is to take over, or the status of the failure to find them.
type Target = Result<Arc<Deployment>, StatusCode>;

impl Addressed<'_> {
    /// Where this failure goes. The deployment's property wins over the request's
    /// header; `None`: the failure is the reply.
    pub(super) fn spillover(&self, failure: &Reply) -> Option<Target> {
        let config = &self.deployment.config;
        if !matches!(config.capacity, Capacity::Ptu(_)) || !failure.spills() {
            return None;
        }
        if self.route.operation.is_responses() && !config.spillover.responses {
            return None;
        }
        let header = self.spillover_header.as_ref().map(|name| name.to_str());
        let name = match (&config.spillover.deployment, header) {
            (Some(name), _) => name.as_str(),
            (None, Some(Ok(name))) => name,
            (None, Some(Err(_))) => return Some(Err(StatusCode::NOT_FOUND)),
            (None, None) => return None,
        };
        let Some(target) = self.exchange.resource.deployments.get(name) else {
            return Some(Err(StatusCode::NOT_FOUND));
        };
        let fits = !target.config.sku.is_provisioned()
            && target.config.sku.level() == config.sku.level()
            && target.config.tiers.own != Tier::Priority
            && target.config.model.supports(self.route.operation);
        Some(if fits { Ok(Arc::clone(target)) } else { Err(StatusCode::BAD_REQUEST) })
    }

    /// Lets the target try; `failure` is the reply if it fails too.
    pub(super) async fn spill(
        mut self,
        target: Target,
        failure: Reply,
        body: &Payload,
    ) -> Response {
        let (status, reason) = (failure.error.status.as_u16(), failure.error.reason);
        let error = match target {
            Err(error) => error,
            Ok(target) => {
                let (from, to) = (&self.deployment.config.name, &target.config.name);
                let mut exchange = self.exchange.second(from, to);
                exchange.style = target.style(self.route.operation);
                let mut second = Addressed {
                    identity: self.identity.clone(),
                    origin: self.origin.clone(),
                    ids: self.ids.clone(),
                    exchange,
                    route: self.route,
                    spilled_from: Some(Arc::clone(&self.deployment)),
                    spillover_header: None,
                    brought: self.brought.take(),
                    struck: None,
                    deployment: target,
                };
                match second.attempt(body) {
                    Ok(accepted) => {
                        self.exchange.superseded(status, reason);
                        return second.deliver(accepted).await;
                    }
                    // Between the two deployments a lost reply is a failed one.
                    Err(Failure::NoReply) => {
                        second.exchange.superseded(NO_RESPONSE, "fault");
                        StatusCode::SERVICE_UNAVAILABLE
                    }
                    Err(Failure::Reply(reply)) => {
                        second.refusal_delay().await;
                        let error = reply.error;
                        second.exchange.superseded(error.status.as_u16(), error.reason);
                        error.status
                    }
                }
            }
        };
        let Reply { error: original, mut headers, .. } = failure;
        spillover_failed(&mut headers, error.as_u16());
        fail(self.exchange, original, headers)
    }
}

impl Reply {
    /// Whether it is one that spills over: a refusal, a prompt that is too long, a
    /// failure of the service.
    fn spills(&self) -> bool {
        match self.error.status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::SERVICE_UNAVAILABLE => true,
            StatusCode::BAD_REQUEST => self.too_long,
            _ => false,
        }
    }
}
