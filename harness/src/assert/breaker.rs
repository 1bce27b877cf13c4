//! Whether a circuit breaker opened, stayed open and closed again. When it must
//! have opened is told from the simulator's own answers.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::check::{Check, Finding, real};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::{Observed, Unit, Verdict};
use super::words;
use crate::record::{BackendRow, RunTime};
use crate::scenario::assertion::{Assertion, Breaker};

/// A time during which nothing may arrive.
struct Trip<'a> {
    /// The request whose failure opened it.
    request: Request<'a>,
    opened: RunTime,
    closes: RunTime,
    /// Whether `retry-after` said how long.
    by_retry_after: bool,
}

/// One thing that should not have been.
struct Fault<'a> {
    request: Request<'a>,
    at: RunTime,
    what: String,
}

impl Ask for Breaker {
    /// Every trip of the span kept what is asked of it.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let threshold = self.threshold();
        let known = joined.simulator(&self.simulator).and_then(|index| {
            let meanwhile = self.meanwhile.as_ref().map(|name| joined.simulator(name));
            Ok((index, meanwhile.transpose()?, joined.select(&assertion.scope)?))
        });
        let (index, meanwhile, selected) = match known {
            Ok(known) => known,
            Err(why) => return Check::nothing(threshold, why),
        };
        let numbers: BTreeSet<u64> = selected.iter().map(|request| request.row.number).collect();
        let all = self.trips(joined, index);
        let trips: Vec<&Trip<'_>> =
            all.iter().filter(|trip| numbers.contains(&trip.request.row.number)).collect();
        if trips.is_empty() {
            let (failures, within) = (self.failures, duration(self.within));
            let (status, at) = (self.status, &self.simulator);
            let why = format!("{at} never answered {status} {failures} times within {within}");
            return Check::nothing(threshold, why);
        }
        let mut faults = Vec::new();
        let failures = self.failures(&selected, index);
        if self.failures_reach_clients {
            let status = self.status;
            let kept = failures.iter().filter(|one| one.row.outcome.status() != Some(status));
            faults.extend(kept.map(|request| Fault {
                request: *request,
                at: request.row.sent,
                what: format!("a {status} of {} did not reach its client", self.simulator),
            }));
        }
        for trip in &trips {
            self.while_open(joined, trip, index, meanwhile, &mut faults);
            self.once_closed(joined, trip, index, &mut faults);
        }
        if let Some(stand_in) = meanwhile {
            self.while_closed(joined, &all, &selected, stand_in, &mut faults);
        }
        // The first in time explains the others.
        faults.sort_by_key(|fault| fault.at);
        self.finish(threshold, &trips, failures.len() as u64, &faults)
    }
}

impl Breaker {
    fn threshold(&self) -> String {
        let open = duration(self.trip);
        let open = if self.accept_retry_after {
            format!("as long as Retry-After says, else {open}")
        } else {
            format!("for {open}")
        };
        let (failures, within) = (self.failures, duration(self.within));
        let (status, at) = (self.status, &self.simulator);
        let mut text =
            format!("no request at {at} {open} after {failures} × {status} within {within}");
        if let Some(meanwhile) = &self.meanwhile {
            text.push_str(&format!(", all at {meanwhile} then and only then"));
        }
        if let Some(allowed) = self.used_again_within {
            text.push_str(&format!(", then one within {}", duration(allowed)));
        }
        if self.failures_reach_clients {
            text.push_str(&format!(", each {status} seen by its client"));
        }
        text
    }

