//! A dataset in brief, for any report: a row a stage, and series over time.
//! Every request is counted once, in the stage that sent it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::assert::{answering_simulator, refused_attempts};
use crate::record::{ClientRow, Dataset, Outcome, RunTime};
use crate::stats;

/// One stage, or the whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct StageSummary {
    pub name: String,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub requests: u64,
    /// Complete answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without a complete answer.
    pub unanswered: u64,
    /// Of the 2xx answers; `None` when there was none.
    pub latency: Option<LatencySummary>,
    /// 2xx answers by the simulator they came from, in the topology's order.
    pub answers: Vec<Answers>,
    /// 2xx answers that no journal knows.
    pub answers_from_elsewhere: u64,
}

/// Latency from the scheduled time to the end of the answer, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct LatencySummary {
    pub mean: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

/// How many answers one simulator gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Answers {
    pub simulator: String,
    pub count: u64,
}

/// The run over time: one entry a bin in every list, by the time of sending.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Series {
    pub bin_seconds: f64,
    pub requests: Vec<u64>,
    /// Mean latency of the 2xx answers, in seconds.
    pub latency: Vec<Option<f64>>,
    /// Requests without a 2xx answer.
    pub errors: Vec<u64>,
    /// 2xx answers by simulator.
    pub answers: Vec<SimulatorSeries>,
    /// Attempts of client requests that got another status, by simulator and the
    /// time of their arrival.
    pub refusals: Vec<SimulatorSeries>,
}

/// One simulator's answers over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SimulatorSeries {
    pub simulator: String,
    pub counts: Vec<u64>,
}

/// Answers of one kind that the gateway's own pipeline failed to give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct GatewayErrors {
    pub status: u16,
    pub reason: String,
    pub count: u64,
    /// One request to look at.
    pub example: Option<String>,
}

/// The gateway's own errors, the most frequent first.
pub(super) fn gateway_errors(dataset: &Dataset) -> Vec<GatewayErrors> {
    let mut kinds: BTreeMap<(u16, &str), GatewayErrors> = BTreeMap::new();
    for row in &dataset.gateway {
        if let Some(reason) = &row.error_reason {
            let kind = kinds.entry((row.status, reason)).or_insert_with(|| GatewayErrors {
                status: row.status,
                reason: reason.clone(),
                count: 0,
                example: row.correlation_id.clone(),
            });
            kind.count += 1;
        }
    }
    let mut errors: Vec<GatewayErrors> = kinds.into_values().collect();
    // Stable: kinds of one frequency stay in the order of status and reason.
    errors.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    errors
}

/// One summary a stage, in order.
pub(super) fn stages(dataset: &Dataset) -> Vec<StageSummary> {
    let answered_by = answering_simulator(dataset);
    dataset
        .stages
        .iter()
        .enumerate()
        .map(|(index, stage)| {
            let (start, end) = (stage.start.as_secs_f64(), stage.end.as_secs_f64());
            let mine = |row: &ClientRow| row.stage == index;
            summarise(dataset, &answered_by, &stage.name, (start, end), mine)
        })
        .collect()
}

/// The whole run as one row.
pub(super) fn whole(dataset: &Dataset) -> StageSummary {
    let end = length(dataset).as_secs_f64();
    summarise(dataset, &answering_simulator(dataset), "all", (0.0, end), |_| true)
}

/// End of the last stage.
pub(super) fn length(dataset: &Dataset) -> Duration {
    dataset.stages.iter().map(|stage| stage.end).max().unwrap_or_default()
}

fn summarise(
    dataset: &Dataset,
    answered_by: &[Option<usize>],
    name: &str,
    (start_seconds, end_seconds): (f64, f64),
    mine: impl Fn(&ClientRow) -> bool,
) -> StageSummary {
    let mut summary = StageSummary {
        name: name.to_owned(),
        start_seconds,
        end_seconds,
        requests: 0,
        statuses: BTreeMap::new(),
        unanswered: 0,
        latency: None,
        answers: no_answers(dataset),
        answers_from_elsewhere: 0,
    };
    let mut latencies = Vec::new();
    for (row, simulator) in dataset.clients.iter().zip(answered_by) {
        if !mine(row) {
            continue;
        }
        summary.requests += 1;
        match row.outcome {
            Outcome::Answered(status) => *summary.statuses.entry(status).or_default() += 1,
            _ => summary.unanswered += 1,
        }
        if succeeded(row) {
            latencies.push(latency(row));
            match simulator.and_then(|index| summary.answers.get_mut(index)) {
                Some(answers) => answers.count += 1,
                None => summary.answers_from_elsewhere += 1,
            }
        }
    }
    latencies.sort_by(f64::total_cmp);
    let at = |q| stats::percentile(&latencies, q).unwrap_or_default();
    summary.latency = stats::mean(&latencies).map(|mean| LatencySummary {
        mean,
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        max: at(1.0),
    });
    summary
}

