//! The dataset with its rows joined: which attempts belong to which client
//! request, which of them gave the answer, which requests lie in a span.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::Why;
use super::words;
use crate::record::{BackendRow, ClientRow, Dataset, Endpoints, Outcome, RunTime};
use crate::scenario::assertion::{Scope, Span, Start};

/// Up to how many correlation ids are named as examples.
pub(super) const EXAMPLES: usize = 3;

/// A dataset and its join by correlation id.
pub(super) struct Joined<'a> {
    pub dataset: &'a Dataset,
    /// Attempts of each client row, in order of time.
    attempts: Vec<Vec<&'a BackendRow>>,
    /// Journal rows that belong to no client row.
    pub strangers: Vec<&'a BackendRow>,
}

/// A client row with its attempts.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub row: &'a ClientRow,
    pub attempts: &'a [&'a BackendRow],
}

impl<'a> Joined<'a> {
    pub(super) fn new(dataset: &'a Dataset) -> Self {
        let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, row) in dataset.clients.iter().enumerate() {
            by_id.entry(row.correlation_id.as_str()).or_insert(index);
        }
        let mut attempts: Vec<Vec<&BackendRow>> = vec![Vec::new(); dataset.clients.len()];
        let mut strangers = Vec::new();
        for row in &dataset.backends {
            let index = row.correlation_id.as_deref().and_then(|id| by_id.get(id));
            match index.and_then(|&index| attempts.get_mut(index)) {
                Some(own) => own.push(row),
                None => strangers.push(row),
            }
        }
        for own in &mut attempts {
            // On virtual time an immediate refusal and the next attempt arrive at
            // the same moment: the one that was over earlier came first.
            own.sort_by_key(|row| (row.received, row.done, row.simulator, row.life, row.number));
        }
        Self { dataset, attempts, strangers }
    }

    /// Every client request, in the dataset's order.
    pub(super) fn requests(&self) -> impl Iterator<Item = Request<'_>> {
        self.dataset
            .clients
            .iter()
            .zip(&self.attempts)
            .map(|(row, attempts)| Request { row, attempts })
    }

    /// The requests of a scope in the order in which they were sent, or why the
    /// scope cannot be told.
    pub(super) fn select(&self, scope: &Scope) -> Result<Vec<Request<'_>>, Why> {
        let window = self.window(&scope.span)?;
        let workload = match &scope.workload {
            None => None,
            Some(name) => {
                let index = self.dataset.workloads.iter().position(|one| one == name);
                Some(index.ok_or_else(|| format!("the run had no workload `{name}`"))?)
            }
        };
        let mut chosen: Vec<Request<'_>> = self
            .requests()
            .filter(|request| workload.is_none_or(|index| request.row.workload == index))
            .filter(|request| has_labels(request.row, &scope.labels))
            .filter(|request| window.contains(request.row.sent))
            .collect();
        chosen.sort_by_key(|request| (request.row.sent, request.row.number));
        if chosen.is_empty() {
            let such = if scope.labels.is_empty() { "request" } else { "such request" };
            return Err(format!("no {such} was sent {}", window.words()).into());
        }
        Ok(chosen)
    }

    /// Index of a simulator by name.
    pub(super) fn simulator(&self, name: &str) -> Result<usize, Why> {
        self.journals()?;
        let index = self.dataset.simulators.iter().position(|one| one == name);
        index.ok_or_else(|| format!("the run had no simulator `{name}`").into())
    }

    /// Why nothing is known of the simulators' side, if so.
    pub(super) fn journals(&self) -> Result<(), Why> {
        match (self.dataset.endpoints, self.dataset.journals_complete) {
            (_, true) => Ok(()),
            (Endpoints::Simulators, false) => {
                Err("the simulators' journals could not be read".into())
            }
            (Endpoints::Real, false) => Err(Why::NeedsSimulators(
                "it is judged by the simulators' journals, and real endpoints keep none".to_owned(),
            )),
        }
    }

    /// Name of a simulator by index.
    pub(super) fn simulator_name(&self, index: usize) -> &str {
        self.dataset.simulators.get(index).map_or("an unknown simulator", String::as_str)
    }

    /// When a span starts.
    pub(super) fn start(&self, span: &Span) -> Result<RunTime, Why> {
        Ok(self.window(span)?.start)
    }

    /// The stretches of a span without what is left out after edges, in order.
    pub(super) fn stretches(&self, span: &Span) -> Result<Vec<(RunTime, RunTime)>, Why> {
        let mut window = self.window(span)?;
        let run_end = self.dataset.stages.iter().map(|stage| RunTime::from(stage.end)).max();
        let end = window.end.or(run_end).unwrap_or(window.start);
        window.left_out.sort_unstable();
        let mut stretches = Vec::new();
        let mut from = window.start;
        for (start, until) in window.left_out {
            if from < start {
                stretches.push((from, start.min(end)));
            }
            from = from.max(until);
        }
        stretches.push((from, end));
        stretches.retain(|(from, to)| from < to);
        Ok(stretches)
    }

    fn window(&self, span: &Span) -> Result<Window, String> {
        let start = match &span.start {
            Start::At(start) => RunTime::from(*start),
            Start::AfterAction(name) => {
                let action = self.dataset.actions.iter().find(|action| action.name == *name);
                action.ok_or_else(|| format!("action `{name}` did not take place"))?.done
            }
        };
        let end = span.end.map(RunTime::from);
        let mut window = Window { start, end, left_out: Vec::new() };
        if !span.settle.is_zero() {
            window.settle(start, start, span.settle);
            for stage in &self.dataset.stages {
                let edge = RunTime::from(stage.start);
                window.settle(edge, edge, span.settle);
            }
            for action in &self.dataset.actions {
                window.settle(action.started, action.done, span.settle);
            }
        }
        Ok(window)
    }
}

