//! From assertions as written to checked ones: one diagnostic a problem, all of
//! them, each at its place.

mod values;

use std::ops::Range;
use std::time::Duration;

use seam::diagnostic::{Diagnostic, Source};
use seam::units::{HumanDuration, SignedDuration};
use serde_json::Value;
use serde_spanned::Spanned;

pub(super) use values::{ShareKeys, StatusKeys};

use crate::scenario::draw::Draw;

use super::{Assertion, Kind, LooksAt, RawAssertion, RawBaseline, Scope, Span, Start, kind};

/// What assertions may refer to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Stages: name, start, end.
    pub stages: Vec<(String, Duration, Duration)>,
    /// Workloads.
    pub workloads: Vec<String>,
    /// What is drawn, by workload.
    pub draws: Vec<(String, Vec<Draw>)>,
    /// Simulators (resources).
    pub simulators: Vec<String>,
    /// Actions.
    pub actions: Vec<String>,
}

impl Names {
    /// End of the last stage; `None` when there is no stage to speak of.
    fn run_end(&self) -> Option<Duration> {
        self.stages.iter().map(|stage| stage.2).max()
    }
}

/// Checks assertions as written; problems go to `out`. Those without an error
/// are returned, in the file's order.
pub(crate) fn validate(
    raw: Vec<Spanned<RawAssertion>>,
    names: &Names,
    source: &Source,
    out: &mut Vec<Diagnostic>,
) -> Vec<Assertion> {
    let mut checker = Checker { names, source, out };
    checker.distinct_ids(&raw);
    raw.iter().filter_map(|one| checker.assertion(one)).collect()
}

