//! What `quota` and `quota-by-key` share: calls and bytes counted in fixed
//! windows, and the refusal.

use std::sync::Arc;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::limits::{MAX_UNITS, whole_seconds};
use super::periods::clock_text;
use super::rate_limit_by_key::Increment;
use crate::config::settings::QuotaBandwidth;
use crate::pipeline::completion::{Completion, Ended, Later};
use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome};
use crate::policy::compile::{Compiler, Node};
use crate::policy::spec::{AttributeSpec, Form, optional};
use crate::store::counter::{CounterKey, CounterStore, Need, Rule};

pub(super) const CALLS: AttributeSpec = optional("calls", Form::Integer(0, MAX_UNITS)).literal();
pub(super) const BANDWIDTH: AttributeSpec =
    optional("bandwidth", Form::Integer(0, MAX_UNITS)).literal();

/// A quota's numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    calls: Option<u64>,
    bytes: Option<u64>,
}

impl Numbers {
    /// From `calls` and `bandwidth`: at least one.
    pub(super) fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        node.complete()?;
        let number = |name| node.literal(name).and_then(|text| text.trim().parse::<u64>().ok());
        let (calls, kilobytes) = (number("calls"), number("bandwidth"));
        if calls.is_none() && kilobytes.is_none() {
            let message =
                format!("`{}` needs the attribute `calls` or `bandwidth`", node.element.name);
            let problem = compiler.error(node.element.name_span.clone(), message);
            compiler.report(problem);
            return None;
        }
        let kilobyte = compiler.library().settings.quota_kilobyte.bytes();
        Some(Self { calls, bytes: kilobytes.map(|kilobytes| kilobytes.saturating_mul(kilobyte)) })
    }
}

/// A quota that is for the present call.
pub(super) struct Applied {
    /// The counter.
    pub(super) key: String,
    /// How much.
    pub(super) numbers: Numbers,
    /// When its present window ends.
    pub(super) ends: Option<Instant>,
}

const CALL_COUNTER: &str = "quota calls";
const BYTE_COUNTER: &str = "quota bytes";

/// A counter with its rule.
type Counted = (CounterKey, Rule);

impl Applied {
    fn counter(&self, kind: &'static str, limit: Option<u64>) -> Option<Counted> {
        let key = CounterKey { kind, key: self.key.clone() };
        Some((key, Rule::FixedWindow { limit: limit?, ends: self.ends }))
    }
}

/// Refuses the call if a quota is used up; counts it otherwise, now or later.
pub(super) async fn enforce(
    exchange: &mut Exchange,
    applied: &[Applied],
    increment: &Increment,
) -> Outcome {
    let counters = Arc::clone(&exchange.shared.counters);
    let (mut calls, mut bytes) = (Vec::new(), Vec::new());
    for quota in applied {
        calls.extend(quota.counter(CALL_COUNTER, quota.numbers.calls));
        bytes.extend(quota.counter(BYTE_COUNTER, quota.numbers.bytes));
    }
    for (what, list) in [("call volume", &calls), ("bandwidth", &bytes)] {
        for (key, rule) in list {
            // What this request itself was counted for does not stand against it.
            let rule = match (*rule, exchange.counted_by(key)) {
                (Rule::FixedWindow { limit, ends }, Some(own)) => {
                    Rule::FixedWindow { limit: limit.saturating_add(own), ends }
                }
                (rule, _) => rule,
            };
            if let Err(refused) = counters.acquire(key, rule, Need::Any, 0).await {
                return Err(refuse(exchange, what, refused.wait.map(whole_seconds)));
            }
        }
    }
    // Several policies with one key count a request once (documented).
    calls.retain(|(key, _)| exchange.counted_by(key).is_none());
    bytes.retain(|(key, _)| exchange.counted_by(key).is_none());
    let units = match increment.is_postponed() {
        true => None,
        false => Some(increment.units(exchange).await?),
    };
    for (key, _) in &calls {
        exchange.note_counted(key.clone(), units.unwrap_or_default());
    }
    for (key, _) in &bytes {
        exchange.note_counted(key.clone(), 0);
    }
    let mut counting = Counting { counters, calls, bytes, header_bytes: 0, increment: None };
    match units {
        Some(units) => counting.count(units),
        None => counting.increment = Some(increment.clone()),
    }
    exchange.complete_later(Box::new(counting));
    Ok(Flow::Next)
}

fn refuse(exchange: &mut Exchange, what: &str, seconds: Option<u64>) -> Failure {
    let mut message = format!("Out of {what} quota.");
    if let Some(seconds) = seconds {
        message += &format!(" Quota will be replenished in {}.", clock_text(seconds));
        exchange.set_response_header(RETRY_AFTER, HeaderValue::from(seconds));
    }
    exchange.fail(403, "QuotaExceeded", message)
}

/// Counts a call, and at its end its bytes.
struct Counting {
    counters: Arc<dyn CounterStore>,
    calls: Vec<Counted>,
    bytes: Vec<Counted>,
    /// What headers add to the bodies' bytes.
    header_bytes: u64,
    /// Evaluated at the end of outbound.
    increment: Option<Increment>,
}

impl Counting {
    /// Counts a call for so many; one that does not count has no bytes either.
    fn count(&mut self, units: u64) {
        for (key, rule) in &self.calls {
            self.counters.add(key, *rule, units);
        }
        if units == 0 {
            self.bytes.clear();
        }
    }

    async fn leave(&mut self, exchange: &mut Exchange) -> Result<(), Failure> {
        if exchange.shared.model.settings.quota_bandwidth == QuotaBandwidth::Messages {
            let context = &exchange.context;
            self.header_bytes =
                header_bytes(&context.request.headers) + header_bytes(&context.response.headers);
        }
        if let Some(increment) = self.increment.take() {
            let counts = exchange.outbound_ended || exchange.shared.model.settings.count_early_ends;
            let units = if counts { increment.units(exchange).await } else { Ok(0) };
            self.count(*units.as_ref().unwrap_or(&0));
            units?;
        }
        Ok(())
    }
}

/// Of headers as HTTP/1.1 writes them: `name: value` and a line's end.
fn header_bytes(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len() + 4) as u64).sum()
}

impl Completion for Counting {
    fn leaving<'a>(&'a mut self, exchange: &'a mut Exchange) -> Later<'a> {
        Box::pin(self.leave(exchange))
    }

    fn ended(self: Box<Self>, ended: &mut Ended<'_>) {
        // Nobody knows whether a request counts that never had a response.
        if self.increment.is_some() {
            return;
        }
        let bodies = ended.request_bytes.saturating_add(ended.response_bytes);
        let total = bodies.saturating_add(self.header_bytes);
        for (key, rule) in &self.bytes {
            self.counters.add(key, *rule, total);
        }
    }
}