    /// When it must have opened, in order. A failure that comes in while it is
    /// open counts for nothing.
    fn trips<'a>(&self, joined: &'a Joined<'_>, index: usize) -> Vec<Trip<'a>> {
        let mut failures: Vec<(Request<'a>, &BackendRow)> = Vec::new();
        for request in joined.requests() {
            let own = request.attempts.iter().copied();
            let own = own.filter(|row| row.simulator == index && row.status == self.status);
            failures.extend(own.map(|row| (request, row)));
        }
        failures.sort_by_key(|(_, row)| (row.done, row.received, row.life, row.number));
        let within = RunTime::from(self.within).nanos;
        let mut trips: Vec<Trip<'a>> = Vec::new();
        let mut recent: VecDeque<RunTime> = VecDeque::new();
        for (request, row) in failures {
            let now = row.done;
            if trips.last().is_some_and(|trip| now < trip.closes) {
                continue;
            }
            recent.push_back(now);
            while recent.front().is_some_and(|first| within <= now.nanos - first.nanos) {
                recent.pop_front();
            }
            if recent.len() < usize::try_from(self.failures).unwrap_or(usize::MAX) {
                continue;
            }
            recent.clear();
            let retry_after = self.retry_after(&request, row);
            trips.push(Trip {
                request,
                opened: now,
                closes: plus(now, retry_after.unwrap_or(self.trip)),
                by_retry_after: retry_after.is_some(),
            });
        }
        trips
    }

    /// The `retry-after` of a failure, when its client saw that very answer.
    fn retry_after(&self, request: &Request<'_>, row: &BackendRow) -> Option<Duration> {
        let answer = request.answering().filter(|answer| {
            (answer.simulator, answer.life, answer.number) == (row.simulator, row.life, row.number)
        });
        let value = request.row.headers.get("retry-after").filter(|_| answer.is_some())?;
        let seconds = value.trim().parse().ok().filter(|_| self.accept_retry_after)?;
        Some(Duration::from_secs(seconds))
    }

    /// Nothing arrives at the simulator, everything at the one that stands in.
    fn while_open<'a>(
        &self,
        joined: &'a Joined<'_>,
        trip: &Trip<'a>,
        index: usize,
        meanwhile: Option<usize>,
        faults: &mut Vec<Fault<'a>>,
    ) {
        let from = plus(trip.opened, self.grace);
        let open = |time: RunTime| from < time && time < trip.closes;
        for request in joined.requests() {
            for row in request.attempts.iter().filter(|row| open(row.received)) {
                let arrived = words::moment(row.received);
                if row.simulator == index {
                    let what = format!(
                        "a request arrived at {} at {arrived}, {}",
                        self.simulator,
                        trip.words()
                    );
                    faults.push(Fault { request, at: row.received, what });
                } else if meanwhile.is_some_and(|stand_in| row.simulator != stand_in) {
                    let at = joined.simulator_name(row.simulator);
                    let what = format!("a request arrived at {at} at {arrived}, {}", trip.words());
                    faults.push(Fault { request, at: row.received, what });
                }
            }
            if meanwhile.is_some() && request.attempts.is_empty() && open(request.row.sent) {
                let sent = words::moment(request.row.sent);
                let what = format!("a request of {sent} reached no simulator, {}", trip.words());
                faults.push(Fault { request, at: request.row.sent, what });
            }
        }
    }

