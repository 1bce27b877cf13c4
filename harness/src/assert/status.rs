//! How often statuses were seen, and how many requests there were at all.

use std::collections::BTreeMap;

use super::check::{Check, Finding, Hits, Why, exact_share, judge_share, real, share_words};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::{Observed, Unit, Verdict};
use super::words;
use crate::record::Outcome;
use crate::scenario::assertion::{
    Assertion, Comparison, Limits, Requests, Scope, SeenBy, Status, StatusMeasure,
};

/// One thing that had a status: a client's request or an attempt.
struct Seen<'a> {
    request: Request<'a>,
    /// `None` when no status came.
    status: Option<u16>,
}

impl Ask for Status {
    /// Count or share of some statuses.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        status(joined, &assertion.scope, self)
    }
}

fn status(joined: &Joined<'_>, scope: &Scope, asked: &Status) -> Check {
    let Status { statuses, seen_by, measure } = asked;
    let threshold = match measure {
        StatusMeasure::Count(limits) => count_words(limits),
        StatusMeasure::Share(band) => share_words(band),
    };
    let seen = match seen(joined, scope, seen_by) {
        Ok(seen) => seen,
        Err(why) => return Check::nothing(threshold, why),
    };
    let matches = |one: &Seen<'_>| one.status.is_some_and(|status| statuses.contains(status));
    let hits = Hits { flags: seen.iter().map(matches).collect() };
    // Nothing answered is no evidence: silence must not keep a promise of "never".
    let silence_passes = match measure {
        StatusMeasure::Count(limits) => within(0, limits) == Verdict::Passed,
        StatusMeasure::Share(band) => band.lower <= 0.0,
    };
    if silence_passes && seen.iter().all(|one| one.status.is_none()) {
        let of = words::counted(hits.n(), "request", "requests");
        return Check::nothing(threshold, format!("{of}, but not one had a whole answer"));
    }
    let unwanted = match measure {
        StatusMeasure::Count(limits) => limits.at_most.is_some_and(|most| most < hits.k()),
        StatusMeasure::Share(band) => band.upper < hits.share(),
    };
    let wrong: Vec<&Seen<'_>> = seen.iter().filter(|one| matches(one) == unwanted).collect();
    let examples = examples(wrong.iter().map(|one| one.request));
    let first = wrong.first().map(|one| one.request.place());
    let who = match seen_by {
        SeenBy::Clients => "clients saw".to_owned(),
        SeenBy::Simulator(name) => format!("{name} sent"),
    };
    let statuses_seen = histogram(&seen);
    let things = match seen_by {
        SeenBy::Clients => ("request", "requests"),
        SeenBy::Simulator(_) => ("attempt", "attempts"),
    };
    let statuses = statuses.to_string();
    let words_for = {
        let threshold = threshold.clone();
        move |verdict: Verdict, hits: &Hits| {
            let times = if hits.k() == 0 {
                format!("{who} no {statuses}")
            } else {
                format!("{who} {statuses} {}", words::counted(hits.k(), "time", "times"))
            };
            let of = words::counted(hits.n(), things.0, things.1);
            match (verdict, &first) {
                (Verdict::Passed, _) => format!("{times} in {of}"),
                (Verdict::Failed, Some(first)) if unwanted => {
                    format!("expected {threshold}, but {times} in {of} (first at {first})")
                }
                (Verdict::Failed, _) => {
                    format!("expected {threshold}, but {times} in {of}: {statuses_seen}")
                }
                (Verdict::Inconclusive | Verdict::Skipped, _) => format!(
                    "{of} are too few to tell {} from {threshold}",
                    words::percent(hits.share())
                ),
            }
        }
    };
    let base = Finding { n: hits.n(), ..Finding::new(Verdict::Passed, threshold, "") };
    let named =
        move |verdict| if verdict == Verdict::Passed { Vec::new() } else { examples.clone() };
    match *measure {
        StatusMeasure::Count(limits) => {
            let verdict = within(hits.k(), &limits);
            Check::Fact(Finding {
                verdict,
                observed: Some(count_observed(hits.k())),
                message: words_for(verdict, &hits),
                examples: named(verdict),
                ..base
            })
        }
        StatusMeasure::Share(band) => match band.comparison {
            Comparison::Exact => {
                let verdict = exact_share(&hits, &band);
                Check::Fact(Finding {
                    verdict,
                    observed: Some(hits.observed()),
                    message: words_for(verdict, &hits),
                    examples: named(verdict),
                    ..base
                })
            }
            Comparison::Interval => {
                let effect = hits.design_effect();
                Check::Estimate(Box::new(move |alpha| {
                    let judged = judge_share(&hits, effect, &band, alpha);
                    Finding {
                        verdict: judged.verdict,
                        observed: Some(hits.observed()),
                        interval: Some(judged.interval),
                        n_to_settle: judged.n_to_settle,
                        message: words_for(judged.verdict, &hits),
                        examples: named(judged.verdict),
                        ..base.clone()
                    }
                }))
            }
        },
    }
}

