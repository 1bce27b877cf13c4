//! Kinds that hold headers and the gateway's own records against what clients and
//! simulators saw: each passed, failed in every way it can, and undecided.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fixture::{Fixture, verdict};
use super::{AssertionResult, Verdict};
use crate::record::{Dataset, Endpoints, GatewayEvent, GatewayMetric, Outcome, RunTime, World};
use crate::scenario::assertion::*;

const LEFT: &str = "x-apim-remaining-tokens";

/// A request each second for `left.len()` seconds, over in a quarter of one; the
/// header says this.
fn told(left: &[&str]) -> Dataset {
    let mut fixture = Fixture::new(left.len() as u64);
    for (second, left) in (0_u32..).zip(left) {
        fixture.request(f64::from(second), 0.25, &[(0, 200)]);
        let row = fixture.dataset.clients.last_mut().unwrap();
        row.headers.insert(LEFT.to_owned(), (*left).to_owned());
    }
    fixture.dataset
}

fn counter(dataset: &Dataset, plus: Option<(&str, f64)>) -> AssertionResult {
    counted(dataset, plus, Counts::Answered)
}

fn counted(dataset: &Dataset, plus: Option<(&str, f64)>, counts: Counts) -> AssertionResult {
    let kind = Kind::Counter(Counter {
        header: LEFT.to_owned(),
        limit: 100,
        plus: plus.map(|(header, share)| (header.to_owned(), share)),
        period: Duration::from_secs(2),
        weight: Some(10),
        counts,
    });
    verdict(dataset, Scope::default(), kind)
}

#[test]
fn a_counter_is_replayed() {
    // An answer counts from its end, 0.25 s after it was asked for, for 2 s.
    let good = counter(&told(&["100", "90", "80", "80", "80"]), None);
    assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
    insta::assert_snapshot!(good.message, @"5 answers, each with the counter's value");
    let more = counter(&told(&["100", "90", "90", "80", "80"]), None);
    assert_eq!((more.verdict, &more.examples[..]), (Verdict::Failed, &["run-3".to_owned()][..]));
    insta::assert_snapshot!(more.message, @"expected x-apim-remaining-tokens as the counter had it, but of 5 answers 1 told more than was left (first at 2s, request 3: 90 told, 80 left)");
    // A window that is longer than it should be.
    let less = counter(&told(&["100", "90", "80", "70", "80"]), None);
    insta::assert_snapshot!(less.message, @"expected x-apim-remaining-tokens as the counter had it, but of 5 answers 1 told less than was left (first at 3s, request 4: 70 told, 80 left)");
    let text = counter(&told(&["100", "none", "80", "80", "80"]), None);
    insta::assert_snapshot!(text.message, @"expected x-apim-remaining-tokens as the counter had it, but of 5 answers 1 had no number in it (first at 1s, request 2: `none`)");
    let mut absent = told(&["100", "90"]);
    absent.clients[1].headers.clear();
    let absent = counter(&absent, None);
    assert_eq!(absent.verdict, Verdict::Failed);
    insta::assert_snapshot!(absent.message, @"expected x-apim-remaining-tokens as the counter had it, but of 2 answers 1 had no such header (first at 1s, request 2)");
}

#[test]
fn a_counter_counts_what_was_admitted() {
    let admitted = |left: &[&str]| counted(&told(left), None, Counts::Admitted);
    // The request of two seconds ago leaves just when this one comes: either is right.
    for third in ["70", "80"] {
        let good = admitted(&["90", "80", third]);
        assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
    }
    let without_itself = admitted(&["100", "90"]);
    insta::assert_snapshot!(without_itself.message, @"expected x-apim-remaining-tokens as the counter had it, but of 2 answers 2 told more than was left (first at 0s, request 1: 100 told, 90 left)");
    let forgets_nothing = admitted(&["90", "80", "70", "60"]);
    insta::assert_snapshot!(forgets_nothing.message, @"expected x-apim-remaining-tokens as the counter had it, but of 4 answers 1 told less than was left (first at 3s, request 4: 60 told, 70 left)");
}

