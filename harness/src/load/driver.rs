//! The load of a scenario: one task a load, which owns its users or its
//! requests under way and joins them all.
//!
//! A stage's users end with the stage; requests under way then finish, bounded
//! by their timeout, while the next stage already runs. No request is dropped:
//! each that was scheduled becomes a row.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Uri;
use rand::RngExt as _;
use seam::http::{HttpService, Request};
use seam::rng::Seed;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client;
use super::pacer::Pacer;
use super::progress::Progress;
use crate::record::{ClientRow, RunClock};
use crate::scenario::{
    Arrivals, BaseUrl, DrawKey, LoadShape, RequestTemplate, Scenario, fill, weighted,
};

/// What every request of a run needs.
pub(crate) struct Driver {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) seed: u64,
    /// To which a request's number is added.
    pub(crate) id_prefix: String,
    pub(crate) service: HttpService,
    /// Where varying paths are joined to.
    pub(crate) gateway: BaseUrl,
    /// The workloads' URIs, by index.
    pub(crate) uris: Vec<Uri>,
    pub(crate) clock: RunClock,
    pub(crate) pacer: Pacer,
    pub(crate) progress: Arc<Progress>,
    /// Cancelled by Ctrl-C.
    pub(crate) stop: CancellationToken,
    /// Requests scheduled so far.
    pub(crate) scheduled: AtomicU64,
    /// The same by workload.
    pub(crate) scheduled_of: Vec<AtomicU64>,
}

/// Which load of the scenario a task works on.
#[derive(Clone, Copy)]
struct Place {
    stage: usize,
    load: usize,
}

/// A request's number in the run, what it is, and how many of that came before.
#[derive(Clone, Copy)]
struct Turn {
    number: u64,
    workload: usize,
    earlier: u64,
}

/// Runs all stages from the clock's start; returns when the last answer is in.
pub(crate) async fn run(driver: Driver) -> Vec<ClientRow> {
    let driver = Arc::new(driver);
    let mut loads = JoinSet::new();
    for (stage, spec) in driver.scenario.stages.iter().enumerate() {
        for (load, shape) in spec.loads.iter().enumerate() {
            let place = Place { stage, load };
            loads.spawn(Arc::clone(&driver).run_load(place, shape.shape.clone()));
        }
    }
    let mut rows: Vec<ClientRow> = join_all(loads).await.into_iter().flatten().collect();
    rows.sort_by_key(|row| row.number);
    rows
}

/// All results of a set of tasks. A task that panicked is our own fault; its
/// panic goes on here.
async fn join_all<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        match result {
            Ok(result) => results.push(result),
            Err(error) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    results
}

impl Driver {
    async fn run_load(self: Arc<Self>, place: Place, shape: LoadShape) -> Vec<ClientRow> {
        let Some(stage) = self.scenario.stages.get(place.stage) else { return Vec::new() };
        let start = self.clock.start() + stage.start;
        let end = self.clock.start() + stage.end;
        if !self.wait(start).await {
            return Vec::new();
        }
        match shape {
            LoadShape::Closed { users, think_time, spawn_interval } => {
                let mut tasks = JoinSet::new();
                for user in 0..users {
                    let Some(joins) = start.checked_add(spawn_interval.saturating_mul(user)) else {
                        break;
                    };
                    tasks.spawn(Arc::clone(&self).run_user(place, joins, end, think_time));
                }
                join_all(tasks).await.into_iter().flatten().collect()
            }
            LoadShape::Open(arrivals) => {
                self.run_arrivals(place, arrivals, start, stage.duration()).await
            }
        }
    }

    /// A user: sends, waits for the answer, thinks, until the stage ends.
    async fn run_user(
        self: Arc<Self>,
        place: Place,
        joins: Instant,
        end: Instant,
        think_time: Duration,
    ) -> Vec<ClientRow> {
        let mut rows = Vec::new();
        let mut ready = joins;
        while ready < end && self.wait(ready).await {
            let Some(turn) = self.next(place) else { break };
            let (row, done) = self.request(turn, place, ready).await;
            rows.push(row);
            // On virtual time an answer may take no time at all. A user who does
            // not think either would never let the clock move on.
            let took_no_time = done <= ready && think_time.is_zero();
            ready = done + if took_no_time { Duration::from_millis(1) } else { think_time };
        }
        rows
    }

