//! Rules about documents that load, but surprise (specification 6).
//!
//! They look at what compiling left behind, over all documents. A textual
//! search of the expressions is enough for W011, W012 and W013, and for the
//! casts of L001, where [`Reach`] knows what the variables hold. W003 is found by
//! the expression's checker, W010 by `forward-request` itself, W016 from the
//! pools and retries of a document.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use fancy_regex::Regex;
use seam::diagnostic::Diagnostic;

use super::reach::{Cast, Literal, Reach};
use super::spec::Section;
use super::text::Mapped;
use super::tree::DocumentText;

/// Of so many literals L001 shows the place.
const MAX_PLACES: usize = 3;

/// What the rules look at.
#[derive(Default)]
pub(crate) struct Facts {
    expressions: Vec<(Arc<DocumentText>, Mapped, Option<Section>)>,
    literal_variables: BTreeMap<String, Literal>,
    computed_variables: BTreeSet<String>,
    reach: Reach,
    /// Of the present document: a forward that streams its response.
    streams_response: bool,
    /// Of the present document: where outbound reads the response's body.
    outbound_reads: Vec<Diagnostic>,
    /// How many `forward-request` were seen, over all documents.
    forwards: usize,
    /// Of the present document: pools its literals name, with their members.
    pools: Vec<(String, usize)>,
    /// Of the present document: retries of a forward that do not wait.
    retries: Vec<(Arc<DocumentText>, Range<usize>, usize)>,
    warnings: Vec<Diagnostic>,
    /// Expressions of documents that run without a subscription.
    keyless: Vec<Range<usize>>,
}

impl Facts {
    /// An expression somewhere.
    pub(crate) fn expression(
        &mut self,
        document: &Arc<DocumentText>,
        mapped: &Mapped,
        section: Option<Section>,
    ) {
        self.expressions.push((Arc::clone(document), mapped.clone(), section));
        for (range, [kind, name]) in matches(&CAST, &mapped.text) {
            self.reach.cast(Cast {
                document: Arc::clone(document),
                place: mapped.map.to_source(range),
                kind: kind.to_owned(),
                name: name.to_owned(),
            });
        }
        if section != Some(Section::Outbound) {
            return;
        }
        for (range, _) in matches(&RESPONSE_BODY, &mapped.text) {
            let problem = document
                .warning(mapped.map.to_source(range), "reads the body of a response that streams")
                .code("W011")
                .help("`buffer-response=\"false\"` has no effect then: the whole body is awaited first");
            self.outbound_reads.push(problem);
        }
    }

    /// How many expressions there are so far.
    pub(crate) fn count(&self) -> usize {
        self.expressions.len()
    }

    /// These expressions run in calls without a key, too.
    pub(crate) fn keyless(&mut self, expressions: Range<usize>) {
        self.keyless.push(expressions);
    }

    /// A `forward-request` with `buffer-response="false"`.
    pub(crate) fn streams_response(&mut self) {
        self.streams_response = true;
    }

    /// A `forward-request`.
    pub(crate) fn forward(&mut self) {
        self.forwards += 1;
    }

    /// How many `forward-request` there were so far.
    pub(crate) fn forwards(&self) -> usize {
        self.forwards
    }

    /// A pool some `set-backend-service` names.
    pub(crate) fn pool(&mut self, id: &str, members: usize) {
        self.pools.push((id.to_owned(), members));
    }

    /// A `retry` of a `forward-request` that does not wait.
    pub(crate) fn retries_at_once(
        &mut self,
        document: Arc<DocumentText>,
        place: Range<usize>,
        count: usize,
    ) {
        self.retries.push((document, place, count));
    }