fn no_answers(dataset: &Dataset) -> Vec<Answers> {
    dataset
        .simulators
        .iter()
        .map(|simulator| Answers { simulator: simulator.clone(), count: 0 })
        .collect()
}

/// The run in at most `most` bins of a round length.
pub(super) fn series(dataset: &Dataset, most: usize) -> Series {
    let last_sent = dataset.clients.iter().filter_map(|row| row.sent.after_start()).max();
    let end = length(dataset).max(last_sent.unwrap_or_default());
    let bin = bin_length(end, most.max(1));
    let count = usize::try_from(end.as_nanos().div_ceil(bin.as_nanos()).max(1)).unwrap_or(1);
    let mut requests = vec![0; count];
    let mut sums = vec![(0.0, 0_u32); count];
    let mut errors = vec![0; count];
    let of_each = |simulator: &String| SimulatorSeries {
        simulator: simulator.clone(),
        counts: vec![0; count],
    };
    let mut answers: Vec<SimulatorSeries> = dataset.simulators.iter().map(of_each).collect();
    let mut refusals = answers.clone();
    let index_of = |time: RunTime| {
        let at = time.after_start().unwrap_or_default().as_nanos() / bin.as_nanos();
        usize::try_from(at).unwrap_or(usize::MAX).min(count - 1)
    };
    for (simulator, received) in refused_attempts(dataset) {
        if let Some(own) = refusals.get_mut(simulator) {
            bump(&mut own.counts, index_of(received));
        }
    }
    for (row, simulator) in dataset.clients.iter().zip(answering_simulator(dataset)) {
        let index = index_of(row.sent);
        bump(&mut requests, index);
        if !succeeded(row) {
            bump(&mut errors, index);
            continue;
        }
        if let Some(sum) = sums.get_mut(index) {
            *sum = (sum.0 + latency(row), sum.1 + 1);
        }
        if let Some(own) = simulator.and_then(|simulator| answers.get_mut(simulator)) {
            bump(&mut own.counts, index);
        }
    }
    let latency = sums.into_iter().map(|(sum, n)| (0 < n).then(|| sum / f64::from(n))).collect();
    Series { bin_seconds: bin.as_secs_f64(), requests, latency, errors, answers, refusals }
}

fn bump(counts: &mut [u64], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count += 1;
    }
}

/// The least round length of which at most `most` cover the run.
fn bin_length(end: Duration, most: usize) -> Duration {
    const ROUND_MILLIS: [u64; 15] = [
        10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
        300_000,
    ];
    let fits = |bin: &Duration| end.as_nanos() <= bin.as_nanos() * most as u128;
    let round = ROUND_MILLIS.into_iter().map(Duration::from_millis).find(fits);
    round.unwrap_or_else(|| {
        let hour = Duration::from_secs(3_600);
        (1..=24).map(|hours| hour * hours).find(fits).unwrap_or(end.max(hour))
    })
}

fn succeeded(row: &ClientRow) -> bool {
    matches!(row.outcome, Outcome::Answered(200..=299))
}

fn latency(row: &ClientRow) -> f64 {
    RunTime { nanos: row.done.nanos - row.scheduled.nanos }.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_round_and_few() {
        let bin = |seconds, most| bin_length(Duration::from_secs(seconds), most).as_millis();
        assert_eq!(bin(300, 60), 5_000);
        assert_eq!(bin(300, 120), 5_000);
        assert_eq!(bin(301, 60), 10_000);
        assert_eq!(bin(0, 60), 10);
        assert_eq!(bin(86_400, 60), 3_600_000);
    }
}
