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
use crate::assert::{self, Evaluation, Settings};
use crate::load::driver::{self, Driver};
use crate::load::pacer::Pacer;
use crate::load::progress::Progress;
use crate::record::journal::{
    Break, BreakKind, GatewayRecord, JournalError, Journals, Placed, Reader,
};
use crate::record::{
    BackendRow, BreakCause, Dataset, Endpoints, GatewayRow, JournalBreak, Outcome, RunClock,
    RunTime, StageSpan, World,
};
use crate::scenario::assertion::Assertion;
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

impl Run {
    /// The assertions' evaluation, and what the run knows against itself.
    #[must_use]
    pub fn judge(&self, assertions: &[Assertion]) -> Evaluation {
        let mut evaluation = assert::evaluate(&self.dataset, assertions, &Settings::default());
        let interrupted = self.interrupted.then(|| "interrupted before its end".to_owned());
        let reasons: Vec<String> = self.problems.iter().cloned().chain(interrupted).collect();
        if !reasons.is_empty() {
            evaluation.validity.valid = false;
            // What went wrong first comes first.
            evaluation.validity.reasons.splice(0..0, reasons);
            evaluation.outcome = assert::Outcome::Invalid;
        }
        evaluation
    }
}

/// How a run is steered and watched from outside.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Cancel to stop the run; what was observed is still reported.
    pub stop: CancellationToken,
    /// Counters for a live display.
    pub progress: Arc<Progress>,
    /// Is told which stack the run drives, before it does.
    pub announce: Announce,
}

type Told = dyn Fn(&Stack) + Send + Sync;

/// Who is told of the stack.
#[derive(Clone, Default)]
pub struct Announce(Option<Arc<Told>>);

impl Announce {
    /// Calls `told` once, when all journals were asked for.
    pub fn new(told: impl Fn(&Stack) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }
}

impl std::fmt::Debug for Announce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Announce").field(&self.0.is_some()).finish()
    }
}

