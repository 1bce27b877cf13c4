//! How much there is in sliding windows.

use seam::units::HumanDuration;

use super::check::{Check, Finding, real};
use super::evaluate::Ask;
use super::events::{Event, Events, minus, plus, thing};
use super::joined::{EXAMPLES, Joined, Request, examples};
use super::result::{Observed, Unit, Verdict};
use super::status::count_words;
use super::words;
use crate::record::RunTime;
use crate::scenario::assertion::{Assertion, Window};
use crate::stats::{Ranged, Running, fullest_perhaps, fullest_surely};

impl Ask for Window {
    /// No window holds more than `at_most`; none with work holds less than `at_least`.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let length = HumanDuration(self.length);
        let threshold =
            format!("{} {} in any {length}", count_words(&self.limits), thing(&self.counted));
        let events = match Events::take(joined, &assertion.scope, &self.counted) {
            Ok(events) => events,
            Err(why) => return Check::nothing(threshold, why),
        };
        let most = self.limits.at_most.map(|most| self.fullest(&events, most));
        let least = self.limits.at_least.map(|least| self.emptiest(&events, least));
        let parts: Vec<Part> = most.into_iter().chain(least).collect();
        let verdict = |wanted: Verdict| parts.iter().find(|part| part.verdict == wanted);
        let decisive = verdict(Verdict::Failed)
            .or_else(|| verdict(Verdict::Inconclusive))
            .or_else(|| parts.first());
        let Some(part) = decisive else { return Check::nothing(threshold, "no limit is given") };
        let message = match part.verdict {
            Verdict::Passed => {
                parts.iter().map(|part| part.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            Verdict::Failed => format!("expected {threshold}, but {}", part.message),
            Verdict::Inconclusive | Verdict::Skipped => part.message.clone(),
        };
        Check::Fact(Finding {
            n: events.n(),
            observed: part.held.map(|held| Observed {
                value: real(held),
                unit: Unit::Count,
                text: words::count(held),
            }),
            examples: part.examples.clone(),
            ..Finding::new(part.verdict, threshold, message)
        })
    }
}

/// What one of the two limits comes to.
struct Part {
    verdict: Verdict,
    held: Option<u64>,
    message: String,
    examples: Vec<String>,
}

impl Window {
    fn fullest(&self, events: &Events<'_>, most: u64) -> Part {
        let length = RunTime::from(self.length).nanos;
        let ranged: Vec<Ranged> = events
            .counted
            .iter()
            .map(|event| (event.earliest.nanos, event.latest.nanos, event.weight))
            .collect();
        let surely = fullest_surely(&ranged, length);
        let perhaps = fullest_perhaps(&ranged, length);
        let place = |end: i128| {
            let end = RunTime { nanos: end };
            let start = minus(end, self.length);
            format!("from {} to {}", words::moment(start), words::moment(end))
        };
        let held = words::count(surely.sum);
        let (verdict, message) = if most < surely.sum {
            let message = format!("the fullest window held {held} ({})", place(surely.end));
            (Verdict::Failed, message)
        } else if most < perhaps.sum {
            let message = format!(
                "one window surely held {held}, another perhaps {} ({}): when each was decided is not known well enough",
                words::count(perhaps.sum),
                place(perhaps.end)
            );
            (Verdict::Inconclusive, message)
        } else if perhaps.sum == 0 {
            (Verdict::Passed, "no window held any".to_owned())
        } else {
            let held = words::count(perhaps.sum);
            let message = format!("the fullest window held {held} ({})", place(perhaps.end));
            (Verdict::Passed, message)
        };
        let end = if verdict == Verdict::Failed { surely.end } else { perhaps.end };
        // The last of a window are those too many.
        let inside =
            |event: &&Event<'_>| event.earliest.nanos <= end && end - length < event.latest.nanos;
        let examples = match verdict {
            Verdict::Passed => Vec::new(),
            _ => {
                let last = events.counted.iter().rev().filter(inside).take(EXAMPLES);
                let mut last: Vec<Request<'_>> = last.map(|event| event.request).collect();
                last.reverse();
                examples(last)
            }
        };
        let held = if verdict == Verdict::Passed { perhaps.sum } else { surely.sum };
        Part { verdict, held: Some(held), message, examples }
    }