    /// Closed, the simulator is used again, if there is anything to send.
    fn once_closed<'a>(
        &self,
        joined: &'a Joined<'_>,
        trip: &Trip<'a>,
        index: usize,
        faults: &mut Vec<Fault<'a>>,
    ) {
        let Some(allowed) = self.used_again_within else { return };
        let until = plus(trip.closes, allowed);
        let due = |time: RunTime| trip.closes <= time && time <= until;
        let mut sent = joined.requests().filter(|request| due(request.row.sent)).peekable();
        let Some(first) = sent.peek().copied() else { return };
        let used = joined
            .requests()
            .flat_map(|request| request.attempts.iter())
            .any(|row| row.simulator == index && due(row.received));
        if !used {
            let what = format!(
                "{} was not used again within {} although it was {}",
                self.simulator,
                duration(allowed),
                trip.words()
            );
            faults.push(Fault { request: first, at: until, what });
        }
    }

    /// Nothing arrives at the one that stands in.
    fn while_closed<'a>(
        &self,
        joined: &Joined<'_>,
        trips: &[Trip<'_>],
        selected: &[Request<'a>],
        stand_in: usize,
        faults: &mut Vec<Fault<'a>>,
    ) {
        let open = |time: RunTime| {
            let next = trips.partition_point(|trip| trip.opened <= time);
            let last = next.checked_sub(1).and_then(|last| trips.get(last));
            last.is_some_and(|trip| time <= plus(trip.closes, self.grace))
        };
        for request in selected {
            let early = |row: &&&BackendRow| row.simulator == stand_in && !open(row.received);
            faults.extend(request.attempts.iter().filter(early).map(|row| Fault {
                request: *request,
                at: row.received,
                what: format!(
                    "a request arrived at {} at {}, although {} had not failed {} times",
                    joined.simulator_name(stand_in),
                    words::moment(row.received),
                    self.simulator,
                    self.failures
                ),
            }));
        }
    }

    /// Requests that failed at the simulator.
    fn failures<'a>(&self, selected: &[Request<'a>], index: usize) -> Vec<Request<'a>> {
        let failed = |row: &&BackendRow| row.simulator == index && row.status == self.status;
        selected.iter().filter(|one| one.attempts.iter().any(failed)).copied().collect()
    }

    fn finish(
        &self,
        threshold: String,
        trips: &[&Trip<'_>],
        failures: u64,
        faults: &[Fault<'_>],
    ) -> Check {
        let lengths = trips.iter().map(|trip| trip.closes.nanos - trip.opened.nanos);
        let least = lengths.clone().min().unwrap_or(0);
        let most = lengths.max().unwrap_or(0);
        let said = |nanos| words::latency(RunTime { nanos }.as_secs_f64());
        let range =
            if least == most { said(least) } else { format!("{} to {}", said(least), said(most)) };
        let n = trips.len() as u64;
        let of = format!("{} × {}", words::count(failures), self.status);
        let text = format!("{} of {range} after {of}", words::counted(n, "trip", "trips"));
        let (verdict, message) = match faults.first() {
            None => (Verdict::Passed, format!("{text}, all as promised")),
            Some(first) => {
                let more = match faults.len() {
                    1 => String::new(),
                    faults => format!(", and {} more", words::count(faults as u64 - 1)),
                };
                (Verdict::Failed, format!("expected {threshold}, but {}{more}", first.what))
            }
        };
        Check::Fact(Finding {
            n,
            observed: Some(Observed { value: real(n), unit: Unit::Count, text }),
            examples: examples(faults.iter().map(|fault| fault.request)),
            ..Finding::new(verdict, threshold, message)
        })
    }
}

impl Trip<'_> {
    /// `open from 181.2s to 182.2s, as Retry-After said`.
    fn words(&self) -> String {
        let (opened, closes) = (words::moment(self.opened), words::moment(self.closes));
        let why = if self.by_retry_after { ", as Retry-After said" } else { "" };
        format!("open from {opened} to {closes}{why}")
    }
}

fn plus(time: RunTime, duration: Duration) -> RunTime {
    RunTime { nanos: time.nanos.saturating_add(RunTime::from(duration).nanos) }
}

