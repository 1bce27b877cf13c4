//! One run: actions before the start, load and actions, journals, and out of it
//! all the dataset. The same code in every world; what differs stands in the
//! [`Target`].

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::action::call::{CallError, Caller};
use crate::action::coordinator::{Coordinator, Performed};
use crate::load::driver::{self, Driver};
use crate::load::pacer::Pacer;
use crate::load::progress::Progress;
use crate::record::journal::{JournalError, Journals, Placed, Reader};
use crate::record::{
    BackendRow, Dataset, GatewayRow, Outcome, RunClock, RunTime, StageSpan, World,
};
use crate::scenario::{RequestTemplate, Scenario};
use crate::target::{Journal, Target};

/// How long the journals' last records are waited for after the last answer.
const LAST_RECORDS: Duration = Duration::from_secs(5);

/// How long a gateway elsewhere may take to show that it is there.
const GATEWAY_THERE: Duration = Duration::from_secs(10);

/// A run that took place.
#[derive(Debug, Clone)]
pub struct Run {
    /// Everything observed.
    pub dataset: Dataset,
    /// Why the bench itself is at fault; any makes the run invalid.
    pub problems: Vec<String>,
    /// What a reader should know, without fault: an endpoint without a journal.
    pub notes: Vec<String>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

/// How a run is steered and watched from outside.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Cancel to stop the run; what was observed is still reported.
    pub stop: CancellationToken,
    /// Counters for a live display.
    pub progress: Arc<Progress>,
}

/// Runs a scenario against a target.
pub async fn run(scenario: &Arc<Scenario>, seed: u64, target: &Target, watch: &Watch) -> Run {
    let pacer = match target.world {
        World::Virtual => Pacer::Timer,
        World::Real => Pacer::thread(),
    };
    // Journals are read to the end also when the run is stopped.
    let reading = Caller::new(target.service.clone(), CancellationToken::new());
    let mut notes = Vec::new();
    let opened = Instant::now();
    let journals = open_journals(target, &reading, &mut notes).await;
    let mut problems = journals.problems.clone();
    problems.extend(gateway_missing(target, &reading).await);
    let following = CancellationToken::new();
    let follower = AbortOnDropHandle::new(tokio::spawn(journals.keep_following(following.clone())));

    let id_prefix = id_prefix(scenario, seed, target);
    let mut coordinator = Coordinator {
        caller: Caller::new(target.service.clone(), watch.stop.clone()),
        gateway: target.gateway.clone(),
        simulators: target.simulators.clone(),
        id_prefix: id_prefix.clone(),
        calls: 0,
        pacer: pacer.clone(),
        stop: watch.stop.clone(),
    };
    let split = scenario.actions.partition_point(|action| action.at.before_start().is_some());
    let (before, during) = scenario.actions.split_at(split);
    let lead = before.first().and_then(|action| action.at.before_start()).unwrap_or_default();
    let planned = Instant::now() + lead;
    // Nobody should wait for the end of a run that cannot count.
    let mut performed = match problems.as_slice() {
        [] => coordinator.perform_all(before, planned).await,
        [_, ..] => Vec::new(),
    };
    let start = planned.max(Instant::now());

    let clock = RunClock::new(target.clock, start);
    let driver = Driver {
        scenario: Arc::clone(scenario),
        seed,
        id_prefix: id_prefix.clone(),
        service: target.service.clone(),
        uris: workload_uris(scenario, target, &mut problems),
        clock,
        pacer,
        progress: Arc::clone(&watch.progress),
        stop: watch.stop.clone(),
        scheduled: AtomicU64::new(0),
    };
    let clients = match problems.as_slice() {
        [] if performed.iter().all(Performed::succeeded) => {
            let (clients, during) =
                tokio::join!(driver::run(driver), coordinator.perform_all(during, start));
            performed.extend(during);
            clients
        }
        _ => Vec::new(),
    };

    following.cancel();
    let mut dataset = Dataset {
        scenario: scenario.name.clone(),
        seed,
        id_prefix,
        world: target.world,
        stages: stage_spans(scenario),
        workloads: scenario.workloads.iter().map(|workload| workload.name.clone()).collect(),
        simulators: target.simulators.iter().map(|simulator| simulator.name.clone()).collect(),
        clients,
        backends: Vec::new(),
        gateway: Vec::new(),
        actions: performed.into_iter().map(|action| action.into_row(&clock)).collect(),
        journals_complete: false,
        journal_rows_dropped: 0,
    };
    match follower.await {
        Ok(mut journals) => {
            let answered = dataset.clients.iter().filter(|row| is_success(&row.outcome));
            let answered = answered.map(|row| row.correlation_id.as_str()).collect();
            journals.complete(&answered, LAST_RECORDS).await;
            collect(journals, &clock, &mut dataset, &mut problems);
            forget_earlier(&mut dataset, clock.at(opened));
        }
        Err(error) => problems.push(format!("the journals could not be followed: {error}")),
    }
    Run { dataset, problems, notes, interrupted: watch.stop.is_cancelled() }
}

