//! What became of every client request, in classes that exclude each other and
//! add up to the requests sent, also where a journal ended in mid-run.

use std::collections::BTreeMap;

use super::joined::{Joined, Request};
use super::result::{Account, Answered, BackendAttempts, Failed};
use crate::record::{GatewayRow, Outcome};

/// Who answered a request.
enum By {
    Simulator(usize),
    Gateway,
    /// Somebody whose record no journal has (any more).
    Unknown,
}

/// Puts each request into its class.
pub(super) fn account(joined: &Joined<'_>) -> Account {
    let dataset = joined.dataset;
    let mut gateway: BTreeMap<&str, &GatewayRow> = BTreeMap::new();
    for row in &dataset.gateway {
        if let Some(id) = &row.correlation_id {
            gateway.entry(id).or_insert(row);
        }
    }
    let mut answered = vec![0_u64; dataset.simulators.len()];
    let (mut by_gateway, mut by_unknown) = (0, 0);
    let mut failed: BTreeMap<String, u64> = BTreeMap::new();
    for request in joined.requests() {
        let id = request.row.correlation_id.as_str();
        if let Some(how) = failure(&request.row.outcome) {
            *failed.entry(how).or_default() += 1;
            continue;
        }
        match answered_by(joined, &request, gateway.get(id).copied()) {
            By::Simulator(index) => match answered.get_mut(index) {
                Some(count) => *count += 1,
                None => by_unknown += 1,
            },
            By::Gateway => by_gateway += 1,
            By::Unknown => by_unknown += 1,
        }
    }
    let mut failed: Vec<Failed> =
        failed.into_iter().map(|(how, count)| Failed { how, count }).collect();
    // Stable: equals stay in the order of their words.
    failed.sort_by_key(|one| std::cmp::Reverse(one.count));
    Account {
        requests: dataset.clients.len() as u64,
        answered: dataset
            .simulators
            .iter()
            .zip(answered)
            .map(|(simulator, count)| Answered { simulator: simulator.clone(), count })
            .collect(),
        answered_by_gateway: by_gateway,
        answered_by_unknown: by_unknown,
        failed,
        gateway_attempts: attempts(joined, &gateway),
    }
}

/// How a request without a complete answer ended.
fn failure(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Answered(_) => None,
        Outcome::BrokenOff(status, why) => Some(format!("{status} broken off: {why}")),
        Outcome::TransportFailed(why) => Some(why.clone()),
        Outcome::TimedOut => Some("timed out".to_owned()),
        Outcome::Abandoned => Some("not over when the run ended".to_owned()),
    }
}

fn answered_by(joined: &Joined<'_>, request: &Request<'_>, gateway: Option<&GatewayRow>) -> By {
    if let Some(row) = request.answering() {
        return By::Simulator(row.simulator);
    }
    let status = request.row.outcome.status();
    let success = status.is_some_and(|status| (200..300).contains(&status));
    let by_gateway = match gateway {
        // Of the calls it made none had this answer.
        Some(row) => row.attempts.iter().all(|(_, attempt)| *attempt != status),
        None if joined.dataset.gateway_journal => false,
        // Without its records: a refusal, where no journal can have lost another's.
        None => {
            !success && joined.dataset.journals_complete && joined.dataset.journal_breaks.is_empty()
        }
    };
    if by_gateway { By::Gateway } else { By::Unknown }
}

/// The gateway's calls of each backend, in the order of first mention.
fn attempts(joined: &Joined<'_>, gateway: &BTreeMap<&str, &GatewayRow>) -> Vec<BackendAttempts> {
    let simulators = simulators_of_backends(joined, gateway);
    let mut all: Vec<BackendAttempts> = Vec::new();
    for request in joined.requests() {
        let Some(row) = gateway.get(request.row.correlation_id.as_str()) else { continue };
        for (backend, status) in &row.attempts {
            let known = all.iter().position(|one| one.backend == *backend);
            let index = known.unwrap_or_else(|| {
                let simulator = simulators.get(backend.as_str()).copied();
                all.push(BackendAttempts {
                    backend: backend.clone(),
                    simulator: simulator.map(|index| joined.simulator_name(index).to_owned()),
                    attempts: 0,
                    unanswered: 0,
                    unrecorded: 0,
                });
                all.len() - 1
            });
            let Some(entry) = all.get_mut(index) else { continue };
            entry.attempts += 1;
            entry.unanswered += u64::from(status.is_none());
            let simulator = simulators.get(backend.as_str()).copied();
            let lost = joined.dataset.journal_breaks.iter().any(|one| {
                simulator.is_some() && one.simulator == simulator && one.covers(row.done)
            });
            entry.unrecorded += u64::from(lost);
        }
    }
    all
}

/// Which simulator is behind which of the gateway's backends: the one found most
/// often where the gateway's calls and the simulators' records of a request match
/// one to one.
fn simulators_of_backends<'a>(
    joined: &Joined<'_>,
    gateway: &BTreeMap<&str, &'a GatewayRow>,
) -> BTreeMap<&'a str, usize> {
    let mut votes: BTreeMap<&str, BTreeMap<usize, u64>> = BTreeMap::new();
    for request in joined.requests() {
        let Some(row) = gateway.get(request.row.correlation_id.as_str()) else { continue };
        let told = row.attempts.iter().filter(|(_, status)| status.is_some());
        let pairs: Vec<_> = told.zip(request.attempts).collect();
        let one_to_one = pairs.len() == row.attempts.len()
            && pairs.len() == request.attempts.len()
            && pairs.iter().all(|((_, told), seen)| *told == Some(seen.status));
        if one_to_one {
            for ((backend, _), seen) in pairs {
                *votes.entry(backend).or_default().entry(seen.simulator).or_default() += 1;
            }
        }
    }
    votes
        .into_iter()
        .filter_map(|(backend, votes)| {
            // The first of equals.
            let most = votes.iter().rev().max_by_key(|(_, count)| **count)?;
            Some((backend, *most.0))
        })
        .collect()
}
