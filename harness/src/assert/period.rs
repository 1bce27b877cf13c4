//! Whether bursts come at regular times.

use seam::units::HumanDuration;

use super::check::{Check, Finding};
use super::evaluate::Ask;
use super::events::{Events, bins, thing};
use super::joined::{Joined, examples};
use super::result::{Observed, Unit, Verdict};
use super::words;
use crate::record::RunTime;
use crate::scenario::assertion::{Assertion, Period};

/// Two periods make a rhythm.
const LEAST_BURSTS: usize = 3;

impl Ask for Period {
    /// Each burst starts a period after the one before.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let threshold = format!(
            "bursts of {} every {} to {}",
            thing(&self.counted),
            HumanDuration(self.shortest),
            HumanDuration(self.longest)
        );
        let events = match Events::take(joined, &assertion.scope, &self.counted) {
            Ok(events) => events,
            Err(why) => return Check::nothing(threshold, why),
        };
        let series: Vec<Vec<(RunTime, u64)>> = events
            .stretches
            .iter()
            .map(|stretch| count(&events, &bins(&[*stretch], self.bin)))
            .collect();
        let fullest = series.iter().flatten().map(|bin| bin.1).max().unwrap_or_default();
        let over = self.over.unwrap_or(fullest / 2);
        let (mut spacings, mut bursts) = (Vec::new(), 0);
        let mut overdue: Option<RunTime> = None;
        let (shortest, longest) =
            (RunTime::from(self.shortest).nanos, RunTime::from(self.longest).nanos);
        for (stretch, bins) in events.stretches.iter().zip(&series) {
            let starts = burst_starts(bins, over);
            bursts += starts.len();
            spacings.extend(starts.windows(2).filter_map(|pair| {
                let [first, second] = pair else { return None };
                Some((*first, RunTime { nanos: second.nanos - first.nanos }))
            }));
            // Without a burst the wait begins with the stretch; the first one may
            // come a period later, and its bin is known one bin late.
            let waits_from = starts.last().copied().unwrap_or(stretch.0);
            let patience = if starts.is_empty() { 2 * longest } else { longest };
            let bin = RunTime::from(self.bin).nanos;
            if waits_from.nanos + patience + bin < stretch.1.nanos {
                overdue = overdue.or(Some(waits_from));
            }
        }
        let wrong = spacings
            .iter()
            .find(|(_, spacing)| spacing.nanos < shortest || longest < spacing.nanos);
        let seen = words::counted(bursts as u64, "burst", "bursts");
        let apart = spacing_words(&spacings);
        let (verdict, message, place) = match (wrong, overdue) {
            (Some((start, spacing)), _) => (
                Verdict::Failed,
                format!(
                    "expected {threshold}, but the next after {} came {} later; {seen}{apart}",
                    words::moment(*start),
                    words::moment(*spacing)
                ),
                Some(RunTime { nanos: start.nanos + spacing.nanos }),
            ),
            (None, Some(from)) => (
                Verdict::Failed,
                format!(
                    "expected {threshold}, but none came after {}; {seen}{apart}",
                    words::moment(from)
                ),
                Some(from),
            ),
            (None, None) if bursts < LEAST_BURSTS => (
                Verdict::Inconclusive,
                format!(
                    "{seen}, and it takes {LEAST_BURSTS} to tell a period: the span is too short"
                ),
                None,
            ),
            (None, None) => (
                Verdict::Passed,
                format!(
                    "{seen}{apart}, each begun by more than {} in {}",
                    words::count(over),
                    HumanDuration(self.bin)
                ),
                None,
            ),
        };
        let named = place.map(|place| {
            let after = events.counted.iter().filter(move |event| place <= event.earliest);
            examples(after.map(|event| event.request))
        });
        Check::Fact(Finding {
            n: events.n(),
            observed: median(&spacings).map(|spacing| Observed {
                value: spacing.as_secs_f64(),
                unit: Unit::Seconds,
                text: format!("{} apart", words::moment(spacing)),
            }),
            examples: named.unwrap_or_default(),
            ..Finding::new(verdict, threshold, message)
        })
    }
}

/// Start of each bin and what it holds.
fn count(events: &Events<'_>, bins: &[(RunTime, RunTime)]) -> Vec<(RunTime, u64)> {
    let mut series: Vec<(RunTime, u64)> = bins.iter().map(|bin| (bin.0, 0)).collect();
    for event in &events.counted {
        let index = bins.partition_point(|bin| bin.1 <= event.earliest);
        let inside = bins.get(index).is_some_and(|bin| bin.0 <= event.earliest);
        if let (true, Some(bin)) = (inside, series.get_mut(index)) {
            bin.1 += event.weight;
        }
    }
    series
}

