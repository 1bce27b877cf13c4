//! What the gateway answered to the calls of actions.

use super::check::{Check, Finding, real};
use super::evaluate::Ask;
use super::joined::Joined;
use super::result::{Observed, Unit, Verdict};
use super::words;
use crate::record::{self, ActionRow, Dataset};
use crate::scenario::assertion::{ActionAnswer, ActionChoice, Assertion, ExpectedAnswer};

/// How much of a body a message quotes.
const QUOTED: usize = 80;

impl Ask for ActionAnswer {
    /// Each chosen action got the expected answer.
    fn ask(&self, joined: &Joined<'_>, _: &Assertion) -> Check {
        answers(joined.dataset, &self.actions, &self.expected)
    }
}

fn answers(dataset: &Dataset, actions: &ActionChoice, expected: &ExpectedAnswer) -> Check {
    let threshold = words_for(expected);
    let rows: Vec<(String, Option<&ActionRow>)> = match actions {
        ActionChoice::All => dataset
            .actions
            .iter()
            .filter(|action| action.answer.is_some())
            .map(|action| (action.name.clone(), Some(action)))
            .collect(),
        ActionChoice::Named(names) => names
            .iter()
            .map(|name| (name.clone(), dataset.actions.iter().find(|action| action.name == *name)))
            .collect(),
    };
    if rows.is_empty() {
        return Check::nothing(threshold, "no action called the gateway");
    }
    let problems: Vec<(String, Option<String>)> =
        rows.into_iter().map(|(name, row)| (name, problem(row, expected))).collect();
    let n = problems.len() as u64;
    let wrong: Vec<String> = problems
        .iter()
        .filter_map(|(name, problem)| problem.as_ref().map(|problem| format!("{name}: {problem}")))
        .collect();
    let good = n - wrong.len() as u64;
    let verdict = if wrong.is_empty() { Verdict::Passed } else { Verdict::Failed };
    let message = if wrong.is_empty() {
        format!("{} as expected", words::counted(n, "answer", "answers"))
    } else {
        wrong.join("; ")
    };
    let text = format!("{} of {}", words::count(good), words::counted(n, "answer", "answers"));
    Check::Fact(Finding {
        n,
        observed: Some(Observed { value: real(good), unit: Unit::Count, text }),
        ..Finding::new(verdict, threshold, message)
    })
}

/// What is wrong with one action's answer.
fn problem(row: Option<&ActionRow>, expected: &ExpectedAnswer) -> Option<String> {
    let Some(row) = row else {
        return Some("did not take place".to_owned());
    };
    let Some(answer) = &row.answer else {
        return Some(match &row.error {
            Some(error) => format!("got no answer ({error})"),
            None => "made no call to the gateway".to_owned(),
        });
    };
    let mut parts = Vec::new();
    if let Some(status) = expected.status
        && status != answer.status
    {
        parts.push(format!("status {}, not {status}", answer.status));
    }
    if let Some(wanted) = &expected.content_type {
        match answer.headers.get("content-type") {
            None => parts.push(format!("no content-type, not `{wanted}`")),
            Some(got) if !same_media_type(got, wanted) => {
                parts.push(format!("content-type `{got}`, not `{wanted}`"));
            }
            Some(_) => {}
        }
    }
    if let Some(wanted) = &expected.body
        && *wanted != answer.body
    {
        parts.push(body_problem(answer, wanted));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn body_problem(answer: &record::ActionAnswer, wanted: &str) -> String {
    if answer.body.is_empty() {
        return "an empty body".to_owned();
    }
    if answer.body.trim() == wanted.trim() {
        return "a body that differs in white space at its ends".to_owned();
    }
    format!("body `{}`", shortened(&answer.body))
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Media types are equal whatever their case; parameters count when wanted.
fn same_media_type(got: &str, wanted: &str) -> bool {
    let normal = |text: &str| text.to_ascii_lowercase().replace(char::is_whitespace, "");
    let got = normal(got);
    let wanted = normal(wanted);
    let got = if wanted.contains(';') { &got } else { got.split(';').next().unwrap_or(&got) };
    *got == wanted
}

fn words_for(expected: &ExpectedAnswer) -> String {
    let mut parts = Vec::new();
    if let Some(status) = expected.status {
        parts.push(format!("status {status}"));
    }
    if let Some(media) = &expected.content_type {
        parts.push(media.clone());
    }
    if let Some(body) = &expected.body {
        parts.push(format!("body `{}`", shortened(body)));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_media_types() {
        assert!(same_media_type("application/json; charset=utf-8", "application/json"));
        assert!(same_media_type(
            "Application/JSON;charset=utf-8",
            "application/json; charset=utf-8"
        ));
        assert!(!same_media_type("application/json", "application/json; charset=utf-8"));
        assert!(!same_media_type("text/plain", "application/json"));
    }
}
