//! How soon a share stays where it should be.

use std::collections::BTreeSet;

use seam::units::HumanDuration;

use super::check::{Check, Finding, real};
use super::evaluate::Ask;
use super::events::{Events, thing};
use super::joined::{Joined, examples};
use super::result::{Observed, Unit, Verdict};
use super::words;
use crate::record::RunTime;
use crate::scenario::assertion::{Assertion, Converges};

impl Ask for Converges {
    /// From soon enough on, every run of requests holds the share.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let share = match (0.0 < self.lower, self.upper < 1.0) {
            (true, true) => {
                format!("{} to {}", words::percent(self.lower), words::percent(self.upper))
            }
            (true, false) => format!("at least {}", words::percent(self.lower)),
            _ => format!("at most {}", words::percent(self.upper)),
        };
        let threshold = format!(
            "{share} of every {} requests to be {}, from {} on",
            words::count(self.requests as u64),
            thing(&self.counted),
            HumanDuration(self.within)
        );
        let taken = Events::take(joined, &assertion.scope, &self.counted)
            .and_then(|events| Ok((events, joined.start(&assertion.scope.span)?)));
        let (events, start) = match taken {
            Ok(taken) => taken,
            Err(why) => return Check::nothing(threshold, why),
        };
        let n = events.n();
        if events.requests.len() < self.requests {
            let message = format!(
                "{} are fewer than the {} of one share",
                words::counted(n, "request", "requests"),
                words::count(self.requests as u64)
            );
            return Check::Fact(Finding {
                n,
                n_to_settle: Some(self.requests as u64),
                ..Finding::new(Verdict::Inconclusive, threshold, message)
            });
        }
        let counted: BTreeSet<u64> =
            events.counted.iter().map(|event| event.request.row.number).collect();
        let hits: Vec<bool> =
            events.requests.iter().map(|one| counted.contains(&one.row.number)).collect();
        let whole = real(self.requests as u64);
        let off = |window: &[bool]| {
            let share = real(window.iter().filter(|hit| **hit).count() as u64) / whole;
            share < self.lower - 1e-12 || self.upper + 1e-12 < share
        };
        let windows = hits.windows(self.requests);
        let last =
            windows.enumerate().filter(|(_, window)| off(window)).map(|(at, _)| at).next_back();
        let from = last.map_or(0, |last| last + 1);
        let wrong = || {
            let window = events.requests.iter().zip(&hits).skip(last.unwrap_or_default());
            let should = 0.0 < self.lower;
            let wrong = window.take(self.requests).filter(move |(_, hit)| **hit != should);
            examples(wrong.map(|(request, _)| *request))
        };
        // The last window is off: it never stayed.
        let converged = (from + self.requests <= hits.len()).then(|| events.requests.get(from));
        let Some(request) = converged.flatten() else {
            let message = format!("expected {threshold}, but the last are not either");
            return Check::Fact(Finding {
                n,
                examples: wrong(),
                ..Finding::new(Verdict::Failed, threshold, message)
            });
        };
        // From the first request on: it held from the start.
        let after = if last.is_none() { 0 } else { request.row.sent.nanos - start.nanos };
        let after = RunTime { nanos: after };
        let good = after <= RunTime::from(self.within);
        let verdict = if good { Verdict::Passed } else { Verdict::Failed };
        let text = words::moment(after);
        let message = match verdict {
            Verdict::Passed => format!("holds after {text}, from {} on", request.place()),
            _ => format!("expected {threshold}, but it took {text}, until {}", request.place()),
        };
        Check::Fact(Finding {
            n,
            observed: Some(Observed { value: after.as_secs_f64(), unit: Unit::Seconds, text }),
            examples: if good { Vec::new() } else { wrong() },
            ..Finding::new(verdict, threshold, message)
        })
    }
}
