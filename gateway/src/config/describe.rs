//! Pools and circuit breakers in words, for `gateway explain` and `check`.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use seam::units::HumanDuration;

use super::model::{Model, Pool};
use crate::backend::breaker::{BreakerRule, ErrorReason, Threshold};

/// Nothing where there are neither.
pub(crate) fn describe(model: &Model) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for backend in model.backends.values() {
        if let Some(rule) = &backend.breaker {
            let _ = writeln!(text, "circuit breaker of `{}`: {}", backend.id, breaker(rule));
            if !rule.other_reasons.is_empty() {
                let reasons = rule.other_reasons.join("`, `");
                let _ = writeln!(text, "  error reasons without effect: `{reasons}`");
            }
        }
    }
    for own in model.pools.values() {
        let _ = writeln!(text, "pool `{}`: {}", own.id, pool(own));
        if let Some(cookie) = &own.session_cookie {
            let _ = writeln!(text, "  sessions by cookie `{cookie}`");
        }
    }
    text
}

fn breaker(rule: &BreakerRule) -> String {
    let statuses = rule.status_codes.iter().map(statuses);
    let reasons = rule.error_reasons.iter().map(|reason| match reason {
        ErrorReason::Timeout => "timeouts".to_owned(),
        ErrorReason::ConnectionFailure => "connection failures".to_owned(),
    });
    let failures: Vec<String> = statuses.chain(reasons).collect();
    let threshold = match rule.threshold {
        Threshold::Count(1) => "1 failure".to_owned(),
        Threshold::Count(count) => format!("{count} failures"),
        Threshold::Percentage(percent) => format!("{percent} % failures"),
    };
    format!(
        "{threshold} ({}) within {} open it for {}{}",
        failures.join(", "),
        HumanDuration(rule.interval),
        HumanDuration(rule.trip_duration),
        if rule.accept_retry_after { " or as long as Retry-After says" } else { "" }
    )
}

fn statuses(range: &RangeInclusive<u16>) -> String {
    let (min, max) = (range.start(), range.end());
    if min == max { min.to_string() } else { format!("{min} to {max}") }
}

fn pool(pool: &Pool) -> String {
    let mut members: Vec<_> = pool.members.iter().collect();
    members.sort_by_key(|member| member.priority);
    let groups = members.chunk_by(|one, other| one.priority == other.priority).map(|group| {
        let members: Vec<String> = group
            .iter()
            .map(|member| format!("`{}` weight {}", member.backend.id, member.weight))
            .collect();
        members.join(", ")
    });
    groups.collect::<Vec<_>>().join("; when all their breakers are open: ")
}
