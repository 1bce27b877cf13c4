//! Datasets made by hand, for the tests of verdicts and reports.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;
use seam::rng::Seed;

use super::{AssertionResult, Settings, evaluate};
use crate::record::{
    ActionAnswer, ActionRow, BackendRow, ClientRow, Dataset, Endpoints, GatewayRow, Outcome,
    RunTime, StageSpan, Usage, World,
};
use crate::scenario::assertion::{Assertion, Kind, Scope};

/// A time of the run in seconds.
pub(crate) fn at(seconds: f64) -> RunTime {
    RunTime { nanos: (seconds * 1e9).round() as i128 }
}

/// Builds a consistent dataset request by request.
pub(crate) struct Fixture {
    pub(crate) dataset: Dataset,
}

impl Fixture {
    /// A run of `seconds` in one stage over payg1 and payg2 with one workload.
    pub(crate) fn new(seconds: u64) -> Self {
        let stage = StageSpan {
            name: "steady".into(),
            start: Duration::ZERO,
            end: Duration::from_secs(seconds),
        };
        Self {
            dataset: Dataset {
                scenario: "latency-routing".into(),
                seed: 42,
                id_prefix: "run".into(),
                world: World::Virtual,
                endpoints: Endpoints::Simulators,
                stages: vec![stage],
                workloads: vec!["chat".into()],
                simulators: vec!["payg1".into(), "payg2".into()],
                clients: Vec::new(),
                backends: Vec::new(),
                gateway: Vec::new(),
                gateway_journal: true,
                actions: Vec::new(),
                journals_complete: true,
                journal_rows_dropped: 0,
                journal_breaks: Vec::new(),
            },
        }
    }

    /// One request sent at `sent` that took `latency` seconds over these attempts
    /// (simulator, status); the client gets the last one's status.
    pub(crate) fn request(
        &mut self,
        sent: f64,
        latency: f64,
        attempts: &[(usize, u16)],
    ) -> &mut Self {
        let number = self.dataset.clients.len() as u64 + 1;
        let id = format!("run-{number}");
        let usage = Usage { prompt: 4, completion: 10, total: 14 };
        let status = attempts.last().map_or(503, |attempt| attempt.1);
        let stage = self
            .dataset
            .stages
            .iter()
            .rposition(|stage| stage.start.as_secs_f64() <= sent)
            .unwrap_or_default();
        self.dataset.clients.push(ClientRow {
            number,
            correlation_id: id.clone(),
            stage,
            workload: 0,
            labels: BTreeMap::new(),
            scheduled: at(sent),
            sent: at(sent),
            first_byte: Some(at(sent + latency)),
            first_token: None,
            done: at(sent + latency),
            outcome: Outcome::Answered(status),
            usage: (status == 200).then_some(usage),
            headers: BTreeMap::new(),
            error_body: None,
            findings: Vec::new(),
        });
        for (index, &(simulator, status)) in attempts.iter().enumerate() {
            let last = index + 1 == attempts.len();
            // Refusals take no time: attempts may all arrive at one moment.
            let done = if last { sent + latency } else { sent };
            self.dataset.backends.push(BackendRow {
                simulator,
                life: 0,
                number: self.dataset.backends.len() as u64 + 1,
                correlation_id: Some(id.clone()),
                deployment: Some("gpt-35-turbo".into()),
                received: at(sent),
                first_byte: Some(at(done)),
                done: at(done),
                status,
                reason: None,
                usage: (status == 200).then_some(usage),
            });
        }
        let name = |simulator: usize| self.dataset.simulators.get(simulator).cloned();
        self.dataset.gateway.push(GatewayRow {
            correlation_id: Some(id),
            received: at(sent),
            done: at(sent + latency),
            status,
            error_reason: None,
            attempts: attempts
                .iter()
                .map(|&(simulator, status)| (name(simulator).unwrap_or_default(), Some(status)))
                .collect(),
            metrics: Vec::new(),
            events: Vec::new(),
        });
        self
    }

    /// An action that took no time, with the gateway's answer.
    pub(crate) fn action(&mut self, name: &str, when: f64, body: &str) -> &mut Self {
        let headers =
            [("content-type".to_owned(), "application/json; charset=utf-8".to_owned())].into();
        self.dataset.actions.push(ActionRow {
            name: name.to_owned(),
            due: at(when),
            started: at(when),
            done: at(when),
            summary: "order payg1, payg2".into(),
            answer: Some(ActionAnswer { status: 200, headers, body: body.to_owned() }),
            error: None,
            skipped: None,
        });
        self
    }

    /// A probe by an action, as a simulator records it.
    pub(crate) fn probe(&mut self, id: &str, when: f64) -> &mut Self {
        self.dataset.backends.push(BackendRow {
            simulator: 0,
            life: 0,
            number: self.dataset.backends.len() as u64 + 1,
            correlation_id: Some(id.to_owned()),
            deployment: None,
            received: at(when),
            first_byte: None,
            done: at(when),
            status: 200,
            reason: None,
            usage: None,
        });
        self
    }
}

/// The seed's latency-routing run as it should go: payg1 answers in 0.1 s until
/// it slows to 1 s at 120 s; the measurement at 180 s moves traffic to payg2.
/// `notices` is when that measurement takes effect.
pub(crate) fn latency_routing(notices: f64) -> Dataset {
    let mut fixture = Fixture::new(300);
    fixture.dataset.stages = vec![
        StageSpan { name: "before".into(), start: Duration::ZERO, end: Duration::from_secs(120) },
        StageSpan {
            name: "swapped".into(),
            start: Duration::from_secs(120),
            end: Duration::from_secs(300),
        },
    ];
    let body = "{\"message\": \"preferred backends are set successfully\"}";
    fixture.action("measure-start", -1.0, body).action("measure-60", 60.0, body);
    fixture.action("measure-120", 120.0, body).action("swap", 120.0, body);
    fixture.action("measure-180", 180.0, body).action("measure-240", 240.0, body);
    fixture.probe("run-action-1", -1.0).probe("run-action-2", 60.0);
    let mut rng = Seed(42).stream("fixture");
    let mut users = [0.0, 0.5];
    while let Some(next) = users.iter().copied().reduce(f64::min).filter(|next| *next < 300.0) {
        let simulator = usize::from(notices <= next);
        let slow = (simulator == 0) == (120.0 <= next);
        let latency = if slow { 1.0 } else { 0.1 } * rng.random_range(0.9..1.1);
        fixture.request(next, latency, &[(simulator, 200)]);
        for user in &mut users {
            if *user == next {
                *user = next + latency + 1.0;
            }
        }
    }
    fixture.dataset
}

/// The verdict on one assertion.
pub(crate) fn verdict(dataset: &Dataset, scope: Scope, kind: Kind) -> AssertionResult {
    let assertion =
        Assertion { id: "a".into(), claim: "c".into(), scope, simulators_only: false, kind };
    evaluate(dataset, &[assertion], &Settings::default()).assertions.remove(0)
}

/// `offered` requests in each 10 s, evenly spaced, of which the last so many get 429.
pub(crate) fn refusals(per_bin: &[u32], offered: u32) -> Dataset {
    let mut fixture = Fixture::new(per_bin.len() as u64 * 10);
    for (bin, refused) in (0_u32..).zip(per_bin) {
        for index in 0..offered {
            let sent = f64::from(bin) * 10.0 + f64::from(index) * 10.0 / f64::from(offered);
            let status = if offered - refused <= index { 429 } else { 200 };
            fixture.request(sent, 0.01, &[(0, status)]);
        }
    }
    fixture.dataset
}