    /// Looks at the windows where what they hold can change: from the span's start,
    /// just after each event or request, and just before each has entered.
    fn emptiest(&self, events: &Events<'_>, least: u64) -> Part {
        let length = RunTime::from(self.length).nanos;
        let of = |time: fn(&Event<'_>) -> i128| {
            Running::new(events.counted.iter().map(|event| (time(event), event.weight)).collect())
        };
        let (earliest, latest) = (of(|event| event.earliest.nanos), of(|event| event.latest.nanos));
        let sent: Vec<i128> =
            events.requests.iter().map(|request| request.row.sent.nanos).collect();
        let offered = Running::new(sent.iter().map(|sent| (*sent, 1)).collect());
        let times = events
            .counted
            .iter()
            .flat_map(|event| [event.earliest.nanos, event.latest.nanos])
            .chain(sent);
        let changes = times.flat_map(|time| [time + 1, time - length]);
        let mut starts: Vec<i128> =
            changes.chain(events.stretches.iter().map(|stretch| stretch.0.nanos)).collect();
        starts.sort_unstable();
        starts.dedup();
        let whole = |start: &i128| {
            let inside = |stretch: &(RunTime, RunTime)| {
                stretch.0.nanos <= *start && *start + length <= stretch.1.nanos
            };
            events.stretches.iter().any(inside)
                && self.while_offered <= offered.between(*start, *start + length)
        };
        // What surely lies inside, at least; what may lie inside, at most.
        let surely =
            |start: i128| latest.before(start + length).saturating_sub(earliest.before(start));
        let perhaps =
            |start: i128| earliest.before(start + length).saturating_sub(latest.before(start));
        let windows: Vec<i128> = starts.into_iter().filter(whole).collect();
        let worst = windows.iter().copied().min_by_key(|start| (perhaps(*start), *start));
        let doubtful = windows.iter().copied().min_by_key(|start| (surely(*start), *start));
        let (Some(worst), Some(doubtful)) = (worst, doubtful) else {
            let work = words::counted(self.while_offered, "request", "requests");
            let length = HumanDuration(self.length);
            let message = format!("no window of {length} lies in the span and holds {work}");
            return Part {
                verdict: Verdict::Inconclusive,
                held: None,
                message,
                examples: Vec::new(),
            };
        };
        let place = |start: i128| {
            let start = RunTime { nanos: start };
            let end = plus(start, self.length);
            format!("from {} to {}", words::moment(start), words::moment(end))
        };
        let sent_in = |start: i128| {
            words::counted(offered.between(start, start + length), "request", "requests")
        };
        let (verdict, start, held, message) = if perhaps(worst) < least {
            let held = perhaps(worst);
            let message = format!(
                "the emptiest window held {} of {} ({})",
                words::count(held),
                sent_in(worst),
                place(worst)
            );
            (Verdict::Failed, worst, held, message)
        } else if surely(doubtful) < least {
            let message = format!(
                "one window surely held {} and perhaps {} ({}): when each was decided is not known well enough",
                words::count(surely(doubtful)),
                words::count(perhaps(doubtful)),
                place(doubtful)
            );
            (Verdict::Inconclusive, doubtful, surely(doubtful), message)
        } else {
            let held = surely(doubtful);
            let message =
                format!("the emptiest window held {} ({})", words::count(held), place(doubtful));
            (Verdict::Passed, doubtful, held, message)
        };
        let inside =
            |request: &&Request<'_>| (start..start + length).contains(&request.row.sent.nanos);
        let examples = match verdict {
            Verdict::Passed => Vec::new(),
            _ => examples(events.requests.iter().filter(inside).copied()),
        };
        Part { verdict, held: Some(held), message, examples }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::assert::AssertionResult;
    use crate::assert::fixture::{Fixture, at, verdict};
    use crate::record::{Dataset, World};
    use crate::scenario::assertion::{Counted, Kind, Limits, Scope, SeenBy, Statuses, Weight};

    fn asked(
        dataset: &Dataset,
        least: Option<u64>,
        most: Option<u64>,
        weight: Weight,
    ) -> AssertionResult {
        let counted = Counted {
            statuses: Some(Statuses::Codes(vec![200])),
            seen_by: SeenBy::Clients,
            answered_by: None,
            weight,
        };
        let limits = Limits { at_least: least, at_most: most };
        let length = Duration::from_secs(10);
        let kind = Kind::Window(Window { length, counted, limits, while_offered: 1 });
        verdict(dataset, Scope::default(), kind)
    }

    /// Two a second for 30 s; from 10 s on only the first of each ten passes.
    fn limited() -> Fixture {
        let mut fixture = Fixture::new(30);
        for index in 0..60_u32 {
            let status = if index < 20 || index % 10 == 0 { 200 } else { 429 };
            fixture.request(f64::from(index) * 0.5, 0.1, &[(0, status)]);
        }
        fixture
    }

    #[test]
    fn the_fullest_window_decides() {
        let dataset = limited().dataset;
        let one = Weight::Fixed(1);
        let good = asked(&dataset, None, Some(20), one);
        assert_eq!((good.verdict, good.n), (Verdict::Passed, 60));
        insta::assert_snapshot!(good.message, @"the fullest window held 20 (from -0.5s to 9.5s)");
        let bad = asked(&dataset, None, Some(18), one);
        assert_eq!(bad.verdict, Verdict::Failed);
        insta::assert_snapshot!(bad.message, @"expected at most 18 requests answered 200 in any 10s, but the fullest window held 20 (from -0.5s to 9.5s)");
        assert_eq!(bad.examples, ["run-18", "run-19", "run-20"]);
        let tokens = asked(&dataset, None, Some(244 * 20), Weight::Fixed(244));
        assert_eq!(tokens.observed.unwrap().text, "4,880");
        // Fourteen tokens an answer.
        assert_eq!(
            asked(&dataset, None, Some(14 * 20), Weight::TotalTokens).verdict,
            Verdict::Passed
        );
        assert_eq!(
            asked(&dataset, None, Some(14 * 20 - 1), Weight::TotalTokens).verdict,
            Verdict::Failed
        );
    }

    #[test]
    fn what_lies_across_an_edge_may_count_or_not() {
        let mut dataset = limited().dataset;
        dataset.world = World::Real;
        for row in &mut dataset.clients {
            row.first_byte = Some(RunTime { nanos: row.sent.nanos + 400_000_000 });
        }
        let one = Weight::Fixed(1);
        assert_eq!(asked(&dataset, None, Some(18), one).verdict, Verdict::Failed);
        assert_eq!(asked(&dataset, None, Some(21), one).verdict, Verdict::Passed);
        let doubtful = asked(&dataset, None, Some(20), one);
        assert_eq!(doubtful.verdict, Verdict::Inconclusive, "{doubtful:?}");
        insta::assert_snapshot!(doubtful.message, @"one window surely held 20, another perhaps 21 (from 0s to 10s): when each was decided is not known well enough");
    }

    #[test]
    fn the_emptiest_window_with_work_decides() {
        let dataset = limited().dataset;
        let one = Weight::Fixed(1);
        let good = asked(&dataset, Some(2), None, one);
        assert_eq!(good.verdict, Verdict::Passed);
        insta::assert_snapshot!(good.message, @"the emptiest window held 2 (from 9.5s to 19.5s)");
        let bad = asked(&dataset, Some(3), None, one);
        insta::assert_snapshot!(bad.message, @"expected at least 3 requests answered 200 in any 10s, but the emptiest window held 2 of 20 requests (from 9.5s to 19.5s)");
        assert_eq!((bad.verdict, bad.examples.len()), (Verdict::Failed, 3));

        // Nobody asks from 10 s to 25 s: an empty window without work is no fault.
        let mut quiet = limited().dataset;
        quiet.clients.retain(|row| row.sent <= at(10.0) || at(25.0) <= row.sent);
        assert_eq!(asked(&quiet, Some(1), None, one).verdict, Verdict::Passed);

        let mut short = Fixture::new(5);
        short.request(1.0, 0.1, &[(0, 200)]);
        let none = asked(&short.dataset, Some(1), None, one);
        assert_eq!(none.verdict, Verdict::Inconclusive);
        insta::assert_snapshot!(none.message, @"no window of 10s lies in the span and holds 1 request");
    }
}
