//! Percentiles, means and ratios, and the samples they need.

use super::*;

/// `n` requests; each `every`-th takes a second, the others 100 ms.
fn slow(n: u32, every: u32) -> Dataset {
    let mut fixture = Fixture::new(u64::from(n));
    for index in 0..n {
        let latency = if index % every == 0 { 1.0 } else { 0.1 };
        fixture.request(f64::from(index), latency, &[(0, 200)]);
    }
    fixture.dataset
}

#[test]
fn percentiles() {
    let p95 = Statistic::Percentile(0.95);
    let good = whole(&slow(1_000, 50), latency(p95, None, Some(250)));
    assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
    let bad = whole(&slow(1_000, 10), latency(p95, None, Some(250)));
    assert_eq!(bad.verdict, Verdict::Failed);
    insta::assert_snapshot!(bad.message, @"expected p95 at most 250 ms, but it is 1 s: 100 of 1,000 requests took longer (10 %, allowed 5 %); the slowest took 1 s (sent at 0s, request 1)");
    let close = whole(&slow(1_000, 25), latency(p95, None, Some(250)));
    assert_eq!(close.verdict, Verdict::Inconclusive, "{close:?}");
    assert!(close.n_to_settle.unwrap() > 1_000);

    let floor = whole(&slow(1_000, 10), latency(p95, Some(900), None));
    assert_eq!(floor.verdict, Verdict::Passed, "{floor:?}");
    let floor = whole(&slow(1_000, 50), latency(p95, Some(900), None));
    assert_eq!(floor.verdict, Verdict::Failed);
}

#[test]
fn percentiles_need_the_sample_the_specification_says() {
    for (q, least) in [(0.90, 66), (0.95, 135), (0.99, 688)] {
        let kind = latency(Statistic::Percentile(q), None, Some(250));
        assert_eq!(whole(&slow_none(least), kind.clone()).verdict, Verdict::Passed, "{q}");
        let few = whole(&slow_none(least - 1), kind);
        assert_eq!(few.verdict, Verdict::Inconclusive);
        assert_eq!(few.n_to_settle, Some(u64::from(least)));
    }
}

fn slow_none(n: u32) -> Dataset {
    let mut fixture = Fixture::new(u64::from(n));
    for index in 0..n {
        fixture.request(f64::from(index), 0.1, &[(0, 200)]);
    }
    fixture.dataset
}

#[test]
fn errors_are_slower_than_any_limit() {
    let mut dataset = slow_none(400);
    for row in dataset.clients.iter_mut().step_by(10) {
        row.outcome = record::Outcome::TimedOut;
    }
    let p95 = latency(Statistic::Percentile(0.95), None, Some(60_000));
    let bad = whole(&dataset, p95);
    assert_eq!(bad.verdict, Verdict::Failed);
    insta::assert_snapshot!(bad.message, @"expected p95 at most 60 s, but 40 of 400 requests had no 2xx answer and count as slower than any limit (first at 0s, request 1)");
    let limits = Limits { at_least: None, at_most: Some(Duration::from_secs(60)) };
    let of = |statistic| Kind::Latency(Latency { statistic, sample: Sample::Successes, limits });
    assert_eq!(whole(&dataset, of(Statistic::Percentile(0.95))).verdict, Verdict::Passed);
    assert_eq!(whole(&dataset, of(Statistic::Mean)).verdict, Verdict::Passed);
    let mean = whole(&dataset, latency(Statistic::Mean, None, Some(60_000)));
    insta::assert_snapshot!(mean.message, @"no mean over all requests of the span: 40 of 400 had no 2xx answer, first at 0s, request 1 (`successes_only = true` leaves them out)");
}

#[test]
fn means() {
    let mean = |least, most| latency(Statistic::Mean, least, most);
    // Each tenth takes a second: a mean of 190 ms.
    let dataset = slow(1_000, 10);
    assert_eq!(whole(&dataset, mean(None, Some(250))).verdict, Verdict::Passed);
    assert_eq!(whole(&dataset, mean(Some(150), Some(250))).verdict, Verdict::Passed);
    let bad = whole(&dataset, mean(None, Some(150)));
    assert_eq!(bad.verdict, Verdict::Failed);
    insta::assert_snapshot!(bad.message, @"expected a mean at most 150 ms, but it is 190 ms over 1,000 requests; the slowest took 1 s (sent at 0s, request 1)");
    let noisy = latency_routing(180.0);
    let close = one(&noisy, between(0, 120), mean(None, Some(100)));
    assert_eq!(close.verdict, Verdict::Inconclusive, "{close:?}");
    let few = one(&noisy, between(0, 3), mean(None, Some(500)));
    insta::assert_snapshot!(few.message, @"6 requests are too few for a mean: at least 8 are needed");
}

#[test]
fn ratios() {
    let ratio = |least, most| {
        Kind::LatencyRatio(LatencyRatio {
            statistic: Statistic::Mean,
            sample: Sample::All,
            baseline: between(10, 120).span,
            limits: Limits { at_least: least, at_most: most },
        })
    };
    let dataset = latency_routing(180.0);
    let five = ratio(Some(5.0), None);
    let good = one(&dataset, between(125, 180), five.clone());
    assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
    let back = one(&dataset, between(190, 300), ratio(Some(0.7), Some(1.3)));
    assert_eq!(back.verdict, Verdict::Passed, "{back:?}");
    // Moved over at once: nothing slows down.
    let bad = one(&latency_routing(120.0), between(125, 180), five);
    assert_eq!(bad.verdict, Verdict::Failed);
    insta::assert_snapshot!(bad.message, @"expected the mean to change by a factor of at least 5, but it is 1.01 (101 ms over 100 ms)");
    let close = one(&dataset, between(125, 180), ratio(Some(good.observed.unwrap().value), None));
    assert_eq!(close.verdict, Verdict::Inconclusive);
    let again = one(&dataset, between(125, 180), ratio(Some(5.0), None));
    assert_eq!(good.interval, again.interval, "seeded by the run");
}
