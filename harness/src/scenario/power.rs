//! Whether the planned number of requests can settle an assertion at all, known
//! before the run. Says so only of those that cannot pass even if everything
//! goes as promised: shares and percentiles, from the rates alone.

use std::time::Duration;

use super::assertion::{
    Assertion, BackendShare, Comparison, Kind, Latency, SeenBy, ShareBand, Start, Status,
    StatusMeasure,
};
use super::model::{Arrivals, LoadShape, Mixed, Scenario};
use crate::assert::Settings;
use crate::stats::{self, Statistic};

/// An assertion that so many requests cannot decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooFew {
    /// The assertion.
    pub id: String,
    /// Requests of its span, at most or on average.
    pub planned: u64,
    /// Requests it takes at least.
    pub needed: u64,
}

impl Scenario {
    /// Assertions that would be inconclusive for want of requests.
    #[must_use]
    pub fn too_few(&self) -> Vec<TooFew> {
        let lacking = |assertion: &Assertion| {
            let needed = needed(&assertion.kind, Settings::default().alpha)?;
            let planned = self.planned_for(assertion)?;
            (planned < needed).then(|| TooFew { id: assertion.id.clone(), planned, needed })
        };
        self.assertions.iter().filter_map(lacking).collect()
    }

    /// Requests in an assertion's span; `None` when the rates do not say.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to integer cast saturates, which is what is wanted"
    )]
    fn planned_for(&self, assertion: &Assertion) -> Option<u64> {
        // How often a draw gives one label is a matter of chance.
        if !assertion.scope.labels.is_empty() {
            return None;
        }
        let span = &assertion.scope.span;
        let start = match &span.start {
            Start::At(start) => *start,
            Start::AfterAction(name) => {
                let action = self.actions.iter().find(|action| action.name == *name)?;
                action.at.after_start().unwrap_or_default()
            }
        };
        let end = span.end.unwrap_or_else(|| self.duration());
        let mut planned = 0.0;
        for stage in &self.stages {
            let (from, to) = (start.max(stage.start), end.min(stage.end));
            let Some(length) = to.checked_sub(from).filter(|length| !length.is_zero()) else {
                continue;
            };
            for load in &stage.loads {
                let wanted = |one: &&Mixed| {
                    let name = self.workloads.get(one.workload).map(|workload| &workload.name);
                    assertion.scope.workload.as_ref().is_none_or(|wanted| name == Some(wanted))
                };
                let share: f64 = load.mix.iter().filter(wanted).map(|one| one.share).sum();
                if 0.0 < share {
                    planned += share * requests(&load.shape, length)?;
                }
            }
        }
        Some(planned.ceil() as u64)
    }
}

/// Requests of a load in a part of its stage; an upper bound for users.
fn requests(shape: &LoadShape, length: Duration) -> Option<f64> {
    match shape {
        LoadShape::Open(Arrivals::Ramp { .. }) => None,
        LoadShape::Open(arrivals) => Some(arrivals.expected(length)),
        LoadShape::Closed { think_time, .. } if think_time.is_zero() => None,
        LoadShape::Closed { users, think_time, .. } => {
            let rounds = (length.as_secs_f64() / think_time.as_secs_f64()).ceil();
            Some(rounds * f64::from(*users))
        }
    }
}

/// Requests without which an assertion cannot pass at this error probability,
/// although all of them are as promised.
fn needed(kind: &Kind, alpha: f64) -> Option<u64> {
    match kind {
        Kind::BackendShare(BackendShare { band, .. })
        | Kind::Status(Status {
            measure: StatusMeasure::Share(band),
            seen_by: SeenBy::Clients,
            ..
        }) => needed_for_share(band, alpha),
        Kind::Latency(Latency { statistic: Statistic::Percentile(q), limits, .. }) => {
            let least = limits.at_least.and_then(|_| stats::sample_size_at_extreme(*q, alpha));
            let most = limits.at_most.and_then(|_| stats::sample_size_at_extreme(1.0 - q, alpha));
            least.max(most)
        }
        _ => None,
    }
}

fn needed_for_share(band: &ShareBand, alpha: f64) -> Option<u64> {
    match (band.comparison, 0.0 < band.lower, band.upper < 1.0) {
        (Comparison::Exact, ..) | (Comparison::Interval, false, false) => None,
        (Comparison::Interval, true, false) => {
            stats::sample_size_at_extreme(1.0 - band.lower, alpha)
        }
        (Comparison::Interval, false, true) => stats::sample_size_at_extreme(band.upper, alpha),
        (Comparison::Interval, true, true) => {
            let centre = f64::midpoint(band.lower, band.upper);
            stats::sample_size(centre, (band.upper - band.lower) / 2.0, alpha / 2.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use seam::diagnostic::Source;
    use seam::env::Env;

    use super::*;

    /// 10/s for a minute.
    fn scenario(assertions: &str) -> Scenario {
        let text = format!(
            r#"
version = 1
name = "power"
[topology]
gateway_url = "http://gateway"
simulator_urls.a = {{ url = "http://a", key = "key" }}
[[workloads]]
name = "w"
path = "/api"
body = {{ prompt = "x" }}
[[stages]]
name = "s"
duration = "1m"
[[stages.load]]
workload = "w"
arrivals = {{ process = "constant", rate = "10/s" }}
{assertions}"#
        );
        let source = Source::new("power.toml", text);
        match crate::scenario::parse(&source, Path::new(""), &Env::empty()) {
            Ok((scenario, _)) => scenario,
            Err(all) => panic!("{}", all.iter().map(|one| one.render(false)).collect::<String>()),
        }
    }

    #[test]
    fn says_which_assertions_have_too_few_requests() {
        let head = |id: &str| format!("[[assertions]]\nid = \"{id}\"\nclaim = \"c\"\n");
        let text = [
            head("wide") + "backend_share = { simulator = \"a\", equals = 0.7, within = 0.15 }\n",
            head("tight") + "backend_share = { simulator = \"a\", equals = 0.7, within = 0.05 }\n",
            head("p95") + "latency = { statistic = \"p95\", at_most = \"1s\" }\n",
            head("p99") + "latency = { statistic = \"p99\", at_most = \"1s\" }\n",
            head("end") + "from = \"50s\"\nlatency = { statistic = \"p95\", at_most = \"1s\" }\n",
            head("exact") + "status = { code = 200, share = { equals = 1.0 } }\n",
        ]
        .concat();
        let told: Vec<(String, u64, u64)> = scenario(&text)
            .too_few()
            .into_iter()
            .map(|one| (one.id, one.planned, one.needed))
            .collect();
        // measuring.md: 70 % ± 5 takes 2,650, a p99 688, a p95 135.
        let expected = [("tight", 600, 2_650_u64), ("p99", 600, 688), ("end", 100, 135)];
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for ((id, planned, needed), wanted) in told.iter().zip(expected) {
            assert_eq!((id.as_str(), *planned), (wanted.0, wanted.1));
            assert!(needed.abs_diff(wanted.2) <= 3, "{id}: {needed}");
        }
    }
}
