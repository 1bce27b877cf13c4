//! Whether a header tells what a sliding window's counter had left, by a replay.

use super::check::{Check, Finding, Hits, Why};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::Verdict;
use super::words;
use crate::record::{RunTime, World};
use crate::scenario::assertion::{Assertion, Counter, Counts, Scope, Span};

/// A span of moments, from the first possible to the last.
type Moments = (RunTime, RunTime);

impl Ask for Counter {
    /// The header of each answer is what the replayed counter allows.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let threshold = format!("{} as the counter had it", self.header);
        let whole = Scope { span: Span::default(), ..assertion.scope.clone() };
        let selected = joined
            .select(&assertion.scope)
            .and_then(|span| Ok((span, self.counted(joined, &whole)?)));
        let (requests, counted) = match selected {
            Ok(selected) => selected,
            Err(why) => return Check::nothing(threshold, why),
        };
        let exact = joined.dataset.world == World::Virtual;
        let judged: Vec<(Request<'_>, Option<Problem>)> = requests
            .into_iter()
            .filter(|request| request.succeeded() || request.row.headers.contains_key(&self.header))
            .map(|request| (request, self.problem(&request, &counted, exact)))
            .collect();
        if judged.is_empty() {
            return Check::nothing(threshold, "not one answer should have the header");
        }
        let hits = Hits { flags: judged.iter().map(|(_, problem)| problem.is_none()).collect() };
        let wrong: Vec<(Request<'_>, &Problem)> = judged
            .iter()
            .filter_map(|(request, problem)| Some((*request, problem.as_ref()?)))
            .collect();
        let n = words::counted(hits.n(), "answer", "answers");
        let (verdict, message) = match wrong.first() {
            None => (Verdict::Passed, format!("{n}, each with the counter's value")),
            Some((first, problem)) => {
                let number = |wanted: fn(&Problem) -> bool| {
                    wrong.iter().filter(|(_, problem)| wanted(problem)).count() as u64
                };
                let parts: Vec<String> = [
                    (number(|one| matches!(one, Problem::Absent)), "had no such header"),
                    (number(|one| matches!(one, Problem::NoNumber(_))), "had no number in it"),
                    (number(|one| matches!(one, Problem::More(..))), "told more than was left"),
                    (number(|one| matches!(one, Problem::Less(..))), "told less than was left"),
                ]
                .into_iter()
                .filter(|(count, _)| 0 < *count)
                .map(|(count, what)| format!("{} {what}", words::count(count)))
                .collect();
                let message = format!(
                    "expected {threshold}, but of {n} {} (first at {}{})",
                    words::list(&parts),
                    first.place(),
                    problem.words()
                );
                (Verdict::Failed, message)
            }
        };
        Check::Fact(Finding {
            n: hits.n(),
            observed: Some(hits.observed()),
            examples: examples(wrong.iter().map(|(request, _)| *request)),
            ..Finding::new(verdict, threshold, message)
        })
    }
}

/// Something that counted.
struct Count {
    /// The request's number.
    number: u64,
    at: Moments,
    weight: u64,
}

/// What is wrong with one answer.
enum Problem {
    Absent,
    NoNumber(String),
    /// Told, and the most there was.
    More(u64, u64),
    /// Told, and the least there was.
    Less(u64, u64),
}

impl Problem {
    fn words(&self) -> String {
        match self {
            Problem::Absent => String::new(),
            Problem::NoNumber(text) => format!(": `{text}`"),
            Problem::More(told, most) => {
                format!(": {} told, {} left", words::count(*told), words::count(*most))
            }
            Problem::Less(told, least) => {
                format!(": {} told, {} left", words::count(*told), words::count(*least))
            }
        }
    }
}

impl Counter {
    /// What counted in the whole run, by the first moment at which it may have.
    fn counted(&self, joined: &Joined<'_>, scope: &Scope) -> Result<Vec<Count>, Why> {
        let exact = joined.dataset.world == World::Virtual;
        let mut counted: Vec<Count> = joined
            .select(scope)?
            .into_iter()
            .filter(Request::succeeded)
            .map(|request| {
                let row = request.row;
                let first_byte = row.first_byte.unwrap_or(row.sent);
                // Counted while the answer leaves: at the latest when the client has it.
                let (first, last) = match (self.counts, exact) {
                    (Counts::Answered, true) => (row.done, row.done),
                    (Counts::Answered, false) => (first_byte, row.done),
                    (Counts::Admitted, true) => (row.sent, row.sent),
                    (Counts::Admitted, false) => (row.sent, first_byte),
                };
                let used = row.usage.map_or(0, |usage| usage.total);
                let weight = self.weight.unwrap_or(used);
                Count { number: row.number, at: (first.min(last), last), weight }
            })
            .collect();
        counted.sort_by_key(|count| (count.at.0, count.number));
        Ok(counted)
    }

    fn problem(&self, request: &Request<'_>, counted: &[Count], exact: bool) -> Option<Problem> {
        let row = request.row;
        let Some(text) = row.headers.get(&self.header) else { return Some(Problem::Absent) };
        let Ok(told) = text.trim().parse::<u64>() else {
            return Some(Problem::NoNumber(text.clone()));
        };
        let latest = if exact { row.sent } else { row.first_byte.unwrap_or(row.done) };
        let (most, least) = self.left(request, (row.sent, latest), counted);
        if most < told {
            Some(Problem::More(told, most))
        } else if told < least {
            Some(Problem::Less(told, least))
        } else {
            None
        }
    }

    /// The most and the least the counter may have had left at these moments.
    fn left(&self, request: &Request<'_>, at: Moments, counted: &[Count]) -> (u64, u64) {
        let grown = self.plus.as_ref().map_or(0, |(header, share)| {
            let text = request.row.headers.get(header);
            let value = text.and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(0);
            floor(f64::from(value) * share)
        });
        let limit = self.limit + grown;
        let period = RunTime::from(self.period).nanos;
        let (mut surely, mut perhaps) = (0_u64, 0_u64);
        let end = counted.partition_point(|count| count.at.0 <= at.1);
        for count in counted.get(..end).unwrap_or_default().iter().rev() {
            if count.number == request.row.number {
                if self.counts == Counts::Admitted {
                    surely += count.weight;
                    perhaps += count.weight;
                }
                continue;
            }
            if count.at.1.nanos < at.0.nanos - period {
                // In order of the first moments; answers last no longer than a period.
                if count.at.0.nanos < at.0.nanos - 2 * period {
                    break;
                }
                continue;
            }
            perhaps += count.weight;
            if count.at.1 < at.0 && at.1.nanos - period < count.at.0.nanos {
                surely += count.weight;
            }
        }
        (limit.saturating_sub(surely), limit.saturating_sub(perhaps))
    }
}

/// Rounded down; not below zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates, which is what is wanted"
)]
fn floor(value: f64) -> u64 {
    value.floor() as u64
}
