//! Whether bursts come at regular times.

use seam::units::HumanDuration;

use super::bursts::{Burst, bursts, fill};
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

/// What is not as it should be, and from when on.
struct Fault {
    what: String,
    from: RunTime,
}

impl Ask for Period {
    /// Each burst starts a period after the one before, and lasts as long as it may.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let threshold = self.threshold();
        let events = match Events::take(joined, &assertion.scope, &self.counted) {
            Ok(events) => events,
            Err(why) => return Check::nothing(threshold, why),
        };
        let series: Vec<Vec<(RunTime, u64)>> = events
            .stretches
            .iter()
            .map(|stretch| fill(&events, &bins(&[*stretch], self.bin)))
            .collect();
        let fullest = series.iter().flatten().map(|bin| bin.1).max().unwrap_or_default();
        let over = self.over.unwrap_or(fullest / 2);
        let (mut spacings, mut all) = (Vec::new(), Vec::new());
        let mut overdue: Option<Fault> = None;
        for (stretch, bins) in events.stretches.iter().zip(&series) {
            let bursts = bursts(bins, over, RunTime::from(self.bin).nanos);
            spacings.extend(bursts.windows(2).filter_map(|pair| {
                let [first, second] = pair else { return None };
                Some((first.start, RunTime { nanos: second.start.nanos - first.start.nanos }))
            }));
            overdue = overdue.or(self.overdue(*stretch, bursts.last()));
            all.extend(bursts);
        }
        let seen = self.seen(&all, &spacings);
        let fault = self.irregular(&spacings).or(overdue).or_else(|| self.misshapen(&all));
        let (verdict, message) = match &fault {
            Some(Fault { what, .. }) => {
                (Verdict::Failed, format!("expected {threshold}, but {what}; {seen}"))
            }
            None if all.len() < LEAST_BURSTS => (
                Verdict::Inconclusive,
                format!(
                    "{seen}, and it takes {LEAST_BURSTS} to tell a period: the span is too short"
                ),
            ),
            None => (
                Verdict::Passed,
                format!(
                    "{seen}, each begun by more than {} in {}",
                    words::count(over),
                    HumanDuration(self.bin)
                ),
            ),
        };
        let named = fault.map(|fault| {
            let after = events.counted.iter().filter(move |event| fault.from <= event.earliest);
            examples(after.map(|event| event.request))
        });
        Check::Fact(Finding {
            n: events.n(),
            observed: median(spacings.iter().map(|one| one.1)).map(|spacing| Observed {
                value: spacing.as_secs_f64(),
                unit: Unit::Seconds,
                text: self.observed_text(spacing, &all),
            }),
            examples: named.unwrap_or_default(),
            ..Finding::new(verdict, threshold, message)
        })
    }
}

impl Period {
    fn threshold(&self) -> String {
        let (shortest, longest) = (HumanDuration(self.shortest), HumanDuration(self.longest));
        let bursts = format!("bursts of {} every {shortest} to {longest}", thing(&self.counted));
        let limit = |limit: Option<_>| limit.map(HumanDuration);
        let Some(lasting) = &self.lasting else { return bursts };
        match (limit(lasting.at_least), limit(lasting.at_most)) {
            (Some(least), Some(most)) => format!("{bursts}, lasting {least} to {most}"),
            (Some(least), None) => format!("{bursts}, lasting at least {least}"),
            (None, Some(most)) => format!("{bursts}, lasting at most {most}"),
            (None, None) => bursts,
        }
    }

    /// A burst that came too early or too late after the one before.
    fn irregular(&self, spacings: &[(RunTime, RunTime)]) -> Option<Fault> {
        let (shortest, longest) = (RunTime::from(self.shortest), RunTime::from(self.longest));
        let wrong = |one: &&(RunTime, RunTime)| one.1 < shortest || longest < one.1;
        spacings.iter().find(wrong).map(|(start, spacing)| Fault {
            what: format!(
                "the next after {} came {} later",
                words::moment(*start),
                words::moment(*spacing)
            ),
            from: RunTime { nanos: start.nanos + spacing.nanos },
        })
    }

    /// A burst that did not come before the stretch's end.
    fn overdue(&self, stretch: (RunTime, RunTime), last: Option<&Burst>) -> Option<Fault> {
        // Without a burst the wait begins with the stretch; the first one may come a
        // period later, and its bin is known one bin late.
        let from = last.map_or(stretch.0, |burst| burst.start);
        let longest = RunTime::from(self.longest).nanos;
        let patience = if last.is_none() { 2 * longest } else { longest };
        let late = from.nanos + patience + RunTime::from(self.bin).nanos < stretch.1.nanos;
        late.then(|| Fault { what: format!("none came after {}", words::moment(from)), from })
    }

    /// A burst that was too short, or too long, also when it was cut off.
    fn misshapen(&self, bursts: &[Burst]) -> Option<Fault> {
        let lasting = self.lasting.as_ref()?;
        let (least, most) =
            (lasting.at_least.map(RunTime::from), lasting.at_most.map(RunTime::from));
        let wrong = |burst: &&Burst| {
            let length = burst.length();
            (!burst.cut && least.is_some_and(|least| length < least))
                || most.is_some_and(|most| most < length)
        };
        bursts.iter().find(wrong).map(|burst| Fault {
            what: format!(
                "the one from {} on lasted {}{}",
                words::moment(burst.start),
                words::moment(burst.length()),
                if burst.cut { " and was not over" } else { "" }
            ),
            from: burst.start,
        })
    }

