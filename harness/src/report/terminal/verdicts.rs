//! The assertions with their verdicts, the two standing checks, the last line.

use super::paint::{Ink, Painter};
use super::{summary, wrap};
use crate::assert::{
    AssertionResult, Evaluation, Interval, Outcome, Reconciliation, ReconciliationState, Unit,
    Verdict, words,
};
use crate::record::Dataset;

/// Mismatches told in full.
const MISMATCHES: usize = 6;

/// Ways in which requests failed told apart.
const FAILURES: usize = 4;

/// Notes of one kind told in full.
const NOTES: usize = 3;

/// Why nothing below counts, before anything else.
pub(super) fn invalid(out: &mut String, evaluation: &Evaluation, width: usize, painter: Painter) {
    if evaluation.validity.valid {
        return;
    }
    block(out, '✗', Ink::Bad, "Invalid run: what follows proves nothing", width, painter);
    for reason in &evaluation.validity.reasons {
        indented(out, reason, Ink::Bad, width, painter);
    }
}

/// What the scenario does and this run did not, for want of simulators.
pub(super) fn left_out(out: &mut String, dataset: &Dataset, width: usize, painter: Painter) {
    for action in &dataset.actions {
        if let Some(why) = &action.skipped {
            let text = format!("Action `{}` was skipped: {why}", action.name);
            block(out, '–', Ink::Dim, &text, width, painter);
        }
    }
}

/// One block an assertion.
pub(super) fn assertions(
    out: &mut String,
    evaluation: &Evaluation,
    width: usize,
    painter: Painter,
) {
    for result in &evaluation.assertions {
        let (symbol, ink) = symbol(result.verdict);
        block(out, symbol, ink, &result.claim, width, painter);
        indented(out, &detail(result), Ink::Dim, width, painter);
        if result.verdict == Verdict::Skipped {
            indented(out, &format!("skipped: {}", result.message), ink, width, painter);
        } else if result.verdict != Verdict::Passed {
            indented(out, &result.message, ink, width, painter);
            if let Some(n) = result.n_to_settle {
                let text =
                    format!("about {} would settle it", words::counted(n, "request", "requests"));
                indented(out, &text, Ink::Dim, width, painter);
            }
            if !result.examples.is_empty() {
                let text = format!("look at {}", result.examples.join(", "));
                indented(out, &text, Ink::Dim, width, painter);
            }
        }
    }
}

fn symbol(verdict: Verdict) -> (char, Ink) {
    match verdict {
        Verdict::Passed => ('✓', Ink::Good),
        Verdict::Failed => ('✗', Ink::Bad),
        Verdict::Inconclusive => ('?', Ink::Doubtful),
        Verdict::Skipped => ('–', Ink::Dim),
    }
}

/// `id: saw …, interval …; wanted …`.
fn detail(result: &AssertionResult) -> String {
    format!("{}: {}", result.id, seen(result))
}

/// What the report says of an assertion after its id.
pub(crate) fn seen(result: &AssertionResult) -> String {
    let seen = match &result.observed {
        Some(observed) => observed.text.clone(),
        None => "nothing seen".to_owned(),
    };
    let interval = match (&result.interval, &result.observed) {
        (Some(interval), Some(observed)) if observed.value.is_finite() => {
            format!(", {}", interval_words(interval, observed.unit))
        }
        _ => String::new(),
    };
    format!("{seen}{interval}; wanted {}", result.threshold)
}

fn interval_words(interval: &Interval, unit: Unit) -> String {
    let number = |value: f64| match unit {
        Unit::Share => words::percent(value),
        Unit::Seconds => words::latency(value),
        Unit::Ratio => words::ratio(value),
        Unit::Count => format!("{value:.0}"),
    };
    match (interval.lower, interval.upper) {
        (Some(lower), Some(upper)) => format!("interval {} to {}", number(lower), number(upper)),
        (Some(lower), None) => format!("interval from {}", number(lower)),
        (None, Some(upper)) => format!("interval up to {}", number(upper)),
        (None, None) => "interval without bounds".to_owned(),
    }
}

