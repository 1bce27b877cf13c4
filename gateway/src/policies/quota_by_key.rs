//! `<quota-by-key>`: calls and kilobytes of a key in fixed windows
//! (specification 4.3).

use futures_util::future::BoxFuture;

use super::limits::MAX_UNITS;
use super::periods::Period;
use super::quotas::{self, Applied, Numbers};
use super::rate_limit_by_key::Increment;
use crate::expr::dates::parse_iso;
use crate::pipeline::exchange::{Exchange, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ContentSpec, ElementSpec, Form, MAX_SECONDS, PolicySpec, Section, optional, required,
};

/// The shortest period, in seconds (documented).
const MIN_PERIOD: i64 = 300;

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "quota-by-key",
        attributes: &[
            quotas::CALLS,
            quotas::BANDWIDTH,
            required("renewal-period", Form::Integer(0, MAX_SECONDS)).literal(),
            required("counter-key", Form::Name),
            optional("increment-condition", Form::Boolean),
            optional("increment-count", Form::Integer(0, MAX_UNITS)),
            optional("first-period-start", Form::Name).literal(),
        ],
        content: ContentSpec::Empty,
    },
    sections: &[Section::Inbound],
    compile,
};

struct QuotaByKey {
    key: PolicyValue,
    numbers: Numbers,
    period: Period,
    increment: Increment,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let numbers = Numbers::compile(node, compiler);
    let seconds: i64 = node.literal("renewal-period")?.trim().parse().ok()?;
    let mut sound = Some(());
    if (1..MIN_PERIOD).contains(&seconds) {
        let message = format!("`{seconds}` is no value for `renewal-period`");
        let problem = compiler
            .error(node.span("renewal-period"), message)
            .help(format!("expected 0 (for ever) or at least {MIN_PERIOD} seconds"));
        compiler.report(problem);
        sound = None;
    }
    let mut start = 0;
    if let Some(text) = node.literal("first-period-start") {
        match parse_iso(text.trim()).and_then(|parsed| parsed.to_date_time()) {
            Some(date) => start = date.ticks,
            None => {
                let message = format!("`{}` is no value for `first-period-start`", text.trim());
                let problem = compiler
                    .error(node.span("first-period-start"), message)
                    .help("expected a date like 2026-01-31T00:00:00Z");
                compiler.report(problem);
                sound = None;
            }
        }
    }
    sound?;
    Some(Box::new(QuotaByKey {
        key: node.value("counter-key")?,
        numbers: numbers?,
        period: Period::of_seconds(seconds, start),
        increment: Increment::of(node),
    }))
}

impl QuotaByKey {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let key = exchange.text(&self.key).await?;
        // Windows of another length are other counters.
        let key = match self.period {
            Period::Fixed { start, ticks } => format!("{ticks}\n{start}\n{key}"),
            _ => format!("endless\n{key}"),
        };
        let ends = self.period.ends(exchange);
        let applied = Applied { key, numbers: self.numbers, ends };
        quotas::enforce(exchange, &[applied], &self.increment).await
    }
}

impl Policy for QuotaByKey {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
