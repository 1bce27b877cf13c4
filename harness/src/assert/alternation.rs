//! Whether simulators take turns, request by request.

use super::check::{Check, Finding, Hits, Why};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::Verdict;
use super::routing::answered;
use super::words;
use crate::scenario::assertion::{Alternation, Assertion};

impl Ask for Alternation {
    /// No answer comes from where the one before came from.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let threshold = format!("{} in turns", words::list(&self.among));
        let indices: Result<Vec<usize>, Why> =
            self.among.iter().map(|name| joined.simulator(name)).collect();
        let selected = indices.and_then(|among| Ok((among, answered(joined, &assertion.scope)?)));
        let (among, requests) = match selected {
            Ok(selected) => selected,
            Err(why) => return Check::nothing(threshold, why),
        };
        if requests.len() < 2 {
            return Check::nothing(threshold, "one answer has no turn to take");
        }
        let from: Vec<Option<usize>> =
            requests.iter().map(|one| one.answering().map(|row| row.simulator)).collect();
        let name = |from: Option<usize>| match from {
            Some(from) => joined.simulator_name(from),
            None => "no simulator",
        };
        let is_other = |from: &Option<usize>| !from.is_some_and(|from| among.contains(&from));
        let others: Vec<Request<'_>> = chosen(&requests, from.iter().map(is_other));
        let repeats = std::iter::once(false).chain(from.windows(2).map(|pair| match pair {
            [before, after] => before == after,
            _ => false,
        }));
        let repeats: Vec<bool> = repeats.collect();
        let repeated = chosen(&requests, repeats.iter().copied());
        let started = from.first().copied().flatten();
        let mut parts = Vec::new();
        if let Some(first) = &self.first
            && name(started) != first.as_str()
        {
            parts.push(format!("the first came from {}, not from {first}", name(started)));
        }
        if let Some(first) = others.first() {
            let at = name(first.answering().map(|row| row.simulator));
            let count = words::counted(others.len() as u64, "answer", "answers");
            parts.push(format!("{count} came from elsewhere ({at} at {})", first.place()));
        }
        if let Some(first) = repeated.first() {
            let count = words::counted(repeated.len() as u64, "answer", "answers");
            let place = first.place();
            parts.push(format!(
                "{count} came from where the one before came from (first at {place})"
            ));
        }
        let n = words::counted(requests.len() as u64, "answer", "answers");
        let verdict = if parts.is_empty() { Verdict::Passed } else { Verdict::Failed };
        let message = match verdict {
            Verdict::Passed => format!("{n}, never two in a row from one simulator"),
            _ => format!("expected {threshold}, but of {n} {}", words::list(&parts)),
        };
        let hits = Hits { flags: repeats.iter().skip(1).map(|repeat| !repeat).collect() };
        Check::Fact(Finding {
            n: requests.len() as u64,
            observed: Some(hits.observed()),
            examples: examples(others.into_iter().chain(repeated)),
            ..Finding::new(verdict, threshold, message)
        })
    }
}

fn chosen<'a>(requests: &[Request<'a>], flags: impl Iterator<Item = bool>) -> Vec<Request<'a>> {
    requests.iter().zip(flags).filter(|(_, flag)| *flag).map(|(request, _)| *request).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::super::result::AssertionResult;
    use super::super::{Settings, evaluate};
    use super::*;
    use crate::record::Dataset;
    use crate::scenario::assertion::{Kind, Scope};

    fn judge(dataset: &Dataset, kind: Kind) -> AssertionResult {
        let assertion = Assertion {
            id: "a".into(),
            claim: "c".into(),
            scope: Scope::default(),
            simulators_only: false,
            kind,
        };
        evaluate(dataset, &[assertion], &Settings::default()).assertions.remove(0)
    }

    fn run(answers: &[usize]) -> Dataset {
        let mut fixture = Fixture::new(60);
        for (second, simulator) in (0_u32..).zip(answers) {
            fixture.request(f64::from(second), 0.1, &[(*simulator, 200)]);
        }
        fixture.dataset.simulators.push("payg3".into());
        fixture.dataset
    }

    fn turns(first: Option<&str>) -> Kind {
        let among = vec!["payg1".into(), "payg2".into()];
        Kind::Alternation(Alternation { among, first: first.map(str::to_owned) })
    }

    #[test]
    fn turns_are_taken_to_the_request() {
        let good = judge(&run(&[1, 0, 1, 0, 1]), turns(Some("payg2")));
        assert_eq!(good.verdict, Verdict::Passed);
        insta::assert_snapshot!(good.message, @"5 answers, never two in a row from one simulator");
        let bad = judge(&run(&[1, 0, 0, 1, 1]), turns(None));
        assert_eq!(bad.verdict, Verdict::Failed);
        insta::assert_snapshot!(bad.message, @"expected payg1 and payg2 in turns, but of 5 answers 2 answers came from where the one before came from (first at 2s, request 3)");
        assert_eq!(bad.examples, ["run-3", "run-5"]);
    }

    #[test]
    fn neither_a_third_nor_another_beginning() {
        let bad = judge(&run(&[0, 1, 2, 1]), turns(Some("payg2")));
        insta::assert_snapshot!(bad.message, @"expected payg1 and payg2 in turns, but of 4 answers the first came from payg1, not from payg2 and 1 answer came from elsewhere (payg3 at 2s, request 3)");
        assert_eq!(judge(&run(&[0]), turns(None)).verdict, Verdict::Inconclusive);
        assert_eq!(judge(&run(&[]), turns(None)).verdict, Verdict::Inconclusive);
    }
}