/// The bins with which bursts start: above `over` after one of at most its half.
/// The first bin has none before it: a burst that is under way there has no start.
fn burst_starts(bins: &[(RunTime, u64)], over: u64) -> Vec<RunTime> {
    let mut starts = Vec::new();
    let mut within = true;
    let mut first = true;
    for (start, held) in bins {
        if within {
            within = over / 2 < *held && (!first || over < *held);
        } else if over < *held {
            starts.push(*start);
            within = true;
        }
        first = false;
    }
    starts
}

fn median(spacings: &[(RunTime, RunTime)]) -> Option<RunTime> {
    let mut sorted: Vec<RunTime> = spacings.iter().map(|one| one.1).collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// ` 60s, 60s and 70s apart`, or nothing.
fn spacing_words(spacings: &[(RunTime, RunTime)]) -> String {
    const SHOWN: usize = 8;
    if spacings.is_empty() {
        return String::new();
    }
    let mut parts: Vec<String> =
        spacings.iter().take(SHOWN).map(|one| words::moment(one.1)).collect();
    if SHOWN < spacings.len() {
        parts.push("…".to_owned());
    }
    format!(" {} apart", words::list(&parts))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::assert::AssertionResult;
    use crate::assert::fixture::{refusals, verdict};
    use crate::scenario::assertion::{Counted, Kind, Scope, SeenBy, Statuses, Weight};

    fn asked(chart: &[u32], over: Option<u64>, within: u64) -> AssertionResult {
        let counted = Counted {
            statuses: Some(Statuses::Codes(vec![429])),
            seen_by: SeenBy::Clients,
            answered_by: None,
            weight: Weight::Fixed(1),
        };
        let second = Duration::from_secs;
        let kind = Kind::Period(Period {
            counted,
            bin: second(10),
            over,
            shortest: second(60 - within),
            longest: second(60 + within),
        });
        verdict(&refusals(chart, 81), Scope::default(), kind)
    }

    #[test]
    fn the_seeds_chart_repeats_each_minute() {
        let chart = [
            0, 13, 6, 13, 43, 81, 32, 18, 12, 9, 38, 81, 36, 18, 11, 3, 27, 81, 45, 20, 9, 12, 32,
            81, 45, 16, 18, 7, 23,
        ];
        let good = asked(&chart, None, 10);
        assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
        insta::assert_snapshot!(good.message, @"4 bursts 70s, 60s and 60s apart, each begun by more than 40 in 10s");
        // With the bursts told by their fullest bin the period is exact.
        let good = asked(&chart, Some(60), 10);
        insta::assert_snapshot!(good.message, @"4 bursts 60s, 60s and 60s apart, each begun by more than 60 in 10s");
    }

    #[test]
    fn irregular_or_missing_bursts_fail() {
        let late = [0, 80, 0, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 80, 0, 0, 0];
        let bad = asked(&late, None, 10);
        assert_eq!((bad.verdict, bad.examples.len()), (Verdict::Failed, 3));
        insta::assert_snapshot!(bad.message, @"expected bursts of requests answered 429 every 50s to 1m 10s, but the next after 70s came 80s later; 3 bursts 60s and 80s apart");
        let ended =
            [0, 80, 0, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let bad = asked(&ended, None, 10);
        assert_eq!(bad.verdict, Verdict::Failed);
        insta::assert_snapshot!(bad.message, @"expected bursts of requests answered 429 every 50s to 1m 10s, but none came after 130s; 3 bursts 60s and 60s apart");
        let bad = asked(&[0; 30], None, 10);
        assert_eq!(bad.verdict, Verdict::Failed);
        insta::assert_snapshot!(bad.message, @"expected bursts of requests answered 429 every 50s to 1m 10s, but none came after 0s; 0 bursts");
    }

    #[test]
    fn two_bursts_are_no_rhythm() {
        let short = asked(&[0, 80, 0, 0, 0, 0, 0, 80, 0, 0], None, 10);
        assert_eq!(short.verdict, Verdict::Inconclusive);
        insta::assert_snapshot!(short.message, @"2 bursts, and it takes 3 to tell a period: the span is too short");
        // Under way from the start: its start was not seen.
        let cut = asked(&[80, 80, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0, 80, 0], None, 10);
        assert_eq!(cut.verdict, Verdict::Inconclusive, "{cut:?}");
    }
}