    /// The present document ends here.
    pub(crate) fn end_document(&mut self) {
        let smallest = self.pools.drain(..).min_by_key(|(_, members)| *members);
        for (document, place, count) in std::mem::take(&mut self.retries) {
            let Some((pool, members)) = smallest.as_ref().filter(|(_, members)| *members <= count)
            else {
                continue;
            };
            let message = format!(
                "this retry calls pool `{pool}` more often than it has members, without a wait"
            );
            let problem = document
                .warning(place, message)
                .code("W016")
                .label(format!("{} calls, {members} members", count + 1))
                .help(format!(
                    "`count=\"{}\"` tries each member once; for more, give an `interval`: nothing recovers in no time",
                    members.saturating_sub(1).max(1)
                ));
            self.warnings.push(problem);
        }
        let reads = std::mem::take(&mut self.outbound_reads);
        if std::mem::take(&mut self.streams_response) {
            self.warnings.extend(reads);
        }
    }

    /// A variable set from a literal: a string, always.
    pub(crate) fn literal_variable(
        &mut self,
        name: &str,
        value: &str,
        document: Arc<DocumentText>,
        place: Range<usize>,
    ) {
        let literal = Literal { document, place, value: value.to_owned() };
        self.literal_variables.insert(name.to_owned(), literal.clone());
        self.reach.literal(name, literal);
    }

    /// A variable set from something with a type of its own.
    pub(crate) fn computed_variable(&mut self, name: &str) {
        self.computed_variables.insert(name.to_owned());
        self.reach.computed(name);
    }

    /// A variable set from the cache; it may stay as it is unless there is a
    /// default.
    pub(crate) fn looked_up_variable(&mut self, name: &str, has_default: bool) {
        self.computed_variables.insert(name.to_owned());
        if has_default {
            self.reach.computed(name);
        } else {
            self.reach.perhaps_computed(name);
        }
    }

    /// Another document begins.
    pub(crate) fn start_document(&mut self) {
        self.reach.start(false);
    }

    /// Another section of the present document begins.
    pub(crate) fn section(&mut self) {
        self.reach.start(true);
    }

    /// The inside of a policy, or of a part with policies, begins.
    pub(crate) fn enter(&mut self, name: &str) {
        self.reach.enter(name);
    }

    /// It ends.
    pub(crate) fn leave(&mut self) {
        self.reach.leave();
    }
}

static CAST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let types = "int|Int32|long|Int64|double|Double|bool|Boolean";
    Regex::new(&format!(r#"\(({types})\)\s*context\.Variables\s*\[\s*"([^"]+)"\s*\]"#)).ok()
});

static CONSUMING_READ: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"context\.Request\.Body\s*\??\.\s*As<[^()]*>\s*\(\s*(?:preserveContent\s*:\s*)?(?:false)?\s*\)",
    )
    .ok()
});

static RESPONSE_BODY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"context\.Response\.Body\b").ok());

static SUBSCRIPTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"context\.Subscription\.(\w+)").ok());

/// Any of these shows that the author thought of calls without a key.
static GUARD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"context\.Subscription\s*(\?|==|!=|is\b)|null\s*[!=]=\s*context\.Subscription\b|\bcatch\b",
    )
    .ok()
});

/// `context.Subscription` is null without a key.
fn unguarded_subscriptions(facts: &Facts, out: &mut Vec<Diagnostic>) {
    let expressions =
        facts.keyless.iter().filter_map(|range| facts.expressions.get(range.clone())).flatten();
    for (document, mapped, _) in expressions {
        if !matches(&GUARD, &mapped.text).is_empty() {
            continue;
        }
        for (range, [member, _]) in matches(&SUBSCRIPTION, &mapped.text) {
            let problem = document
                .warning(
                    mapped.map.to_source(range),
                    "`context.Subscription` is null in calls without a key",
                )
                .code("W014")
                .label("fails then")
                .help(format!("no key is required here: write `context.Subscription?.{member}`"));
            out.push(problem);
        }
    }
}

static POOL_REASON: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let methods = "Contains|StartsWith|EndsWith|IndexOf|Equals";
    let text = r#""[^"]*(?i:backend pool|temporarily unavailable)[^"]*""#;
    Regex::new(&format!(
        r"context\.Response\s*\??\.\s*StatusReason\s*(?:\??\.\s*(?:{methods})\s*\(\s*|[!=]=\s*){text}"
    ))
    .ok()
});

