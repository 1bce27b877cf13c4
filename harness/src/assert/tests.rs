//! Every kind of assertion passed, failed and undecided; rows that do not fit;
//! runs that do not count.

use std::time::Duration;

use proptest::prelude::*;

use super::fixture::{Fixture, at, latency_routing};
use super::{AssertionResult, Evaluation, Outcome, Settings, Verdict, evaluate};
use crate::exit_code::ExitCode;
use crate::record::{self, Dataset, Usage};
use crate::scenario::assertion::*;

mod fault;
mod latency;

use fault::breaks;

fn assertion(scope: Scope, kind: Kind) -> Assertion {
    Assertion { id: "a".into(), claim: "c".into(), scope, simulators_only: false, kind }
}

fn between(from: u64, to: u64) -> Scope {
    let end = Some(Duration::from_secs(to));
    let start = Start::At(Duration::from_secs(from));
    Scope { workload: None, labels: Vec::new(), span: Span { start, end, settle: Duration::ZERO } }
}

fn one(dataset: &Dataset, scope: Scope, kind: Kind) -> AssertionResult {
    evaluate(dataset, &[assertion(scope, kind)], &Settings::default()).assertions.remove(0)
}

fn whole(dataset: &Dataset, kind: Kind) -> AssertionResult {
    one(dataset, Scope::default(), kind)
}

fn share(simulator: &str, lower: f64, upper: f64, comparison: Comparison) -> Kind {
    Kind::BackendShare(BackendShare {
        simulator: simulator.into(),
        band: ShareBand { lower, upper, comparison },
    })
}

/// `n` requests, one each half second, of which each `every`-th goes to payg2.
fn split(n: u32, every: u32) -> Dataset {
    let mut fixture = Fixture::new(u64::from(n));
    for index in 0..n {
        let simulator = usize::from(index % every == 0);
        fixture.request(f64::from(index) * 0.5, 0.1, &[(simulator, 200)]);
    }
    fixture.dataset
}

#[test]
fn exact_shares() {
    let all = share("payg1", 1.0, 1.0, Comparison::Exact);
    let good = one(&latency_routing(180.0), between(0, 180), all.clone());
    assert_eq!((good.verdict, good.interval), (Verdict::Passed, None));
    let bad = one(&latency_routing(170.0), between(0, 180), all);
    assert_eq!(bad.verdict, Verdict::Failed);
    insta::assert_snapshot!(bad.message, @"expected every answer from payg1, but 17 of 286 came from payg2 (first at 170.8s, request 270)");
    assert_eq!(bad.examples, ["run-270", "run-271", "run-272"]);

    let never = share("payg2", 0.0, 0.0, Comparison::Exact);
    assert_eq!(
        one(&latency_routing(180.0), between(0, 180), never.clone()).verdict,
        Verdict::Passed
    );
    let bad = one(&latency_routing(170.0), between(0, 180), never);
    insta::assert_snapshot!(bad.message, @"expected no answer from payg2, but 17 of 286 came from it (first at 170.8s, request 270)");

    let half = share("payg1", 0.5, 0.5, Comparison::Exact);
    assert_eq!(whole(&split(101, 2), half.clone()).verdict, Verdict::Passed);
    assert_eq!(whole(&split(104, 3), half).verdict, Verdict::Failed);
}

#[test]
fn answers_go_by_the_journal_not_by_the_gateways_word() {
    let mut dataset = split(30, 40);
    for row in &mut dataset.backends {
        row.simulator = 1;
    }
    let result = whole(&dataset, share("payg1", 1.0, 1.0, Comparison::Exact));
    insta::assert_snapshot!(result.message, @"expected every answer from payg1, but 30 of 30 came from payg2 (first at 0s, request 1)");
}

