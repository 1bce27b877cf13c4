//! Which simulator answered, and what came before its answer. Identity comes
//! from the simulators' journals alone, never from the gateway's word.

use std::collections::BTreeMap;

use super::check::{Check, Finding, Hits, Why, exact_share, judge_share, share_words};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::Verdict;
use super::words;
use crate::record::BackendRow;
use crate::scenario::assertion::{Assertion, Attempts, BackendShare, Comparison, Scope, ShareBand};

impl Ask for BackendShare {
    /// Share of the 2xx answers that came from one simulator.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        share(joined, &assertion.scope, &self.simulator, &self.band)
    }
}

fn share(joined: &Joined<'_>, scope: &Scope, simulator: &str, band: &ShareBand) -> Check {
    let threshold = share_words(band);
    let selected =
        joined.simulator(simulator).and_then(|index| Ok((index, answered(joined, scope)?)));
    let (index, requests) = match selected {
        Ok(selected) => selected,
        Err(why) => return Check::nothing(threshold, why),
    };
    let from_it =
        |request: &Request<'_>| request.answering().is_some_and(|answer| answer.simulator == index);
    let hits = Hits { flags: requests.iter().map(from_it).collect() };
    // Named in a message: the answers that should not be, whichever those are.
    let too_many = band.lower <= 0.0;
    let wrong: Vec<Request<'_>> =
        requests.iter().copied().filter(|request| from_it(request) == too_many).collect();
    let examples = examples(wrong.iter().copied());
    let first = wrong.first().map(Request::place);
    let others = elsewhere(joined, &requests, index);
    let base = Finding {
        n: hits.n(),
        observed: Some(hits.observed()),
        examples,
        ..Finding::new(Verdict::Passed, threshold.clone(), "")
    };
    let said = Said { simulator: simulator.to_owned(), threshold, first, others };
    match band.comparison {
        Comparison::Exact => {
            let verdict = exact_share(&hits, band);
            Check::Fact(said.finish(Finding { verdict, ..base }, &hits, band))
        }
        Comparison::Interval => {
            let band = *band;
            let effect = hits.design_effect();
            Check::Estimate(Box::new(move |alpha| {
                let judged = judge_share(&hits, effect, &band, alpha);
                let finding = Finding {
                    verdict: judged.verdict,
                    interval: Some(judged.interval),
                    n_to_settle: judged.n_to_settle,
                    ..base.clone()
                };
                said.finish(finding, &hits, &band)
            }))
        }
    }
}

/// What a message about a share can draw on.
struct Said {
    simulator: String,
    threshold: String,
    first: Option<String>,
    others: Vec<(String, u64)>,
}

impl Said {
    fn finish(&self, finding: Finding, hits: &Hits, band: &ShareBand) -> Finding {
        let (k, n, simulator) = (words::count(hits.k()), words::count(hits.n()), &self.simulator);
        let first =
            self.first.as_ref().map(|first| format!(" (first at {first})")).unwrap_or_default();
        let message = match finding.verdict {
            Verdict::Passed if hits.k() == hits.n() => {
                format!("all {n} answers came from {simulator}")
            }
            Verdict::Passed if hits.k() == 0 => {
                format!("none of {n} answers came from {simulator}; {}", self.sources())
            }
            Verdict::Passed => format!("{k} of {n} answers came from {simulator}"),
            Verdict::Failed if band.lower >= 1.0 => format!(
                "expected every answer from {simulator}, but {} of {n} came from {}{first}",
                words::count(hits.n() - hits.k()),
                self.sources_only(),
            ),
            Verdict::Failed if band.upper <= 0.0 => {
                format!("expected no answer from {simulator}, but {k} of {n} came from it{first}")
            }
            Verdict::Failed => format!(
                "expected {} of the answers from {simulator}, but {k} of {n} came from it ({}); {}",
                self.threshold,
                words::percent(hits.share()),
                self.sources(),
            ),
            Verdict::Inconclusive | Verdict::Skipped => format!(
                "{n} answers are too few to tell {} from {}",
                words::percent(hits.share()),
                self.threshold
            ),
        };
        let examples =
            if finding.verdict == Verdict::Passed { Vec::new() } else { finding.examples };
        Finding { message, examples, ..finding }
    }

    /// `payg2`, or `50 from payg2 and 7 from ptu1`.
    fn sources_only(&self) -> String {
        match self.others.as_slice() {
            [(only, _)] => only.clone(),
            several => {
                let parts: Vec<String> = several
                    .iter()
                    .map(|(name, count)| format!("{name} ({})", words::count(*count)))
                    .collect();
                words::list(&parts)
            }
        }
    }

