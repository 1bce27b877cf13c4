//! `<llm-token-limit>`, also called `<azure-openai-token-limit>`: tokens of a key
//! per minute, or in a calendar period, or both (specification 4.3).
//!
//! Without an estimate a call passes while anything is left, and what `usage`
//! reports is counted with the answer: the limit bites the next call. With one
//! (asked for, or for a stream) the prompt must fit, and the difference is
//! counted later. Streams are estimated to their end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::limits::{self, MAX_UNITS, Report, whole_seconds};
use super::periods::{Unit, words};
use crate::config::settings::FailedEstimates;
use crate::pipeline::completion::{Completion, End, Ended, Later};
use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    AttributeSpec, ContentSpec, ElementSpec, Form, PolicySpec, Section, optional, required,
};
use crate::store::counter::{CounterKey, CounterStore, Need, Rule};
use crate::usage::TokenReport;

const MINUTE: Duration = Duration::from_secs(60);

const ATTRIBUTES: [AttributeSpec; 13] = [
    required("counter-key", Form::Name),
    optional("tokens-per-minute", Form::Integer(0, MAX_UNITS)),
    optional("token-quota", Form::Integer(0, MAX_UNITS)),
    optional("token-quota-period", Form::OneOf(Unit::NAMES)).literal(),
    required("estimate-prompt-tokens", Form::Boolean).literal(),
    limits::name("retry-after-header-name"),
    limits::name("retry-after-variable-name"),
    limits::name("remaining-tokens-header-name"),
    limits::name("remaining-tokens-variable-name"),
    limits::name("remaining-quota-tokens-header-name"),
    limits::name("remaining-quota-tokens-variable-name"),
    limits::name("tokens-consumed-header-name"),
    limits::name("tokens-consumed-variable-name"),
];

const fn spec(name: &'static str) -> PolicySpec {
    PolicySpec {
        element: ElementSpec { name, attributes: &ATTRIBUTES, content: ContentSpec::Empty },
        sections: &[Section::Inbound],
        compile,
    }
}

/// The later name, for any model.
pub(super) static LLM: PolicySpec = spec("llm-token-limit");

/// The first name.
pub(super) static AZURE_OPENAI: PolicySpec = spec("azure-openai-token-limit");

struct TokenLimit {
    key: PolicyValue,
    per_minute: Option<PolicyValue>,
    quota: Option<(PolicyValue, Unit)>,
    estimate: bool,
    retry_after: Report,
    reports: Reports,
}

#[derive(Clone)]
struct Reports {
    remaining: Report,
    remaining_quota: Report,
    consumed: Report,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let mut report = |header, variable| Report::compile(node, compiler, header, variable);
    let remaining = report("remaining-tokens-header-name", "remaining-tokens-variable-name");
    let remaining_quota =
        report("remaining-quota-tokens-header-name", "remaining-quota-tokens-variable-name");
    let consumed = report("tokens-consumed-header-name", "tokens-consumed-variable-name");
    let retry_after = Report::retry_after(node, compiler);
    node.complete()?;
    let per_minute = node.value("tokens-per-minute");
    let unit = node.literal("token-quota-period").and_then(|name| Unit::from_name(name.trim()));
    let problem = match (node.value("token-quota"), unit, &per_minute) {
        (Some(_), None, _) => Some("`token-quota` needs the attribute `token-quota-period`"),
        (None, Some(_), _) => Some("`token-quota-period` needs the attribute `token-quota`"),
        (None, None, None) => Some(
            "a token limit needs `tokens-per-minute`, or `token-quota` with `token-quota-period`",
        ),
        _ => None,
    };
    if let Some(message) = problem {
        let problem = compiler.error(node.element.name_span.clone(), message);
        compiler.report(problem);
        return None;
    }
    Some(Box::new(TokenLimit {
        key: node.value("counter-key")?,
        per_minute,
        quota: node.value("token-quota").zip(unit),
        estimate: node.flag("estimate-prompt-tokens")?,
        retry_after: retry_after?,
        reports: Reports {
            remaining: remaining?,
            remaining_quota: remaining_quota?,
            consumed: consumed?,
        },
    }))
}

/// A counter in which the request's estimate stands.
struct Counted {
    key: CounterKey,
    rule: Rule,
    at: Instant,
    report: Report,
}

/// One of the two limits, before it is asked.
struct Limit {
    key: CounterKey,
    rule: Rule,
    report: Report,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    PerMinute,
    Quota,
}

