//! `<rate-limit>`: so many calls of a subscription within a period, over all,
//! for an API, for an operation; each limit by itself. Without a subscription
//! it does nothing (documented).

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::levels::{self, Level};
use super::limits::{self, MAX_UNITS, Report, rate_refused, whole_seconds};
use super::rate_limit_by_key::LONGEST;
use crate::config::settings::RefusedCalls;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::spec::{
    AttributeSpec, ContentSpec, ElementSpec, Form, PolicySpec, Section, optional, required,
};
use crate::store::counter::{CounterKey, Need};

const NAME: &str = "rate-limit";
const CALLS: AttributeSpec = required("calls", Form::Integer(0, MAX_UNITS)).literal();
const PERIOD: AttributeSpec =
    required("renewal-period", Form::Integer(1, LONGEST.as_secs() as i64)).literal();

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: NAME,
        attributes: &[
            CALLS,
            PERIOD,
            limits::name("retry-after-header-name"),
            limits::name("retry-after-variable-name"),
            limits::name("remaining-calls-header-name"),
            limits::name("remaining-calls-variable-name"),
            limits::name("total-calls-header-name"),
        ],
        content: ContentSpec::Parts(&[&API]),
    },
    sections: &[Section::Inbound],
    compile,
};

const SELECTED: [AttributeSpec; 4] =
    [optional("id", Form::Name).literal(), optional("name", Form::Name).literal(), CALLS, PERIOD];

static API: ElementSpec =
    ElementSpec { name: "api", attributes: &SELECTED, content: ContentSpec::Parts(&[&OPERATION]) };

static OPERATION: ElementSpec =
    ElementSpec { name: "operation", attributes: &SELECTED, content: ContentSpec::Empty };

struct RateLimit {
    levels: Vec<Level<(u64, Duration)>>,
    retry_after: Report,
    remaining: Report,
    total: Report,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    compiler.once(NAME, node.element.name_span.clone());
    let retry_after = Report::retry_after(node, compiler);
    let remaining = Report::compile(
        node,
        compiler,
        "remaining-calls-header-name",
        "remaining-calls-variable-name",
    );
    let total = Report::compile(node, compiler, "total-calls-header-name", "");
    let levels = levels::compile(node, compiler, [&API, &OPERATION], |node, _| {
        node.complete()?;
        let number = |name| node.literal(name)?.trim().parse::<u64>().ok();
        Some((number("calls")?, Duration::from_secs(number("renewal-period")?)))
    });
    Some(Box::new(RateLimit {
        levels: levels?,
        retry_after: retry_after?,
        remaining: remaining?,
        total: total?,
    }))
}

impl RateLimit {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let Some(subscription) = exchange.context.subscription.clone() else {
            return Ok(Flow::Next);
        };
        let applied: Vec<_> = self
            .levels
            .iter()
            .filter_map(|level| {
                let key = level.key(exchange, &subscription.id)?;
                let (calls, period) = level.limit;
                let key = CounterKey { kind: NAME, key };
                Some((key, limits::call_rule(exchange, calls, period), calls, period))
            })
            .collect();
        let shared = std::sync::Arc::clone(&exchange.shared);
        // A call that one limit refuses counts for none, or for all.
        let mut counted = Vec::new();
        let mut refused: Option<u64> = None;
        let mut least: Option<(u64, u64)> = None;
        for (key, rule, calls, period) in &applied {
            let remaining = match shared.counters.acquire(key, *rule, Need::Units(1), 1).await {
                Ok(admitted) => {
                    counted.push((key, *rule, admitted.at));
                    admitted.remaining
                }
                Err(found) => {
                    let found = limits::count_refused(&shared, key, *rule, found).await;
                    let seconds = whole_seconds(found.wait.unwrap_or(*period));
                    refused = Some(refused.map_or(seconds, |before| before.max(seconds)));
                    found.remaining
                }
            };
            if least.is_none_or(|(before, _)| remaining < before) {
                least = Some((remaining, *calls));
            }
        }
        if let Some((remaining, calls)) = least {
            self.remaining.set(exchange, limits::calls_left(exchange, remaining));
            self.total.set(exchange, calls);
        }
        if let Some(seconds) = refused {
            if exchange.shared.model.settings.refused_calls == RefusedCalls::NotCounted {
                for (key, rule, at) in counted {
                    shared.counters.refund(key, rule, at, 1);
                }
            }
            self.retry_after.set(exchange, seconds);
            return Err(rate_refused(exchange, seconds));
        }
        Ok(Flow::Next)
    }
}

impl Policy for RateLimit {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
