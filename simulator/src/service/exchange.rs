//! One request from arrival to end, whichever way it ends.
//!
//! An exchange is a guard: dropped before [`Exchange::complete`], the client
//! has gone away. Then the limiter is told what was made so far, and the
//! journal says 499.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::authenticate::Credential;
use super::deployment::Deployment;
use super::journal::Record;
use super::lock;
use super::metrics::{Observation, Tokens};
use super::resource::Resource;
use super::route::Endpoint;
use crate::api::{Kept, Usage};
use crate::fault::{Armed, Fault};
use crate::latency::Schedule;
use crate::limit::{PaygStanding, Standing, Ticket, Tier, Used};
use crate::wire::Style;

/// Status of a request whose client went away (nginx's number).
const CLIENT_CLOSED: u16 = 499;

/// The longest deployment name a record keeps: clients choose it, and the
/// journal holds many.
const NAME_BYTES: usize = 1024;

/// From this lateness on the simulator says that it, or its machine, has too much to
/// do: no measurement of latencies is worth much then.
const TOO_LATE: Duration = Duration::from_millis(100);

/// The header of W3C Trace Context.
pub(super) const TRACEPARENT: &str = "traceparent";

/// The trace id of a well-formed `traceparent`: version, trace, parent and flags in
/// lower-case hexadecimal, ids not zero (W3C Trace Context, section 3.2.2).
pub(super) fn trace_id(value: &HeaderValue) -> Option<String> {
    let hexadecimal = |text: &str, length| {
        text.len() == length
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let mut parts = value.to_str().ok()?.splitn(5, '-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let well_formed = hexadecimal(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && hexadecimal(trace, 32)
        && hexadecimal(parent, 16)
        && hexadecimal(flags, 2);
    let zero = |id: &str| id.bytes().all(|byte| byte == b'0');
    (well_formed && !zero(trace) && !zero(parent)).then(|| trace.to_owned())
}

/// A request under way.
pub(super) struct Exchange {
    pub resource: Arc<Resource>,
    /// When the whole request was here: what deadlines are measured from.
    pub started: Instant,
    pub number: u64,
    /// Who answers.
    pub style: Style,
    received: Instant,
    record: Record,
    admitted: Option<Admitted>,
    first_byte: Option<Instant>,
    /// What stays of the answer when it is complete.
    keep: Option<Kept>,
    refused: Option<&'static str>,
    /// How late something left at most, once something was due.
    latest: Option<Duration>,
    /// What it asked for, as far as the limiter looked.
    asked: Tokens,
    /// When all was done but to wait and to send.
    ready: Option<Instant>,
    over: bool,
}

struct Admitted {
    deployment: Arc<Deployment>,
    ticket: Ticket,
    usage: Usage,
    /// Whether the usage counts although there is no answer.
    charged: bool,
    schedule: Option<Arc<Schedule>>,
}

impl Exchange {
    /// A request arrives.
    pub(super) fn begin(resource: &Arc<Resource>, headers: &HeaderMap) -> Self {
        let (received, number) = (Instant::now(), resource.next_number());
        let correlation_id = headers
            .get("x-ms-client-request-id")
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let record = Record {
            number,
            correlation_id,
            trace_id: headers.get(TRACEPARENT).and_then(trace_id),
            received_us: resource.micros(received),
            ..Record::default()
        };
        Self {
            resource: Arc::clone(resource),
            started: received,
            number,
            style: Style::default(),
            received,
            record,
            admitted: None,
            first_byte: None,
            keep: None,
            refused: None,
            latest: None,
            asked: Tokens::default(),
            ready: None,
            over: false,
        }
    }

    /// The same request's second attempt, at a deployment that takes over from this
    /// one's now.
    pub(super) fn second(&mut self, from: &str, to: &str) -> Self {
        self.record.spilled_to = Some(to.to_owned());
        self.resource.under_way();
        let record = Record {
            number: self.number,
            correlation_id: self.record.correlation_id.clone(),
            trace_id: self.record.trace_id.clone(),
            credential: self.record.credential,
            operation: self.record.operation,
            deployment: Some(to.to_owned()),
            received_us: self.record.received_us,
            spilled_from: Some(from.to_owned()),
            ..Record::default()
        };
        Self {
            resource: Arc::clone(&self.resource),
            started: Instant::now(),
            number: self.number,
            style: self.style,
            received: self.received,
            record,
            admitted: None,
            first_byte: None,
            keep: None,
            refused: None,
            latest: None,
            asked: Tokens::default(),
            ready: None,
            over: false,
        }
    }

    /// This attempt is over, and another one is the reply.
    pub(super) fn superseded(&mut self, status: u16, reason: &'static str) {
        self.record.superseded = true;
        let usage = self.admitted.as_ref().map(|_| Usage::default());
        self.end(status, Some(reason), usage, false);
    }

    /// The request's body has been read to its end.
    pub(super) fn read(&mut self) {
        self.started = Instant::now();
    }

    /// What the request wants, as its path says.
    pub(super) fn called(&mut self, endpoint: Endpoint) {
        self.record.operation = Some(endpoint.name());
    }

    /// What let it in.
    pub(super) fn authenticated(&mut self, credential: Credential) {
        self.record.credential = Some(credential.name());
    }

    /// The deployment it names, whether there is one or not.
    pub(super) fn addressed(&mut self, deployment: &str) {
        let end = deployment.floor_char_boundary(NAME_BYTES.min(deployment.len()));
        self.record.deployment = deployment.get(..end).map(str::to_owned);
    }

    pub(super) fn admitted(&mut self, deployment: &Arc<Deployment>, ticket: Ticket, now: Instant) {
        self.record.admitted_us = Some(self.resource.micros(now));
        self.record.counted_tokens = Some(ticket.counted);
        self.record.service_tier = (ticket.tier != Tier::Default).then(|| ticket.tier.name());
        self.stands(ticket.standing);
        let deployment = Arc::clone(deployment);
        let usage = Usage::default();
        deployment.under_way();
        self.admitted =
            Some(Admitted { deployment, ticket, usage, charged: false, schedule: None });
    }

    pub(super) fn refused(&mut self, standing: Standing, reason: &'static str) {
        self.refused = Some(reason);
        self.stands(standing);
    }

    fn stands(&mut self, standing: Standing) {
        match standing {
            Standing::Ptu(utilization) => self.record.utilization = Some(utilization),
            Standing::Payg(PaygStanding { tokens, requests, .. }) => {
                self.record.remaining_tokens = tokens.map(|level| level.remaining);
                self.record.remaining_requests = requests.map(|level| level.remaining);
            }
        }
    }

    /// What the request asks for, before anybody counted.
    pub(super) fn asks(&mut self, asked: Tokens) {
        self.asked = asked;
    }

    /// The reply is made; from now on it waits and is sent.
    pub(super) fn ready(&mut self) {
        self.ready.get_or_insert_with(Instant::now);
    }

    /// What the answer will have used, and when its tokens are made.
    pub(super) fn planned(&mut self, usage: Usage, schedule: &Arc<Schedule>) {
        if let Some(admitted) = &mut self.admitted {
            admitted.usage = usage;
            admitted.schedule = Some(Arc::clone(schedule));
        }
    }

    /// A fault strikes.
    pub(super) fn struck(&mut self, armed: &Armed) {
        let Fault { name, effect, .. } = &armed.fault;
        let known = self.known_deployment().unwrap_or_default().to_owned();
        self.resource.metrics.count_fault(self.resource.name(), &known, name, effect.name());
        // The first that strikes: the others are those of a spillover's attempt.
        self.record.fault.get_or_insert_with(|| name.to_string());
    }

    /// The answer, and all deadlines with it, is held back.
    pub(super) fn delay(&mut self, time: Duration) {
        self.started = self.started.checked_add(time).unwrap_or(self.started);
    }

    /// The `x-ms-client-request-id` that came.
    pub(super) fn correlation_id(&self) -> Option<&str> {
        self.record.correlation_id.as_deref()
    }

    /// Something was due, and leaves now.
    pub(super) fn was_due(&mut self, due: Instant, now: Instant) {
        self.latest = self.latest.max(Some(now.saturating_duration_since(due)));
    }

    /// Something stays of the answer when it is complete.
    pub(super) fn keep(&mut self, kept: Kept) {
        self.keep = Some(kept);
    }

    /// Somebody asked for the answer to be made no further.
    pub(super) fn cancelled(mut self) {
        let usage = self.usage_so_far(None);
        self.end(200, Some("cancelled"), usage, false);
    }

    /// The first byte of the reply leaves.
    pub(super) fn first_byte(&mut self) {
        self.first_byte.get_or_insert_with(Instant::now);
    }

    /// The prompt was worked on, but nothing will be generated: it is charged.
    pub(super) fn prompt_charged(&mut self, usage: Usage) {
        if let Some(admitted) = &mut self.admitted {
            admitted.usage = usage;
            admitted.charged = true;
        }
    }

    /// The reply is complete.
    pub(super) fn complete(&mut self, status: u16, reason: Option<&'static str>) {
        self.first_byte();
        let answered = status == 200;
        let used = |admitted: &Admitted| {
            if answered || admitted.charged { admitted.usage } else { Usage::default() }
        };
        let usage = self.admitted.as_ref().map(used);
        self.end(status, reason, usage, answered);
    }

    /// A reply that was made elsewhere is complete, and says what it used.
    pub(super) fn complete_elsewhere(&mut self, status: u16, usage: Option<Usage>) {
        self.first_byte();
        self.end(status, None, usage, false);
    }

    /// The reply ended before it was complete, by a fault. `made` tokens had left;
    /// `None`: as many as were due.
    pub(super) fn broke_off(&mut self, reason: &'static str, made: Option<u64>) {
        self.first_byte();
        let usage = self.usage_so_far(made);
        self.end(200, Some(reason), usage, false);
    }

    /// There was no reply at all.
    pub(super) fn unanswered(&mut self, status: u16, reason: &'static str) {
        let usage = self.admitted.as_ref().map(|_| Usage::default());
        self.end(status, Some(reason), usage, false);
    }

    /// What an answer has cost that is not complete.
    fn usage_so_far(&self, made: Option<u64>) -> Option<Usage> {
        let elapsed = Instant::now().saturating_duration_since(self.started);
        self.admitted.as_ref().map(|admitted| {
            let due = || admitted.schedule.as_ref().map_or(0, |plan| plan.produced(elapsed));
            // Reasoning comes before anything that can be seen.
            let made = made.map(|made| made.saturating_add(admitted.usage.reasoning_tokens));
            let completion_tokens = made.unwrap_or_else(due).min(admitted.usage.completion_tokens);
            let reasoning_tokens = admitted.usage.reasoning_tokens.min(completion_tokens);
            Usage { completion_tokens, reasoning_tokens, ..admitted.usage }
        })
    }

    /// The deployment it names, when there is one. A name from a path must not
    /// become a label: anyone can send any.
    fn known_deployment(&self) -> Option<&str> {
        let name = self.record.deployment.as_deref()?;
        self.resource.deployments.contains_key(name).then_some(name)
    }

    fn end(
        &mut self,
        status: u16,
        reason: Option<&'static str>,
        usage: Option<Usage>,
        complete: bool,
    ) {
        if self.over {
            return;
        }
        self.over = true;
        self.resource.over();
        if complete && let Some(kept) = self.keep.take() {
            lock(&self.resource.responses).put(kept);
        }
        let now = Instant::now();
        let usage_or_zero = usage.unwrap_or_default();
        if let Some(admitted) = &self.admitted {
            let used = Used {
                prompt_tokens: usage_or_zero.prompt_tokens - usage_or_zero.cached_tokens,
                completion_tokens: usage_or_zero.completion_tokens,
                complete,
            };
            admitted.deployment.settle(now, &admitted.ticket, used);
            admitted.deployment.over();
        }
        let mut record = std::mem::take(&mut self.record);
        if let Some(usage) = usage {
            record.prompt_tokens = Some(usage.prompt_tokens);
            record.cached_tokens = Some(usage.cached_tokens);
            record.completion_tokens = Some(usage.completion_tokens);
        }
        record.first_byte_us = self.first_byte.map(|at| self.resource.micros(at));
        record.done_us = self.resource.micros(now);
        record.status = status;
        record.reason = reason;
        let reached = match &self.admitted {
            Some(admitted) => Some(&admitted.deployment),
            None => {
                record.deployment.as_deref().and_then(|name| self.resource.deployments.get(name))
            }
        };
        let metering = reached.map_or(&self.resource.metering, |deployment| &deployment.metering);
        let used = Tokens {
            prompt: usage_or_zero.prompt_tokens,
            completion: usage_or_zero.completion_tokens,
        };
        let ready = self.ready.unwrap_or(now);
        metering.of(record.operation.unwrap_or_default()).observe(&Observation {
            status,
            refused: self.refused,
            used,
            requested: if used == Tokens::default() { self.asked } else { used },
            counted: record.counted_tokens,
            late_seconds: self.latest.map(|late| late.as_secs_f64()),
            work_seconds: ready.saturating_duration_since(self.started).as_secs_f64(),
            first_byte_seconds: self
                .first_byte
                .map(|at| at.saturating_duration_since(self.received).as_secs_f64()),
            seconds: now.saturating_duration_since(self.received).as_secs_f64(),
        });
        if let Some(late) = self.latest.filter(|late| TOO_LATE <= *late) {
            self.resource.was_late(late);
        }
        tracing::debug!(
            resource = self.resource.name(),
            number = record.number,
            deployment = record.deployment.as_deref(),
            operation = record.operation,
            status,
            reason,
            "request over"
        );
        lock(&self.resource.journal).push(record);
        self.resource.journal_grew.notify_waiters();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let usage = self.usage_so_far(None);
        self.end(CLIENT_CLOSED, Some("client_closed"), usage, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_traces_are_kept() {
        let id = |text: &'static str| trace_id(&HeaderValue::from_static(text));
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(id(good).as_deref(), Some(trace));
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert_eq!(id(later).as_deref(), Some(trace));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }
}
