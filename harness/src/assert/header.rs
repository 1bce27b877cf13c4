//! A response header as clients saw it, held against the journals.

use std::collections::BTreeMap;

use super::check::{Check, Finding, Hits};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::Verdict;
use super::routing::answered;
use super::words;
use crate::scenario::assertion::{Assertion, ExpectedHeader, Header};

impl Ask for Header {
    /// Every 2xx answer has, or has not, what is expected in the header.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let name = &self.name;
        let threshold = match &self.expected {
            ExpectedHeader::Present => format!("{name} in each answer"),
            ExpectedHeader::Absent => format!("{name} in no answer"),
            ExpectedHeader::Equals(value) => format!("{name}: {value} in each answer"),
            ExpectedHeader::BySimulator(_) => format!("{name} naming the backend of each answer"),
        };
        if matches!(self.expected, ExpectedHeader::BySimulator(_))
            && let Err(why) = joined.journals()
        {
            return Check::nothing(threshold, why);
        }
        let requests = match answered(joined, &assertion.scope) {
            Ok(requests) => requests,
            Err(why) => return Check::nothing(threshold, why),
        };
        let problems: Vec<Option<String>> =
            requests.iter().map(|request| self.problem(joined, request)).collect();
        let hits = Hits { flags: problems.iter().map(Option::is_none).collect() };
        let wrong: Vec<(Request<'_>, &String)> = requests
            .iter()
            .zip(&problems)
            .filter_map(|(request, problem)| problem.as_ref().map(|problem| (*request, problem)))
            .collect();
        let n = words::counted(hits.n(), "answer", "answers");
        let (verdict, message) = match wrong.first() {
            None => (Verdict::Passed, format!("all {n} as expected")),
            Some((first, _)) => {
                let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
                for (_, problem) in &wrong {
                    *counts.entry(problem.as_str()).or_default() += 1;
                }
                let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
                counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
                let parts: Vec<String> = counts
                    .into_iter()
                    .take(3)
                    .map(|(problem, count)| format!("{} {problem}", words::count(count)))
                    .collect();
                let (of, place) = (words::list(&parts), first.place());
                (
                    Verdict::Failed,
                    format!("expected {threshold}, but of {n} {of} (first at {place})"),
                )
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

impl Header {
    /// What is wrong with one answer, after its number: `had no x-apim-backend`.
    fn problem(&self, joined: &Joined<'_>, request: &Request<'_>) -> Option<String> {
        let name = &self.name;
        let seen = request.row.headers.get(name).map(String::as_str);
        let said = |seen: Option<&str>| match seen {
            None => format!("had no {name}"),
            Some(value) => format!("had {name}: {value}"),
        };
        match &self.expected {
            ExpectedHeader::Present => seen.is_none().then(|| said(seen)),
            ExpectedHeader::Absent => seen.is_some().then(|| said(seen)),
            ExpectedHeader::Equals(value) => (seen != Some(value)).then(|| said(seen)),
            ExpectedHeader::BySimulator(values) => {
                let answer = request.answering();
                let from =
                    answer.map_or("no simulator", |row| joined.simulator_name(row.simulator));
                let expected = values.get(from).map(String::as_str);
                (expected.is_none() || seen != expected)
                    .then(|| format!("from {from} {}", said(seen)))
            }
        }
    }
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

    /// Ten answers, of which every third comes from payg2; each names its backend.
    fn run() -> Dataset {
        let mut fixture = Fixture::new(60);
        for second in 0..10_u32 {
            let simulator = usize::from(second % 3 == 0);
            fixture.request(f64::from(second), 0.1, &[(simulator, 200)]);
            let row = fixture.dataset.clients.last_mut().unwrap();
            row.headers.insert("x-apim-backend".into(), format!("backend-{}", simulator + 1));
        }
        fixture.dataset
    }

    fn header(expected: ExpectedHeader) -> Kind {
        Kind::Header(Header { name: "x-apim-backend".into(), expected })
    }

    fn by_simulator() -> Kind {
        header(ExpectedHeader::BySimulator(
            [("payg1".into(), "backend-1".into()), ("payg2".into(), "backend-2".into())].into(),
        ))
    }

    #[test]
    fn a_header_may_name_the_backend() {
        let good = judge(&run(), by_simulator());
        assert_eq!((good.verdict, good.n), (Verdict::Passed, 10));
        let mut wrong = run();
        wrong.clients[4].headers.insert("x-apim-backend".into(), "backend-2".into());
        wrong.clients[5].headers.clear();
        let bad = judge(&wrong, by_simulator());
        assert_eq!(bad.verdict, Verdict::Failed);
        insta::assert_snapshot!(bad.message, @"expected x-apim-backend naming the backend of each answer, but of 10 answers 1 from payg1 had no x-apim-backend and 1 from payg1 had x-apim-backend: backend-2 (first at 4s, request 5)");
        let only =
            header(ExpectedHeader::BySimulator([("payg1".into(), "backend-1".into())].into()));
        assert_eq!(judge(&run(), only).verdict, Verdict::Failed);
        let blind = Dataset { journals_complete: false, ..run() };
        assert_eq!(judge(&blind, by_simulator()).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn presence_and_value() {
        let mut dataset = run();
        assert_eq!(judge(&dataset, header(ExpectedHeader::Present)).verdict, Verdict::Passed);
        let bad = judge(&dataset, header(ExpectedHeader::Absent));
        insta::assert_snapshot!(bad.message, @"expected x-apim-backend in no answer, but of 10 answers 6 had x-apim-backend: backend-1 and 4 had x-apim-backend: backend-2 (first at 0s, request 1)");
        let one = header(ExpectedHeader::Equals("backend-1".into()));
        assert_eq!(judge(&dataset, one.clone()).verdict, Verdict::Failed);
        for row in &mut dataset.clients {
            row.headers.insert("x-apim-backend".into(), "backend-1".into());
        }
        assert_eq!(judge(&dataset, one).verdict, Verdict::Passed);
        for row in &mut dataset.clients {
            row.headers.clear();
        }
        assert_eq!(judge(&dataset, header(ExpectedHeader::Absent)).verdict, Verdict::Passed);
        assert_eq!(judge(&dataset, header(ExpectedHeader::Present)).verdict, Verdict::Failed);
        dataset.clients.clear();
        assert_eq!(judge(&dataset, header(ExpectedHeader::Absent)).verdict, Verdict::Inconclusive);
    }
}
