//! Kinds about classes of requests and about change: each passed, failed and
//! undecided.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fixture::{Fixture, at, verdict};
use super::{AssertionResult, Verdict};
use crate::record::{Dataset, World};
use crate::scenario::assertion::*;

fn counted(code: u16) -> Counted {
    Counted {
        statuses: Some(Statuses::Codes(vec![code])),
        seen_by: SeenBy::Clients,
        answered_by: None,
        weight: Weight::Fixed(1),
    }
}

fn second(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// High and low in turn, one request each half second for a minute; from 30 s on
/// low is refused, and high too at these seconds.
fn classes(high_refused_at: &[u32]) -> Dataset {
    let mut fixture = Fixture::new(60);
    fixture.dataset.workloads = vec!["high".into(), "low".into()];
    for index in 0..120_u32 {
        let low = index % 2 == 1;
        let refused = if low { 60 <= index } else { high_refused_at.contains(&(index / 2)) };
        let status = if refused { 429 } else { 200 };
        fixture.request(f64::from(index) * 0.5, 0.1, &[(0, status)]);
        let row = fixture.dataset.clients.last_mut().unwrap();
        row.workload = usize::from(low);
        let label = ["one", "two", "three"][index as usize % 3];
        row.labels = BTreeMap::from([("key".to_owned(), label.into())]);
    }
    fixture.dataset
}

fn inversions(dataset: &Dataset, at_most: u64, pool: &[&str]) -> AssertionResult {
    let class = |name: &str| Class { workload: Some(name.into()), labels: Vec::new() };
    let kind = Kind::Inversions(Inversions {
        high: class("high"),
        low: class("low"),
        within: second(1),
        pool: pool.iter().map(|name| (*name).to_owned()).collect(),
        at_most,
    });
    verdict(dataset, Scope::default(), kind)
}

#[test]
fn refusals_out_of_turn() {
    let good = inversions(&classes(&[40, 50]), 0, &[]);
    assert_eq!((good.verdict, good.n), (Verdict::Passed, 120));
    insta::assert_snapshot!(good.message, @"0 of 2 refusals of high beside the 30 of low that were admitted");
    let bad = inversions(&classes(&[10, 11, 40]), 0, &[]);
    assert_eq!(bad.verdict, Verdict::Failed);
    insta::assert_snapshot!(bad.message, @"expected none, but 2 of 3 refusals of high came while low was admitted (first at 10s, request 21)");
    assert_eq!(bad.examples, ["run-21", "run-23"]);
    assert_eq!(inversions(&classes(&[10, 11, 40]), 2, &[]).verdict, Verdict::Passed);
    // Low was admitted to payg1; nobody competes for payg2.
    assert_eq!(inversions(&classes(&[10]), 0, &["payg1"]).verdict, Verdict::Failed);
    assert_eq!(inversions(&classes(&[10]), 0, &["payg2"]).verdict, Verdict::Passed);

    // Decided up to 0.6 s after they were sent: perhaps more than a second apart.
    let mut real = classes(&[10]);
    real.world = World::Real;
    for row in &mut real.clients {
        row.first_byte = Some(crate::record::RunTime { nanos: row.sent.nanos + 600_000_000 });
    }
    let doubtful = inversions(&real, 0, &[]);
    assert_eq!(doubtful.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(doubtful.message, @"0 of 1 refusal of high surely came while low was admitted, 1 perhaps: when each was decided is not known well enough");
    let mut silent = classes(&[]);
    silent.clients.retain(|row| row.workload == 1);
    assert_eq!(inversions(&silent, 0, &[]).verdict, Verdict::Inconclusive);
}

#[test]
fn time_asked_in_vain() {
    let asked = |dataset: &Dataset, workload: &str, most: u64| {
        let kind = Kind::Starvation(Starvation { counted: counted(200), at_most: second(most) });
        verdict(dataset, Scope { workload: Some(workload.into()), ..Scope::default() }, kind)
    };
    let dataset = classes(&[10, 11]);
    let good = asked(&dataset, "high", 2);
    assert_eq!(good.verdict, Verdict::Passed);
    insta::assert_snapshot!(good.message, @"asked in vain for 2s at most from 10s, request 21");
    let bad = asked(&dataset, "low", 20);
    assert_eq!((bad.verdict, bad.examples.len()), (Verdict::Failed, 3));
    insta::assert_snapshot!(bad.message, @"expected at most 20s between requests answered 200, but 30 requests were in vain for 29s from 30.5s, request 62");
    // A pause without requests is nobody's fault.
    let mut quiet = classes(&[]);
    quiet.clients.retain(|row| row.workload == 0 && !(at(10.0)..at(50.0)).contains(&row.sent));
    assert_eq!(asked(&quiet, "high", 1).verdict, Verdict::Passed);
    let mut none = classes(&[]);
    none.clients.retain(|row| at(58.0) <= row.sent);
    let none = asked(&none, "low", 5);
    assert_eq!(none.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(none.message, @"none of 2 was let through, in 1s");
}

#[test]
fn evenness_over_values() {
    let asked = |dataset: &Dataset, by: Among| {
        let kind = Kind::Fairness(Fairness { by, counted: counted(200), at_least: 0.95 });
        verdict(dataset, Scope::default(), kind)
    };
    let good = asked(&classes(&[]), Among::Draw("key".into()));
    assert_eq!(good.verdict, Verdict::Passed);
    insta::assert_snapshot!(good.message, @"requests answered 200 by 3 values: one 30 … two 30");
    let bad = asked(&classes(&[]), Among::Workloads);
    assert_eq!((bad.verdict, bad.examples.len()), (Verdict::Failed, 3));
    insta::assert_snapshot!(bad.message, @"expected an index of at least 0.95, but it is 0.9: requests answered 200 by 2 values: high 60 … low 30");
    let mut few = classes(&[]);
    few.clients.truncate(30);
    let few = asked(&few, Among::Draw("key".into()));
    assert_eq!((few.verdict, few.n_to_settle), (Verdict::Inconclusive, Some(60)));
    insta::assert_snapshot!(few.message, @"30 requests are too few for 3 values");
}

#[test]
fn rates_of_two_spans() {
    let asked = |least: f64, from: u64, to: u64| {
        let span = |from, to| Span {
            start: Start::At(second(from)),
            end: Some(second(to)),
            settle: Duration::ZERO,
        };
        let limits = Limits { at_least: Some(least), at_most: None };
        let kind =
            Kind::RateRatio(RateRatio { counted: counted(200), baseline: span(30, 60), limits });
        verdict(&classes(&[]), Scope { span: span(from, to), ..Scope::default() }, kind)
    };
    let good = asked(1.5, 0, 30);
    assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
    insta::assert_snapshot!(good.message, @"the rate of requests answered 200 differs by a factor of 2 (2/s over 1/s)");
    let bad = asked(3.0, 0, 30);
    assert_eq!(bad.verdict, Verdict::Failed);
    insta::assert_snapshot!(bad.message, @"expected the rate of requests answered 200 to differ by a factor of at least 3, but it is 2 (2/s over 1/s)");
    let short = asked(1.5, 0, 15);
    assert_eq!(short.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(short.message, @"the span is shorter than 20 s, which a rate takes");
}

#[test]
fn time_until_a_share_stays() {
    let asked = |dataset: &Dataset, lower: f64, requests: usize, within: u64| {
        let kind = Kind::Converges(Converges {
            counted: counted(200),
            lower,
            upper: 1.0,
            requests,
            within: second(within),
        });
        let high = Some("high".to_owned());
        verdict(dataset, Scope { workload: high, ..Scope::default() }, kind)
    };
    let dataset = classes(&[2, 3, 5, 8]);
    let good = asked(&dataset, 1.0, 10, 9);
    assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
    insta::assert_snapshot!(good.message, @"holds after 9s, from 9s, request 19 on");
    let bad = asked(&dataset, 1.0, 10, 8);
    assert_eq!((bad.verdict, bad.examples.len()), (Verdict::Failed, 1));
    insta::assert_snapshot!(bad.message, @"expected at least 100 % of every 10 requests to be requests answered 200, from 8s on, but it took 9s, until 9s, request 19");
    let never = asked(&classes(&[2, 59]), 1.0, 10, 8);
    assert_eq!(never.verdict, Verdict::Failed);
    insta::assert_snapshot!(never.message, @"expected at least 100 % of every 10 requests to be requests answered 200, from 8s on, but the last are not either");
    let short = asked(&dataset, 1.0, 100, 8);
    assert_eq!((short.verdict, short.n_to_settle), (Verdict::Inconclusive, Some(100)));
    insta::assert_snapshot!(short.message, @"60 requests are fewer than the 100 of one share");
    assert_eq!(asked(&classes(&[]), 1.0, 10, 1).observed.unwrap().text, "0s");
}
