//! Whether answers of a status come in known shapes.

use std::collections::BTreeMap;

use super::check::{Check, Finding, Hits};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::Verdict;
use super::words;
use crate::record::Outcome;
use crate::scenario::assertion::{Answers, Assertion, Condition};

impl Ask for Answers {
    /// Each answer fits a shape, and each shape has as many as it must.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let names: Vec<String> = self.shapes.iter().map(|shape| shape.name.clone()).collect();
        let threshold = format!("each {} {}", self.statuses, names.join(" or "));
        let mut requests = match joined.select(&assertion.scope) {
            Ok(requests) => requests,
            Err(why) => return Check::nothing(threshold, why),
        };
        let sent = words::counted(requests.len() as u64, "request", "requests");
        requests.retain(|request| {
            matches!(request.row.outcome, Outcome::Answered(status) if self.statuses.contains(status))
        });
        let least: u64 = self.shapes.iter().map(|shape| shape.at_least).sum();
        if requests.is_empty() && least == 0 {
            let why = format!("{sent}, but not one was answered {}", self.statuses);
            return Check::nothing(threshold, why);
        }
        let mut counts = vec![0_u64; self.shapes.len()];
        let mut wrong: Vec<(Request<'_>, String)> = Vec::new();
        let mut flags = Vec::with_capacity(requests.len());
        // Those of each shape beyond what it may have, with what the first shape lacked.
        let mut beyond: Vec<Vec<(Request<'_>, String)>> = vec![Vec::new(); self.shapes.len()];
        for request in &requests {
            let failed = self.shapes.iter().map(|shape| failed(&shape.conditions, request));
            let failed: Vec<Vec<String>> = failed.collect();
            let fitting = failed.iter().position(Vec::is_empty);
            flags.push(fitting.is_some());
            let shape = fitting.and_then(|index| {
                Some((self.shapes.get(index)?, counts.get_mut(index)?, beyond.get_mut(index)?))
            });
            match shape {
                Some((shape, count, beyond)) => {
                    *count += 1;
                    if shape.at_most.is_some_and(|most| most < *count) {
                        let first = failed.first().map(|all| words::list(all));
                        beyond.push((*request, first.unwrap_or_default()));
                    }
                }
                None => {
                    // Told of the shape that comes nearest.
                    let nearest = failed.into_iter().min_by_key(Vec::len).unwrap_or_default();
                    wrong.push((*request, words::list(&nearest)));
                }
            }
        }
        let hits = Hits { flags };
        let n = words::counted(hits.n(), "answer", "answers");
        let seen: Vec<String> = names
            .iter()
            .zip(&counts)
            .map(|(name, count)| format!("{} {name}", words::count(*count)))
            .collect();
        let short = self.shapes.iter().zip(&counts).find(|(shape, count)| **count < shape.at_least);
        let full = self.shapes.iter().zip(&counts).zip(&beyond);
        let full = full.filter_map(|(one, beyond)| Some((one, beyond.first()?))).next();
        let (verdict, message) = match (wrong.first(), full, short) {
            (None, Some(((shape, count), (first, problem))), _) => {
                let most = shape.at_most.map(words::count).unwrap_or_default();
                let problem = match problem.as_str() {
                    "" => String::new(),
                    problem => format!(": {problem}"),
                };
                let message = format!(
                    "expected at most {most} {}, but of {n} {} were (one too many at {}{problem})",
                    shape.name,
                    words::count(*count),
                    first.place()
                );
                (Verdict::Failed, message)
            }
            (Some((first, _)), ..) => {
                let mut problems: BTreeMap<&str, u64> = BTreeMap::new();
                for (_, problem) in &wrong {
                    *problems.entry(problem.as_str()).or_default() += 1;
                }
                let most = problems.iter().max_by_key(|(_, count)| **count);
                let most = most.map_or("", |(problem, _)| problem);
                let wrong = words::count(wrong.len() as u64);
                let place = first.place();
                let message = format!(
                    "expected {threshold}, but of {n} {wrong} fit none: {most} (first at {place})"
                );
                (Verdict::Failed, message)
            }
            (None, None, Some((shape, count))) => {
                let (least, name) = (words::count(shape.at_least), &shape.name);
                let message = format!(
                    "expected at least {least} {name}, but of {n} {} were",
                    words::count(*count)
                );
                (Verdict::Failed, message)
            }
            (None, None, None) => (Verdict::Passed, format!("{n}: {}", seen.join(", "))),
        };
        Check::Fact(Finding {
            n: hits.n(),
            observed: Some(hits.observed()),
            examples: examples(wrong.iter().chain(beyond.iter().flatten()).map(|one| one.0)),
            ..Finding::new(verdict, threshold, message)
        })
    }
}

/// What does not hold for an answer, in words.
fn failed(conditions: &[Condition], request: &Request<'_>) -> Vec<String> {
    let seen = |name: &String| request.row.headers.get(name).map(|value| value.trim());
    let number = |name: &String| seen(name).and_then(|value| value.parse::<u64>().ok());
    let told = |name: &String| match seen(name) {
        None => format!("no {name}"),
        Some(value) => format!("{name} is {value}"),
    };
    let problem = |condition: &Condition| match condition {
        Condition::Has(name) => seen(name).is_none().then(|| told(name)),
        Condition::Lacks(name) => seen(name).is_some().then(|| told(name)),
        Condition::Equals(name, value) => {
            (seen(name) != Some(value.as_str())).then(|| format!("{}, not {value}", told(name)))
        }
        Condition::Below(name, most) => number(name)
            .is_none_or(|number| *most <= number)
            .then(|| format!("{}, not below {most}", told(name))),
        Condition::NotBelow(name, least) => number(name)
            .is_none_or(|number| number < *least)
            .then(|| format!("{}, not {least} or more", told(name))),
        Condition::Same(name, other) => (seen(name).is_none() || seen(name) != seen(other))
            .then(|| format!("{}, and {}", told(name), told(other))),
        Condition::Body(pattern) => {
            let body = request.row.error_body.as_deref().unwrap_or_default();
            (!fits(body, pattern)).then(|| format!("the body is `{body}`, not `{pattern}`"))
        }
    };
    conditions.iter().filter_map(problem).collect()
}

/// Whether a text is a pattern with a whole number at each `*`.
fn fits(text: &str, pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return text == pattern };
    let Some(rest) = text.strip_prefix(before) else { return false };
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    // All of its digits: a number cut short would be another.
    0 < end && rest.get(end..).is_some_and(|rest| fits(rest, after))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_has_a_number_at_each_star() {
        assert!(fits("Try again in 12 seconds.", "Try again in * seconds."));
        assert!(fits("1 of 20", "* of *"));
        assert!(fits("as it is", "as it is"));
        for other in ["Try again in seconds.", "Try again in -1 seconds.", "Try again in 1 second."]
        {
            assert!(!fits(other, "Try again in * seconds."), "{other}");
        }
        assert!(!fits("12", "*2"), "a star takes the whole number");
        assert!(!fits("", "*"));
    }
}