impl TokenLimit {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let key = exchange.text(&self.key).await?;
        let limits = self.limits(exchange, &key).await?;
        let request = exchange.model_request();
        let estimate = match self.estimate || request.wants_stream() {
            true => request.prompt_tokens(),
            false => 0,
        };
        let need = if estimate == 0 { Need::Any } else { Need::Units(estimate) };
        exchange.meter_tokens();
        self.reports.consumed.set_variable(exchange, estimate);
        let counters = Arc::clone(&exchange.shared.counters);
        let mut counted: Vec<Counted> = Vec::new();
        for Limit { key, rule, report, kind } in limits {
            match counters.acquire(&key, rule, need, estimate).await {
                Ok(admitted) => {
                    report.set(exchange, admitted.remaining);
                    counted.push(Counted { key, rule, at: admitted.at, report });
                }
                Err(refused) => {
                    for before in counted {
                        counters.refund(&before.key, before.rule, before.at, estimate);
                    }
                    report.set(exchange, refused.remaining);
                    return Err(self.refuse(exchange, kind, refused.wait));
                }
            }
        }
        exchange.complete_later(Box::new(Spending {
            counters,
            counted,
            estimate,
            failed: match exchange.shared.model.settings.failed_estimates {
                FailedEstimates::Returned => 0,
                FailedEstimates::Counted => estimate,
            },
            reports: self.reports.clone(),
            settled: false,
        }));
        Ok(Flow::Next)
    }

    async fn limits(&self, exchange: &mut Exchange, key: &str) -> Result<Vec<Limit>, Failure> {
        let mut limits = Vec::new();
        if let Some(per_minute) = &self.per_minute {
            let tokens = exchange.integer(per_minute, 0, MAX_UNITS).await?.unsigned_abs();
            limits.push(Limit {
                key: CounterKey { kind: "token limit", key: key.to_owned() },
                rule: limits::rule(exchange, tokens, MINUTE),
                report: self.reports.remaining.clone(),
                kind: Kind::PerMinute,
            });
        }
        if let Some((quota, unit)) = &self.quota {
            let limit = exchange.integer(quota, 0, MAX_UNITS).await?.unsigned_abs();
            let first_day = exchange.shared.model.settings.token_quota_week;
            let ends = unit.period(first_day).ends(exchange);
            limits.push(Limit {
                key: CounterKey { kind: "token quota", key: format!("{unit:?}\n{key}") },
                rule: Rule::FixedWindow { limit, ends },
                report: self.reports.remaining_quota.clone(),
                kind: Kind::Quota,
            });
        }
        Ok(limits)
    }

    /// What never fits is told to come back after a minute.
    fn refuse(&self, exchange: &mut Exchange, kind: Kind, wait: Option<Duration>) -> Failure {
        let seconds = whole_seconds(wait.unwrap_or(MINUTE));
        self.retry_after.set(exchange, seconds);
        match kind {
            Kind::PerMinute => {
                let message = format!("Token limit is exceeded. Try again in {seconds} seconds.");
                exchange.fail(429, "OpenAITokenLimitExceeded", message)
            }
            Kind::Quota => {
                let message = format!("Token quota is exceeded. Try again in {}.", words(seconds));
                let reason = exchange.shared.model.settings.token_quota_reason.name();
                exchange.fail(403, reason, message)
            }
        }
    }
}

/// Counts what a request really cost.
struct Spending {
    counters: Arc<dyn CounterStore>,
    counted: Vec<Counted>,
    /// What stands in the counters since the request was admitted.
    estimate: u64,
    /// What a request costs that no backend answered with 2xx.
    failed: u64,
    reports: Reports,
    settled: bool,
}

impl Spending {
    /// What an answer cost: as failed when the backend refused; estimated for a
    /// stream (documented); else what it reports, or the estimate for want of it.
    fn cost(&self, report: &TokenReport) -> u64 {
        match report {
            report if !(200..300).contains(&report.status) => self.failed,
            report if report.streamed => report.estimate().total,
            report => report.usage.map_or(self.estimate, |usage| usage.total),
        }
    }

    fn settle(&mut self, cost: u64) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        for Counted { key, rule, at, .. } in &self.counted {
            self.counters.add(key, *rule, cost.saturating_sub(self.estimate));
            self.counters.refund(key, *rule, *at, self.estimate.saturating_sub(cost));
        }
    }

    fn wants_reports(&self) -> bool {
        let Reports { remaining, remaining_quota, consumed } = &self.reports;
        [remaining, remaining_quota, consumed].into_iter().any(Report::is_wanted)
    }

    async fn answered(&mut self, exchange: &mut Exchange) -> Result<(), Failure> {
        let Some(report) = exchange.token_report() else { return Ok(()) };
        if !self.wants_reports() {
            return Ok(());
        }
        if report.streamed {
            self.reports.consumed.set(exchange, self.estimate);
            return Ok(());
        }
        exchange.buffer_response().await?;
        let cost = exchange.token_report().map_or(0, |report| self.cost(&report));
        self.settle(cost);
        self.reports.consumed.set(exchange, cost);
        for Counted { key, rule, report, .. } in &self.counted {
            let asked = self.counters.acquire(key, *rule, Need::Any, 0).await;
            let remaining = asked.map_or_else(|r| r.remaining, |a| a.remaining);
            report.set(exchange, remaining);
        }
        Ok(())
    }
}

impl Completion for Spending {
    fn received<'a>(&'a mut self, exchange: &'a mut Exchange) -> Later<'a> {
        Box::pin(self.answered(exchange))
    }

    fn ended(mut self: Box<Self>, ended: &mut Ended<'_>) {
        let cost = match &ended.tokens {
            Some(report) => self.cost(report),
            // The backend may be at work on it.
            None if ended.end == End::ClientGone => self.estimate,
            None => self.failed,
        };
        self.settle(cost);
    }
}

impl Policy for TokenLimit {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
