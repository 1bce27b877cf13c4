//! Reading journals over HTTP, with the harness's own types: what a simulator
//! or gateway recorded becomes rows of the dataset.
//!
//! A journal is a bounded ring with a cursor. The reader starts at its end,
//! follows it during the run, and counts rows that were overwritten before
//! they were read.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{BackendRow, GatewayRow, RunClock, Usage};
use crate::action::call::{CallError, Caller};
use crate::scenario::{BaseUrl, RequestTemplate};

/// Between two looks for the last records.
const LAST_RECORDS: Duration = Duration::from_millis(250);

/// Pages read at most in one go: a journal that grows faster than it can be
/// read must not hold up the run's end.
const MOST_PAGES: usize = 10_000;

/// A page of a journal.
#[derive(Deserialize)]
#[serde(bound(deserialize = "R: DeserializeOwned"))]
struct Page<R> {
    records: Vec<R>,
    next: u64,
}

/// One request as a simulator recorded it. Fields the harness does not need
/// are not named here.
#[derive(Debug, Deserialize)]
pub(crate) struct SimulatorRecord {
    /// Order of ending, by which the cursor goes.
    sequence: u64,
    number: u64,
    correlation_id: Option<String>,
    deployment: Option<String>,
    received_us: u64,
    admitted_us: Option<u64>,
    first_byte_us: Option<u64>,
    done_us: Option<u64>,
    status: u16,
    reason: Option<String>,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

impl SimulatorRecord {
    pub(crate) fn into_row(self, simulator: usize, clock: &RunClock) -> BackendRow {
        let done = self.done_us.or(self.first_byte_us).unwrap_or(self.received_us);
        let usage = self.admitted_us.and(self.prompt_tokens).map(|prompt| {
            let completion = self.completion_tokens.unwrap_or(0);
            Usage { prompt, completion, total: prompt + completion }
        });
        BackendRow {
            simulator,
            number: self.number,
            correlation_id: self.correlation_id,
            deployment: self.deployment,
            received: clock.at_unix_micros(self.received_us),
            first_byte: self.first_byte_us.map(|at| clock.at_unix_micros(at)),
            done: clock.at_unix_micros(done),
            status: self.status,
            reason: self.reason,
            usage,
        }
    }
}

/// One client request as the gateway recorded it.
#[derive(Debug, Deserialize)]
pub(crate) struct GatewayRecord {
    number: u64,
    correlation_id: Option<String>,
    received_us: u64,
    done_us: Option<u64>,
    status: u16,
    error_reason: Option<String>,
    #[serde(default)]
    attempts: Vec<AttemptRecord>,
}

#[derive(Debug, Deserialize)]
struct AttemptRecord {
    backend: String,
    status: Option<u16>,
}

impl GatewayRecord {
    pub(crate) fn into_row(self, clock: &RunClock) -> GatewayRow {
        GatewayRow {
            correlation_id: self.correlation_id,
            received: clock.at_unix_micros(self.received_us),
            done: clock.at_unix_micros(self.done_us.unwrap_or(self.received_us)),
            status: self.status,
            error_reason: self.error_reason,
            attempts: self.attempts.into_iter().map(|a| (a.backend, a.status)).collect(),
        }
    }
}

/// A record with its place in the journal, by which the cursor goes: from 1,
/// ascending, without gaps.
pub(crate) trait Placed {
    /// The place.
    fn place(&self) -> u64;
}

impl Placed for SimulatorRecord {
    fn place(&self) -> u64 {
        self.sequence
    }
}

impl Placed for GatewayRecord {
    fn place(&self) -> u64 {
        self.number
    }
}

/// Follows one journal.
pub(crate) struct Reader<R> {
    caller: Caller,
    /// Whose journal, for messages.
    name: String,
    url: BaseUrl,
    key: Option<String>,
    cursor: u64,
    records: Vec<R>,
    lost: u64,
}

/// Why a journal could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// There is no journal: a real endpoint, another gateway.
    #[error("{name} has no readable journal (status {status})")]
    None { name: String, status: StatusCode },
    /// It cannot be reached.
    #[error("cannot reach {name} at {url}: {error}")]
    Unreachable { name: String, url: String, error: CallError },
    /// It answered nonsense.
    #[error("cannot read the journal of {name}: {reason}")]
    Malformed { name: String, reason: String },
}