impl<'a> Request<'a> {
    /// Answered completely with a status of 200 to 299.
    pub(super) fn succeeded(&self) -> bool {
        matches!(self.row.outcome, Outcome::Answered(200..=299))
    }

    /// The attempt that gave the client its answer: the last with the client's
    /// status, else the last that succeeded.
    pub(super) fn answering(&self) -> Option<&'a BackendRow> {
        let status = self.row.outcome.status()?;
        let last = |wanted: &dyn Fn(u16) -> bool| {
            self.attempts.iter().rev().find(|row| wanted(row.status)).copied()
        };
        last(&|one| one == status).or_else(|| {
            (200..300).contains(&status).then(|| last(&|one| (200..300).contains(&one))).flatten()
        })
    }

    /// Attempts that came before `answer` within the request.
    pub(super) fn before(&self, answer: &BackendRow) -> impl Iterator<Item = &'a BackendRow> {
        let key = |row: &BackendRow| (row.simulator, row.life, row.number);
        let (received, own) = (answer.received, key(answer));
        self.attempts
            .iter()
            .copied()
            .filter(move |row| key(row) != own)
            .filter(move |row| row.received < received || row.done <= received)
    }

    /// Latency from the scheduled time, in seconds.
    pub(super) fn latency(&self) -> f64 {
        RunTime { nanos: self.row.done.nanos - self.row.scheduled.nanos }.as_secs_f64()
    }

    /// `first at 61.2s, request 118`.
    pub(super) fn place(&self) -> String {
        format!("{}, request {}", words::moment(self.row.sent), self.row.number)
    }
}

/// Whether the draws gave these labels.
fn has_labels(row: &ClientRow, labels: &[(String, serde_json::Value)]) -> bool {
    labels.iter().all(|(name, label)| row.labels.get(name) == Some(label))
}

/// For each client row the index of the simulator whose answer it got, for reports.
pub(crate) fn answering_simulator(dataset: &Dataset) -> Vec<Option<usize>> {
    let joined = Joined::new(dataset);
    joined
        .requests()
        .map(|request| {
            let answer = request.succeeded().then(|| request.answering()).flatten();
            answer.map(|answer| answer.simulator)
        })
        .collect()
}

/// Simulator and arrival of each attempt of a client request that was not
/// answered 2xx, for reports.
pub(crate) fn refused_attempts(dataset: &Dataset) -> Vec<(usize, RunTime)> {
    let joined = Joined::new(dataset);
    joined
        .requests()
        .flat_map(|request| request.attempts.iter())
        .filter(|row| !(200..300).contains(&row.status))
        .map(|row| (row.simulator, row.received))
        .collect()
}

/// Up to three correlation ids of some requests.
pub(super) fn examples<'a>(requests: impl IntoIterator<Item = Request<'a>>) -> Vec<String> {
    requests.into_iter().take(EXAMPLES).map(|one| one.row.correlation_id.clone()).collect()
}

/// Whether an id was given to a call that an action of this run made:
/// `<id prefix>-action-3`.
pub(super) fn is_action_id(dataset: &Dataset, id: &str) -> bool {
    let rest = id.strip_prefix(dataset.id_prefix.as_str());
    rest.and_then(|rest| rest.strip_prefix("-action-")).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A resolved span.
struct Window {
    start: RunTime,
    end: Option<RunTime>,
    /// Half-open stretches left out.
    left_out: Vec<(RunTime, RunTime)>,
}

impl Window {
    fn settle(&mut self, from: RunTime, until: RunTime, settle: Duration) {
        let end = RunTime { nanos: until.nanos.saturating_add(RunTime::from(settle).nanos) };
        self.left_out.push((from, end));
    }

    fn contains(&self, time: RunTime) -> bool {
        self.start <= time
            && self.end.is_none_or(|end| time < end)
            && !self.left_out.iter().any(|(from, until)| *from <= time && time < *until)
    }

    fn words(&self) -> String {
        let start = words::moment(self.start);
        match self.end {
            Some(end) => format!("from {start} to {}", words::moment(end)),
            None => format!("from {start} on"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_calls_of_actions() {
        let dataset =
            Dataset { id_prefix: "run-7".into(), ..super::super::fixture::Fixture::new(1).dataset };
        assert!(is_action_id(&dataset, "run-7-action-12"));
        assert!(!is_action_id(&dataset, "run-7-action-"));
        assert!(!is_action_id(&dataset, "run-7-12"));
        assert!(!is_action_id(&dataset, "run-8-action-12"), "another run's");
    }
}