#[test]
fn a_counter_counts_what_was_answered() {
    // A refusal counts nothing, and tells what is left all the same.
    let mut dataset = told(&["100", "90", "90", "90", "100"]);
    for (index, told) in [(1, "90"), (2, "90")] {
        dataset.clients[index].outcome = Outcome::Answered(429);
        dataset.clients[index].headers.insert(LEFT.to_owned(), told.to_owned());
    }
    let refused = counter(&dataset, None);
    insta::assert_snapshot!(refused.message, @"expected x-apim-remaining-tokens as the counter had it, but of 5 answers 1 told more than was left and 1 told less than was left (first at 3s, request 4: 90 told, 100 left)");
    dataset.clients[3].headers.insert(LEFT.to_owned(), "100".to_owned());
    dataset.clients[4].headers.insert(LEFT.to_owned(), "90".to_owned());
    assert_eq!(counter(&dataset, None).verdict, Verdict::Passed);
    // Nobody was answered, and nobody told.
    let mut dataset = told(&["100", "90"]);
    for row in &mut dataset.clients {
        row.outcome = Outcome::Answered(429);
        row.headers.clear();
    }
    let none = counter(&dataset, None);
    assert_eq!(none.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(none.message, @"not one answer should have the header");
}

#[test]
fn a_counters_limit_may_grow_with_another() {
    let mut dataset = told(&["105", "95"]);
    for row in &mut dataset.clients {
        row.headers.insert("x-apim-global".to_owned(), "59".to_owned());
    }
    assert_eq!(counter(&dataset, Some(("x-apim-global", 0.1))).verdict, Verdict::Passed);
    let more = counter(&dataset, Some(("x-apim-global", 0.05)));
    insta::assert_snapshot!(more.message, @"expected x-apim-remaining-tokens as the counter had it, but of 2 answers 2 told more than was left (first at 0s, request 1: 105 told, 102 left)");
}

#[test]
fn in_real_time_a_counter_may_be_what_the_times_allow() {
    // The second was asked for before the first was over, and answered after.
    let mut dataset = told(&["100", "90"]);
    dataset.world = World::Real;
    dataset.clients[1].sent = RunTime { nanos: 100_000_000 };
    dataset.clients[1].first_byte = Some(RunTime { nanos: 1_000_000_000 });
    assert_eq!(counter(&dataset, None).verdict, Verdict::Passed);
    dataset.clients[1].headers.insert(LEFT.to_owned(), "100".to_owned());
    assert_eq!(counter(&dataset, None).verdict, Verdict::Passed, "or it came first");
    dataset.clients[1].headers.insert(LEFT.to_owned(), "80".to_owned());
    assert_eq!(counter(&dataset, None).verdict, Verdict::Failed);
}

fn shape(name: &str, conditions: Vec<Condition>, at_least: u64) -> Shape {
    Shape { name: name.to_owned(), conditions, at_least, at_most: None }
}

fn answers(dataset: &Dataset, code: u16, shapes: Vec<Shape>) -> AssertionResult {
    let kind = Kind::Answers(Answers { statuses: Statuses::Codes(vec![code]), shapes });
    verdict(dataset, Scope::default(), kind)
}

/// Six answers: two of the gateway, two of the backend, two 200s.
fn refused() -> Dataset {
    let mut fixture = Fixture::new(6);
    for second in 0..6_u32 {
        let status = if second < 4 { 429 } else { 200 };
        fixture.request(f64::from(second), 0.1, &[(0, status)]);
        let headers: &[(&str, &str)] = match second {
            0 | 1 => &[("x-gw-priority", "low"), ("x-gw-ratelimit-value", " 29756 ")],
            2 | 3 => &[("x-ratelimit-reset-tokens", "12"), ("retry-after", "12")],
            _ => &[],
        };
        let row = fixture.dataset.clients.last_mut().unwrap();
        let own = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        row.headers.extend(own);
    }
    fixture.dataset
}

fn by_gateway(below: u64) -> Shape {
    let conditions = vec![
        Condition::Equals("x-gw-priority".into(), "low".into()),
        Condition::Below("x-gw-ratelimit-value".into(), below),
        Condition::Lacks("retry-after".into()),
    ];
    shape("by the gateway", conditions, 1)
}

fn by_backend(least: u64) -> Shape {
    let conditions = vec![
        Condition::Has("x-ratelimit-reset-tokens".into()),
        Condition::Same("retry-after".into(), "x-ratelimit-reset-tokens".into()),
        Condition::NotBelow("retry-after".into(), 1),
    ];
    shape("by the backend", conditions, least)
}

#[test]
fn answers_come_in_known_shapes() {
    let good = answers(&refused(), 429, vec![by_gateway(30_000), by_backend(2)]);
    assert_eq!((good.verdict, good.n), (Verdict::Passed, 4), "{good:?}");
    insta::assert_snapshot!(good.message, @"4 answers: 2 by the gateway, 2 by the backend");

    let bad = answers(&refused(), 429, vec![by_gateway(29_756), by_backend(0)]);
    assert_eq!((bad.verdict, bad.examples.len()), (Verdict::Failed, 2));
    insta::assert_snapshot!(bad.message, @"expected each 429 by the gateway or by the backend, but of 4 answers 2 fit none: x-gw-ratelimit-value is 29756, not below 29756 (first at 0s, request 1)");
    let short = answers(&refused(), 429, vec![by_gateway(30_000), by_backend(3)]);
    assert_eq!(short.verdict, Verdict::Failed);
    insta::assert_snapshot!(short.message, @"expected at least 3 by the backend, but of 4 answers 2 were");

    let ways = |conditions: Vec<Condition>| {
        answers(&refused(), 429, vec![by_gateway(30_000), shape("other", conditions, 0)]).message
    };
    insta::assert_snapshot!(ways(vec![Condition::Lacks("retry-after".into())]), @"expected each 429 by the gateway or other, but of 4 answers 2 fit none: retry-after is 12 (first at 2s, request 3)");
    insta::assert_snapshot!(ways(vec![Condition::Has("x-ms-region".into())]), @"expected each 429 by the gateway or other, but of 4 answers 2 fit none: no x-ms-region (first at 2s, request 3)");
    insta::assert_snapshot!(ways(vec![Condition::NotBelow("retry-after".into(), 13)]), @"expected each 429 by the gateway or other, but of 4 answers 2 fit none: retry-after is 12, not 13 or more (first at 2s, request 3)");
    insta::assert_snapshot!(ways(vec![Condition::Same("retry-after".into(), "x-none".into())]), @"expected each 429 by the gateway or other, but of 4 answers 2 fit none: retry-after is 12, and no x-none (first at 2s, request 3)");
}

#[test]
fn a_rare_shape_may_have_so_many() {
    let rare = |most| Shape { at_most: Some(most), ..by_backend(0) };
    let good = answers(&refused(), 429, vec![by_gateway(30_000), rare(2)]);
    assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
    let bad = answers(&refused(), 429, vec![by_gateway(30_000), rare(1)]);
    assert_eq!((bad.verdict, &bad.examples[..]), (Verdict::Failed, &["run-4".to_owned()][..]));
    insta::assert_snapshot!(bad.message, @"expected at most 1 by the backend, but of 4 answers 2 were (one too many at 3s, request 4: no x-gw-priority, not low, no x-gw-ratelimit-value, not below 30000 and retry-after is 12)");
}

#[test]
fn answers_of_a_status_nobody_got_prove_nothing() {
    let none = answers(&refused(), 503, vec![shape("any", Vec::new(), 0)]);
    assert_eq!(none.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(none.message, @"6 requests, but not one was answered 503");
    // Unless there must have been some.
    let some = answers(&refused(), 503, vec![shape("any", Vec::new(), 1)]);
    assert_eq!(some.verdict, Verdict::Failed);
    insta::assert_snapshot!(some.message, @"expected at least 1 any, but of 0 answers 0 were");
}

/// Four requests, the last refused; each book holds the first three.
fn booked() -> Dataset {
    let mut fixture = Fixture::new(4);
    for second in 0..4_u32 {
        let status = if second < 3 { 200 } else { 429 };
        fixture.request(f64::from(second), 0.1, &[(0, status)]);
        let key = if second == 1 { "two" } else { "one" };
        let row = fixture.dataset.clients.last_mut().unwrap();
        row.labels = BTreeMap::from([("key".to_owned(), key.into())]);
        if status == 200 {
            let record = fixture.dataset.gateway.last_mut().unwrap();
            record.metrics = vec![metric("Prompt Tokens", 4.0, key), metric("Rest", 10.0, key)];
            record.events = vec![event(&format!(r#"{{"Total": "14", "Who": "sub-{key}"}}"#))];
        }
    }
    fixture.dataset
}

fn metric(name: &str, value: f64, key: &str) -> GatewayMetric {
    GatewayMetric {
        namespace: "usage".into(),
        name: name.into(),
        value,
        dimensions: BTreeMap::from([("Subscription".to_owned(), format!("sub-{key}"))]),
    }
}

fn event(body: &str) -> GatewayEvent {
    GatewayEvent { logger: "hub".into(), body: body.into() }
}

fn ledger_of(dataset: &Dataset, worth: Worth, booked: Booked) -> AssertionResult {
    let names = vec!["Prompt Tokens".into(), "Rest".into()];
    let by_label = [("one", "sub-one"), ("two", "sub-two")];
    let by_label = by_label.map(|(label, owner)| (label.to_owned(), owner.to_owned()));
    let kind = Kind::Ledger(Ledger {
        worth,
        booked,
        metric: Some(LedgerMetric {
            namespace: "usage".into(),
            names,
            owner: Some("Subscription".into()),
        }),
        event: Some(LedgerEvent {
            logger: "hub".into(),
            field: (worth != Worth::Entry).then(|| "Total".into()),
            owner: Some("Who".into()),
        }),
        owner: Some(("key".into(), BTreeMap::from(by_label))),
    });
    verdict(dataset, Scope::default(), kind)
}

fn ledger(dataset: &Dataset) -> AssertionResult {
    ledger_of(dataset, Worth::TotalTokens, Booked::Answered)
}

/// A change of the books, and what is said of it.
#[track_caller]
fn differs(change: impl FnOnce(&mut Dataset), words: &str) {
    let mut dataset = booked();
    change(&mut dataset);
    let result = ledger(&dataset);
    assert_eq!(result.verdict, Verdict::Failed, "{result:?}");
    assert!(result.message.contains(words), "{}", result.message);
}

#[test]
fn books_agree_request_by_request() {
    let good = ledger(&booked());
    assert_eq!((good.verdict, good.n), (Verdict::Passed, 3), "{good:?}");
    insta::assert_snapshot!(good.message, @"42 tokens of 3 requests in every book: sub-one 28, sub-two 14");
    // Other metrics and loggers are none of its business.
    let mut other = booked();
    other.gateway[0]
        .metrics
        .push(GatewayMetric { namespace: "x".into(), ..metric("Rest", 1.0, "one") });
    other.gateway[0].events.push(GatewayEvent { logger: "x".into(), body: String::new() });
    assert_eq!(ledger(&other).verdict, Verdict::Passed);
    // What reached a backend is another number than what was answered.
    let forwarded = ledger_of(&booked(), Worth::TotalTokens, Booked::Forwarded);
    assert_eq!(forwarded.verdict, Verdict::Failed);
    assert!(forwarded.message.contains("no event × 1"), "{}", forwarded.message);
    let entries = ledger_of(&booked(), Worth::Entry, Booked::Answered);
    insta::assert_snapshot!(entries.message, @"3 entries of 3 requests in every book: sub-one 2, sub-two 1");
}

#[test]
fn books_that_differ_say_how() {
    differs(|all| all.gateway[0].events.clear(), "no event × 1 (first at 0s, request 1)");
    differs(|all| all.gateway[0].metrics.truncate(1), "no metric `Rest` × 1");
    differs(
        |all| all.gateway[0].metrics.push(metric("Rest", 1.0, "one")),
        "2 of metric `Rest` × 1",
    );
    differs(
        |all| all.gateway[1].metrics[1].value = 9.0,
        "metric `Prompt Tokens` + `Rest` with another value × 1 (first at 1s",
    );
    differs(
        |all| all.gateway[3].events.push(event("{}")),
        "event for a request that was not answered 2xx",
    );
    differs(|all| all.gateway[0].events[0] = event("no JSON"), "an event that is no JSON object");
    differs(
        |all| all.gateway[0].events[0] = event(r#"{"Who": "sub-one"}"#),
        "an event without `Total`",
    );
    differs(
        |all| all.gateway[0].events[0] = event(r#"{"Total": "x", "Who": "sub-one"}"#),
        "an event whose `Total` is no number",
    );
    differs(
        |all| all.gateway[0].events[0] = event(r#"{"Total": 15, "Who": "sub-one"}"#),
        "an event with another `Total`",
    );
    differs(|all| all.gateway[0].events[0] = event(r#"{"Total": 14}"#), "event without an owner");
    differs(
        |all| all.gateway[1].metrics[0] = metric("Prompt Tokens", 4.0, "one"),
        "metric `Prompt Tokens` booked on `sub-one` instead of `sub-two`",
    );
    differs(|all| all.clients[0].labels.clear(), "event of a request without an owner");
    differs(|all| all.clients[0].usage = None, "an answer without usage");
    differs(
        |all| all.backends[0].usage = None,
        "a simulator booked other tokens than the answer states",
    );
    differs(
        |all| all.gateway.clear(),
        "the books differ: 42 tokens by the clients, 0 by the metrics, 0 by the events",
    );
}

#[test]
fn books_that_were_not_read_prove_nothing() {
    let unread = ledger(&Dataset { gateway_journal: false, ..booked() });
    assert_eq!(unread.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(unread.message, @"the gateway's journal was not read");
    let blind = ledger(&Dataset { journals_complete: false, ..booked() });
    insta::assert_snapshot!(blind.message, @"the simulators' journals could not be read");
    let mut idle = booked();
    idle.clients.iter_mut().for_each(|row| row.outcome = Outcome::Answered(429));
    idle.gateway.iter_mut().for_each(|row| {
        row.metrics.clear();
        row.events.clear();
    });
    let idle = ledger(&idle);
    assert_eq!(idle.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(idle.message, @"4 requests, but none to be booked");
}

/// Of real endpoints there are two books: the clients' and the gateway's.
#[test]
fn with_real_endpoints_two_books_are_compared() {
    let real = |change: fn(&mut Dataset)| {
        let mut dataset =
            Dataset { endpoints: Endpoints::Real, journals_complete: false, ..booked() };
        dataset.backends.clear();
        change(&mut dataset);
        dataset
    };
    assert_eq!(ledger(&real(|_| ())).verdict, Verdict::Passed);
    let forwarded = ledger_of(&real(|_| ()), Worth::TotalTokens, Booked::Forwarded);
    assert!(forwarded.message.contains("no event × 1"), "{}", forwarded.message);
    let dropped = ledger(&real(|all| all.gateway[0].events.clear()));
    assert_eq!(dropped.verdict, Verdict::Failed);
    // API Management has no journal of ours.
    let unread = ledger(&real(|all| all.gateway_journal = false));
    assert_eq!(unread.verdict, Verdict::Skipped);
    insta::assert_snapshot!(unread.message, @"the gateway's journal was not read");
}