/// Reconciliation and validity.
pub(super) fn checks(out: &mut String, evaluation: &Evaluation, width: usize, painter: Painter) {
    let reconciliation = &evaluation.reconciliation;
    let (symbol, ink) = match reconciliation.state {
        ReconciliationState::Reconciled => ('✓', Ink::Good),
        ReconciliationState::Mismatched => ('✗', Ink::Bad),
        ReconciliationState::NotChecked => ('–', Ink::Dim),
    };
    let Reconciliation { gateway_compared, simulators_compared, .. } = *reconciliation;
    let claim = match (reconciliation.state, gateway_compared, simulators_compared) {
        (ReconciliationState::NotChecked, ..) | (_, true, true) => {
            "Clients, gateway and simulators tell one story"
        }
        (_, _, false) => "Clients and gateway tell one story",
        (_, false, true) => "Clients and simulators tell one story",
    };
    block(out, symbol, ink, claim, width, painter);
    indented(out, &format!("reconciliation: {}", reconciliation.message), Ink::Dim, width, painter);
    for mismatch in reconciliation.mismatches.iter().take(MISMATCHES) {
        let times = if mismatch.count == 1 {
            String::new()
        } else {
            format!(" ({} times)", words::count(mismatch.count))
        };
        indented(out, &format!("{}{times}", mismatch.message), Ink::Bad, width, painter);
    }
    let validity = &evaluation.validity;
    let (symbol, ink) = if validity.valid { ('✓', Ink::Good) } else { ('✗', Ink::Bad) };
    block(out, symbol, ink, "The bench did its part", width, painter);
    let lag = format!(
        "validity: schedule lag p99 {}, allowed {}",
        words::latency(validity.schedule_lag_p99),
        words::latency(validity.schedule_lag_limit)
    );
    indented(out, &lag, Ink::Dim, width, painter);
    if !validity.valid {
        let reasons = validity.reasons.len() as u64;
        let text = format!("{}, see above", words::counted(reasons, "reason", "reasons"));
        indented(out, &format!("invalid for {text}"), Ink::Bad, width, painter);
    }
}

/// Where every request ended up, when journals cannot tell the whole story.
pub(super) fn account(
    out: &mut String,
    dataset: &Dataset,
    evaluation: &Evaluation,
    width: usize,
    painter: Painter,
) {
    if dataset.journal_breaks.is_empty() {
        return;
    }
    let account = &evaluation.account;
    let title =
        format!("What became of {}", words::counted(account.requests, "request", "requests"));
    block(out, '!', Ink::Doubtful, &title, width, painter);
    let mut line = |count: u64, what: &str| {
        if 0 < count {
            let text = format!("{} {what}", words::count(count));
            indented(out, &text, Ink::Dim, width, painter);
        }
    };
    for one in &account.answered {
        line(one.count, &format!("answered by {}", one.simulator));
    }
    line(account.answered_by_gateway, "answered by the gateway itself");
    line(
        account.answered_by_unknown,
        "answered, but by a simulator whose journal ended: no record shows by which",
    );
    for one in account.failed.iter().take(FAILURES) {
        line(one.count, &format!("failed at the client: {}", one.how));
    }
    let others = account.failed.iter().skip(FAILURES).map(|one| one.count).sum();
    line(others, "failed at the client in other ways");
    for one in &account.gateway_attempts {
        let simulator = one.simulator.as_ref().filter(|name| **name != one.backend);
        let mut parts = Vec::new();
        if 0 < one.unanswered {
            parts.push(format!("{} without an answer", words::count(one.unanswered)));
        }
        if 0 < one.unrecorded {
            parts.push(format!(
                "{} while its simulator kept no readable journal",
                words::count(one.unrecorded)
            ));
        }
        let parts =
            if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) };
        let text = format!(
            "the gateway called {}{} {}{parts}",
            one.backend,
            simulator.map(|name| format!(" ({name})")).unwrap_or_default(),
            words::counted(one.attempts, "time", "times"),
        );
        indented(out, &text, Ink::Dim, width, painter);
    }
}

