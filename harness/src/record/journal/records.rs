//! What a page of a journal says, read with the harness's own types, and the
//! rows that become of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::record::{BackendRow, GatewayEvent, GatewayMetric, GatewayRow, RunClock, Usage};

/// A page of a journal.
#[derive(Deserialize)]
#[serde(bound(deserialize = "R: DeserializeOwned"))]
pub(super) struct Page<R> {
    pub(super) records: Vec<R>,
    pub(super) next: u64,
    /// Another one after a restart; absent where the service does not say.
    pub(super) instance: Option<String>,
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
    /// Of a request that spilled over: this attempt was not the reply. Absent in
    /// older simulators.
    #[serde(default)]
    superseded: bool,
}

impl SimulatorRecord {
    /// Whether its caller saw this attempt. Of a request that spilled over, which
    /// has two records under one number, the caller saw one.
    pub(crate) fn was_sent(&self) -> bool {
        !self.superseded
    }

    pub(crate) fn into_row(self, simulator: usize, life: u32, clock: &RunClock) -> BackendRow {
        let done = self.done_us.or(self.first_byte_us).unwrap_or(self.received_us);
        let usage = self.admitted_us.and(self.prompt_tokens).map(|prompt| {
            let completion = self.completion_tokens.unwrap_or(0);
            Usage { prompt, completion, total: prompt + completion }
        });
        BackendRow {
            simulator,
            life,
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
    /// What tells a gateway's record from a simulator's, so required.
    attempts: Vec<AttemptRecord>,
    #[serde(default)]
    metrics: Vec<MetricRecord>,
    #[serde(default)]
    events: Vec<EventRecord>,
}

#[derive(Debug, Deserialize)]
struct MetricRecord {
    namespace: String,
    name: String,
    value: f64,
    dimensions: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct EventRecord {
    logger: String,
    body: String,
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
            metrics: self
                .metrics
                .into_iter()
                .map(|metric| GatewayMetric {
                    namespace: metric.namespace,
                    name: metric.name,
                    value: metric.value,
                    dimensions: metric.dimensions,
                })
                .collect(),
            events: self
                .events
                .into_iter()
                .map(|event| GatewayEvent { logger: event.logger, body: event.body })
                .collect(),
        }
    }
}

/// A record with its place in the journal, by which the cursor goes: from 1,
/// ascending, without gaps.
pub(crate) trait Placed {
    /// The place.
    fn place(&self) -> u64;

    /// The correlation id that arrived.
    fn correlation_id(&self) -> Option<&str>;
}

impl Placed for SimulatorRecord {
    fn place(&self) -> u64 {
        self.sequence
    }

    fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }
}

impl Placed for GatewayRecord {
    fn place(&self) -> u64 {
        self.number
    }

    fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }
}
