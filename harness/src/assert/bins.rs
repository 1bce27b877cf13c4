//! How many bins of the span are as they should be.

use seam::units::HumanDuration;

use super::check::{Check, Finding, real};
use super::evaluate::Ask;
use super::events::{Event, Events, bins, thing};
use super::joined::{Joined, Request, examples};
use super::result::{Observed, Unit, Verdict};
use super::status::count_words;
use super::words;
use crate::record::RunTime;
use crate::scenario::assertion::{Assertion, BinCondition, Bins, Limits};

/// One bin with what it holds.
struct Bin {
    from: RunTime,
    to: RunTime,
    /// What surely lies in it.
    sure: u64,
    /// What may lie in it beyond that.
    maybe: u64,
    /// Requests sent in it, and those of them that are counted.
    sent: u64,
    hits: u64,
}

/// Whether a bin matches, as far as is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Matches {
    Yes,
    No,
    Perhaps,
}

impl Ask for Bins {
    /// So many bins match.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let threshold = self.threshold();
        let events = match Events::take(joined, &assertion.scope, &self.counted) {
            Ok(events) => events,
            Err(why) => return Check::nothing(threshold, why),
        };
        let all = fill(&events, self.length);
        let groups = self.groups(&all);
        if groups.is_empty() {
            let length = match self.per {
                None => self.length,
                Some(count) => self.length * u32::try_from(count).unwrap_or(u32::MAX),
            };
            let why = format!("the span holds no whole {}", HumanDuration(length));
            return Check::nothing(threshold, why);
        }
        let (mut failed, mut doubtful) = (None, None);
        for group in &groups {
            match self.judge(group) {
                Verdict::Failed => failed = failed.or(Some(group)),
                Verdict::Inconclusive | Verdict::Skipped => doubtful = doubtful.or(Some(group)),
                Verdict::Passed => {}
            }
        }
        let verdict = match (failed, doubtful) {
            (Some(_), _) => Verdict::Failed,
            (None, Some(_)) => Verdict::Inconclusive,
            (None, None) => Verdict::Passed,
        };
        let looked: Vec<&&Bin> = groups.iter().flatten().collect();
        let matching = looked.iter().filter(|bin| self.matches(bin) == Matches::Yes).count() as u64;
        let text = format!(
            "{} of {}",
            words::count(matching),
            words::counted(looked.len() as u64, "bin", "bins")
        );
        let message = match (verdict, failed.or(doubtful)) {
            (Verdict::Failed, Some(group)) => {
                format!("expected {threshold}, but {}", self.said(group))
            }
            (Verdict::Inconclusive, Some(group)) => format!(
                "{}; when some requests were decided is not known well enough",
                self.said(group)
            ),
            _ => format!("{text} match; {}", self.extremes(&looked)),
        };
        let examples = match failed.or(doubtful) {
            None => Vec::new(),
            Some(group) => examples(self.named(&events, group)),
        };
        Check::Fact(Finding {
            n: events.n(),
            observed: Some(Observed { value: real(matching), unit: Unit::Count, text }),
            examples,
            ..Finding::new(verdict, threshold, message)
        })
    }
}

impl Bins {
    fn threshold(&self) -> String {
        let (length, thing) = (HumanDuration(self.length), thing(&self.counted));
        let bin = match self.condition {
            BinCondition::Count(limits) => format!("{} {thing}", count_words(&limits)),
            BinCondition::Share(share) if 1.0 <= share => format!("only {thing}"),
            BinCondition::Share(share) => format!("at least {} {thing}", words::percent(share)),
        };
        match (&self.matching, self.per) {
            (None, _) => format!("{bin} in each bin of {length}"),
            (Some(limits), None) => {
                format!("bins of {length} with {bin}: {}", count_words(limits))
            }
            (Some(limits), Some(per)) => {
                let per = self.length * u32::try_from(per).unwrap_or(u32::MAX);
                let per = HumanDuration(per);
                format!("bins of {length} with {bin}: {} in each {per}", count_words(limits))
            }
        }
    }

