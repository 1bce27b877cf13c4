//! How long the gateway waited between two attempts of one request.

use super::check::{Check, Finding};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::{Observed, Unit, Verdict};
use super::routing::answered;
use super::words;
use crate::record::RunTime;
use crate::scenario::assertion::{Assertion, Limits, RetryWait};

impl Ask for RetryWait {
    /// Every wait lies within the limits.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let limits = Limits {
            at_least: self.limits.at_least.map(RunTime::from),
            at_most: self.limits.at_most.map(RunTime::from),
        };
        let said = |time: RunTime| words::latency(time.as_secs_f64());
        let threshold = match (limits.at_least, limits.at_most) {
            (Some(least), Some(most)) => {
                format!("{} to {} between attempts", said(least), said(most))
            }
            (Some(least), None) => format!("at least {} between attempts", said(least)),
            (None, Some(most)) => format!("at most {} between attempts", said(most)),
            (None, None) => "any time between attempts".to_owned(),
        };
        let by = self.answered_by.as_deref();
        if let Err(why) = joined.journals() {
            return Check::nothing(threshold, why);
        }
        let selected = by
            .map(|name| joined.simulator(name))
            .transpose()
            .and_then(|by| Ok((by, answered(joined, &assertion.scope)?)));
        let (by_index, requests) = match selected {
            Ok(selected) => selected,
            Err(why) => return Check::nothing(threshold, why),
        };
        let mut waits: Vec<(Request<'_>, RunTime)> = Vec::new();
        for request in &requests {
            let Some(answer) = request.answering() else { continue };
            if by_index.is_some_and(|by| answer.simulator != by) {
                continue;
            }
            for pair in request.attempts.windows(2) {
                if let [before, after] = pair {
                    let nanos = after.received.nanos - before.done.nanos;
                    waits.push((*request, RunTime { nanos }));
                }
            }
        }
        if waits.is_empty() {
            let of = words::counted(requests.len() as u64, "answer", "answers");
            let from = by.map(|by| format!(" from {by}")).unwrap_or_default();
            return Check::nothing(threshold, format!("{of}, but none{from} took two attempts"));
        }
        let wrong: Vec<&(Request<'_>, RunTime)> =
            waits.iter().filter(|(_, wait)| !within(*wait, &limits)).collect();
        let least = waits.iter().map(|(_, wait)| *wait).min().unwrap_or_default();
        let most = waits.iter().map(|(_, wait)| *wait).max().unwrap_or_default();
        let range = if said(least) == said(most) {
            said(least)
        } else {
            format!("{} to {}", said(least), said(most))
        };
        let n = words::counted(waits.len() as u64, "wait", "waits");
        let (verdict, message) = match wrong.first() {
            None => (Verdict::Passed, format!("{n} of {range}")),
            Some((first, wait)) => {
                let (bad, place) = (words::count(wrong.len() as u64), first.place());
                let text = format!(
                    "expected {threshold}, but {bad} of {n} took another time ({range}; {} first at {place})",
                    said(*wait)
                );
                (Verdict::Failed, text)
            }
        };
        Check::Fact(Finding {
            n: waits.len() as u64,
            observed: Some(Observed {
                value: most.as_secs_f64(),
                unit: Unit::Seconds,
                text: format!("{n} of {range}"),
            }),
            examples: examples(wrong.iter().map(|(request, _)| *request)),
            ..Finding::new(verdict, threshold, message)
        })
    }
}

fn within(wait: RunTime, limits: &Limits<RunTime>) -> bool {
    limits.at_least.is_none_or(|least| least <= wait)
        && limits.at_most.is_none_or(|most| wait <= most)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fixture::{Fixture, at};
    use super::super::result::AssertionResult;
    use super::super::{Settings, evaluate};
    use super::*;
    use crate::record::Dataset;
    use crate::scenario::assertion::{Kind, Scope};

    fn judge(dataset: &Dataset, kind: Kind) -> AssertionResult {
        let assertion = Assertion {
            id: "a".into(),
            claim: "c".into(),
            scope: Scope::default(),
            simulators_only: false,
            kind,
        };
        evaluate(dataset, &[assertion], &Settings::default()).assertions.remove(0)
    }

    /// Ten failovers from payg1, which refused at once, to payg2; the retry came
    /// after so many seconds.
    fn run(wait: f64) -> Dataset {
        let mut fixture = Fixture::new(60);
        for second in 0..10_u32 {
            let sent = f64::from(second) * 5.0;
            fixture.request(sent, wait + 1.0, &[(0, 429), (1, 200)]);
            fixture.dataset.backends.last_mut().unwrap().received = at(sent + wait);
        }
        fixture.dataset
    }

    fn one_second() -> Kind {
        Kind::RetryWait(RetryWait {
            answered_by: Some("payg2".into()),
            limits: Limits {
                at_least: Some(Duration::from_secs(1)),
                at_most: Some(Duration::from_millis(1_050)),
            },
        })
    }

    #[test]
    fn waits_between_attempts() {
        let good = judge(&run(1.0), one_second());
        assert_eq!((good.verdict, good.n), (Verdict::Passed, 10));
        insta::assert_snapshot!(good.message, @"10 waits of 1 s");
        let mut long = run(1.0);
        long.backends[7].received = at(15.0 + 2.9);
        let bad = judge(&long, one_second());
        assert_eq!((bad.verdict, bad.examples), (Verdict::Failed, vec!["run-4".to_owned()]));
        insta::assert_snapshot!(bad.message, @"expected 1 s to 1.05 s between attempts, but 1 of 10 waits took another time (1 s to 2.9 s; 2.9 s first at 15s, request 4)");
        let none = judge(&run(0.0), one_second());
        assert_eq!(none.verdict, Verdict::Failed);
    }

    #[test]
    fn without_a_second_attempt_there_is_no_wait() {
        let mut fixture = Fixture::new(60);
        fixture.request(1.0, 0.1, &[(1, 200)]);
        let result = judge(&fixture.dataset, one_second());
        assert_eq!(result.verdict, Verdict::Inconclusive);
        insta::assert_snapshot!(result.message, @"1 answer, but none from payg2 took two attempts");
    }
}
