//! Whether the bench itself did its part. When it did not, verdicts about the
//! gateway mean nothing, whichever way they went.

use std::time::Duration;

use super::joined::is_action_id;
use super::result::Validity;
use super::words;
use crate::record::{ActionRow, BreakCause, Dataset, JournalBreak, Outcome, RunTime, World};
use crate::scenario::assertion::{Assertion, Kind, Latency};
use crate::stats;

/// The schedule may lag by so much, in seconds, however strict the limits.
const LEAST_LAG_LIMIT: f64 = 0.005;

/// Or by this part of the smallest latency limit.
const LAG_PART: f64 = 0.05;

/// How late an action may start in real time.
const LATE_ACTION: Duration = Duration::from_secs(1);

/// Judges the run itself.
pub(super) fn validity(dataset: &Dataset, assertions: &[Assertion]) -> Validity {
    let mut lags: Vec<f64> = dataset
        .clients
        .iter()
        .filter(|row| row.outcome != Outcome::Abandoned)
        .map(|row| RunTime { nanos: row.sent.nanos - row.scheduled.nanos }.as_secs_f64())
        .collect();
    lags.sort_by(f64::total_cmp);
    let schedule_lag_p99 = stats::percentile(&lags, 0.99).unwrap_or_default();
    let schedule_lag_limit = lag_limit(dataset, assertions);
    let mut reasons: Vec<String> =
        dataset.journal_breaks.iter().map(|one| journal_break(dataset, one)).collect();
    if dataset.clients.is_empty() {
        reasons.push("no request was sent".to_owned());
    }
    if schedule_lag_limit < schedule_lag_p99 {
        reasons.push(format!(
            "the schedule was not held: the 99th percentile of sent minus scheduled is {}, allowed are {}",
            words::latency(schedule_lag_p99),
            words::latency(schedule_lag_limit)
        ));
    }
    not_sent(dataset, &mut reasons);
    for action in &dataset.actions {
        if let Some(error) = &action.error {
            reasons.push(format!("action `{}` failed: {error}", action.name));
        }
    }
    late_actions(dataset, &mut reasons);
    if 0 < dataset.journal_rows_dropped {
        let (rows, them) = match dataset.journal_rows_dropped {
            1 => ("row of the simulators is", "it was"),
            _ => ("rows of the simulators are", "they were"),
        };
        reasons.push(format!(
            "{} journal {rows} missing: overwritten before {them} read, or lost",
            words::count(dataset.journal_rows_dropped),
        ));
    }
    Validity { valid: reasons.is_empty(), schedule_lag_p99, schedule_lag_limit, reasons }
}

/// What a restart or a silence of a service did.
fn journal_break(dataset: &Dataset, one: &JournalBreak) -> String {
    let who = match one.simulator.and_then(|index| dataset.simulators.get(index)) {
        Some(name) => format!("simulator {name}"),
        None => "the gateway".to_owned(),
    };
    let (read, noticed) = (words::moment(one.last_read), words::moment(one.noticed));
    match &one.cause {
        BreakCause::Restarted => {
            format!("{who} was restarted at about {noticed}: its records since {read} are lost")
        }
        BreakCause::Interrupted(why) => format!(
            "the journal of {who} could not be read from {read} to {noticed} ({why}), and does \
             not say whether it was restarted meanwhile"
        ),
        BreakCause::Unreadable(why) => format!(
            "the journal of {who} cannot be read since about {noticed}, last read at {read}: {why}"
        ),
    }
}

/// Actions of the run that began later than the scenario says. Those before the
/// start are not judged, the first stage waits for them; those of one time follow
/// each other, so each is due when the one before it is done.
fn late_actions(dataset: &Dataset, reasons: &mut Vec<String>) {
    let allowed = match dataset.world {
        World::Virtual => Duration::ZERO,
        World::Real => LATE_ACTION,
    };
    let allowed = RunTime::from(allowed);
    let mut before: Option<&ActionRow> = None;
    for action in &dataset.actions {
        let earlier = before.replace(action);
        let in_turn = earlier.filter(|one| one.due == action.due).map(|one| one.done);
        let due = in_turn.map_or(action.due, |done| done.max(action.due));
        let late = RunTime { nanos: action.started.nanos - due.nanos };
        if action.due.nanos < 0 || late <= allowed {
            continue;
        }
        let behind = match earlier {
            Some(one) if action.due < one.done => format!(", behind `{}`", one.name),
            _ => String::new(),
        };
        reasons.push(format!(
            "action `{}` started {} late{behind}; allowed are {}",
            action.name,
            words::latency(late.as_secs_f64()),
            words::latency(allowed.as_secs_f64()),
        ));
    }
}

/// Requests that never left: the target could not be reached, or the run ended.
fn not_sent(dataset: &Dataset, reasons: &mut Vec<String>) {
    let mut found: std::collections::BTreeSet<&str> = std::collections::BTreeSet::new();
    found.extend(dataset.backends.iter().filter_map(|row| row.correlation_id.as_deref()));
    found.extend(dataset.gateway.iter().filter_map(|row| row.correlation_id.as_deref()));
    found.retain(|id| !is_action_id(dataset, id));
    let mut failures: Vec<&str> = Vec::new();
    let mut abandoned = 0_u64;
    for row in &dataset.clients {
        match &row.outcome {
            Outcome::TransportFailed(why) if !found.contains(row.correlation_id.as_str()) => {
                failures.push(why);
            }
            Outcome::Abandoned => abandoned += 1,
            _ => {}
        }
    }
    if let Some(first) = failures.first() {
        reasons.push(format!(
            "{} of {} could not be sent: {first}",
            words::count(failures.len() as u64),
            words::counted(dataset.clients.len() as u64, "request", "requests")
        ));
    }
    if 0 < abandoned {
        reasons.push(format!(
            "the run ended before {}",
            words::counted(abandoned, "request did", "requests did")
        ));
    }
}

/// `max(5 ms, 5 % of the smallest latency limit)`, in seconds. Where no assertion
/// limits a latency, 5 % of the median latency seen: so much lag changes nothing
/// that is asserted.
fn lag_limit(dataset: &Dataset, assertions: &[Assertion]) -> f64 {
    let smallest = assertions
        .iter()
        .filter_map(|assertion| match &assertion.kind {
            Kind::Latency(Latency { limits, .. }) => limits.at_most,
            _ => None,
        })
        .min();
    let latency = match smallest {
        Some(limit) => limit.as_secs_f64(),
        None => median_latency(dataset),
    };
    (LAG_PART * latency).max(LEAST_LAG_LIMIT)
}

fn median_latency(dataset: &Dataset) -> f64 {
    let answered = dataset.clients.iter().filter(|row| row.outcome.status().is_some());
    let mut latencies: Vec<f64> = answered
        .map(|row| RunTime { nanos: row.done.nanos - row.scheduled.nanos }.as_secs_f64())
        .collect();
    latencies.sort_by(f64::total_cmp);
    stats::percentile(&latencies, 0.5).unwrap_or_default()
}
