//! A backend's circuit breaker (specification 3.3): a pure state machine. It is
//! told the time, never asks for it.
//!
//! Closed, it counts failures in an interval; at the threshold it opens
//! and forgets them. Open, it lets nothing through until its time is over; then
//! it is closed again, without a trial phase.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::settings::{BreakerInterval, LateResults};

/// The longest time a breaker stays open or counts over: 366 days. A backend's
/// `Retry-After` is cut to it.
pub(crate) const MAX_TIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The interval of a percentage slides in so many steps, which bounds memory.
const STEPS: u64 = 1_000;

/// When a breaker opens, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BreakerRule {
    /// How much failure opens it.
    pub(crate) threshold: Threshold,
    /// The time over which calls are counted.
    pub(crate) interval: Duration,
    /// Statuses that are failures.
    pub(crate) status_codes: Vec<RangeInclusive<u16>>,
    /// Calls without an answer that are failures.
    pub(crate) error_reasons: Vec<ErrorReason>,
    /// Error reasons as written that name nothing this gateway knows.
    pub(crate) other_reasons: Vec<String>,
    /// How long it stays open.
    pub(crate) trip_duration: Duration,
    /// Whether the answer that opens it may say how long instead.
    pub(crate) accept_retry_after: bool,
}

/// How much failure opens a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threshold {
    /// So many failures.
    Count(usize),
    /// Such a share of the calls, from 1 to 100.
    Percentage(u8),
}

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorReason {
    /// No headers in time.
    Timeout,
    /// Refused, reset, or no such host.
    ConnectionFailure,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallResult {
    /// It was answered.
    Status(u16),
    /// It was not.
    Error(ErrorReason),
}

/// What a breaker says to a call about to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Let through.
    Closed,
    /// Let through, the first one since it was open.
    ClosedAgain,
    /// Not before then.
    Open(Instant),
}

impl BreakerRule {
    /// Whether this result counts against the backend.
    fn is_failure(&self, result: CallResult) -> bool {
        match result {
            CallResult::Status(status) => {
                self.status_codes.iter().any(|range| range.contains(&status))
            }
            CallResult::Error(reason) => self.error_reasons.contains(&reason),
        }
    }
}

/// How a rule is read where it is not documented.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// A percentage counts from so many calls on.
    pub(crate) minimum_calls: u64,
    /// Which interval it is.
    pub(crate) interval: BreakerInterval,
    /// What results do while it is open.
    pub(crate) late_results: LateResults,
}

/// A breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    rule: BreakerRule,
    reading: Reading,
    window: Window,
    /// Open until then; once that has passed, closed and not yet called.
    open_until: Option<Instant>,
}

impl Breaker {
    /// A closed breaker.
    pub(crate) fn new(rule: BreakerRule, reading: Reading) -> Self {
        let window = match rule.threshold {
            Threshold::Count(count) => Window::Failures { count, at: VecDeque::new() },
            Threshold::Percentage(percent) => Window::Share(Share {
                percent: u64::from(percent),
                minimum_calls: reading.minimum_calls,
                step: (rule.interval / u32::try_from(STEPS).unwrap_or(u32::MAX))
                    .max(Duration::from_nanos(1)),
                origin: None,
                steps: VecDeque::new(),
                calls: 0,
                failures: 0,
            }),
        };
        Self { rule, reading, window, open_until: None }
    }

    /// When it closes; `None` when it is closed.
    pub(crate) fn open_until(&self, now: Instant) -> Option<Instant> {
        self.open_until.filter(|until| now < *until)
    }

    /// A call is about to leave.
    pub(crate) fn pass(&mut self, now: Instant) -> Gate {
        match self.open_until {
            Some(until) if now < until => Gate::Open(until),
            Some(_) => {
                self.open_until = None;
                Gate::ClosedAgain
            }
            None => Gate::Closed,
        }
    }

    /// A call has a result, and the answer maybe a `Retry-After`. Returns when
    /// the breaker closes if this opens it, or opens it anew.
    pub(crate) fn record(
        &mut self,
        now: Instant,
        result: CallResult,
        retry_after: Option<Duration>,
    ) -> Option<Instant> {
        let open_until = self.open_until(now);
        if open_until.is_some() && self.reading.late_results == LateResults::Ignored {
            return None;
        }
        let failure = self.rule.is_failure(result);
        if !self.window.add(now, failure, self.rule.interval, self.reading.interval) {
            return None;
        }
        self.window.clear();
        let accepted = retry_after.filter(|_| self.rule.accept_retry_after);
        let until = now + accepted.unwrap_or(self.rule.trip_duration).min(MAX_TIME);
        let until = open_until.map_or(until, |before| before.max(until));
        self.open_until = Some(until);
        Some(until)
    }

    /// Whether `Retry-After` is of interest.
    pub(crate) fn accepts_retry_after(&self) -> bool {
        self.rule.accept_retry_after
    }
}

