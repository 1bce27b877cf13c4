//! `<retry>`: its policies once, then again while the condition holds and
//! retries remain (specification 4.1).
//!
//! An error inside does not leave the retry: the condition sees the error's
//! response. That is how `fail-on-error-status-code` and a retry on 429 work
//! together. A `return-response` inside ends the pipeline.

use std::time::Duration;

use futures_util::future::BoxFuture;
use rand::Rng as _;

use crate::config::settings::{RetryAfterFast, RetryBackoff};
use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::{PolicyValue, Step};
use crate::policy::spec::{
    ANY_SECTION, ContentSpec, ElementSpec, Form, MAX_SECONDS, PolicySpec, optional, required,
};

const SECONDS: Form = Form::Integer(0, MAX_SECONDS);
const MAX_COUNT: i64 = 50;

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "retry",
        attributes: &[
            required("condition", Form::Boolean),
            required("count", Form::Integer(1, MAX_COUNT)),
            required("interval", SECONDS),
            optional("max-interval", SECONDS),
            optional("delta", SECONDS),
            optional("first-fast-retry", Form::Boolean),
        ],
        content: ContentSpec::Policies,
    },
    sections: ANY_SECTION,
    compile,
};

struct Retry {
    condition: PolicyValue,
    count: PolicyValue,
    interval: PolicyValue,
    max_interval: Option<PolicyValue>,
    delta: Option<PolicyValue>,
    first_fast_retry: Option<PolicyValue>,
    steps: Vec<Step>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let forwards = compiler.facts().forwards();
    let steps = compiler.sequence(node.element, None);
    if forwards < compiler.facts().forwards() {
        lint_waits(node, compiler);
    }
    node.complete()?;
    Some(Box::new(Retry {
        condition: node.value("condition")?,
        count: node.value("count")?,
        interval: node.value("interval")?,
        max_interval: node.value("max-interval"),
        delta: node.value("delta"),
        first_fast_retry: node.value("first-fast-retry"),
        steps,
    }))
}

/// W016 needs to know the pool: this only says that the retry does not wait.
fn lint_waits(node: &Node<'_>, compiler: &mut Compiler<'_>) {
    let number = |name| node.literal(name).and_then(|text| text.trim().parse::<usize>().ok());
    let grows = node.value("delta").is_some() && number("delta") != Some(0);
    if let (Some(count), Some(0), false) = (number("count"), number("interval"), grows) {
        let document = compiler.document();
        compiler.facts().retries_at_once(document, node.element.name_span.clone(), count);
    }
}

impl Retry {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let count = exchange.integer(&self.count, 1, MAX_COUNT).await?;
        for retry in 1.. {
            let outcome = exchange.run(&self.steps).await;
            if matches!(outcome, Ok(Flow::Respond)) {
                return outcome;
            }
            let again = exchange.condition(&self.condition).await?;
            if !again || count < i64::from(retry) {
                return outcome;
            }
            let wait = self.wait_before(retry, exchange).await?;
            tokio::time::sleep(wait).await;
        }
        Ok(Flow::Next)
    }

    /// The times are evaluated for each wait: they may read a `Retry-After`.
    async fn wait_before(&self, retry: u32, exchange: &mut Exchange) -> Result<Duration, Failure> {
        let mut n = retry;
        if let Some(fast) = &self.first_fast_retry
            && exchange.condition(fast).await?
        {
            if retry == 1 {
                return Ok(Duration::ZERO);
            }
            if exchange.shared.model.settings.retry_after_fast == RetryAfterFast::FirstWait {
                n -= 1;
            }
        }
        let interval = exchange.seconds(&self.interval, 0).await?;
        let max = match &self.max_interval {
            Some(max) => Some(exchange.seconds(max, 0).await?),
            None => None,
        };
        let delta = match &self.delta {
            Some(delta) => Some(exchange.seconds(delta, 0).await?),
            None => None,
        };
        let backoff = exchange.shared.model.settings.retry_backoff;
        let draw = unit_interval(exchange.context.random.next_u64());
        Ok(wait(n, interval, delta, max, backoff, draw))
    }
}

/// A number in [0, 1) from 64 random bits.
#[expect(clippy::cast_precision_loss, reason = "53 bits are a double's precision")]
fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The wait before the `n`-th retry, from 1. `draw` is uniform in [0, 1).
///
/// With all three times the reference page of 2017-2020 and its example give
/// `interval + (2^(n-1) - 1) * r`, r within 20 % of delta; the formula the
/// page prints now is `interval + 2^(n-1) * r` and contradicts the example.
fn wait(
    n: u32,
    interval: Duration,
    delta: Option<Duration>,
    max: Option<Duration>,
    backoff: RetryBackoff,
    draw: f64,
) -> Duration {
    let step = n.saturating_sub(1);
    let wait = match (delta, max) {
        (None, _) => interval,
        (Some(delta), None) => interval + delta * step,
        (Some(delta), Some(_)) => {
            // 2^40 s is beyond any cap.
            let power = f64::from(step.min(40)).exp2();
            let factor = match backoff {
                RetryBackoff::Example => power - 1.0,
                RetryBackoff::Formula => power,
            };
            let random = delta.as_secs_f64() * (0.8 + 0.4 * draw);
            let extra = Duration::try_from_secs_f64(factor * random).unwrap_or(Duration::MAX);
            interval.saturating_add(extra)
        }
    };
    max.map_or(wait, |max| wait.min(max))
}

impl Policy for Retry {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waits(delta: Option<u64>, max: Option<u64>, backoff: RetryBackoff, draw: f64) -> Vec<f64> {
        let seconds = Duration::from_secs;
        (1..=4)
            .map(|n| wait(n, seconds(10), delta.map(seconds), max.map(seconds), backoff, draw))
            .map(|wait| wait.as_secs_f64())
            .collect()
    }

    #[test]
    fn waits_follow_the_reference_page() {
        use RetryBackoff::{Example, Formula};
        assert_eq!(waits(None, None, Example, 0.5), [10.0, 10.0, 10.0, 10.0]);
        assert_eq!(waits(None, Some(5), Example, 0.5), [5.0, 5.0, 5.0, 5.0]);
        assert_eq!(waits(Some(10), None, Example, 0.5), [10.0, 20.0, 30.0, 40.0]);
        assert_eq!(waits(Some(10), Some(100), Example, 0.5), [10.0, 20.0, 40.0, 80.0]);
        assert_eq!(waits(Some(10), Some(100), Formula, 0.5), [20.0, 30.0, 50.0, 90.0]);
        assert_eq!(waits(Some(10), Some(50), Example, 0.5), [10.0, 20.0, 40.0, 50.0]);
        assert_eq!(waits(Some(10), Some(100), Example, 0.0), [10.0, 18.0, 34.0, 66.0]);
    }

    proptest! {
        #[test]
        fn a_wait_never_exceeds_its_cap(n in 1_u32..=50, times in any::<[u32; 3]>(), draw in 0.0..1.0) {
            let [interval, delta, max] = times.map(|s| Duration::from_secs(s.into()));
            for backoff in [RetryBackoff::Example, RetryBackoff::Formula] {
                prop_assert!(wait(n, interval, Some(delta), Some(max), backoff, draw) <= max);
            }
        }
    }
}