    /// A schedule: each request leaves when it is due, whatever became of the
    /// earlier ones. How many are under way at once is bounded by the rate
    /// times the timeout.
    async fn run_arrivals(
        self: &Arc<Self>,
        place: Place,
        arrivals: Arrivals,
        start: Instant,
        duration: Duration,
    ) -> Vec<ClientRow> {
        let stream = format!("harness/arrivals/{}/{}", place.stage, place.load);
        let rng = Seed(self.seed).stream(&stream);
        let mut requests = JoinSet::new();
        let mut rows = Vec::new();
        for due in super::arrival::due_times(arrivals, duration, rng) {
            let scheduled = start + due;
            if !self.wait(scheduled).await {
                break;
            }
            // Taken here, in the schedule's order, not when the task first runs.
            let Some(turn) = self.next(place) else { break };
            let driver = Arc::clone(self);
            requests.spawn(async move { driver.request(turn, place, scheduled).await.0 });
            while let Some(Ok(row)) = requests.try_join_next() {
                rows.push(row);
            }
        }
        rows.extend(join_all(requests).await);
        rows
    }

    /// Waits for a due time; false when the run was stopped.
    async fn wait(&self, due: Instant) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = self.pacer.until(due) => true,
        }
    }

    /// The next request of a load: its number decides which of a mix it is.
    fn next(&self, place: Place) -> Option<Turn> {
        let mix = &self.scenario.stages.get(place.stage)?.loads.get(place.load)?.mix;
        let number = self.scheduled.fetch_add(1, Ordering::Relaxed) + 1;
        let workload = match mix.as_slice() {
            [one] => one.workload,
            several => {
                let stream = format!("harness/mix/{}/{}", place.stage, place.load);
                let at = Seed(self.seed).numbered(&stream, number).random();
                let shares: Vec<f64> = several.iter().map(|one| one.share).collect();
                several.get(weighted(&shares, at))?.workload
            }
        };
        let earlier = self.scheduled_of.get(workload)?.fetch_add(1, Ordering::Relaxed);
        Some(Turn { number, workload, earlier })
    }

    async fn request(&self, turn: Turn, place: Place, scheduled: Instant) -> (ClientRow, Instant) {
        let Turn { number, workload, earlier } = turn;
        let correlation_id = format!("{}-{number}", self.id_prefix);
        // Indices were resolved when the scenario was checked.
        let spec = &self.scenario.workloads[workload];
        let key = DrawKey { seed: self.seed, workload: &spec.name, number, earlier };
        let made = fill(&spec.request, spec.varying.as_ref(), &spec.draws, key);
        let (made, labels) = match made {
            Ok((template, labels)) => (self.made(&template, workload, &correlation_id), labels),
            Err(error) => (Err(error), BTreeMap::new()),
        };
        self.progress.request_sent();
        let seen = match made {
            Ok(request) => {
                client::send(&self.service, request, spec.request.timeout, &self.stop).await
            }
            Err(error) => client::unsent(error),
        };
        let success = seen.outcome.status().is_some_and(|status| status / 100 == 2);
        self.progress.request_done(success, seen.done.duration_since(self.clock.start()));
        let at = |instant| self.clock.at(instant);
        let row = ClientRow {
            number,
            correlation_id,
            stage: place.stage,
            workload,
            labels,
            scheduled: at(scheduled),
            sent: at(seen.sent),
            first_byte: seen.first_byte.map(at),
            first_token: seen.first_token.map(at),
            done: at(seen.done),
            outcome: seen.outcome,
            usage: seen.usage,
            headers: seen.headers,
            error_body: seen.error_body,
            findings: seen.findings,
        };
        (row, seen.done)
    }

    /// The request of a filled template; the URI is only made again when it varies.
    fn made(
        &self,
        template: &RequestTemplate,
        workload: usize,
        correlation_id: &str,
    ) -> Result<Request, String> {
        let uri = &self.uris[workload];
        if template.path_and_query == self.scenario.workloads[workload].request.path_and_query {
            return Ok(client::request(template, uri, correlation_id));
        }
        let uri = self.gateway.join(&template.path_and_query).map_err(|error| error.to_string())?;
        Ok(client::request(template, &uri, correlation_id))
    }
}
