//! `<rate-limit-by-key>`: so many calls of a key within a period
//! (specification 4.3). One counter for each key, whatever the API or scope.
//!
//! A call counts when it passes, unless `increment-condition` or
//! `increment-count` is an expression: then it counts at the end of outbound,
//! and the limit bites one call late. `calls` and the period may change from
//! call to call; what was counted stays.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::limits::{self, MAX_UNITS, Report, rate_refused, whole_seconds};
use crate::config::settings::PostponedCalls;
use crate::pipeline::completion::{Completion, Ended, Later};
use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ContentSpec, ElementSpec, Form, MAX_SECONDS, PolicySpec, Section, optional, required,
};
use crate::store::counter::{CounterKey, CounterStore, Need, Rule};

/// The longest period the reference page allows, in seconds.
const MAX_PERIOD: i64 = 300;

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "rate-limit-by-key",
        attributes: &[
            required("calls", Form::Integer(0, MAX_UNITS)),
            required("renewal-period", Form::Integer(1, MAX_SECONDS)),
            required("counter-key", Form::Name),
            optional("increment-condition", Form::Boolean),
            optional("increment-count", Form::Integer(0, MAX_UNITS)),
            limits::name("retry-after-header-name"),
            limits::name("retry-after-variable-name"),
            limits::name("remaining-calls-header-name"),
            limits::name("remaining-calls-variable-name"),
            limits::name("total-calls-header-name"),
        ],
        content: ContentSpec::Empty,
    },
    sections: &[Section::Inbound],
    compile,
};

struct RateLimitByKey {
    calls: PolicyValue,
    period: PolicyValue,
    key: PolicyValue,
    increment: Increment,
    retry_after: Report,
    remaining: Report,
    total: Report,
}

/// What a call counts for.
#[derive(Clone)]
pub(super) struct Increment {
    condition: Option<PolicyValue>,
    count: Option<PolicyValue>,
}

impl Increment {
    /// From `increment-condition` and `increment-count`.
    pub(super) fn of(node: &Node<'_>) -> Self {
        Self { condition: node.value("increment-condition"), count: node.value("increment-count") }
    }

    /// Whether the call is counted at the end: something about it is not known
    /// before.
    pub(super) fn is_postponed(&self) -> bool {
        let values = [&self.condition, &self.count];
        values.into_iter().flatten().any(|value| value.literal().is_none())
    }

    /// Evaluates it.
    pub(super) async fn units(&self, exchange: &mut Exchange) -> Result<u64, Failure> {
        if let Some(condition) = &self.condition
            && !exchange.condition(condition).await?
        {
            return Ok(0);
        }
        match &self.count {
            Some(count) => Ok(exchange.integer(count, 0, MAX_UNITS).await?.unsigned_abs()),
            None => Ok(1),
        }
    }
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let retry_after = Report::retry_after(node, compiler);
    let remaining = Report::compile(
        node,
        compiler,
        "remaining-calls-header-name",
        "remaining-calls-variable-name",
    );
    let total = Report::compile(node, compiler, "total-calls-header-name", "");
    if let Some(period) = node.literal("renewal-period")
        && period.trim().parse().is_ok_and(|period: i64| MAX_PERIOD < period)
    {
        let problem = compiler
            .warning(
                node.span("renewal-period"),
                "a rate limit's period is documented to be 300 seconds at most",
            )
            .help(
                "the platform may refuse the document; for longer periods there is `quota-by-key`",
            );
        compiler.report(problem);
    }
    node.complete()?;
    Some(Box::new(RateLimitByKey {
        calls: node.value("calls")?,
        period: node.value("renewal-period")?,
        key: node.value("counter-key")?,
        increment: Increment::of(node),
        retry_after: retry_after?,
        remaining: remaining?,
        total: total?,
    }))
}

impl RateLimitByKey {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let key = exchange.text(&self.key).await?;
        let calls = exchange.integer(&self.calls, 0, MAX_UNITS).await?.unsigned_abs();
        let period = exchange.seconds(&self.period, 1).await?;
        let key = CounterKey { kind: SPEC.element.name, key };
        let rule = limits::call_rule(exchange, calls, period);
        let postponed = self.increment.is_postponed();
        let reserves = exchange.shared.model.settings.postponed_calls == PostponedCalls::Reserved;
        let units = match postponed {
            true => u64::from(reserves),
            false => self.increment.units(exchange).await?,
        };
        self.total.set(exchange, calls);
        let shared = Arc::clone(&exchange.shared);
        match shared.counters.acquire(&key, rule, Need::Units(1), units).await {
            Ok(admitted) => {
                let settings = &shared.model.settings;
                let later = postponed && !reserves && settings.remaining_after_postponed;
                let left = limits::calls_left(exchange, admitted.remaining);
                self.remaining.set(exchange, left.saturating_sub(u64::from(later)));
                if postponed {
                    let increment = self.increment.clone();
                    let reserved = reserves.then_some(admitted.at);
                    let counters = Arc::clone(&shared.counters);
                    let postponed = Postponed { counters, key, rule, reserved, increment };
                    exchange.complete_later(Box::new(postponed));
                }
                Ok(Flow::Next)
            }
            Err(refused) => {
                let refused = limits::count_refused(&shared, &key, rule, refused).await;
                self.remaining.set(exchange, limits::calls_left(exchange, refused.remaining));
                // A limit of 0 never admits; a period later it might be another.
                let seconds = whole_seconds(refused.wait.unwrap_or(period));
                self.retry_after.set(exchange, seconds);
                Err(rate_refused(exchange, seconds))
            }
        }
    }
}

/// Counts a call at the end of its request.
struct Postponed {
    counters: Arc<dyn CounterStore>,
    key: CounterKey,
    rule: Rule,
    /// When it was counted as one call for the time being.
    reserved: Option<Instant>,
    increment: Increment,
}

impl Postponed {
    fn release(&mut self) {
        if let Some(at) = self.reserved.take() {
            self.counters.refund(&self.key, self.rule, at, 1);
        }
    }

    async fn count(&mut self, exchange: &mut Exchange) -> Result<(), Failure> {
        self.release();
        if exchange.outbound_ended || exchange.shared.model.settings.count_early_ends {
            let units = self.increment.units(exchange).await?;
            self.counters.add(&self.key, self.rule, units);
        }
        Ok(())
    }
}

impl Completion for Postponed {
    fn leaving<'a>(&'a mut self, exchange: &'a mut Exchange) -> Later<'a> {
        Box::pin(self.count(exchange))
    }

    /// A client that went away before has left the reservation.
    fn ended(mut self: Box<Self>, _: &mut Ended<'_>) {
        self.release();
    }
}

impl Policy for RateLimitByKey {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}

/// The longest period of rate limits, for `rate-limit`.
pub(super) const LONGEST: Duration = Duration::from_secs(MAX_PERIOD.unsigned_abs());