/// What no assertion asked for, but a reader should see: errors of the gateway's
/// own, answers out of form.
pub(super) fn notes(out: &mut String, dataset: &Dataset, width: usize, painter: Painter) {
    let errors = summary::gateway_errors(dataset);
    if !errors.is_empty() {
        block(out, '!', Ink::Doubtful, "The gateway made errors of its own", width, painter);
    }
    for kind in errors.iter().take(NOTES) {
        let count = words::count(kind.count);
        let example = kind.example.as_ref().map(|id| format!(" (such as {id})"));
        let text =
            format!("{} × {count}: {}{}", kind.status, kind.reason, example.unwrap_or_default());
        indented(out, &text, Ink::Dim, width, painter);
    }
    let findings: Vec<_> = dataset.clients.iter().filter(|row| !row.findings.is_empty()).collect();
    if !findings.is_empty() {
        let of = words::counted(findings.len() as u64, "answer", "answers");
        block(out, '!', Ink::Doubtful, &format!("{of} out of form"), width, painter);
    }
    for row in findings.iter().take(NOTES) {
        let text = format!("{}: {}", row.correlation_id, row.findings.join("; "));
        indented(out, &text, Ink::Dim, width, painter);
    }
}

/// A symbol and text that hangs beside it.
fn block(out: &mut String, symbol: char, ink: Ink, text: &str, width: usize, painter: Painter) {
    for (index, line) in wrap(text, width.saturating_sub(4)).iter().enumerate() {
        let lead = if index == 0 { symbol } else { ' ' };
        out.push_str(&format!(" {} {line}\n", painter.paint(ink, &lead.to_string())));
    }
}

fn indented(out: &mut String, text: &str, ink: Ink, width: usize, painter: Painter) {
    for line in wrap(text, width.saturating_sub(6)) {
        out.push_str(&format!("     {}\n", painter.paint(ink, &line)));
    }
}

/// The whole in one line, and how to see it again.
pub(super) fn overall(
    out: &mut String,
    dataset: &Dataset,
    evaluation: &Evaluation,
    width: usize,
    painter: Painter,
) {
    let (word, ink) = match evaluation.outcome {
        Outcome::Passed => ("PASSED", Ink::Good),
        Outcome::Failed => ("FAILED", Ink::Bad),
        Outcome::Inconclusive => ("INCONCLUSIVE", Ink::Doubtful),
        Outcome::Invalid => ("INVALID", Ink::Bad),
    };
    let counted = |verdict: Verdict, word: &str| {
        let n = evaluation.assertions.iter().filter(|one| one.verdict == verdict).count();
        (0 < n).then(|| format!("{n} {word}"))
    };
    let verdicts = [
        counted(Verdict::Failed, "failed"),
        counted(Verdict::Inconclusive, "inconclusive"),
        counted(Verdict::Passed, "passed"),
        counted(Verdict::Skipped, "skipped"),
    ];
    let verdicts: Vec<String> = verdicts.into_iter().flatten().collect();
    let all = words::counted(evaluation.assertions.len() as u64, "assertion", "assertions");
    let mut parts = vec![match verdicts.as_slice() {
        [] => "no assertions".to_owned(),
        [one] => format!("{all}{}", one.trim_start_matches(|c: char| c.is_ascii_digit())),
        several => format!("{all}: {}", several.join(", ")),
    }];
    if evaluation.assertions.iter().any(|one| one.verdict == Verdict::Skipped) {
        parts.push("what was skipped is not proved".to_owned());
    }
    if evaluation.reconciliation.state == ReconciliationState::Mismatched {
        parts.push("rows do not reconcile".to_owned());
    }
    if evaluation.outcome == Outcome::Invalid {
        parts.push("their verdicts mean nothing".to_owned());
        // Who reads one line only should read why.
        parts.splice(0..0, evaluation.validity.reasons.first().cloned());
    }
    let text = parts.join("; ");
    for (index, line) in wrap(&text, width.saturating_sub(word.len() + 3)).iter().enumerate() {
        if index == 0 {
            out.push_str(&format!(" {}  {line}\n", painter.paint(ink, word)));
        } else {
            out.push_str(&format!(" {}  {line}\n", " ".repeat(word.len())));
        }
    }
    let again = format!("run again with --seed {}", dataset.seed);
    out.push_str(&painter.paint(Ink::Dim, &format!(" {again}")));
    out.push('\n');
}