fn duration(duration: Duration) -> String {
    words::latency(duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, at};
    use super::super::result::AssertionResult;
    use super::super::{Settings, evaluate};
    use super::*;
    use crate::record::Dataset;
    use crate::scenario::assertion::{Kind, Scope};

    /// payg1 refuses at 10, 11 and 12 s; the last says to wait four seconds.
    /// payg2 answers until 16 s, then payg1 again.
    fn tripped() -> Fixture {
        let mut fixture = Fixture::new(30);
        for second in 0..30_u32 {
            let attempts: &[(usize, u16)] = match second {
                10..=12 => &[(0, 429)],
                13..=15 => &[(1, 200)],
                _ => &[(0, 200)],
            };
            fixture.request(f64::from(second), 0.0, attempts);
        }
        fixture.dataset.clients[12].headers.insert("retry-after".into(), "4".into());
        fixture
    }

    fn wanted() -> Breaker {
        Breaker {
            simulator: "payg1".into(),
            status: 429,
            failures: 3,
            within: Duration::from_secs(10),
            trip: Duration::from_secs(60),
            accept_retry_after: true,
            meanwhile: Some("payg2".into()),
            used_again_within: Some(Duration::from_secs(1)),
            failures_reach_clients: true,
            grace: Duration::ZERO,
        }
    }

    fn judge(dataset: &Dataset, breaker: Breaker) -> AssertionResult {
        let assertion = Assertion {
            id: "a".into(),
            claim: "c".into(),
            scope: Scope::default(),
            simulators_only: false,
            kind: Kind::Breaker(breaker),
        };
        evaluate(dataset, &[assertion], &Settings::default()).assertions.remove(0)
    }

    #[test]
    fn a_trip_by_retry_after() {
        let result = judge(&tripped().dataset, wanted());
        assert_eq!(result.verdict, Verdict::Passed, "{}", result.message);
        insta::assert_snapshot!(result.message, @"1 trip of 4 s after 3 × 429, all as promised");
        insta::assert_snapshot!(result.threshold, @"no request at payg1 as long as Retry-After says, else 60 s after 3 × 429 within 10 s, all at payg2 then and only then, then one within 1 s, each 429 seen by its client");
    }

    /// The trip time stands where no answer says otherwise: the request at 16 s
    /// is then one too many.
    #[test]
    fn a_trip_by_its_own_time() {
        let deaf = Breaker { accept_retry_after: false, ..wanted() };
        let result = judge(&tripped().dataset, deaf.clone());
        assert_eq!(result.verdict, Verdict::Failed);
        insta::assert_snapshot!(result.message, @"expected no request at payg1 for 60 s after 3 × 429 within 10 s, all at payg2 then and only then, then one within 1 s, each 429 seen by its client, but a request arrived at payg1 at 16s, open from 12s to 72s, and 13 more");
        // Nothing was sent after 72 s: that it was not used again is no fault.
        let mut quiet = tripped();
        for row in &mut quiet.dataset.backends {
            if at(13.0) <= row.received {
                row.simulator = 1;
            }
        }
        assert_eq!(judge(&quiet.dataset, deaf).verdict, Verdict::Passed);
    }

    #[test]
    fn requests_while_it_is_open() {
        let mut fixture = tripped();
        fixture.dataset.backends[14].simulator = 0;
        let result = judge(&fixture.dataset, wanted());
        assert_eq!(result.verdict, Verdict::Failed);
        assert!(
            result.message.contains(
                "a request arrived at payg1 at 14s, open from 12s to 16s, as Retry-After said"
            ),
            "{}",
            result.message
        );
        assert_eq!(result.examples, ["run-15"]);
        // One that left before it opened may still arrive.
        let lenient = Breaker { grace: Duration::from_secs(2), ..wanted() };
        assert_eq!(judge(&fixture.dataset, lenient).verdict, Verdict::Passed);

        let mut elsewhere = tripped();
        elsewhere.dataset.simulators.push("payg3".into());
        elsewhere.dataset.backends[14].simulator = 2;
        let result = judge(&elsewhere.dataset, wanted());
        assert!(result.message.contains("a request arrived at payg3 at 14s"), "{}", result.message);

        let mut lost = tripped();
        lost.dataset.backends.remove(14);
        let result = judge(&lost.dataset, wanted());
        assert!(
            result.message.contains("a request of 14s reached no simulator"),
            "{}",
            result.message
        );
    }

    #[test]
    fn a_breaker_that_stays_open() {
        let mut fixture = tripped();
        for row in &mut fixture.dataset.backends {
            if at(13.0) <= row.received {
                row.simulator = 1;
            }
        }
        let result = judge(&fixture.dataset, wanted());
        assert_eq!(result.verdict, Verdict::Failed);
        assert!(result.message.contains("payg1 was not used again within 1 s although it was open from 12s to 16s, as Retry-After said"), "{}", result.message);
    }

    #[test]
    fn a_failure_the_gateway_kept_to_itself() {
        let mut fixture = tripped();
        fixture.dataset.clients[11].outcome = crate::record::Outcome::Answered(503);
        let result = judge(&fixture.dataset, wanted());
        assert_eq!(result.verdict, Verdict::Failed);
        assert!(
            result.message.contains("a 429 of payg1 did not reach its client"),
            "{}",
            result.message
        );
    }

    #[test]
    fn a_stand_in_that_is_called_too_early() {
        let mut fixture = tripped();
        fixture.dataset.backends[11].simulator = 1;
        fixture.dataset.backends[11].status = 200;
        fixture.dataset.clients[11].outcome = crate::record::Outcome::Answered(200);
        let two = Breaker { failures: 2, ..wanted() };
        let result = judge(&fixture.dataset, two);
        assert_eq!(result.verdict, Verdict::Failed);
        assert!(
            result.message.contains(
                "a request arrived at payg2 at 11s, although payg1 had not failed 2 times"
            ),
            "{}",
            result.message
        );
    }

    /// Failures further apart than the interval do not add up, and no trip shows
    /// nothing.
    #[test]
    fn no_trip_never_passes() {
        let narrow = Breaker { within: Duration::from_secs(2), ..wanted() };
        let result = judge(&tripped().dataset, narrow);
        assert_eq!(result.verdict, Verdict::Inconclusive);
        insta::assert_snapshot!(result.message, @"payg1 never answered 429 3 times within 2 s");
        let just = Breaker { within: Duration::from_millis(2_001), ..wanted() };
        assert_eq!(judge(&tripped().dataset, just).verdict, Verdict::Passed);
    }
}