    /// Bins that are judged together: all, or each whole stretch of `per`.
    fn groups<'b>(&self, all: &'b [Bin]) -> Vec<Vec<&'b Bin>> {
        let Some(per) = self.per else {
            return if all.is_empty() { Vec::new() } else { vec![all.iter().collect()] };
        };
        let Some(origin) = all.first().map(|bin| bin.from.nanos) else { return Vec::new() };
        let step = RunTime::from(self.length).nanos.saturating_mul(per as i128).max(1);
        let mut groups: Vec<(i128, Vec<&Bin>)> = Vec::new();
        for bin in all {
            let number = (bin.from.nanos - origin).div_euclid(step);
            match groups.last_mut() {
                Some((last, group)) if *last == number => group.push(bin),
                _ => groups.push((number, vec![bin])),
            }
        }
        groups.into_iter().map(|group| group.1).filter(|group| group.len() == per).collect()
    }

    fn matches(&self, bin: &Bin) -> Matches {
        match self.condition {
            BinCondition::Count(limits) => match within(bin.sure, bin.sure + bin.maybe, &limits) {
                Verdict::Passed => Matches::Yes,
                Verdict::Failed => Matches::No,
                Verdict::Inconclusive | Verdict::Skipped => Matches::Perhaps,
            },
            BinCondition::Share(share) => {
                // A count is off by rounding at most 1e-9 of a request.
                let enough = 0 < bin.sent && share * real(bin.sent) <= real(bin.hits) + 1e-9;
                if enough { Matches::Yes } else { Matches::No }
            }
        }
    }

    fn judge(&self, group: &[&Bin]) -> Verdict {
        let count = |wanted| group.iter().filter(|bin| self.matches(bin) == wanted).count() as u64;
        let (yes, perhaps) = (count(Matches::Yes), count(Matches::Perhaps));
        let all = Limits { at_least: Some(group.len() as u64), at_most: None };
        within(yes, yes + perhaps, &self.matching.unwrap_or(all))
    }

    /// What a group holds against it.
    fn said(&self, group: &[&Bin]) -> String {
        let n = group.len() as u64;
        if self.matching.is_none() {
            let not: Vec<&&Bin> =
                group.iter().filter(|bin| self.matches(bin) != Matches::Yes).collect();
            let first = not.first().map(|bin| format!("; first {}", self.one(bin)));
            return format!(
                "{} of {} did not{}",
                words::count(not.len() as u64),
                words::counted(n, "bin", "bins"),
                first.unwrap_or_default()
            );
        }
        let yes: Vec<&&Bin> =
            group.iter().filter(|bin| self.matches(bin) == Matches::Yes).collect();
        let span = match (group.first(), group.last()) {
            (Some(first), Some(last)) => {
                format!("from {} to {}", words::moment(first.from), words::moment(last.to))
            }
            _ => String::new(),
        };
        let first = yes.first().map(|bin| format!(" (first {})", self.one(bin)));
        format!(
            "{} of {} {span} did{}",
            words::count(yes.len() as u64),
            words::counted(n, "bin", "bins"),
            first.unwrap_or_else(|| format!(
                "; {}",
                self.extremes(&group.iter().collect::<Vec<_>>())
            ))
        )
    }

    fn one(&self, bin: &Bin) -> String {
        let held = match self.condition {
            BinCondition::Count(_) if bin.maybe == 0 => words::count(bin.sure),
            BinCondition::Count(_) => {
                format!("{} to {}", words::count(bin.sure), words::count(bin.sure + bin.maybe))
            }
            BinCondition::Share(_) => {
                format!("{} of {}", words::count(bin.hits), words::count(bin.sent))
            }
        };
        format!("{held} from {} to {}", words::moment(bin.from), words::moment(bin.to))
    }

    /// `from 0 to 81 in a bin`.
    fn extremes(&self, bins: &[&&Bin]) -> String {
        match self.condition {
            BinCondition::Count(_) => {
                let least = bins.iter().map(|bin| bin.sure).min().unwrap_or_default();
                let most = bins.iter().map(|bin| bin.sure + bin.maybe).max().unwrap_or_default();
                format!("from {} to {} in a bin", words::count(least), words::count(most))
            }
            BinCondition::Share(_) => {
                let share = |bin: &&&Bin| (0 < bin.sent).then(|| real(bin.hits) / real(bin.sent));
                let most = bins.iter().filter_map(share).fold(0.0, f64::max);
                format!("up to {} in a bin", words::percent(most))
            }
        }
    }

    /// Requests to look at: those counted in the bins at fault, else those sent in them.
    fn named<'a>(&self, events: &Events<'a>, group: &[&Bin]) -> Vec<Request<'a>> {
        let too_many = match (&self.matching, self.judge(group)) {
            (Some(limits), Verdict::Failed) => {
                let yes = group.iter().filter(|bin| self.matches(bin) == Matches::Yes).count();
                limits.at_most.is_some_and(|most| most < yes as u64)
            }
            _ => false,
        };
        let wanted = |bin: &&&Bin| (self.matches(bin) == Matches::Yes) == too_many;
        let Some(bin) = group.iter().find(wanted) else { return Vec::new() };
        let inside = |time: RunTime| bin.from <= time && time < bin.to;
        let counted: Vec<Request<'a>> = events
            .counted
            .iter()
            .filter(|event| inside(event.earliest))
            .map(|event| event.request)
            .collect();
        if counted.is_empty() {
            return events.requests.iter().copied().filter(|one| inside(one.row.sent)).collect();
        }
        counted
    }
}