fn seen<'a>(joined: &'a Joined<'_>, scope: &Scope, seen_by: &SeenBy) -> Result<Vec<Seen<'a>>, Why> {
    let requests = joined.select(scope)?;
    match seen_by {
        SeenBy::Clients => Ok(requests
            .into_iter()
            .map(|request| Seen { request, status: complete(&request.row.outcome) })
            .collect()),
        SeenBy::Simulator(name) => {
            let index = joined.simulator(name)?;
            let seen: Vec<Seen<'_>> = requests
                .into_iter()
                .flat_map(|request| {
                    let own = request.attempts.iter().filter(move |row| row.simulator == index);
                    own.map(move |row| Seen { request, status: Some(row.status) })
                })
                .collect();
            if seen.is_empty() {
                return Err(format!("no request of the span reached {name}").into());
            }
            Ok(seen)
        }
    }
}

/// The status a client may count on: a success that broke off is none, since its
/// answer is not whole; an error is one, however much of its body came.
fn complete(outcome: &Outcome) -> Option<u16> {
    outcome
        .status()
        .filter(|status| !matches!(outcome, Outcome::BrokenOff(..)) || !(200..300).contains(status))
}

/// `200 × 340, 503 × 1, no whole answer × 2`.
fn histogram(seen: &[Seen<'_>]) -> String {
    let mut counts: BTreeMap<Option<u16>, u64> = BTreeMap::new();
    for one in seen {
        *counts.entry(one.status).or_default() += 1;
    }
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(status, count)| {
            let status = status.map_or("no whole answer".to_owned(), |status| status.to_string());
            format!("{status} × {}", words::count(count))
        })
        .collect();
    parts.join(", ")
}

impl Ask for Requests {
    /// How many requests were sent.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        requests(joined, &assertion.scope, &self.limits)
    }
}

fn requests(joined: &Joined<'_>, scope: &Scope, limits: &Limits<u64>) -> Check {
    let threshold = count_words(limits);
    let selected = joined.select(scope);
    let requests = selected.as_ref().map_or(&[][..], Vec::as_slice);
    let n = requests.len() as u64;
    let verdict = match (&selected, within(n, limits)) {
        // No request at all may be too few; that it is few enough shows nothing.
        (Err(_), Verdict::Passed) => Verdict::Inconclusive,
        (_, verdict) => verdict,
    };
    let sent = words::counted(n, "request was sent", "requests were sent");
    let message = match (&selected, verdict) {
        (Err(why), _) => why.text().to_owned(),
        (_, Verdict::Passed) => sent,
        _ => format!("expected {threshold}, but {sent}"),
    };
    let unanswered = requests
        .iter()
        .filter(|request| matches!(request.row.outcome, Outcome::Abandoned))
        .copied();
    Check::Fact(Finding {
        n,
        observed: Some(count_observed(n)),
        examples: examples(unanswered),
        ..Finding::new(verdict, threshold, message)
    })
}

fn within(count: u64, limits: &Limits<u64>) -> Verdict {
    let inside = limits.at_least.is_none_or(|least| least <= count)
        && limits.at_most.is_none_or(|most| count <= most);
    if inside { Verdict::Passed } else { Verdict::Failed }
}

fn count_observed(count: u64) -> Observed {
    Observed { value: real(count), unit: Unit::Count, text: words::count(count) }
}

/// `none`, `exactly 3`, `at least 3`, `3 to 5`.
pub(super) fn count_words(limits: &Limits<u64>) -> String {
    let count = words::count;
    match (limits.at_least, limits.at_most) {
        (None | Some(0), Some(0)) => "none".to_owned(),
        (Some(least), Some(most)) if least == most => format!("exactly {}", count(least)),
        (Some(least), Some(most)) => format!("{} to {}", count(least), count(most)),
        (Some(least), None) => format!("at least {}", count(least)),
        (None, Some(most)) => format!("at most {}", count(most)),
        (None, None) => "any number".to_owned(),
    }
}