/// What is remembered of the calls within the interval.
#[derive(Debug)]
enum Window {
    /// The failures, at most `count`.
    Failures { count: usize, at: VecDeque<Instant> },
    /// All calls.
    Share(Share),
}

#[derive(Debug)]
struct Share {
    percent: u64,
    minimum_calls: u64,
    step: Duration,
    origin: Option<Instant>,
    steps: VecDeque<Step>,
    calls: u64,
    failures: u64,
}

#[derive(Debug)]
struct Step {
    index: u128,
    calls: u64,
    failures: u64,
}

impl Window {
    /// Adds a call; whether the threshold is reached by it.
    fn add(
        &mut self,
        now: Instant,
        failure: bool,
        interval: Duration,
        kind: BreakerInterval,
    ) -> bool {
        match self {
            Self::Failures { count, at } => {
                if !failure {
                    return false;
                }
                while at
                    .front()
                    .is_some_and(|first| interval <= now.saturating_duration_since(*first))
                {
                    match kind {
                        BreakerInterval::Sliding => drop(at.pop_front()),
                        BreakerInterval::Fixed => at.clear(),
                    }
                }
                at.push_back(now);
                *count <= at.len()
            }
            Self::Share(share) => share.add(now, failure, kind),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Failures { at, .. } => at.clear(),
            Self::Share(share) => share.clear(),
        }
    }
}

impl Share {
    fn clear(&mut self) {
        self.steps.clear();
        (self.calls, self.failures) = (0, 0);
    }

    fn add(&mut self, now: Instant, failure: bool, kind: BreakerInterval) -> bool {
        let origin = *self.origin.get_or_insert(now);
        let index = now.saturating_duration_since(origin).as_nanos() / self.step.as_nanos();
        while let Some(first) = self.steps.front()
            && first.index + u128::from(STEPS) <= index
        {
            match kind {
                BreakerInterval::Fixed => self.clear(),
                BreakerInterval::Sliding => {
                    self.calls -= first.calls;
                    self.failures -= first.failures;
                    self.steps.pop_front();
                }
            }
        }
        let failed = u64::from(failure);
        self.calls += 1;
        self.failures += failed;
        match self.steps.back_mut() {
            Some(last) if index <= last.index => {
                last.calls += 1;
                last.failures += failed;
            }
            _ => self.steps.push_back(Step { index, calls: 1, failures: failed }),
        }
        failure
            && self.minimum_calls <= self.calls
            && self.percent * self.calls <= self.failures * 100
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(minimum_calls: u64) -> Reading {
        Reading {
            minimum_calls,
            interval: BreakerInterval::Sliding,
            late_results: LateResults::Ignored,
        }
    }

    fn rule(threshold: Threshold) -> BreakerRule {
        BreakerRule {
            threshold,
            interval: Duration::from_secs(10),
            status_codes: vec![429..=429, 500..=599],
            error_reasons: vec![ErrorReason::Timeout],
            other_reasons: Vec::new(),
            trip_duration: Duration::from_secs(60),
            accept_retry_after: true,
        }
    }

    /// Seconds from a start at which results come in, and whether each opens.
    #[track_caller]
    fn check(rule: BreakerRule, results: &[(f64, CallResult, bool)]) {
        let start = Instant::now();
        let mut breaker = Breaker::new(rule, reading(1));
        for &(at, result, opens) in results {
            let now = start + Duration::from_secs_f64(at);
            assert_eq!(breaker.record(now, result, None).is_some(), opens, "at {at} s");
        }
    }

    const REFUSED: CallResult = CallResult::Status(429);
    const GOOD: CallResult = CallResult::Status(200);

    #[test]
    fn opens_at_the_third_failure_within_the_interval() {
        let three = || rule(Threshold::Count(3));
        check(three(), &[(0.0, REFUSED, false), (1.0, REFUSED, false), (9.999, REFUSED, true)]);
        // The first has just left the interval.
        check(
            three(),
            &[
                (0.0, REFUSED, false),
                (1.0, REFUSED, false),
                (10.0, REFUSED, false),
                (10.5, REFUSED, true),
            ],
        );
        // Successes in between change nothing; other statuses are no failures.
        check(
            three(),
            &[
                (0.0, REFUSED, false),
                (0.1, GOOD, false),
                (0.2, CallResult::Status(404), false),
                (0.3, CallResult::Status(503), false),
                (0.4, GOOD, false),
                (0.5, REFUSED, true),
            ],
        );
    }

    #[test]
    fn errors_count_when_they_are_named() {
        let timeout = CallResult::Error(ErrorReason::Timeout);
        let refused = CallResult::Error(ErrorReason::ConnectionFailure);
        check(rule(Threshold::Count(1)), &[(0.0, refused, false), (1.0, timeout, true)]);
    }

    #[test]
    fn closes_after_its_time_and_has_forgotten() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut breaker = Breaker::new(rule(Threshold::Count(2)), reading(1));
        breaker.record(at(0), REFUSED, None);
        assert_eq!(breaker.record(at(1), REFUSED, None), Some(at(61)));
        assert_eq!(breaker.open_until(at(60)), Some(at(61)));
        assert_eq!(breaker.pass(at(60)), Gate::Open(at(61)));
        // Late answers of calls that left before neither prolong nor count.
        assert_eq!(breaker.record(at(60), REFUSED, Some(Duration::from_secs(99))), None);
        assert_eq!(breaker.open_until(at(61)), None);
        assert_eq!(breaker.pass(at(61)), Gate::ClosedAgain);
        assert_eq!(breaker.pass(at(61)), Gate::Closed);
        assert_eq!(breaker.record(at(62), REFUSED, None), None);
        assert_eq!(breaker.record(at(63), REFUSED, None), Some(at(123)));
    }

