//! What the limit policies share: the counters' rule by tier, what they report
//! in headers and variables, and their refusals.

use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue};

use crate::app::Shared;
use crate::config::raw::RawTier;
use crate::config::settings::RefusedCalls;
use crate::expr::Value;
use crate::pipeline::exchange::{Exchange, Failure};
use crate::policy::compile::{Compiler, Node};
use crate::policy::spec::{AttributeSpec, Form, optional};
use crate::store::counter::{CounterKey, Need, Refused, Rule};

/// The largest limit and the largest increment an attribute may give.
pub(super) const MAX_UNITS: i64 = u32::MAX as i64;

/// A name attribute of a header or variable.
pub(super) const fn name(name: &'static str) -> AttributeSpec {
    optional(name, Form::Name).literal()
}

/// Classic tiers count in a sliding window, v2 tiers in a token bucket.
pub(super) fn rule(exchange: &Exchange, limit: u64, period: Duration) -> Rule {
    match exchange.shared.model.tier {
        RawTier::Classic => Rule::SlidingWindow { limit, period },
        RawTier::V2 => Rule::TokenBucket { limit, period },
    }
}

/// The same for calls, of which the settings may let a few slip past.
pub(super) fn call_rule(exchange: &Exchange, calls: u64, period: Duration) -> Rule {
    rule(exchange, calls.saturating_add(exchange.shared.model.settings.limit_slack_calls), period)
}

/// Calls left as they are told: those that may slip past are not.
pub(super) fn calls_left(exchange: &Exchange, left: u64) -> u64 {
    left.saturating_sub(exchange.shared.model.settings.limit_slack_calls)
}

/// A call was refused: counts it all the same, where the settings say so.
pub(super) async fn count_refused(
    shared: &Shared,
    key: &CounterKey,
    rule: Rule,
    refused: Refused,
) -> Refused {
    if shared.model.settings.refused_calls == RefusedCalls::NotCounted {
        return refused;
    }
    shared.counters.add(key, rule, 1);
    // It stands in its own way now: the wait is another.
    shared.counters.acquire(key, rule, Need::Units(1), 0).await.err().unwrap_or(refused)
}

/// Where a number is reported.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    header: Option<HeaderName>,
    variable: Option<Arc<str>>,
}

impl Report {
    /// From two attributes. A header name that is none is an error at load.
    pub(super) fn compile(
        node: &Node<'_>,
        compiler: &mut Compiler<'_>,
        header: &str,
        variable: &str,
    ) -> Option<Self> {
        let variable = node.literal(variable).map(|name| Arc::from(name.trim()));
        if let Some(name) = &variable {
            compiler.facts().computed_variable(name);
        }
        let Some(text) = node.literal(header) else {
            return Some(Self { header: None, variable });
        };
        match HeaderName::from_bytes(text.trim().as_bytes()) {
            Ok(name) => Some(Self { header: Some(name), variable }),
            Err(_) => {
                let problem = compiler
                    .error(node.span(header), format!("`{}` is no header name", text.trim()));
                compiler.report(problem);
                None
            }
        }
    }

    /// The same, with `Retry-After` where no header is named.
    pub(super) fn retry_after(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let report =
            Self::compile(node, compiler, "retry-after-header-name", "retry-after-variable-name")?;
        Some(Self { header: report.header.or(Some(RETRY_AFTER)), ..report })
    }

    /// Whether anybody is told.
    pub(super) fn is_wanted(&self) -> bool {
        self.header.is_some() || self.variable.is_some()
    }

    /// Sets header and variable: an `int` when it fits, as `is int` needs.
    pub(super) fn set(&self, exchange: &mut Exchange, number: u64) {
        self.set_variable(exchange, number);
        if let Some(name) = &self.header {
            exchange.set_response_header(name.clone(), HeaderValue::from(number));
        }
    }

    /// Sets the variable only.
    pub(super) fn set_variable(&self, exchange: &mut Exchange, number: u64) {
        if let Some(name) = &self.variable {
            let value = match (i32::try_from(number), i64::try_from(number)) {
                (Ok(number), _) => Value::Int(number),
                (_, Ok(number)) => Value::Long(number),
                _ => Value::Long(i64::MAX),
            };
            exchange.context.variables.insert(name.to_string(), value);
        }
    }
}

/// A wait as `Retry-After` has it: whole seconds, rounded up, at least 1.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    let part = u64::from(0 < wait.subsec_nanos());
    wait.as_secs().saturating_add(part).max(1)
}

/// 429 of the two rate limits: `LastError` has the shorter message.
pub(super) fn rate_refused(exchange: &mut Exchange, seconds: u64) -> Failure {
    let body = format!("Rate limit is exceeded. Try again in {seconds} seconds.");
    let mut failure = exchange.fail(429, "RateLimitExceeded", body);
    failure.0.message = "Rate limit is exceeded".to_owned();
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_suffice() {
        let told = |ms| whole_seconds(Duration::from_millis(ms));
        assert_eq!([told(0), told(1), told(1_000), told(1_001), told(59_999)], [1, 1, 1, 2, 60]);
    }
}
