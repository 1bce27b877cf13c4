//! Every client request in a line of JSON, for questions that no assertion asks. The
//! same bytes for the same run.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::assert::answering_simulator;
use crate::record::{ClientRow, Dataset, Outcome, RunTime, Usage};

#[derive(Serialize)]
struct Line<'a> {
    number: u64,
    correlation_id: &'a str,
    stage: Option<&'a str>,
    workload: Option<&'a str>,
    labels: &'a BTreeMap<String, Value>,
    scheduled_seconds: f64,
    sent_seconds: f64,
    first_byte_seconds: Option<f64>,
    first_token_seconds: Option<f64>,
    done_seconds: f64,
    status: Option<u16>,
    /// Why there is no complete answer.
    failure: Option<String>,
    /// The simulator that gave a 2xx, by its journal.
    answered_by: Option<&'a str>,
    usage: Option<Usage>,
    headers: &'a BTreeMap<String, String>,
}

/// The requests in order of their numbers, a line each.
#[must_use]
pub fn render(dataset: &Dataset) -> String {
    let mut text = String::new();
    for (row, simulator) in dataset.clients.iter().zip(answering_simulator(dataset)) {
        let answered_by = simulator.and_then(|index| dataset.simulators.get(index));
        let line = line(dataset, row, answered_by.map(String::as_str));
        // Strings and numbers only.
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    text
}

fn line<'a>(dataset: &'a Dataset, row: &'a ClientRow, answered_by: Option<&'a str>) -> Line<'a> {
    Line {
        number: row.number,
        correlation_id: &row.correlation_id,
        stage: dataset.stages.get(row.stage).map(|stage| stage.name.as_str()),
        workload: dataset.workloads.get(row.workload).map(String::as_str),
        labels: &row.labels,
        scheduled_seconds: row.scheduled.as_secs_f64(),
        sent_seconds: row.sent.as_secs_f64(),
        first_byte_seconds: row.first_byte.map(RunTime::as_secs_f64),
        first_token_seconds: row.first_token.map(RunTime::as_secs_f64),
        done_seconds: row.done.as_secs_f64(),
        status: row.outcome.status(),
        failure: match &row.outcome {
            Outcome::Answered(_) => None,
            Outcome::BrokenOff(_, why) => Some(format!("broken off: {why}")),
            Outcome::TransportFailed(why) => Some(why.clone()),
            Outcome::TimedOut => Some("timed out".to_owned()),
            Outcome::Abandoned => Some("the run ended".to_owned()),
        },
        answered_by,
        usage: row.usage,
        headers: &row.headers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert::fixture::Fixture;

    #[test]
    fn each_request_has_a_line() {
        let mut fixture = Fixture::new(3);
        fixture.request(0.5, 0.25, &[(0, 429), (1, 200)]).request(1.0, 0.1, &[(0, 429)]);
        fixture.request(2.0, 5.0, &[]);
        let row = fixture.dataset.clients.last_mut().unwrap();
        (row.outcome, row.first_byte) = (Outcome::TimedOut, None);
        insta::assert_snapshot!(render(&fixture.dataset), @r#"
        {"number":1,"correlation_id":"run-1","stage":"steady","workload":"chat","labels":{},"scheduled_seconds":0.5,"sent_seconds":0.5,"first_byte_seconds":0.75,"first_token_seconds":null,"done_seconds":0.75,"status":200,"failure":null,"answered_by":"payg2","usage":{"prompt":4,"completion":10,"total":14},"headers":{}}
        {"number":2,"correlation_id":"run-2","stage":"steady","workload":"chat","labels":{},"scheduled_seconds":1.0,"sent_seconds":1.0,"first_byte_seconds":1.1,"first_token_seconds":null,"done_seconds":1.1,"status":429,"failure":null,"answered_by":null,"usage":null,"headers":{}}
        {"number":3,"correlation_id":"run-3","stage":"steady","workload":"chat","labels":{},"scheduled_seconds":2.0,"sent_seconds":2.0,"first_byte_seconds":null,"first_token_seconds":null,"done_seconds":7.0,"status":null,"failure":"timed out","answered_by":null,"usage":null,"headers":{}}
        "#);
    }
}