/// What every check needs at hand.
pub(super) struct Checker<'a> {
    pub(super) names: &'a Names,
    source: &'a Source,
    out: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    pub(super) fn error(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) {
        self.out.push(Diagnostic::error(self.source, span, message).label(label));
    }

    /// How many problems there are so far.
    pub(super) fn problems(&self) -> usize {
        self.out.len()
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.out.push(diagnostic);
    }

    pub(super) fn at(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.source, span, message)
    }

    fn distinct_ids(&mut self, raw: &[Spanned<RawAssertion>]) {
        for (index, one) in raw.iter().enumerate() {
            let id = &one.get_ref().id;
            let first = raw.iter().take(index).map(|earlier| &earlier.get_ref().id);
            if let Some(first) = first.into_iter().find(|first| first.get_ref() == id.get_ref()) {
                let diagnostic = self
                    .at(id.span(), format!("two assertions are called `{}`", id.get_ref()))
                    .label("second")
                    .also(first.span(), "first")
                    .help("ids tie reports and READMEs to assertions: give each its own");
                self.report(diagnostic);
            }
        }
    }

    fn assertion(&mut self, spanned: &Spanned<RawAssertion>) -> Option<Assertion> {
        let before = self.out.len();
        let raw = spanned.get_ref();
        let id = raw.id.get_ref();
        if id.is_empty() || id.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.error(raw.id.span(), "an assertion's id is one word", "such as `all-from-payg1`");
        }
        if raw.claim.get_ref().trim().is_empty() {
            self.error(raw.claim.span(), "an assertion's claim is empty", "say what is promised");
        }
        let workload = raw.workload.as_ref().map(|name| {
            let known = self.names.workloads.clone();
            self.known("workload", name, &known);
            name.get_ref().clone()
        });
        let labels = raw.labels.iter().map(|(name, label)| {
            self.label(raw.workload.as_ref(), name, label);
            (name.clone(), label.get_ref().clone())
        });
        let labels = labels.collect();
        let span = self.span(raw);
        let (kind, looks_at) = self.kind(raw).unzip();
        if let (Some(kind), Some(looks_at)) = (&kind, looks_at) {
            self.no_scope(raw, kind, looks_at);
        }
        if before < self.out.len() {
            return None;
        }
        Some(Assertion {
            id: id.clone(),
            claim: raw.claim.get_ref().clone(),
            scope: Scope { workload, labels, span },
            simulators_only: raw.simulators_only,
            kind: kind?,
        })
    }

    /// The one kind an assertion has, and what it looks at.
    fn kind(&mut self, raw: &RawAssertion) -> Option<(Kind, LooksAt)> {
        let mut given = kind::given(raw);
        given.sort_by_key(|(_, span)| span.start);
        match given.as_slice() {
            [] => {
                let keys: Vec<String> = kind::KEYS.iter().map(|key| format!("`{key}`")).collect();
                let diagnostic = self
                    .at(raw.id.span(), format!("assertion `{}` asks for nothing", raw.id.get_ref()))
                    .label("has no kind")
                    .help(format!("give one of {}", keys.join(", ")));
                self.report(diagnostic);
            }
            [(first, first_span), rest @ ..] => {
                for (second, second_span) in rest {
                    let diagnostic = self
                        .at(
                            second_span.clone(),
                            format!(
                                "an assertion has one kind, this one has `{first}` and `{second}`"
                            ),
                        )
                        .label("second kind")
                        .also(first_span.clone(), "first kind")
                        .help("write two assertions");
                    self.report(diagnostic);
                }
            }
        }
        kind::check(self, raw)
    }

    /// Some kinds are about actions, or name their classes: what selects requests
    /// would be ignored.
    fn no_scope(&mut self, raw: &RawAssertion, kind: &Kind, looks_at: LooksAt) {
        let why = match looks_at {
            LooksAt::Requests => return,
            LooksAt::Classes => "selects requests, but this assertion names its own classes",
            LooksAt::Actions => "selects requests, but this assertion is about actions",
        };
        let given = [
            ("workload", raw.workload.as_ref().map(Spanned::span)),
            ("from", raw.from.as_ref().map(Spanned::span)),
            ("to", raw.to.as_ref().map(Spanned::span)),
            ("stage", raw.stage.as_ref().map(Spanned::span)),
            ("after_action", raw.after_action.as_ref().map(Spanned::span)),
            ("settle", raw.settle.as_ref().map(Spanned::span)),
        ];
        let chosen = raw.labels.values().next().map(Spanned::span);
        for (key, span) in given.into_iter().chain([("where", chosen)]) {
            let names_span = !matches!(key, "workload" | "where");
            if looks_at == LooksAt::Classes && names_span {
                continue;
            }
            if let Some(span) = span {
                self.error(span, format!("`{key}` has no meaning beside `{}`", kind.name()), why);
            }
        }
    }

    fn span(&mut self, raw: &RawAssertion) -> Span {
        let mut span = self.bounded_span(raw.from.as_ref(), raw.to.as_ref(), raw.stage.as_ref());
        if let Some(action) = &raw.after_action {
            let known = self.names.actions.clone();
            self.known("action", action, &known);
            let rivals = [
                ("from", raw.from.as_ref().map(Spanned::span)),
                ("stage", raw.stage.as_ref().map(Spanned::span)),
            ];
            for (key, rival) in rivals {
                if let Some(rival) = rival {
                    let diagnostic = self
                        .at(rival, format!("`{key}` contradicts `after_action`"))
                        .label("both say where the span begins")
                        .also(action.span(), "begins here");
                    self.report(diagnostic);
                }
            }
            span.start = Start::AfterAction(action.get_ref().clone());
        }
        if let Some(settle) = &raw.settle {
            span.settle = settle.get_ref().0;
            if let (Start::At(from), Some(to)) = (&span.start, span.end.or(self.names.run_end()))
                && *from < to
                && to - *from <= span.settle
            {
                let text =
                    format!("`settle` leaves nothing of a span of {}", HumanDuration(to - *from));
                self.error(settle.span(), text, "left out after each edge");
            }
        }
        span
    }

    pub(super) fn baseline(&mut self, raw: &Spanned<RawBaseline>) -> Span {
        let table = raw.get_ref();
        if table.from.is_none() && table.to.is_none() && table.stage.is_none() {
            let diagnostic = self
                .at(raw.span(), "a baseline needs `from` and `to`, or `stage`")
                .label("the whole run would be compared with a part of itself");
            self.report(diagnostic);
        }
        self.bounded_span(table.from.as_ref(), table.to.as_ref(), table.stage.as_ref())
    }

    fn bounded_span(
        &mut self,
        from: Option<&Spanned<SignedDuration>>,
        to: Option<&Spanned<SignedDuration>>,
        stage: Option<&Spanned<String>>,
    ) -> Span {
        if let Some(stage) = stage {
            for (key, rival) in [("from", from), ("to", to)] {
                if let Some(rival) = rival {
                    let diagnostic = self
                        .at(rival.span(), format!("`{key}` contradicts `stage`"))
                        .label("both bound the span")
                        .also(stage.span(), "bounds it too");
                    self.report(diagnostic);
                }
            }
            let known: Vec<String> = self.names.stages.iter().map(|s| s.0.clone()).collect();
            self.known("stage", stage, &known);
            let found = self.names.stages.iter().find(|s| s.0 == *stage.get_ref());
            return found.map_or_else(Span::default, |found| Span {
                start: Start::At(found.1),
                end: Some(found.2),
                settle: Duration::ZERO,
            });
        }
        let start = from.and_then(|from| self.inside_run("from", from)).unwrap_or_default();
        let end = to.and_then(|to| self.inside_run("to", to));
        if let (Some(to), Some(end)) = (to, end)
            && end <= start
        {
            let mut diagnostic = self
                .at(to.span(), "the span ends before it begins")
                .label(format!("not after {}", HumanDuration(start)));
            if let Some(from) = from {
                diagnostic = diagnostic.also(from.span(), "begins here");
            }
            self.report(diagnostic);
        }
        Span { start: Start::At(start), end, settle: Duration::ZERO }
    }

    /// A time between the run's start and its end, or a diagnostic.
    fn inside_run(&mut self, key: &str, time: &Spanned<SignedDuration>) -> Option<Duration> {
        let Some(after_start) = time.get_ref().after_start() else {
            let text = format!("`{key}` lies before the run's start");
            self.error(time.span(), text, "no request is sent before 0s");
            return None;
        };
        if let Some(end) = self.names.run_end() {
            let outside = if key == "from" { end <= after_start } else { end < after_start };
            if outside {
                self.error(
                    time.span(),
                    format!("`{key}` lies outside the run"),
                    format!("the last stage ends at {}", HumanDuration(end)),
                );
                return None;
            }
        }
        Some(after_start)
    }

    /// A label must be one that some draw of the workloads in question can give.
    pub(super) fn label(
        &mut self,
        workload: Option<&Spanned<String>>,
        name: &str,
        label: &Spanned<Value>,
    ) {
        let wanted = workload.map(|workload| workload.get_ref().as_str());
        let draws: Vec<&Draw> = self
            .names
            .draws
            .iter()
            .filter(|(workload, _)| wanted.is_none_or(|wanted| wanted == workload))
            .flat_map(|(_, draws)| draws)
            .collect();
        let named: Vec<&&Draw> = draws.iter().filter(|draw| draw.name == name).collect();
        if named.is_empty() {
            let whose = wanted.map_or("no workload draws it".to_owned(), |name| {
                format!("workload `{name}` does not draw it")
            });
            let mut known: Vec<&str> = draws.iter().map(|draw| draw.name.as_str()).collect();
            known.dedup();
            let mut diagnostic = self
                .at(label.span(), format!("unknown draw `{name}`"))
                .label(whose)
                .did_you_mean(name, known.iter().copied());
            if known.is_empty() {
                diagnostic = diagnostic.help("`where` chooses by what `[workloads.draw]` draws");
            }
            self.report(diagnostic);
        } else if !named.iter().any(|draw| draw.can_be(label.get_ref())) {
            self.error(
                label.span(),
                format!("`{name}` is never drawn so"),
                "no request would be chosen",
            );
        }
    }

    /// Reports a name that is not one of `known`.
    pub(super) fn known(&mut self, what: &str, name: &Spanned<String>, known: &[String]) {
        if known.iter().any(|one| one == name.get_ref()) {
            return;
        }
        let quoted: Vec<String> = known.iter().map(|one| format!("`{one}`")).collect();
        let mut diagnostic = self
            .at(name.span(), format!("unknown {what} `{}`", name.get_ref()))
            .label(format!("no {what} has this name"))
            .did_you_mean(name.get_ref(), known.iter().map(String::as_str));
        if quoted.is_empty() {
            diagnostic = diagnostic.help(format!("the scenario has no {what}"));
        } else if quoted.len() <= 12 {
            diagnostic = diagnostic.help(format!("the scenario has {}", quoted.join(", ")));
        }
        self.report(diagnostic);
    }
}

#[cfg(test)]
mod tests;