    /// `4 bursts 65s, 65s and 66s apart`, and how long they lasted when that is asked.
    fn seen(&self, bursts: &[Burst], spacings: &[(RunTime, RunTime)]) -> String {
        let seen = words::counted(bursts.len() as u64, "burst", "bursts");
        let mut text = format!("{seen}{}", series_words(spacings.iter().map(|one| one.1), "apart"));
        let lengths = bursts.iter().filter(|burst| !burst.cut).map(Burst::length);
        let lengths = series_words(lengths, "long");
        if self.lasting.is_some() && !lengths.is_empty() {
            text.push(',');
            text.push_str(&lengths);
        }
        text
    }

    fn observed_text(&self, spacing: RunTime, bursts: &[Burst]) -> String {
        let apart = format!("{} apart", words::moment(spacing));
        let length = median(bursts.iter().filter(|burst| !burst.cut).map(Burst::length));
        match (&self.lasting, length) {
            (Some(_), Some(length)) => format!("{apart}, {} long", words::moment(length)),
            _ => apart,
        }
    }
}

fn median(times: impl Iterator<Item = RunTime>) -> Option<RunTime> {
    let mut sorted: Vec<RunTime> = times.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// ` 60s, 60s and 70s apart`, or nothing.
fn series_words(times: impl Iterator<Item = RunTime>, what: &str) -> String {
    const SHOWN: usize = 8;
    let mut parts: Vec<String> = times.map(words::moment).collect();
    if parts.is_empty() {
        return String::new();
    }
    if SHOWN < parts.len() {
        parts.truncate(SHOWN);
        parts.push("…".to_owned());
    }
    format!(" {} {what}", words::list(&parts))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::assert::AssertionResult;
    use crate::assert::fixture::{refusals, verdict};
    use crate::scenario::assertion::{Counted, Kind, Limits, Scope, SeenBy, Statuses, Weight};

    fn asked(chart: &[u32], over: Option<u64>, within: u64) -> AssertionResult {
        asked_lasting(chart, over, within, None)
    }

    fn asked_lasting(
        chart: &[u32],
        over: Option<u64>,
        within: u64,
        lasting: Option<(u64, u64)>,
    ) -> AssertionResult {
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
            lasting: lasting.map(|(least, most)| Limits {
                at_least: Some(second(least)),
                at_most: Some(second(most)),
            }),
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
        insta::assert_snapshot!(short.message, @"2 bursts 60s apart, and it takes 3 to tell a period: the span is too short");
        // Under way from the start: its start was not seen.
        let cut = asked(&[80, 80, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0, 80, 0], None, 10);
        assert_eq!(cut.verdict, Verdict::Inconclusive, "{cut:?}");
    }

    /// Three bins of 10 s, every 60 s; the last is cut off by the end.
    const BURSTS: [u32; 22] =
        [0, 0, 0, 80, 80, 80, 0, 0, 0, 80, 80, 80, 0, 0, 0, 80, 80, 80, 0, 0, 0, 80];

    #[test]
    fn bursts_last_as_long_as_they_may() {
        let good = asked_lasting(&BURSTS, None, 10, Some((30, 40)));
        assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
        insta::assert_snapshot!(good.message, @"4 bursts 60s, 60s and 60s apart, 30s, 30s and 30s long, each begun by more than 40 in 10s");
        insta::assert_snapshot!(good.threshold, @"bursts of requests answered 429 every 50s to 1m 10s, lasting 30s to 40s");
        assert_eq!(good.observed.unwrap().text, "60s apart, 30s long");
        let short = asked_lasting(&BURSTS, None, 10, Some((40, 50)));
        assert_eq!((short.verdict, short.examples.len()), (Verdict::Failed, 3));
        insta::assert_snapshot!(short.message, @"expected bursts of requests answered 429 every 50s to 1m 10s, lasting 40s to 50s, but the one from 30s on lasted 30s; 4 bursts 60s, 60s and 60s apart, 30s, 30s and 30s long");
        let long = asked_lasting(&BURSTS, None, 10, Some((10, 20)));
        insta::assert_snapshot!(long.message, @"expected bursts of requests answered 429 every 50s to 1m 10s, lasting 10s to 20s, but the one from 30s on lasted 30s; 4 bursts 60s, 60s and 60s apart, 30s, 30s and 30s long");

        // The last burst is under way at the end: too short is not known, too long is.
        let mut cut = BURSTS.to_vec();
        cut.extend([80, 80, 80, 80]);
        let bad = asked_lasting(&cut, None, 10, Some((30, 40)));
        assert_eq!(bad.verdict, Verdict::Failed);
        insta::assert_snapshot!(bad.message, @"expected bursts of requests answered 429 every 50s to 1m 10s, lasting 30s to 40s, but the one from 210s on lasted 50s and was not over; 4 bursts 60s, 60s and 60s apart, 30s, 30s and 30s long");
    }
}