impl<R: DeserializeOwned + Placed> Reader<R> {
    /// Opens a journal at its present end: records of earlier runs are skipped.
    pub(crate) async fn open(
        caller: Caller,
        name: String,
        url: BaseUrl,
        key: Option<String>,
    ) -> Result<Self, JournalError> {
        let mut reader = Self { caller, name, url, key, cursor: 0, records: Vec::new(), lost: 0 };
        reader.follow().await?;
        reader.records.clear();
        reader.lost = 0;
        Ok(reader)
    }

    /// Reads what has been recorded since the last time.
    pub(crate) async fn follow(&mut self) -> Result<(), JournalError> {
        for _ in 0..MOST_PAGES {
            let page = self.page().await?;
            // Whether overwritten or never written: a place left out is a record lost.
            let mut last = self.cursor;
            for record in &page.records {
                self.lost += record.place().saturating_sub(last.saturating_add(1));
                last = record.place();
            }
            if page.records.is_empty() || page.next <= self.cursor {
                break;
            }
            self.records.extend(page.records);
            self.cursor = page.next;
        }
        Ok(())
    }

    /// The records read, and how many were lost.
    pub(crate) fn into_parts(self) -> (Vec<R>, u64) {
        (self.records, self.lost)
    }

    async fn page(&self) -> Result<Page<R>, JournalError> {
        let malformed =
            |reason: String| JournalError::Malformed { name: self.name.clone(), reason };
        let mut template = RequestTemplate {
            method: Method::GET,
            path_and_query: format!("/++/journal?after={}", self.cursor),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: Duration::from_secs(30),
        };
        if let Some(key) = &self.key {
            let value = HeaderValue::from_str(key)
                .map_err(|_| malformed("its key cannot be sent in a header".to_owned()))?;
            template.headers.insert("api-key", value);
        }
        let answer = self.caller.call(&self.url, &template, None).await.map_err(|error| {
            JournalError::Unreachable {
                name: self.name.clone(),
                url: self.url.as_str().to_owned(),
                error,
            }
        })?;
        let status = answer.status;
        if status != StatusCode::OK {
            return Err(JournalError::None { name: self.name.clone(), status });
        }
        serde_json::from_str(&answer.body).map_err(|error| malformed(error.to_string()))
    }
}

/// What can be followed, whatever its records are.
pub(crate) struct Journals {
    pub(crate) simulators: Vec<(usize, Reader<SimulatorRecord>)>,
    pub(crate) gateway: Option<Reader<GatewayRecord>>,
    /// Why rows may be missing; the first reason of each journal.
    pub(crate) problems: Vec<String>,
}

impl Journals {
    /// Follows all journals now.
    pub(crate) async fn follow(&mut self) {
        for (_, reader) in &mut self.simulators {
            note(&mut self.problems, reader.follow().await);
        }
        if let Some(reader) = &mut self.gateway {
            note(&mut self.problems, reader.follow().await);
        }
    }

    /// Follows all journals until they hold these answered requests and what was
    /// under way had time to be written, at most for `longest`: a server writes
    /// its record when it learns of the end, which over sockets is a little later.
    pub(crate) async fn complete(&mut self, answered: &BTreeSet<&str>, longest: Duration) {
        let deadline = Instant::now() + longest;
        loop {
            tokio::time::sleep(LAST_RECORDS).await;
            self.follow().await;
            if self.hold(answered) || !self.problems.is_empty() || deadline <= Instant::now() {
                return;
            }
        }
    }

    /// Whether every one of these ids is found at a simulator, and at the gateway
    /// where it has a journal.
    fn hold(&self, ids: &BTreeSet<&str>) -> bool {
        let at_simulators: BTreeSet<&str> = self
            .simulators
            .iter()
            .flat_map(|(_, reader)| &reader.records)
            .filter_map(|record| record.correlation_id.as_deref())
            .collect();
        let at_gateway = self.gateway.as_ref().map(|reader| -> BTreeSet<&str> {
            reader.records.iter().filter_map(|one| one.correlation_id.as_deref()).collect()
        });
        ids.is_subset(&at_simulators) && at_gateway.is_none_or(|found| ids.is_subset(&found))
    }

    /// Follows the journals every second until `stop`, so that a long run does
    /// not overrun their rings. Returns them for the last reading.
    pub(crate) async fn keep_following(mut self, stop: CancellationToken) -> Self {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return self,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            self.follow().await;
        }
    }
}

fn note(problems: &mut Vec<String>, result: Result<(), JournalError>) {
    if let Err(error) = result {
        let problem = error.to_string();
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}