/// Whether a number from `low` to `high` lies within limits.
fn within(low: u64, high: u64, limits: &Limits<u64>) -> Verdict {
    let least = limits.at_least.unwrap_or(0);
    let most = limits.at_most.unwrap_or(u64::MAX);
    if least <= low && high <= most {
        Verdict::Passed
    } else if high < least || most < low {
        Verdict::Failed
    } else {
        Verdict::Inconclusive
    }
}

fn fill(events: &Events<'_>, length: std::time::Duration) -> Vec<Bin> {
    let empty =
        |(from, to): (RunTime, RunTime)| Bin { from, to, sure: 0, maybe: 0, sent: 0, hits: 0 };
    let mut all: Vec<Bin> = bins(&events.stretches, length).into_iter().map(empty).collect();
    for Event { earliest, latest, weight, .. } in &events.counted {
        let first = all.partition_point(|bin| bin.to <= *earliest);
        let end = all.partition_point(|bin| bin.from <= *latest);
        let inside = all.get(first).is_some_and(|bin| bin.from <= *earliest && *latest < bin.to);
        for bin in all.get_mut(first..end.max(first)).unwrap_or_default() {
            if inside {
                bin.sure += weight;
            } else {
                bin.maybe += weight;
            }
        }
        if let Some(bin) = all.get_mut(first).filter(|bin| bin.from <= *earliest) {
            bin.hits += 1;
        }
    }
    for request in &events.requests {
        let sent = request.row.sent;
        let index = all.partition_point(|bin| bin.to <= sent);
        if let Some(bin) = all.get_mut(index).filter(|bin| bin.from <= sent) {
            bin.sent += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::assert::AssertionResult;
    use crate::assert::fixture::{refusals, verdict};
    use crate::record::{Dataset, World};
    use crate::scenario::assertion::{Counted, Kind, Scope, SeenBy, Span, Statuses, Weight};

    /// The seed's chart of a low-priority run: 429s per 10 s of 81 requests.
    const CHART: [u32; 29] = [
        0, 13, 6, 13, 43, 81, 32, 18, 12, 9, 38, 81, 36, 18, 11, 3, 27, 81, 45, 20, 9, 12, 32, 81,
        45, 16, 18, 7, 23,
    ];

    fn limits(least: Option<u64>, most: Option<u64>) -> Limits<u64> {
        Limits { at_least: least, at_most: most }
    }

    fn asked(
        dataset: &Dataset,
        condition: BinCondition,
        matching: Option<Limits<u64>>,
        per: Option<usize>,
    ) -> AssertionResult {
        let counted = Counted {
            statuses: Some(Statuses::Codes(vec![429])),
            seen_by: SeenBy::Clients,
            answered_by: None,
            weight: Weight::Fixed(1),
        };
        let length = Duration::from_secs(10);
        let kind = Kind::Bins(Bins { length, counted, condition, matching, per });
        let span = Span { end: Some(Duration::from_secs(285)), ..Span::default() };
        verdict(dataset, Scope { span, ..Scope::default() }, kind)
    }

    #[test]
    fn every_bin_some_bins_and_bins_of_each_minute() {
        let chart = refusals(&CHART, 81);
        let most = |most| BinCondition::Count(limits(None, Some(most)));
        let good = asked(&chart, most(81), None, None);
        assert_eq!(good.verdict, Verdict::Passed);
        insta::assert_snapshot!(good.message, @"28 of 28 bins match; from 0 to 81 in a bin");
        let bad = asked(&chart, most(75), None, None);
        assert_eq!((bad.verdict, bad.examples.len()), (Verdict::Failed, 3));
        insta::assert_snapshot!(bad.message, @"expected at most 75 requests answered 429 in each bin of 10s, but 4 of 28 bins did not; first 81 from 50s to 60s");

        let full = BinCondition::Share(1.0);
        let once = Some(limits(Some(1), Some(1)));
        let good = asked(&chart, full, once, Some(6));
        assert_eq!(good.verdict, Verdict::Passed, "{good:?}");
        insta::assert_snapshot!(good.threshold, @"bins of 10s with only requests answered 429: exactly 1 in each 1m");
        let bad = asked(&chart, BinCondition::Share(0.5), once, Some(6));
        assert_eq!(bad.verdict, Verdict::Failed);
        insta::assert_snapshot!(bad.message, @"expected bins of 10s with at least 50 % requests answered 429: exactly 1 in each 1m, but 2 of 6 bins from 0s to 60s did (first 43 of 81 from 40s to 50s)");
        let bad = asked(&chart, full, Some(limits(Some(5), None)), None);
        assert_eq!(bad.verdict, Verdict::Failed);
        insta::assert_snapshot!(bad.message, @"expected bins of 10s with only requests answered 429: at least 5, but 4 of 28 bins from 0s to 280s did (first 81 of 81 from 50s to 60s)");
        let any = asked(&chart, full, Some(limits(Some(1), None)), None);
        assert_eq!(
            (any.verdict, any.observed.unwrap().text.as_str()),
            (Verdict::Passed, "4 of 28 bins")
        );
    }

    #[test]
    fn a_request_across_an_edge_may_belong_to_either_bin() {
        let mut chart = refusals(&[0, 10, 0], 20);
        chart.world = World::Real;
        let ten = BinCondition::Count(limits(None, Some(9)));
        assert_eq!(asked(&chart, ten, None, None).verdict, Verdict::Failed);
        // The last two may have been decided after the bin's end.
        for row in chart.clients.iter_mut().filter(|row| row.outcome.status() == Some(429)).skip(8)
        {
            row.first_byte = Some(crate::assert::fixture::at(20.5));
        }
        let doubtful = asked(&chart, ten, None, None);
        assert_eq!(doubtful.verdict, Verdict::Inconclusive);
        insta::assert_snapshot!(doubtful.message, @"1 of 28 bins did not; first 8 to 10 from 10s to 20s; when some requests were decided is not known well enough");
    }

    #[test]
    fn a_span_without_a_whole_bin_shows_nothing() {
        let chart = refusals(&[3], 20);
        let mut short = chart.clone();
        short.stages[0].end = Duration::from_secs(9);
        let most = BinCondition::Count(limits(None, Some(9)));
        let counted = Counted {
            statuses: None,
            seen_by: SeenBy::Clients,
            answered_by: None,
            weight: Weight::Fixed(1),
        };
        let length = Duration::from_secs(10);
        let kind = Kind::Bins(Bins { length, counted, condition: most, matching: None, per: None });
        let none = verdict(&short, Scope::default(), kind);
        assert_eq!(none.verdict, Verdict::Inconclusive);
        insta::assert_snapshot!(none.message, @"the span holds no whole 10s");
    }
}
