//! What the picture shows: counts a bin of time, by who answered or refused.

use std::collections::{BTreeMap, BTreeSet};

use super::super::summary;
use crate::assert::answering_simulator;
use crate::record::{Dataset, Outcome, RunTime};

/// At most so many bars: a bar is then some 8 units wide.
const BINS: usize = 90;

/// The series of one run.
pub(super) struct Chart {
    /// Length of a bin in seconds.
    pub bin: f64,
    /// Complete 2xx answers by the simulator that gave them.
    pub answers: Vec<Layer>,
    /// Attempts without a 2xx by the simulator that refused, the gateway's own
    /// answers, and requests without a complete answer.
    pub refusals: Vec<Layer>,
    /// Requests whose client got no 2xx.
    pub seen_by_clients: Vec<u64>,
    /// Mean latency of the 2xx answers in seconds.
    pub latency: Vec<Option<f64>>,
}

/// One colour of stacked bars.
pub(super) struct Layer {
    pub name: String,
    pub ink: Ink,
    /// One a bin.
    pub counts: Vec<u64>,
    /// The statuses in it; empty for answers.
    pub statuses: BTreeSet<u16>,
}

/// Whose bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// A simulator's, by its index.
    Simulator(usize),
    /// The gateway's own, or nobody's we know.
    Own,
    /// Nobody's: no complete answer.
    Lost,
}

impl Ink {
    /// The class in the style sheet; six simulators have colours of their own.
    pub(super) fn class(self) -> String {
        match self {
            Ink::Simulator(index) => format!("s{}", index % 6),
            Ink::Own => "own".to_owned(),
            Ink::Lost => "lost".to_owned(),
        }
    }
}

impl Layer {
    fn new(name: impl Into<String>, ink: Ink, bins: usize) -> Self {
        Self { name: name.into(), ink, counts: vec![0; bins], statuses: BTreeSet::new() }
    }

    fn count(&mut self, bin: usize) {
        if let Some(count) = self.counts.get_mut(bin) {
            *count += 1;
        }
    }

    /// Over the whole run.
    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Chart {
    pub(super) fn new(dataset: &Dataset) -> Self {
        let series = summary::series(dataset, BINS);
        let bins = series.requests.len();
        let index_of = |time: RunTime| {
            let bin = (time.as_secs_f64().max(0.0) / series.bin_seconds) as usize;
            bin.min(bins.saturating_sub(1))
        };
        let simulators = dataset.simulators.iter().enumerate();
        let layer = |(index, name): (usize, &String)| {
            Layer::new(name.as_str(), Ink::Simulator(index), bins)
        };
        let mut refusals: Vec<Layer> = simulators.clone().map(layer).collect();
        let mut answers: Vec<Layer> = simulators.map(layer).collect();
        for (layer, one) in answers.iter_mut().zip(series.answers) {
            layer.counts = one.counts;
        }
        // Without the journals of all simulators nobody can say who it was.
        let own = if dataset.journals_complete { "the gateway itself" } else { "others" };
        let mut own_answers = Layer::new(own, Ink::Own, bins);
        let mut own_refusals = Layer::new(own, Ink::Own, bins);
        let mut lost = Layer::new("no complete answer", Ink::Lost, bins);
        let mut attempts: BTreeMap<&str, BTreeSet<u16>> = dataset
            .clients
            .iter()
            .map(|row| (row.correlation_id.as_str(), BTreeSet::new()))
            .collect();
        for row in &dataset.backends {
            let id = row.correlation_id.as_deref();
            let Some(statuses) = id.and_then(|id| attempts.get_mut(id)) else { continue };
            statuses.insert(row.status);
            let refusal = !(200..300).contains(&row.status);
            if let Some(layer) = refusals.get_mut(row.simulator).filter(|_| refusal) {
                layer.count(index_of(row.received));
                layer.statuses.insert(row.status);
            }
        }
        for (row, simulator) in dataset.clients.iter().zip(answering_simulator(dataset)) {
            let at = index_of(row.sent);
            match row.outcome {
                Outcome::Answered(200..=299) if simulator.is_none() => own_answers.count(at),
                Outcome::Answered(200..=299) => {}
                Outcome::Answered(status) => {
                    let statuses = attempts.get(row.correlation_id.as_str());
                    if !statuses.is_some_and(|statuses| statuses.contains(&status)) {
                        own_refusals.count(at);
                        own_refusals.statuses.insert(status);
                    }
                }
                _ => lost.count(at),
            }
        }
        answers.push(own_answers);
        refusals.extend([own_refusals, lost]);
        let shown = |layer: &Layer| 0 < layer.total();
        // A backend that answered nothing is worth saying; one that refused nothing is not.
        answers.retain(|layer| layer.ink != Ink::Own || shown(layer));
        refusals.retain(shown);
        Self {
            bin: series.bin_seconds,
            answers,
            refusals,
            seen_by_clients: series.errors,
            latency: series.latency,
        }
    }

    /// Length of the time axis.
    pub(super) fn seconds(&self) -> f64 {
        self.bin * self.latency.len() as f64
    }

    /// The least and the greatest mean.
    pub(super) fn latency_range(&self) -> Option<(f64, f64)> {
        let values = || self.latency.iter().flatten().copied();
        let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        Some((least, most))
    }
}