/// What a run drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// URL of the gateway, and whether its journal is read.
    pub gateway: (String, bool),
    /// Whether simulators or real endpoints are behind it.
    pub endpoints: Endpoints,
    /// Name and URL of each, and whether its journal is read. The URL is not known
    /// of a real endpoint that only the gateway calls.
    pub simulators: Vec<(String, Option<String>, bool)>,
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
    if let Announce(Some(told)) = &watch.announce {
        told(&stack(target, &journals));
    }
    let id_prefix = id_prefix(scenario, seed, target);
    problems.extend(gateway_missing(target, &reading, &look_id(&id_prefix)).await);
    let following = CancellationToken::new();
    let follower = AbortOnDropHandle::new(tokio::spawn(journals.keep_following(following.clone())));

    let mut coordinator = Coordinator {
        caller: Caller::new(target.service.clone(), watch.stop.clone()),
        gateway: target.gateway.clone(),
        simulators: target.simulators.clone(),
        endpoints: target.endpoints,
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
        gateway: target.gateway.clone(),
        uris: workload_uris(scenario, target, &mut problems),
        clock,
        pacer,
        progress: Arc::clone(&watch.progress),
        stop: watch.stop.clone(),
        scheduled: AtomicU64::new(0),
        scheduled_of: scenario.workloads.iter().map(|_| AtomicU64::new(0)).collect(),
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
        endpoints: target.endpoints,
        stages: stage_spans(scenario),
        workloads: scenario.workloads.iter().map(|workload| workload.name.clone()).collect(),
        simulators: target.simulators.iter().map(|simulator| simulator.name.clone()).collect(),
        clients,
        backends: Vec::new(),
        gateway: Vec::new(),
        gateway_journal: false,
        actions: performed.into_iter().map(|action| action.into_row(&clock)).collect(),
        journals_complete: false,
        journal_rows_dropped: 0,
        journal_breaks: Vec::new(),
    };
    match follower.await {
        Ok(journals) => {
            let answered = dataset.clients.iter().filter(|row| is_success(&row.outcome));
            let answered = answered.map(|row| row.correlation_id.as_str()).collect();
            let journals = journals.complete(&answered, LAST_RECORDS).await;
            collect(journals, target, &clock, &mut dataset, (&mut problems, &mut notes));
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

/// The correlation id of the look whether the gateway is there.
fn look_id(id_prefix: &str) -> String {
    format!("{id_prefix}-look")
}

/// Why a gateway elsewhere cannot be called, if so. What it answers is all the same.
async fn gateway_missing(target: &Target, caller: &Caller, id: &str) -> Option<String> {
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
    match caller.call(&target.gateway, &template, Some(id)).await {
        Err(error @ CallError::Transport(_)) => {
            Some(format!("cannot reach the gateway at {}: {error}", target.gateway.as_str()))
        }
        _ => None,
    }
}

fn is_success(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered(200..=299))
}

/// Leaves out what simulators and gateway were asked before this run by somebody
/// else: such requests may end, and be recorded, while it runs. Leaves out the
/// look whether the gateway is there, too: a gateway may pass it on, and the
/// "gateway" may be a simulator itself.
fn forget_earlier(dataset: &mut Dataset, opened: RunTime) {
    let prefix = dataset.id_prefix.clone();
    let look = look_id(&prefix);
    let counts = |received: RunTime, id: Option<&str>| match id {
        Some(id) if id == look => false,
        Some(id) if id.starts_with(&prefix) => true,
        _ => opened <= received,
    };
    dataset.backends.retain(|row| counts(row.received, row.correlation_id.as_deref()));
    dataset.gateway.retain(|row| counts(row.received, row.correlation_id.as_deref()));
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

fn stack(target: &Target, journals: &Journals) -> Stack {
    let has_journal = |index: usize| journals.simulators.iter().any(|(one, _)| *one == index);
    let simulators = target.simulators.iter().enumerate().map(|(index, one)| {
        let url = one.url.as_ref().map(|url| url.as_str().to_owned());
        (one.name.clone(), url, has_journal(index))
    });
    Stack {
        gateway: (target.gateway.as_str().to_owned(), journals.gateway.is_some()),
        endpoints: target.endpoints,
        simulators: simulators.collect(),
    }
}

async fn open_journals(target: &Target, caller: &Caller, notes: &mut Vec<String>) -> Journals {
    let mut journals = Journals { simulators: Vec::new(), gateway: None, problems: Vec::new() };
    for (index, simulator) in target.simulators.iter().enumerate() {
        let Some(url) = simulator.url.clone().filter(|_| simulator.journal != Journal::Absent)
        else {
            continue;
        };
        let opened =
            Reader::open(caller.clone(), simulator.name.clone(), url, Some(simulator.key.clone()));
        match (opened.await, simulator.journal) {
            (Ok(reader), _) => journals.simulators.push((index, reader)),
            (Err(error @ JournalError::None { .. }), Journal::IfAny | Journal::Absent) => {
                notes.push(error.to_string());
            }
            (Err(error), _) => journals.problems.push(error.to_string()),
        }
    }
    if target.gateway_journal != Journal::Absent {
        open_gateway_journal(target, caller, &mut journals, notes).await;
    }
    journals
}

/// A gateway of which nobody knows whether it is ours is asked once.
async fn open_gateway_journal(
    target: &Target,
    caller: &Caller,
    journals: &mut Journals,
    notes: &mut Vec<String>,
) {
    const NOT_COMPARED: &str = "its own records are not compared";
    let opened = Reader::<GatewayRecord>::open(
        caller.clone(),
        "the gateway".to_owned(),
        target.gateway.clone(),
        target.gateway_key.clone(),
    );
    let only_if_any = target.gateway_journal == Journal::IfAny;
    match opened.await {
        Ok(reader) => {
            // A gateway may forward paths it does not know, these too.
            let behind = journals.simulators.iter().find(|(_, simulator)| {
                simulator.instance().is_some() && simulator.instance() == reader.instance()
            });
            match behind.and_then(|(index, _)| target.simulators.get(*index)) {
                Some(simulator) => {
                    let text = format!("the gateway hands on the journal of {}", simulator.name);
                    match only_if_any {
                        true => notes.push(format!("{text}; {NOT_COMPARED}")),
                        false => journals.problems.push(text),
                    }
                }
                None => journals.gateway = Some(reader),
            }
        }
        Err(error) if only_if_any => match &error {
            JournalError::None { status, .. } if *status == http::StatusCode::UNAUTHORIZED => {
                notes.push(format!(
                    "the gateway's journal needs a key (status {status}); {NOT_COMPARED}. \
                     Give it by `gateway_url = {{ url, key }}` or HARNESS_GATEWAY_KEY"
                ));
            }
            JournalError::None { status, .. } => notes.push(format!(
                "the gateway has no journal at /++/journal (status {status}); {NOT_COMPARED}"
            )),
            JournalError::Malformed { .. } => notes.push(format!(
                "what the gateway answers at /++/journal is no journal of ours; {NOT_COMPARED}"
            )),
            JournalError::Unreachable { error: CallError::Transport(_), .. } => {
                journals.problems.push(error.to_string());
            }
            JournalError::Unreachable { error, .. } => notes
                .push(format!("the gateway's journal cannot be read ({error}); {NOT_COMPARED}")),
        },
        Err(error) => journals.problems.push(error.to_string()),
    }
}

/// Moves what the journals hold into the dataset, in an order that does not
/// depend on when they were read.
fn collect(
    journals: Journals,
    target: &Target,
    clock: &RunClock,
    dataset: &mut Dataset,
    (problems, notes): (&mut Vec<String>, &mut Vec<String>),
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
        let read = reader.into_read();
        dataset.journal_rows_dropped += read.lost;
        // A request that spilled over is one call of whoever made it.
        let rows = read.records.into_iter().filter(|(_, record)| record.was_sent());
        dataset.backends.extend(rows.map(|(life, one)| one.into_row(simulator, life, clock)));
        let breaks = read.breaks.into_iter();
        dataset.journal_breaks.extend(breaks.map(|one| journal_break(one, Some(simulator), clock)));
    }
    dataset
        .backends
        .sort_by_key(|row: &BackendRow| (row.received, row.simulator, row.life, row.number));
    let Some(reader) = journals.gateway else { return };
    let mut read = reader.into_read();
    // Its first record told that it is none of ours.
    let no_journal = |one: &Break| match &one.kind {
        BreakKind::Unreadable(error) => error.is_no_journal(),
        BreakKind::Restarted | BreakKind::Unknown(_) => false,
    };
    if target.gateway_journal == Journal::IfAny
        && read.records.is_empty()
        && read.breaks.iter().any(no_journal)
    {
        notes.push(
            "what the gateway answers at /++/journal is no journal of ours; \
             its own records are not compared"
                .to_owned(),
        );
        return;
    }
    if 0 < read.lost {
        problems.push(format!("the gateway overwrote {} records before they were read", read.lost));
    }
    read.records.sort_by_key(|(life, record)| (*life, record.place()));
    let rows = read.records.into_iter().map(|(_, record)| record.into_row(clock));
    dataset.gateway = rows.collect::<Vec<GatewayRow>>();
    dataset.gateway_journal = true;
    let breaks = read.breaks.into_iter();
    dataset.journal_breaks.extend(breaks.map(|one| journal_break(one, None, clock)));
}

fn journal_break(one: Break, simulator: Option<usize>, clock: &RunClock) -> JournalBreak {
    JournalBreak {
        simulator,
        last_read: clock.at(one.last_read),
        noticed: clock.at(one.noticed),
        cause: match one.kind {
            BreakKind::Restarted => BreakCause::Restarted,
            BreakKind::Unknown(error) => BreakCause::Interrupted(error.reason()),
            BreakKind::Unreadable(error) => BreakCause::Unreadable(error.reason()),
        },
    }
}