/// Runs the rules.
pub(crate) fn check(facts: &Facts, out: &mut Vec<Diagnostic>) {
    out.extend(facts.warnings.iter().cloned());
    unguarded_subscriptions(facts, out);
    for (document, mapped, section) in &facts.expressions {
        let place = |range: Range<usize>| mapped.map.to_source(range);
        // One condition asks for both halves of the phrase: reported once.
        if let Some((range, _)) = matches(&POOL_REASON, &mapped.text).into_iter().next() {
            out.push(
                document
                    .warning(place(range), "tests the reason phrase of an exhausted pool")
                    .code("W013")
                    .help("the platform changed that text in or before January 2026: test `StatusCode == 503`")
                    .help("here `pool_reason = \"new\"` under [settings] shows what the document does then"),
            );
        }
        if !matches!(section, Some(Section::Inbound | Section::Backend)) {
            continue;
        }
        for (range, _) in matches(&CONSUMING_READ, &mapped.text) {
            out.push(
                document
                    .warning(place(range), "the request's body is gone after this read")
                    .code("W012")
                    .help("a later forward-request sends an empty body; read it with `As<…>(preserveContent: true)`"),
            );
        }
    }
    casts_of_literals(facts, out);
}

/// L001: casts of variables that hold the text of a literal, on every path or on
/// some.
fn casts_of_literals(facts: &Facts, out: &mut Vec<Diagnostic>) {
    for found in &facts.reach.reached {
        let literals: Vec<&Literal> =
            found.literals.iter().filter_map(|at| facts.reach.literals.get(*at)).collect();
        out.extend(cast_of_literal(&found.cast, &literals, found.computed));
    }
    // Set in another document: nothing is known about paths.
    for cast in &facts.reach.elsewhere {
        if !facts.computed_variables.contains(&cast.name) {
            let literal = facts.literal_variables.get(&cast.name);
            out.extend(cast_of_literal(cast, &literal.into_iter().collect::<Vec<_>>(), false));
        }
    }
}

fn cast_of_literal(cast: &Cast, literals: &[&Literal], computed: bool) -> Option<Diagnostic> {
    let Cast { document, place, kind, name } = cast;
    let Literal { value, .. } = literals.first()?;
    let (message, label) = if computed {
        (
            format!("variable `{name}` may hold a string here: it cannot be cast to `{kind}`"),
            "fails at run time then",
        )
    } else {
        (
            format!("variable `{name}` holds a string: it cannot be cast to `{kind}`"),
            "fails at run time",
        )
    };
    let mut problem = document.warning(place.clone(), message).code("L001").label(label);
    for literal in literals.iter().take(MAX_PLACES) {
        let there = literal.document.map.to_source(literal.place.clone());
        if Arc::ptr_eq(&literal.document, document) {
            problem = problem.also(there, "text, set here");
        } else {
            let source = &literal.document.source;
            let (line, column) = source.line_column(there.start);
            problem = problem.help(format!("it is set in {}:{line}:{column}", source.name()));
        }
    }
    Some(problem.help(format!(
        "`<set-variable name=\"{name}\" value=\"{value}\"/>` stores text: set it from an expression, `value=\"@({value})\"`"
    )))
}

fn matches<'t>(
    regex: &LazyLock<Option<Regex>>,
    text: &'t str,
) -> Vec<(Range<usize>, [&'t str; 2])> {
    let Some(regex) = regex.as_ref() else { return Vec::new() };
    regex
        .captures_iter(text)
        .filter_map(Result::ok)
        .filter_map(|found| {
            let whole = found.get(0)?;
            let group = |n| found.get(n).map_or("", |group| group.as_str());
            Some((whole.start()..whole.end(), [group(1), group(2)]))
        })
        .collect()
}