/// What the run's correlation ids begin with. In real time runs of one scenario
/// and seed can meet at one simulator, so the date is in it; on virtual time
/// they cannot, and the same run has the same ids.
fn id_prefix(scenario: &Scenario, seed: u64, target: &Target) -> String {
    let name = &scenario.name;
    match target.world {
        World::Virtual => format!("{name}-{seed}"),
        World::Real => {
            let date = target.clock.now().since_epoch().as_millis();
            format!("{name}-{seed}-{date:x}")
        }
    }
}

/// Why a gateway elsewhere cannot be called, if so. What it answers is all the same.
async fn gateway_missing(target: &Target, caller: &Caller) -> Option<String> {
    if target.gateway_journal != Journal::Absent {
        return None;
    }
    let template = RequestTemplate {
        method: http::Method::GET,
        path_and_query: "/".to_owned(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        timeout: GATEWAY_THERE,
    };
    match caller.call(&target.gateway, &template, None).await {
        Err(error @ CallError::Transport(_)) => {
            Some(format!("cannot reach the gateway at {}: {error}", target.gateway.as_str()))
        }
        _ => None,
    }
}

fn is_success(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered(200..=299))
}

/// Leaves out what simulators were asked before this run by somebody else: such
/// requests may end, and be recorded, while it runs.
fn forget_earlier(dataset: &mut Dataset, opened: RunTime) {
    let prefix = dataset.id_prefix.clone();
    let mine = |id: &Option<String>| id.as_ref().is_some_and(|id| id.starts_with(&prefix));
    dataset.backends.retain(|row| opened <= row.received || mine(&row.correlation_id));
}

fn stage_spans(scenario: &Scenario) -> Vec<StageSpan> {
    let span = |stage: &crate::scenario::Stage| StageSpan {
        name: stage.name.clone(),
        start: stage.start,
        end: stage.end,
    };
    scenario.stages.iter().map(span).collect()
}

fn workload_uris(
    scenario: &Scenario,
    target: &Target,
    problems: &mut Vec<String>,
) -> Vec<http::Uri> {
    let mut uris = Vec::new();
    for workload in &scenario.workloads {
        match target.gateway.join(&workload.request.path_and_query) {
            Ok(uri) => uris.push(uri),
            Err(error) => problems.push(format!(
                "workload `{}` has no valid URL at the gateway: {error}",
                workload.name
            )),
        }
    }
    uris
}

async fn open_journals(target: &Target, caller: &Caller, notes: &mut Vec<String>) -> Journals {
    let mut journals = Journals { simulators: Vec::new(), gateway: None, problems: Vec::new() };
    for (index, simulator) in target.simulators.iter().enumerate() {
        let opened = Reader::open(
            caller.clone(),
            simulator.name.clone(),
            simulator.url.clone(),
            Some(simulator.key.clone()),
        );
        match (opened.await, simulator.journal) {
            (Ok(reader), _) => journals.simulators.push((index, reader)),
            (Err(error @ JournalError::None { .. }), Journal::IfAny | Journal::Absent) => {
                notes.push(error.to_string());
            }
            (Err(error), _) => journals.problems.push(error.to_string()),
        }
    }
    if target.gateway_journal != Journal::Absent {
        let name = "the gateway".to_owned();
        match Reader::open(caller.clone(), name, target.gateway.clone(), target.gateway_key.clone())
            .await
        {
            Ok(reader) => journals.gateway = Some(reader),
            Err(error) => journals.problems.push(error.to_string()),
        }
    }
    journals
}

/// Moves what the journals hold into the dataset, in an order that does not
/// depend on when they were read.
fn collect(
    journals: Journals,
    clock: &RunClock,
    dataset: &mut Dataset,
    problems: &mut Vec<String>,
) {
    dataset.journals_complete = !dataset.simulators.is_empty()
        && journals.simulators.len() == dataset.simulators.len()
        && journals.problems.is_empty();
    for problem in journals.problems {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    for (simulator, reader) in journals.simulators {
        let (records, lost) = reader.into_parts();
        dataset.journal_rows_dropped += lost;
        dataset.backends.extend(records.into_iter().map(|one| one.into_row(simulator, clock)));
    }
    dataset.backends.sort_by_key(|row: &BackendRow| (row.received, row.simulator, row.number));
    if let Some(reader) = journals.gateway {
        let (mut records, lost) = reader.into_parts();
        if 0 < lost {
            problems.push(format!("the gateway overwrote {lost} records before they were read"));
        }
        records.sort_by_key(Placed::place);
        let rows = records.into_iter().map(|record| record.into_row(clock));
        dataset.gateway = rows.collect::<Vec<GatewayRow>>();
    }
}