    #[test]
    fn retry_after_replaces_the_trip_duration_when_accepted() {
        let start = Instant::now();
        let opened = |accept, retry_after: Option<u64>| {
            let rule = BreakerRule { accept_retry_after: accept, ..rule(Threshold::Count(1)) };
            let until = Breaker::new(rule, reading(1)).record(
                start,
                REFUSED,
                retry_after.map(Duration::from_secs),
            );
            until.map(|until| (until - start).as_secs())
        };
        assert_eq!(opened(true, Some(7)), Some(7));
        assert_eq!(opened(true, None), Some(60));
        assert_eq!(opened(false, Some(7)), Some(60));
        assert_eq!(opened(true, Some(u64::MAX)), Some(MAX_TIME.as_secs()));
    }

    #[test]
    fn a_percentage_waits_for_its_minimum_of_calls() {
        let start = Instant::now();
        let opens = |minimum_calls, results: &[CallResult]| {
            let mut breaker = Breaker::new(rule(Threshold::Percentage(50)), reading(minimum_calls));
            results.iter().position(|result| breaker.record(start, *result, None).is_some())
        };
        assert_eq!(opens(1, &[REFUSED]), Some(0));
        assert_eq!(opens(4, &[REFUSED, REFUSED, GOOD, REFUSED]), Some(3));
        assert_eq!(opens(1, &[GOOD, GOOD, GOOD, REFUSED, REFUSED, REFUSED]), Some(5));
        // Only a failure opens.
        assert_eq!(opens(2, &[REFUSED, GOOD]), None);
    }

    /// The same over the list of all results, the slow way.
    struct Model {
        threshold: Threshold,
        minimum_calls: usize,
        interval: Duration,
        trip: Duration,
        origin: Option<Instant>,
        results: Vec<(Instant, bool)>,
        open_until: Option<Instant>,
    }

    impl Model {
        fn record(&mut self, now: Instant, failure: bool) -> Option<Instant> {
            if self.open_until.is_some_and(|until| now < until) {
                return None;
            }
            self.results.push((now, failure));
            let origin = *self.origin.get_or_insert(now);
            let step = self.interval / 1_000;
            let index = |at: Instant| (at - origin).as_nanos() / step.as_nanos();
            let count = |failures_only: bool, within: &dyn Fn(Instant) -> bool| {
                let counted = self
                    .results
                    .iter()
                    .filter(|(at, failed)| within(*at) && (*failed || !failures_only));
                counted.count()
            };
            let reached = match self.threshold {
                Threshold::Count(threshold) => {
                    threshold <= count(true, &|at| now - at < self.interval)
                }
                Threshold::Percentage(percent) => {
                    let within = |at| index(now) < index(at) + 1_000;
                    let (failures, calls) = (count(true, &within), count(false, &within));
                    self.minimum_calls <= calls && usize::from(percent) * calls <= failures * 100
                }
            };
            if !failure || !reached {
                return None;
            }
            self.results.clear();
            self.open_until = Some(now + self.trip);
            self.open_until
        }
    }

    proptest! {
        #[test]
        fn agrees_with_counting_all_results(
            count in 1_usize..6,
            percent in prop::option::of(1_u8..=100),
            minimum_calls in 1_u8..8,
            calls in prop::collection::vec((0_u64..6_000, any::<bool>()), 0..120),
        ) {
            let threshold = percent.map_or(Threshold::Count(count), Threshold::Percentage);
            let trip = Duration::from_secs(7);
            let rule = BreakerRule { trip_duration: trip, ..rule(threshold) };
            let mut model = Model {
                threshold,
                minimum_calls: usize::from(minimum_calls),
                interval: rule.interval,
                trip,
                origin: None,
                results: Vec::new(),
                open_until: None,
            };
            let mut breaker = Breaker::new(rule, reading(u64::from(minimum_calls)));
            let mut now = Instant::now();
            for (wait, failure) in calls {
                now += Duration::from_millis(wait);
                let result = CallResult::Status(if failure { 429 } else { 200 });
                let open = model.open_until.is_some_and(|until| now < until);
                prop_assert_eq!(breaker.open_until(now).is_some(), open);
                prop_assert_eq!(matches!(breaker.pass(now), Gate::Open(_)), open);
                prop_assert_eq!(breaker.record(now, result, None), model.record(now, failure));
            }
        }
    }
}
