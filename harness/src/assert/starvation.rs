//! How long clients asked in vain.

use std::collections::BTreeSet;

use super::check::{Check, Finding};
use super::evaluate::Ask;
use super::events::{Events, thing};
use super::joined::{Joined, Request, examples};
use super::result::{Observed, Unit, Verdict};
use super::words;
use crate::record::RunTime;
use crate::scenario::assertion::{Assertion, Starvation};

impl Ask for Starvation {
    /// No run of requests in vain is longer.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let limit = RunTime::from(self.at_most);
        let threshold =
            format!("at most {} between {}", words::moment(limit), thing(&self.counted));
        let events = match Events::take(joined, &assertion.scope, &self.counted) {
            Ok(events) => events,
            Err(why) => return Check::nothing(threshold, why),
        };
        let through: BTreeSet<u64> =
            events.counted.iter().map(|event| event.request.row.number).collect();
        let mut longest = RunTime { nanos: 0 };
        let mut worst: Vec<Request<'_>> = Vec::new();
        let mut vain: Vec<Request<'_>> = Vec::new();
        for request in &events.requests {
            let got = through.contains(&request.row.number);
            let first = vain.first().map_or(request.row.sent, |first| first.row.sent);
            let lasted = RunTime { nanos: request.row.sent.nanos - first.nanos };
            if !got {
                vain.push(*request);
            }
            if longest < lasted {
                longest = lasted;
                worst.clone_from(&vain);
            }
            if got {
                vain.clear();
            }
        }
        let none = through.is_empty();
        let verdict = if limit < longest { Verdict::Failed } else { Verdict::Passed };
        // Nobody was let through, but nobody asked for long either.
        let verdict =
            if none && verdict == Verdict::Passed { Verdict::Inconclusive } else { verdict };
        let place = worst.first().map(|first| format!(" from {}", first.place()));
        let place = place.unwrap_or_default();
        let lasted = words::moment(longest);
        let message = match verdict {
            Verdict::Passed => format!("asked in vain for {lasted} at most{place}"),
            Verdict::Failed => format!(
                "expected {threshold}, but {} in vain for {lasted}{place}",
                words::counted(worst.len() as u64, "request was", "requests were")
            ),
            Verdict::Inconclusive | Verdict::Skipped => {
                format!("none of {} was let through, in {lasted}", words::count(events.n()))
            }
        };
        let named = if verdict == Verdict::Passed { Vec::new() } else { examples(worst) };
        Check::Fact(Finding {
            n: events.n(),
            observed: Some(Observed {
                value: longest.as_secs_f64(),
                unit: Unit::Seconds,
                text: lasted,
            }),
            examples: named,
            ..Finding::new(verdict, threshold, message)
        })
    }
}