    fn sources(&self) -> String {
        let parts: Vec<String> = self
            .others
            .iter()
            .map(|(name, count)| format!("{} from {name}", words::count(*count)))
            .collect();
        words::list(&parts)
    }
}

/// Requests of a scope answered 2xx, in order of sending.
pub(super) fn answered<'a>(joined: &'a Joined<'_>, scope: &Scope) -> Result<Vec<Request<'a>>, Why> {
    let mut requests = joined.select(scope)?;
    let sent = requests.len() as u64;
    requests.retain(Request::succeeded);
    if requests.is_empty() {
        let sent = words::counted(sent, "request", "requests");
        return Err(format!("{sent}, but not one was answered 2xx").into());
    }
    Ok(requests)
}

/// Who else answered, and how often, the most frequent first.
fn elsewhere(joined: &Joined<'_>, requests: &[Request<'_>], index: usize) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<Option<usize>, u64> = BTreeMap::new();
    for request in requests {
        let from = request.answering().map(|answer| answer.simulator);
        if from != Some(index) {
            *counts.entry(from).or_default() += 1;
        }
    }
    let nobody = match joined.dataset.journal_breaks.as_slice() {
        [] => "no simulator",
        _ => "nobody any more on record",
    };
    let mut named: Vec<(String, u64)> = counts
        .into_iter()
        .map(|(from, count)| {
            let name = from.map_or(nobody, |from| joined.simulator_name(from));
            (name.to_owned(), count)
        })
        .collect();
    named.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    named
}

impl Ask for Attempts {
    /// Every answer of one simulator had exactly so many earlier attempts of a kind.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        attempts(joined, &assertion.scope, self)
    }
}

fn attempts(joined: &Joined<'_>, scope: &Scope, wanted: &Attempts) -> Check {
    let answered_by = &wanted.answered_by;
    let attempts = words::counted(u64::from(wanted.exactly), "attempt", "attempts");
    let kind = format!("answered {} at {}", wanted.status, wanted.preceded_by);
    let threshold = format!("{attempts} {kind} before each answer from {answered_by}");
    let selected = joined
        .simulator(answered_by)
        .and_then(|by| Ok((by, joined.simulator(&wanted.preceded_by)?, answered(joined, scope)?)));
    let (by, at, requests) = match selected {
        Ok(selected) => selected,
        Err(why) => return Check::nothing(threshold, why),
    };
    let answers: Vec<(Request<'_>, &BackendRow)> = requests
        .iter()
        .filter_map(|request| request.answering().map(|answer| (*request, answer)))
        .filter(|(_, answer)| answer.simulator == by)
        .collect();
    if answers.is_empty() {
        let n = words::counted(requests.len() as u64, "answer", "answers");
        return Check::nothing(threshold, format!("{n}, but none came from {answered_by}"));
    }
    let earlier = |request: &Request<'_>, answer: &BackendRow| {
        let matching =
            request.before(answer).filter(|row| row.simulator == at && row.status == wanted.status);
        matching.count() as u64
    };
    let counted: Vec<(Request<'_>, u64)> =
        answers.iter().map(|(request, answer)| (*request, earlier(request, answer))).collect();
    let exactly = u64::from(wanted.exactly);
    let wrong: Vec<&(Request<'_>, u64)> =
        counted.iter().filter(|(_, count)| *count != exactly).collect();
    let n = counted.len() as u64;
    let hits = Hits { flags: counted.iter().map(|(_, count)| *count == exactly).collect() };
    let verdict = if wrong.is_empty() { Verdict::Passed } else { Verdict::Failed };
    let message = match wrong.first() {
        None => format!(
            "{} from {answered_by} had {attempts} {kind} before",
            if n == 1 {
                "the one answer".to_owned()
            } else {
                format!("all {} answers", words::count(n))
            },
        ),
        Some((first, _)) => {
            let none = wrong.iter().filter(|(_, count)| *count == 0).count() as u64;
            let (other, what) = (wrong.len() as u64 - none, format!("attempt {kind}"));
            let mut parts = Vec::new();
            if 0 < none {
                parts.push(format!("{} had no {what} before", words::count(none)));
            }
            if 0 < other {
                let most = wrong.iter().map(|(_, count)| *count).max().unwrap_or(0);
                let but = if exactly == 1 { "more than one" } else { "another number" };
                parts.push(format!("{} had {but} (up to {most})", words::count(other)));
            }
            format!(
                "of {} from {answered_by}, {} (first at {})",
                words::counted(n, "answer", "answers"),
                words::list(&parts),
                first.place()
            )
        }
    };
    Check::Fact(Finding {
        n,
        observed: Some(hits.observed()),
        examples: examples(wrong.iter().map(|(request, _)| *request)),
        ..Finding::new(verdict, threshold, message)
    })
}