#[test]
fn shares_by_interval() {
    let two_thirds = share("payg1", 2.0 / 3.0 - 0.065, 2.0 / 3.0 + 0.065, Comparison::Interval);
    let good = whole(&split(1_500, 3), two_thirds.clone());
    assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
    let bad = whole(&split(1_500, 2), two_thirds.clone());
    assert_eq!(bad.verdict, Verdict::Failed);
    insta::assert_snapshot!(bad.message, @"expected 60.2 % to 73.2 % of the answers from payg1, but 750 of 1,500 came from it (50 %); 750 from payg2");
    let few = whole(&split(60, 3), two_thirds);
    assert_eq!(few.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(few.message, @"60 answers are too few to tell 66.7 % from 60.2 % to 73.2 %");
    // (3.29 + 2.33)² · 2/9 / 0.065² is 1,659.
    assert!((1_600..1_720).contains(&few.n_to_settle.unwrap()), "{few:?}");
}

#[test]
fn waves_widen_the_interval() {
    let band = share("payg1", 0.4, 0.6, Comparison::Interval);
    let steady = whole(&split(1_000, 2), band.clone());
    assert_eq!(steady.verdict, Verdict::Passed);
    let mut waves = Fixture::new(1_000);
    for index in 0..1_000 {
        waves.request(f64::from(index) * 0.5, 0.1, &[(usize::from(index / 100 % 2 == 0), 200)]);
    }
    let waves = whole(&waves.dataset, band);
    assert_eq!(waves.verdict, Verdict::Inconclusive, "{waves:?}");
}

#[test]
fn nothing_never_passes() {
    let empty = Fixture::new(60).dataset;
    let limits = Limits { at_least: None, at_most: Some(Duration::from_secs(1)) };
    let answered_by = || "payg2".to_owned();
    let kinds = [
        share("payg1", 1.0, 1.0, Comparison::Exact),
        share("payg1", 0.0, 0.0, Comparison::Exact),
        share("payg1", 0.9, 1.0, Comparison::Interval),
        Kind::Latency(Latency {
            statistic: Statistic::Percentile(0.95),
            sample: Sample::All,
            limits,
        }),
        Kind::Latency(Latency { statistic: Statistic::Mean, sample: Sample::Successes, limits }),
        status(429, 0, 0),
        Kind::Attempts(Attempts {
            answered_by: answered_by(),
            preceded_by: "payg1".into(),
            status: 429,
            exactly: 1,
        }),
        Kind::ActionAnswer(ActionAnswer {
            actions: ActionChoice::All,
            expected: ExpectedAnswer::default(),
        }),
    ];
    for kind in kinds {
        let result = whole(&empty, kind);
        assert_eq!(result.verdict, Verdict::Inconclusive, "{result:?}");
        assert!(!result.message.is_empty());
    }
    let requests = Kind::Requests(Requests { limits: Limits { at_least: Some(1), at_most: None } });
    assert_eq!(whole(&empty, requests).verdict, Verdict::Failed);
    // No answer from payg2 at all is no proof of what comes before its answers.
    let none = Kind::Attempts(Attempts {
        answered_by: answered_by(),
        preceded_by: "payg1".into(),
        status: 429,
        exactly: 1,
    });
    assert_eq!(whole(&split(30, 40), none.clone()).verdict, Verdict::Failed);
    let only_first = one(&latency_routing(180.0), between(0, 100), none);
    insta::assert_snapshot!(only_first.message, @"182 answers, but none came from payg2");
}

#[test]
fn spans_take_requests_by_the_time_they_were_sent() {
    let dataset = split(100, 1_000);
    let n = |scope| {
        one(
            &dataset,
            scope,
            Kind::Requests(Requests { limits: Limits { at_least: Some(1), at_most: None } }),
        )
        .n
    };
    // Half open, every half second.
    assert_eq!(n(between(10, 20)), 20);
    assert_eq!(n(between(0, 50)), 100);
    let mut scope = between(10, 20);
    scope.span.settle = Duration::from_secs(2);
    assert_eq!(n(scope.clone()), 16);
    scope.workload = Some("chat".into());
    assert_eq!(n(scope.clone()), 16);
    scope.workload = Some("other".into());
    assert_eq!(n(scope), 0);

    let mut fixture = Fixture { dataset };
    fixture.action("swap", 15.0, "");
    let dataset = fixture.dataset;
    let n = |scope| {
        one(
            &dataset,
            scope,
            Kind::Requests(Requests { limits: Limits { at_least: Some(1), at_most: None } }),
        )
        .n
    };
    let after = |settle| Scope {
        workload: None,
        labels: Vec::new(),
        span: Span {
            start: Start::AfterAction("swap".into()),
            end: Some(Duration::from_secs(20)),
            settle: Duration::from_secs(settle),
        },
    };
    assert_eq!(n(after(0)), 10);
    assert_eq!(n(after(1)), 8);
    let mut settled = between(10, 20);
    settled.span.settle = Duration::from_secs(1);
    assert_eq!(n(settled), 16, "the span's start and the action, a second each");
}

fn latency(statistic: Statistic, least: Option<u64>, most: Option<u64>) -> Kind {
    let limits = Limits {
        at_least: least.map(Duration::from_millis),
        at_most: most.map(Duration::from_millis),
    };
    Kind::Latency(Latency { statistic, sample: Sample::All, limits })
}

fn status(code: u16, least: u64, most: u64) -> Kind {
    Kind::Status(Status {
        statuses: Statuses::Codes(vec![code]),
        seen_by: SeenBy::Clients,
        measure: StatusMeasure::Count(Limits { at_least: Some(least), at_most: Some(most) }),
    })
}

/// 200 requests; each tenth is refused by payg1 and answered by payg2.
fn failover() -> Fixture {
    let mut fixture = Fixture::new(200);
    for index in 0..200 {
        let time = f64::from(index);
        match index % 10 {
            0 => fixture.request(time, 0.1, &[(0, 429), (1, 200)]),
            _ => fixture.request(time, 0.1, &[(0, 200)]),
        };
    }
    fixture
}

#[test]
fn statuses() {
    let mut fixture = failover();
    assert_eq!(whole(&fixture.dataset, status(429, 0, 0)).verdict, Verdict::Passed);
    let at = |simulator: &str, measure| {
        Kind::Status(Status {
            statuses: Statuses::Class(4),
            seen_by: SeenBy::Simulator(simulator.into()),
            measure,
        })
    };
    let twenty = StatusMeasure::Count(Limits { at_least: Some(20), at_most: Some(20) });
    let result = whole(&fixture.dataset, at("payg1", twenty.clone()));
    insta::assert_snapshot!(result.message, @"payg1 sent 4xx 20 times in 200 attempts");
    assert_eq!(result.verdict, Verdict::Passed);
    assert_eq!(whole(&fixture.dataset, at("payg2", twenty)).verdict, Verdict::Failed);
    let band = |upper| {
        StatusMeasure::Share(ShareBand { lower: 0.0, upper, comparison: Comparison::Interval })
    };
    assert_eq!(whole(&fixture.dataset, at("payg1", band(0.25))).verdict, Verdict::Passed);
    assert_eq!(whole(&fixture.dataset, at("payg1", band(0.02))).verdict, Verdict::Failed);
    assert_eq!(whole(&fixture.dataset, at("payg1", band(0.11))).verdict, Verdict::Inconclusive);

    fixture.request(200.0, 0.01, &[(0, 429)]);
    let bad = whole(&fixture.dataset, status(429, 0, 0));
    insta::assert_snapshot!(bad.message, @"expected none, but clients saw 429 1 time in 201 requests (first at 200s, request 201)");
    let missing = whole(&fixture.dataset, status(503, 3, u64::MAX));
    assert_eq!(missing.verdict, Verdict::Failed);
}

#[test]
fn attempts() {
    let kind = Kind::Attempts(Attempts {
        answered_by: "payg2".into(),
        preceded_by: "payg1".into(),
        status: 429,
        exactly: 1,
    });
    // Refusal and next attempt arrive at the same moment here.
    let mut fixture = failover();
    let good = whole(&fixture.dataset, kind.clone());
    assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
    insta::assert_snapshot!(good.message, @"all 20 answers from payg2 had 1 attempt answered 429 at payg1 before");
    fixture.request(200.0, 0.1, &[(1, 200)]);
    fixture.request(201.0, 0.1, &[(0, 429), (0, 429), (1, 200)]);
    let bad = whole(&fixture.dataset, kind);
    assert_eq!(bad.verdict, Verdict::Failed);
    insta::assert_snapshot!(bad.message, @"of 22 answers from payg2, 1 had no attempt answered 429 at payg1 before and 1 had more than one (up to 2) (first at 200s, request 201)");
    assert_eq!(bad.examples, ["run-201", "run-202"]);
}

#[test]
fn action_answers() {
    let dataset = latency_routing(180.0);
    let kind = |actions, body: &str| {
        Kind::ActionAnswer(ActionAnswer {
            actions,
            expected: ExpectedAnswer {
                status: Some(200),
                content_type: Some("application/json".into()),
                body: Some(body.into()),
            },
        })
    };
    let body = "{\"message\": \"preferred backends are set successfully\"}";
    assert_eq!(whole(&dataset, kind(ActionChoice::All, body)).verdict, Verdict::Passed);
    let named = ActionChoice::Named(vec!["measure-60".into(), "gone".into()]);
    let bad = whole(&dataset, kind(named, body));
    insta::assert_snapshot!(bad.message, @"gone: did not take place");
    let other = ActionChoice::Named(vec!["measure-60".into()]);
    let bad = whole(&dataset, kind(other, "{}"));
    insta::assert_snapshot!(bad.message, @r#"measure-60: body `{"message": "preferred backends are set successfully"}`"#);
}

fn judged(dataset: &Dataset) -> Evaluation {
    evaluate(dataset, &[], &Settings::default())
}

#[test]
fn good_rows_reconcile() {
    let reconciliation = judged(&latency_routing(180.0)).reconciliation;
    insta::assert_snapshot!(reconciliation.message, @"496 requests: 496 at simulators; 496 attempts, 496 usages compared");
    assert_eq!(reconciliation.action_rows, 2);
    assert!(judged(&failover().dataset).reconciliation.mismatches.is_empty());
}

/// Each change breaks one thing, and the books say which.
#[test]
fn rows_that_do_not_fit_are_named() {
    let changes: Vec<fn(&mut Dataset)> = vec![
        |d| d.clients[3].correlation_id = "run-3".into(),
        |d| {
            let row = d.backends[5].clone();
            d.backends.push(row);
        },
        |d| d.backends[5].correlation_id = Some("who".into()),
        |d| d.backends[5].correlation_id = None,
        |d| {
            d.backends.remove(5);
        },
        |d| d.clients[4].outcome = record::Outcome::Answered(500),
        |d| d.gateway[4].attempts[0].1 = Some(429),
        |d| d.gateway[4].correlation_id = Some("who".into()),
        |d| d.clients[4].usage = Some(Usage { prompt: 1, completion: 1, total: 2 }),
        |d| d.backends[6].usage = None,
        |d| d.backends[6].status = 503,
        |d| d.clients[4].usage = None,
        // A second call on the side, cut off once the first has answered.
        |d| {
            let row = d.backends[5].clone();
            d.backends.push(record::BackendRow { simulator: 1, number: 9_999, status: 499, ..row });
        },
        |d| {
            d.gateway.remove(4);
        },
        // Looks like a probe, but this run's actions sent none such.
        |d| d.backends[5].correlation_id = Some("other-action-1".into()),
    ];
    let mut told = Vec::new();
    for change in changes {
        let mut fixture = failover();
        change(&mut fixture.dataset);
        let evaluation = judged(&fixture.dataset);
        assert_eq!(evaluation.outcome, Outcome::Failed);
        let messages: Vec<String> =
            evaluation.reconciliation.mismatches.into_iter().map(|one| one.message).collect();
        told.push(messages.join("; "));
    }
    insta::assert_snapshot!(told.join("\n"));
}

/// A stream states usage only to a client that asked; then to every one.
#[test]
fn a_stream_may_leave_usage_out_unless_it_was_asked_for() {
    let mut dataset = failover().dataset;
    for row in &mut dataset.clients {
        row.headers.insert("content-type".into(), "text/event-stream; charset=utf-8".into());
        row.usage = None;
    }
    let silent = judged(&dataset).reconciliation;
    assert_eq!((silent.mismatches.len(), silent.usages_compared), (0, 0));
    dataset.clients[7].usage = Some(Usage { prompt: 4, completion: 10, total: 14 });
    let mixed = judged(&dataset).reconciliation;
    assert_eq!(mixed.mismatches[0].count, 199);
    insta::assert_snapshot!(mixed.mismatches[0].message, @"an answer came without the usage that was booked: run-1, booked 14 tokens");
}

#[test]
fn a_success_that_broke_off_is_no_success() {
    let mut dataset = failover().dataset;
    dataset.clients[4].outcome = record::Outcome::BrokenOff(200, "reset".into());
    let all = Kind::Status(Status {
        statuses: Statuses::Codes(vec![200]),
        seen_by: SeenBy::Clients,
        measure: StatusMeasure::Share(ShareBand {
            lower: 1.0,
            upper: 1.0,
            comparison: Comparison::Exact,
        }),
    });
    let result = whole(&dataset, all);
    assert_eq!(result.verdict, Verdict::Failed);
    insta::assert_snapshot!(result.message);
    assert_eq!(result.examples, ["run-5"]);
    // A refusal that broke off was still a refusal.
    dataset.clients[4].outcome = record::Outcome::BrokenOff(429, "reset".into());
    assert_eq!(whole(&dataset, status(429, 0, 0)).verdict, Verdict::Failed);
}

/// "At most so many" over a span that never was shows nothing.
#[test]
fn a_count_of_nothing_never_passes() {
    let dataset = failover().dataset;
    let scope = Scope {
        span: Span { start: Start::AfterAction("never".into()), ..Span::default() },
        ..Scope::default()
    };
    let limits = Limits { at_least: None, at_most: Some(5) };
    let result = one(&dataset, scope, Kind::Requests(Requests { limits }));
    assert_eq!(result.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(result.message, @"action `never` did not take place");
}

#[test]
fn a_gateway_may_refuse_by_itself() {
    let mut fixture = failover();
    fixture.request(200.0, 0.0, &[]);
    let reconciliation = judged(&fixture.dataset).reconciliation;
    assert_eq!((reconciliation.by_gateway, reconciliation.mismatches.len()), (1, 0));
    // Without the gateway's records a refusal is believed, a success is not.
    fixture.dataset.gateway.clear();
    fixture.dataset.gateway_journal = false;
    assert!(judged(&fixture.dataset).reconciliation.mismatches.is_empty());
    fixture.dataset.clients[200].outcome = record::Outcome::Answered(200);
    assert_eq!(judged(&fixture.dataset).reconciliation.mismatches.len(), 1);
    fixture.dataset.journals_complete = false;
    let evaluation = judged(&fixture.dataset);
    assert_eq!(evaluation.outcome, Outcome::Passed);
    let share = whole(&fixture.dataset, share("payg1", 1.0, 1.0, Comparison::Exact));
    insta::assert_snapshot!(share.message, @"the simulators' journals could not be read");
}

#[test]
fn a_bench_at_fault_makes_the_run_invalid() {
    let changes: Vec<fn(&mut Dataset)> = vec![
        |d| d.clients.iter_mut().for_each(|row| row.scheduled = at(row.sent.as_secs_f64() - 0.02)),
        |d| {
            d.clients[4].outcome = record::Outcome::TransportFailed("connection refused".into());
            d.backends.retain(|row| row.correlation_id.as_deref() != Some("run-5"));
            d.gateway.remove(4);
        },
        |d| d.clients[199].outcome = record::Outcome::Abandoned,
        |d| d.actions[0].error = Some("timed out".into()),
        |d| d.journal_rows_dropped = 3,
        |d| d.journal_breaks = breaks(),
        |d| d.actions[0].started = at(61.2),
        |d| d.clients.clear(),
    ];
    let mut told = Vec::new();
    for change in changes {
        let mut fixture = failover();
        fixture.action("swap", 3.0, "");
        change(&mut fixture.dataset);
        let evaluation = judged(&fixture.dataset);
        assert_eq!(ExitCode::from(&evaluation), ExitCode::Invalid);
        told.push(evaluation.validity.reasons.join("; "));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn silence_keeps_no_promise_of_never() {
    let mut fixture = failover();
    let never = |fixture: &Fixture| whole(&fixture.dataset, status(429, 0, 0));
    assert_eq!(never(&fixture).verdict, Verdict::Passed);
    fixture.dataset.clients.iter_mut().for_each(|row| row.outcome = record::Outcome::TimedOut);
    let silent = never(&fixture);
    assert_eq!(silent.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(silent.message, @"200 requests, but not one had a whole answer");
    assert_eq!(whole(&fixture.dataset, status(200, 1, 200)).verdict, Verdict::Failed);
}

#[test]
fn lag_is_held_against_the_latencies_seen_where_none_is_limited() {
    let mut fixture = failover();
    for row in &mut fixture.dataset.clients {
        row.done = at(row.sent.as_secs_f64() + 1.0);
        row.scheduled = at(row.sent.as_secs_f64() - 0.02);
    }
    // Requests of a second: 50 ms of lag matter to nothing.
    assert!(judged(&fixture.dataset).validity.valid);
    let strict = Kind::Latency(Latency {
        statistic: Statistic::Percentile(0.5),
        sample: Sample::All,
        limits: Limits { at_least: None, at_most: Some(Duration::from_millis(300)) },
    });
    let strict = [assertion(Scope::default(), strict)];
    assert!(!evaluate(&fixture.dataset, &strict, &Settings::default()).validity.valid);
}

#[test]
fn the_worst_part_decides() {
    let dataset = split(600, 3);
    let of = |lower| assertion(Scope::default(), share("payg1", lower, 1.0, Comparison::Interval));
    let outcome = |kinds: &[Assertion]| evaluate(&dataset, kinds, &Settings::default());
    let (good, unclear, bad) = (of(0.5), of(0.66), of(0.9));
    let code = |kinds: &[Assertion]| ExitCode::from(&outcome(kinds)) as u8;
    assert_eq!(code(std::slice::from_ref(&good)), 0);
    assert_eq!(code(&[good.clone(), unclear.clone()]), 3);
    assert_eq!(code(&[good.clone(), unclear.clone(), bad.clone()]), 1);
    // Holm: of three checks two are decided, the third has all of alpha to itself.
    let levels: Vec<f64> = outcome(&[good, unclear, bad])
        .assertions
        .iter()
        .map(|result| result.interval.unwrap().alpha)
        .collect();
    assert!(
        (levels[0] - 1e-3 / 3.0).abs() < 1e-12 && (levels[1] - 1e-3).abs() < 1e-12,
        "{levels:?}"
    );
}

fn any_outcome() -> impl Strategy<Value = record::Outcome> {
    prop_oneof![
        (100_u16..600).prop_map(record::Outcome::Answered),
        (100_u16..600).prop_map(|status| record::Outcome::BrokenOff(status, "reset".into())),
        Just(record::Outcome::TransportFailed("refused".into())),
        Just(record::Outcome::TimedOut),
        Just(record::Outcome::Abandoned),
    ]
}

fn counted(seen_by: SeenBy) -> Counted {
    let statuses = Some(Statuses::Class(2));
    Counted { statuses, seen_by, answered_by: None, weight: Weight::TotalTokens }
}

fn window(least: Option<u64>, most: Option<u64>, seen_by: SeenBy) -> Window {
    Window {
        length: Duration::from_secs(9),
        counted: counted(seen_by),
        limits: Limits { at_least: least, at_most: most },
        while_offered: 1,
    }
}

fn period() -> Period {
    Period {
        counted: counted(SeenBy::Clients),
        bin: Duration::from_secs(1),
        over: None,
        shortest: Duration::from_secs(4),
        longest: Duration::from_secs(30),
        lasting: None,
    }
}

fn every_kind() -> Vec<Assertion> {
    let millis = |n| Some(Duration::from_millis(n));
    let both = Limits { at_least: millis(50), at_most: millis(150) };
    let ratio = |statistic| {
        Kind::LatencyRatio(LatencyRatio {
            statistic,
            sample: Sample::Successes,
            baseline: between(0, 20).span,
            limits: Limits { at_least: Some(0.5), at_most: Some(2.0) },
        })
    };
    let p95 = Statistic::Percentile(0.95);
    let kinds = vec![
        share("payg1", 1.0, 1.0, Comparison::Exact),
        share("payg2", 0.4, 0.6, Comparison::Interval),
        Kind::Latency(Latency { statistic: p95, sample: Sample::All, limits: both }),
        Kind::Latency(Latency {
            statistic: Statistic::Mean,
            sample: Sample::Successes,
            limits: both,
        }),
        ratio(Statistic::Mean),
        ratio(p95),
        status(429, 0, 3),
        Kind::Status(Status {
            statuses: Statuses::Class(2),
            seen_by: SeenBy::Simulator("payg2".into()),
            measure: StatusMeasure::Share(ShareBand {
                lower: 0.9,
                upper: 1.0,
                comparison: Comparison::Interval,
            }),
        }),
        Kind::Attempts(Attempts {
            answered_by: "payg2".into(),
            preceded_by: "payg1".into(),
            status: 429,
            exactly: 1,
        }),
        Kind::ActionAnswer(ActionAnswer {
            actions: ActionChoice::All,
            expected: ExpectedAnswer { status: Some(200), ..ExpectedAnswer::default() },
        }),
        Kind::Requests(Requests { limits: Limits { at_least: Some(3), at_most: None } }),
        Kind::Window(window(Some(2), None, SeenBy::Clients)),
        Kind::Window(window(None, Some(5), SeenBy::Simulator("payg1".into()))),
        Kind::Bins(Bins {
            length: Duration::from_secs(7),
            counted: counted(SeenBy::Clients),
            condition: BinCondition::Count(Limits { at_least: Some(1), at_most: Some(4) }),
            matching: Some(Limits { at_least: Some(1), at_most: Some(2) }),
            per: Some(2),
        }),
        Kind::Bins(Bins {
            length: Duration::from_secs(10),
            counted: counted(SeenBy::Clients),
            condition: BinCondition::Share(0.5),
            matching: None,
            per: None,
        }),
        Kind::Period(period()),
        Kind::Inversions(Inversions {
            high: Class { workload: Some("chat".into()), labels: Vec::new() },
            low: Class { workload: None, labels: Vec::new() },
            within: Duration::from_secs(1),
            pool: vec!["payg1".into()],
            at_most: 2,
        }),
        Kind::Starvation(Starvation {
            counted: counted(SeenBy::Clients),
            at_most: Duration::from_secs(3),
        }),
        Kind::Fairness(Fairness {
            by: Among::Workloads,
            counted: counted(SeenBy::Clients),
            at_least: 0.9,
        }),
        Kind::RateRatio(RateRatio {
            counted: counted(SeenBy::Clients),
            baseline: between(0, 30).span,
            limits: Limits { at_least: Some(0.5), at_most: None },
        }),
        Kind::Converges(Converges {
            counted: counted(SeenBy::Clients),
            lower: 0.2,
            upper: 0.9,
            requests: 5,
            within: Duration::from_secs(9),
        }),
    ];
    let mut after = Scope::default();
    after.span.start = Start::AfterAction("swap".into());
    after.span.settle = Duration::from_secs(1);
    let scopes = [Scope::default(), after];
    scopes
        .iter()
        .flat_map(|scope| kinds.iter().map(|kind| assertion(scope.clone(), kind.clone())))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn evaluates_whatever_was_recorded(
        rows in proptest::collection::vec((0_i32..60, -100_i32..2_000, proptest::collection::vec((0_usize..4, 100_u16..600), 0..4), any_outcome(), 0_usize..3), 0..80),
        orphans in 0_usize..3,
        complete: bool,
        gateway: bool,
        broken: bool,
    ) {
        let mut fixture = Fixture::new(60);
        for (sent, latency, attempts, outcome, index) in rows {
            fixture.request(f64::from(sent), f64::from(latency) / 1e3, &attempts);
            let row = fixture.dataset.clients.last_mut().unwrap();
            row.outcome = outcome;
            row.workload = index;
            row.stage = index;
            if index == 2 {
                row.correlation_id = "same".into();
            }
        }
        for _ in 0..orphans {
            fixture.probe("orphan", 3.0);
        }
        fixture.action("swap", 10.0, "");
        fixture.dataset.journals_complete = complete;
        fixture.dataset.gateway_journal = gateway;
        if !gateway {
            fixture.dataset.gateway.clear();
        }
        if broken {
            fixture.dataset.journal_breaks = breaks();
        }
        let evaluation = evaluate(&fixture.dataset, &every_kind(), &Settings::default());
        for result in &evaluation.assertions {
            prop_assert!(!result.message.is_empty());
            prop_assert!(result.examples.len() <= 3);
            prop_assert!(result.n != 0 || result.verdict != Verdict::Passed, "{:?}", result);
        }
        let account = &evaluation.account;
        let answered: u64 = account.answered.iter().map(|one| one.count).sum();
        prop_assert_eq!(account.requests, fixture.dataset.clients.len() as u64);
        prop_assert_eq!(
            answered + account.answered_by_gateway + account.answered_by_unknown + account.failures(),
            account.requests
        );
        let options = crate::report::terminal::TerminalOptions { width: 72, colour: false };
        let text = crate::report::terminal::render(&fixture.dataset, &evaluation, &options);
        prop_assert!(text.ends_with('\n'));
        let json = crate::report::json::render(&fixture.dataset, &evaluation);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }
}
