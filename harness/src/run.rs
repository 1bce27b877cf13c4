//! One run: actions before the start, load and actions, journals, and out of it
//! all the dataset. The same code in every world; what differs stands in the
//! [`Target`].

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::action::call::Caller;
use crate::action::coordinator::Coordinator;
use crate::load::driver::{self, Driver};
use crate::load::pacer::Pacer;
use crate::load::progress::Progress;
use crate::record::journal::{JournalError, Journals, Placed, Reader};
use crate::record::{BackendRow, Dataset, GatewayRow, RunClock, StageSpan, World};
use crate::scenario::Scenario;
use crate::target::{Journal, Target};

/// Time for the journals' last records after the last answer: a server writes
/// its record when it learns of the end, which over sockets is a little later.
const LAST_RECORDS: Duration = Duration::from_millis(250);

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
    let journals = open_journals(target, &reading, &mut notes).await;
    let following = CancellationToken::new();
    let follower = AbortOnDropHandle::new(tokio::spawn(journals.keep_following(following.clone())));

    let mut coordinator = Coordinator {
        caller: Caller::new(target.service.clone(), watch.stop.clone()),
        gateway: target.gateway.clone(),
        simulators: target.simulators.clone(),
        id_prefix: format!("{}-{seed}-action-", scenario.name),
        calls: 0,
        pacer: pacer.clone(),
        stop: watch.stop.clone(),
    };
    let split = scenario.actions.partition_point(|action| action.at.before_start().is_some());
    let (before, during) = scenario.actions.split_at(split);
    let lead = before.first().and_then(|action| action.at.before_start()).unwrap_or_default();
    let planned = Instant::now() + lead;
    let mut performed = coordinator.perform_all(before, planned).await;
    let start = planned.max(Instant::now());

    let clock = RunClock::new(target.clock, start);
    let mut problems = Vec::new();
    let driver = Driver {
        scenario: Arc::clone(scenario),
        seed,
        service: target.service.clone(),
        uris: workload_uris(scenario, target, &mut problems),
        clock,
        pacer,
        progress: Arc::clone(&watch.progress),
        stop: watch.stop.clone(),
        scheduled: AtomicU64::new(0),
    };
    let clients = match problems.as_slice() {
        [] => {
            let (clients, during) =
                tokio::join!(driver::run(driver), coordinator.perform_all(during, start));
            performed.extend(during);
            clients
        }
        [_, ..] => Vec::new(),
    };

    tokio::time::sleep(LAST_RECORDS).await;
    following.cancel();
    let mut dataset = Dataset {
        scenario: scenario.name.clone(),
        seed,
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
            journals.follow().await;
            collect(journals, &clock, &mut dataset, &mut problems);
        }
        Err(error) => problems.push(format!("the journals could not be followed: {error}")),
    }
    Run { dataset, problems, notes, interrupted: watch.stop.is_cancelled() }
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
        match Reader::open(caller.clone(), name, target.gateway.clone(), None).await {
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
    problems.extend(journals.problems);
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
