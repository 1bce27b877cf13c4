use std::time::Duration;

use super::terminal::TerminalOptions;
use super::{json, summary, terminal};
use crate::assert::fixture::{Fixture, latency_routing};
use crate::assert::{Evaluation, Settings, evaluate};
use crate::record::{Dataset, Outcome};
use crate::scenario::assertion::*;

fn span(from: u64, to: u64) -> Scope {
    let second = Duration::from_secs;
    let span =
        Span { start: Start::At(second(from)), end: Some(second(to)), settle: Duration::ZERO };
    Scope { workload: None, labels: Vec::new(), span }
}

/// The seed's assertions A1 to A4.
fn assertions() -> Vec<Assertion> {
    let assertion = |id: &str, claim: &str, scope, kind| Assertion {
        id: id.into(),
        claim: claim.into(),
        scope,
        simulators_only: false,
        kind,
    };
    let all_from = |simulator: &str| {
        Kind::BackendShare(BackendShare {
            simulator: simulator.into(),
            band: ShareBand { lower: 1.0, upper: 1.0, comparison: Comparison::Exact },
        })
    };
    let after = Span { start: Start::AfterAction("measure-180".into()), ..Span::default() };
    vec![
        assertion(
            "fast-first",
            "Until the change of latency is measured, the backend measured as fastest answers every request",
            span(0, 180),
            all_from("payg1"),
        ),
        assertion(
            "moves-over",
            "After the measurement at 180 s every answer comes from payg2",
            Scope { workload: None, labels: Vec::new(), span: after },
            all_from("payg2"),
        ),
        assertion(
            "slows",
            "While the change is not yet measured, requests are at least five times as slow",
            span(125, 180),
            Kind::LatencyRatio(LatencyRatio {
                statistic: Statistic::Mean,
                sample: Sample::All,
                baseline: span(10, 120).span,
                limits: Limits { at_least: Some(5.0), at_most: None },
            }),
        ),
        assertion(
            "fast-enough",
            "Nine requests in ten take at most 300 ms",
            span(0, 120),
            Kind::Latency(Latency {
                statistic: Statistic::Percentile(0.9),
                sample: Sample::All,
                limits: Limits { at_least: None, at_most: Some(Duration::from_millis(300)) },
            }),
        ),
        assertion(
            "helper-answer",
            "The helper API confirms each new order",
            Scope::default(),
            Kind::ActionAnswer(ActionAnswer {
                actions: ActionChoice::All,
                expected: ExpectedAnswer {
                    status: Some(200),
                    content_type: Some("application/json".into()),
                    body: Some("{\"message\": \"preferred backends are set successfully\"}".into()),
                },
            }),
        ),
    ]
}

fn judged(dataset: &Dataset) -> Evaluation {
    evaluate(dataset, &assertions(), &Settings::default())
}

fn plain(dataset: &Dataset, width: usize) -> String {
    terminal::render(dataset, &judged(dataset), &TerminalOptions { width, colour: false })
}

#[test]
fn terminal_shows_a_good_run() {
    insta::assert_snapshot!(plain(&latency_routing(180.0), 80));
}

#[test]
fn terminal_shows_a_bad_run() {
    let mut dataset = latency_routing(200.0);
    for row in dataset.clients.iter_mut().skip(40).take(5) {
        row.outcome = Outcome::Answered(429);
        row.usage = None;
    }
    insta::assert_snapshot!(plain(&dataset, 80));
    insta::assert_snapshot!(plain(&dataset, 60));
}

#[test]
fn terminal_shows_a_failover() {
    let mut fixture = Fixture::new(90);
    for index in 0..180_u32 {
        let time = f64::from(index) * 0.5;
        match index {
            60..120 => fixture.request(time, 0.2, &[(0, 429), (1, 200)]),
            _ => fixture.request(time, 0.1, &[(0, 200)]),
        };
    }
    fixture.action("limit", 30.0, "").action("lift", 60.0, "");
    insta::assert_snapshot!(plain(&fixture.dataset, 80));
}

#[test]
fn terminal_shows_errors_nobody_asked_about() {
    let mut fixture = Fixture::new(10);
    for second in 0..10 {
        fixture.request(f64::from(second), 0.0, &[]);
    }
    for row in &mut fixture.dataset.gateway {
        row.error_reason = Some("ExpressionValueEvaluationFailure".into());
    }
    fixture.dataset.clients[3].findings = vec!["no `[DONE]` at the end".into()];
    insta::assert_snapshot!(plain(&fixture.dataset, 80));
}

#[test]
fn terminal_shows_an_empty_and_an_invalid_run() {
    insta::assert_snapshot!(plain(&Fixture::new(60).dataset, 80));
}

#[test]
fn terminal_shows_a_killed_simulator() {
    let mut fixture = Fixture::new(60);
    for index in 0..120_u32 {
        let time = f64::from(index) * 0.5;
        match index {
            0..62 => fixture.request(time, 0.2, &[(0, 200)]),
            _ => fixture.request(time, 0.4, &[(1, 200)]),
        };
    }
    fixture
        .dataset
        .backends
        .retain(|row| row.simulator != 0 || row.received.nanos < 30_000_000_000);
    for row in fixture.dataset.gateway.iter_mut().skip(62) {
        row.attempts.insert(0, ("payg1".into(), None));
    }
    fixture.dataset.clients[62].outcome =
        Outcome::TransportFailed("connection broke: connection reset by peer".into());
    fixture.dataset.journal_breaks = vec![crate::record::JournalBreak {
        simulator: Some(0),
        last_read: crate::assert::fixture::at(30.0),
        noticed: crate::assert::fixture::at(31.0),
        cause: crate::record::BreakCause::Unreadable(
            "connection failed: tcp connect error: Connection refused (os error 111)".into(),
        ),
    }];
    insta::assert_snapshot!(plain(&fixture.dataset, 80));
}

#[test]
fn colours_add_nothing_but_colour() {
    let dataset = latency_routing(200.0);
    let evaluation = judged(&dataset);
    let render =
        |colour| terminal::render(&dataset, &evaluation, &TerminalOptions { width: 80, colour });
    let mut stripped = String::new();
    let mut pieces =
        render(true).split('\u{1b}').map(str::to_owned).collect::<Vec<_>>().into_iter();
    stripped.push_str(&pieces.next().unwrap());
    for piece in pieces {
        stripped.push_str(&piece[piece.find('m').unwrap() + 1..]);
    }
    assert_ne!(render(true), render(false));
    assert_eq!(stripped, render(false));
}

#[test]
fn lines_fit_the_width() {
    for width in [60, 80, 100, 120] {
        for line in plain(&latency_routing(200.0), width).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn json_is_the_same_for_the_same_run() {
    let dataset = latency_routing(180.0);
    let text = json::render(&dataset, &judged(&dataset));
    assert_eq!(text, json::render(&dataset, &judged(&dataset)));
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["version"], 1);
    let bins = value["series"]["requests"].as_array().unwrap();
    assert_eq!(
        bins.iter().filter_map(serde_json::Value::as_u64).sum::<u64>(),
        dataset.clients.len() as u64
    );
    // Long lists of numbers would drown the snapshot; the sums above hold them.
    value["series"] = serde_json::json!("…");
    insta::assert_json_snapshot!(value);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn every_request_is_counted_once(
        rows in proptest::collection::vec((0_u32..90, 0_u16..4, 0_usize..2), 1..60),
        most in 1_usize..80,
    ) {
        let mut fixture = Fixture::new(60);
        for &(sent, outcome, simulator) in &rows {
            let status = [200, 204, 429, 500][usize::from(outcome)];
            fixture.request(f64::from(sent), 0.1, &[(simulator, status)]);
        }
        let series = summary::series(&fixture.dataset, most);
        proptest::prop_assert!(series.requests.len() <= most);
        let answers: u64 = series.answers.iter().flat_map(|one| &one.counts).sum();
        let errors: u64 = series.errors.iter().sum();
        proptest::prop_assert_eq!(series.requests.iter().sum::<u64>(), rows.len() as u64);
        proptest::prop_assert_eq!(answers + errors, rows.len() as u64);
        proptest::prop_assert_eq!(series.refusals.iter().flat_map(|one| &one.counts).sum::<u64>(), errors);
        let whole = summary::whole(&fixture.dataset);
        proptest::prop_assert_eq!(whole.statuses.values().sum::<u64>(), rows.len() as u64);
    }
}

#[test]
fn sums_match() {
    let mut dataset = latency_routing(200.0);
    dataset.clients[7].outcome = Outcome::TimedOut;
    dataset.clients[9].outcome = Outcome::Answered(503);
    let total = summary::whole(&dataset);
    let stages = summary::stages(&dataset);
    assert_eq!(total.requests, dataset.clients.len() as u64);
    assert_eq!(stages.iter().map(|stage| stage.requests).sum::<u64>(), total.requests);
    for one in stages.iter().chain([&total]) {
        let statuses: u64 = one.statuses.values().sum();
        assert_eq!(statuses + one.unanswered, one.requests);
        let answers: u64 = one.answers.iter().map(|answers| answers.count).sum();
        assert_eq!(answers + one.answers_from_elsewhere, one.statuses[&200]);
    }
    let series = summary::series(&dataset, 60);
    let series_answers: u64 = series.answers.iter().flat_map(|one| &one.counts).sum();
    assert_eq!(series_answers + series.errors.iter().sum::<u64>(), total.requests);
}
