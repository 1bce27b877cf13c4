//! `[workloads.draw]`: what can be drawn, and where in the template it stands.

use std::ops::Range;

use http::{HeaderName, HeaderValue};
use seam::diagnostic::Diagnostic;
use serde_json::Value;
use toml::Spanned;

use super::{Checker, request};
use crate::scenario::draw::{Choice, Draw, DrawFrom, Meaning, Part, Varying, is_name};
use crate::scenario::raw::{RawDraw, RawWorkload};

/// The draws of a workload, and the places of its template that vary, if any do.
pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: &RawWorkload,
) -> Option<(Vec<Draw>, Option<Varying>)> {
    let before = checker.out.len();
    let mut draws = Vec::new();
    for (name, table) in &raw.draw {
        if !is_name(name) {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    table.span(),
                    format!("`{name}` cannot be a draw's name"),
                )
                .help("use letters, digits, `_` and `-`, beginning with a letter"),
            );
        }
        if let Some(from) = from(checker, table) {
            draws.push(Draw { name: name.clone(), from });
        }
    }
    // With a draw broken, references to it would be reported as unknown.
    if before < checker.out.len() {
        return None;
    }
    let mut places = Places { draws: &draws, used: vec![false; draws.len()], varies: false };
    let varying = places.all(checker, raw);
    let (used, varies) = (places.used, places.varies);
    for (draw, used) in draws.iter().zip(used) {
        if let (false, Some(table)) = (used, raw.draw.get(&draw.name)) {
            checker.push(
                Diagnostic::warning(
                    checker.source,
                    table.span(),
                    format!("nothing of workload `{}` uses this draw", raw.name.get_ref()),
                )
                .help(format!("write \"${}\" where its value belongs", draw.name)),
            );
        }
    }
    varying.map(|varying| (draws, varies.then_some(varying)))
}

fn from(checker: &mut Checker<'_>, table: &Spanned<RawDraw>) -> Option<DrawFrom> {
    let raw = table.get_ref();
    let given: Vec<(&str, Range<usize>)> = [
        ("uniform", raw.uniform.as_ref().map(Spanned::span)),
        ("one_of", raw.one_of.as_ref().map(Spanned::span)),
        ("cycle", raw.cycle.as_ref().map(Spanned::span)),
    ]
    .into_iter()
    .filter_map(|(key, span)| span.map(|span| (key, span)))
    .collect();
    match given.as_slice() {
        [_] => {}
        [] => {
            checker.push(
                Diagnostic::error(checker.source, table.span(), "nothing to draw from")
                    .label("give `uniform`, `one_of` or `cycle`"),
            );
            return None;
        }
        [(first, first_span), (second, second_span), ..] => {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    second_span.clone(),
                    format!("`{second}` contradicts `{first}`"),
                )
                .label("draws from something else")
                .also(first_span.clone(), "draws from this"),
            );
            return None;
        }
    }
    for (key, span, belongs, good) in [
        ("weights", raw.weights.as_ref().map(Spanned::span), "`one_of`", raw.one_of.is_some()),
        (
            "labels",
            raw.labels.as_ref().map(Spanned::span),
            "`one_of` and `cycle`",
            raw.uniform.is_none(),
        ),
    ] {
        if let (Some(span), false) = (span, good) {
            checker.error(span, format!("`{key}` belongs to {belongs}"));
            return None;
        }
    }
    if let Some(uniform) = &raw.uniform {
        return match uniform.get_ref().as_slice() {
            [least, most] if least <= most => Some(DrawFrom::Uniform(*least, *most)),
            _ => {
                checker.push(
                    Diagnostic::error(checker.source, uniform.span(), "not a range of integers")
                        .label("the least and the greatest, both included: `[5, 20]`"),
                );
                None
            }
        };
    }
    match (&raw.one_of, &raw.cycle) {
        (Some(values), _) => choices(checker, values, raw).map(DrawFrom::OneOf),
        (None, Some(values)) => choices(checker, values, raw).map(DrawFrom::Cycle),
        (None, None) => None,
    }
}

fn choices(
    checker: &mut Checker<'_>,
    values: &Spanned<Vec<Value>>,
    raw: &RawDraw,
) -> Option<Vec<Choice>> {
    let before = checker.out.len();
    let count = values.get_ref().len();
    if count == 0 {
        checker.error(values.span(), "nothing to draw from");
    }
    for value in values.get_ref() {
        request::json(checker, value, values.span());
    }
    let mut many = |key: &str, found: usize, span: Range<usize>| {
        if found != count {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    span,
                    format!("{found} {key} for {count} values"),
                )
                .also(values.span(), "the values"),
            );
        }
    };
    if let Some(weights) = &raw.weights {
        many("weights", weights.get_ref().len(), weights.span());
    }
    if let Some(labels) = &raw.labels {
        many("labels", labels.get_ref().len(), labels.span());
    }
    if let Some(weights) = &raw.weights {
        let all = weights.get_ref();
        if !good_weights(all) {
            checker.error(weights.span(), "weights must be zero or more, and not all zero");
        }
    }
    if before < checker.out.len() {
        return None;
    }
    let choice = |(index, value): (usize, &Value)| {
        let label = raw.labels.as_ref().and_then(|labels| labels.get_ref().get(index));
        let weight = raw.weights.as_ref().and_then(|weights| weights.get_ref().get(index));
        Choice {
            value: value.clone(),
            label: label.map_or_else(|| value.clone(), |label| Value::from(label.as_str())),
            weight: weight.copied().unwrap_or(1.0),
        }
    };
    Some(values.get_ref().iter().enumerate().map(choice).collect())
}

/// Finite, none below zero, not all zero.
pub(super) fn good_weights(weights: &[f64]) -> bool {
    weights.iter().all(|weight| weight.is_finite() && 0.0 <= *weight)
        && 0.0 < weights.iter().sum::<f64>()
}

/// Looks for draws in a template.
struct Places<'a> {
    draws: &'a [Draw],
    used: Vec<bool>,
    varies: bool,
}

impl Places<'_> {
    fn all(&mut self, checker: &mut Checker<'_>, raw: &RawWorkload) -> Option<Varying> {
        let before = checker.out.len();
        let (path, query) = (&raw.path, &raw.query);
        let segments = path.get_ref().split('/');
        let path_parts =
            segments.map(|text| self.part(checker, text, &path.span(), "a path")).collect();
        let query = query
            .iter()
            .map(|(name, text)| {
                let part = self.part(checker, text, &path.span(), "a query parameter");
                (name.clone(), part)
            })
            .collect();
        let mut headers = Vec::new();
        for (name, value) in &raw.headers {
            let part = self.part(checker, value.get_ref(), &value.span(), "a header");
            self.fit_for_header(checker, name, &part, value.span());
            let changed = part != Part::Text(value.get_ref().clone());
            if let (true, Ok(name)) = (changed, HeaderName::try_from(name)) {
                headers.push((name, part));
            }
        }
        let varied = self.varies;
        self.varies = false;
        if let Some(body) = &raw.body {
            self.body(checker, body.get_ref(), &body.span());
        }
        let body = raw.body.as_ref().filter(|_| self.varies).map(|body| body.get_ref().clone());
        self.varies |= varied;
        (before == checker.out.len()).then_some(Varying { path: path_parts, query, headers, body })
    }

    fn body(&mut self, checker: &mut Checker<'_>, value: &Value, span: &Range<usize>) {
        match value {
            Value::String(text) => {
                self.reference(checker, text, span);
            }
            Value::Array(items) => items.iter().for_each(|item| self.body(checker, item, span)),
            Value::Object(fields) => {
                fields.values().for_each(|field| self.body(checker, field, span));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A string outside the body, where what is drawn must be text.
    fn part(
        &mut self,
        checker: &mut Checker<'_>,
        text: &str,
        span: &Range<usize>,
        place: &str,
    ) -> Part {
        let part = self.reference(checker, text, span);
        if let Part::Draw(index) = part
            && let Some(draw) = self.draws.get(index)
            && draw.texts().is_none()
        {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    span.clone(),
                    format!("`${}` can be a list, a table or null, and {place} cannot", draw.name),
                )
                .help("draw strings, numbers or booleans"),
            );
        }
        part
    }

    fn reference(&mut self, checker: &mut Checker<'_>, text: &str, span: &Range<usize>) -> Part {
        match Meaning::of(text) {
            Meaning::Plain => return Part::Text(text.to_owned()),
            Meaning::Escaped(rest) => {
                self.varies = true;
                return Part::Text(rest.to_owned());
            }
            Meaning::Draw(name) => {
                if let Some(index) = self.draws.iter().position(|draw| draw.name == name) {
                    self.varies = true;
                    if let Some(used) = self.used.get_mut(index) {
                        *used = true;
                    }
                    return Part::Draw(index);
                }
                let known = self.draws.iter().map(|draw| draw.name.as_str());
                let problem = Diagnostic::error(
                    checker.source,
                    span.clone(),
                    format!("`${name}` is no draw of this workload"),
                )
                .did_you_mean(name, known)
                .help(format!(
                    "define `{name}` in `[workloads.draw]`, or write `$${name}` for the text itself"
                ));
                checker.push(problem);
            }
        }
        Part::Text(text.to_owned())
    }

    fn fit_for_header(
        &self,
        checker: &mut Checker<'_>,
        name: &str,
        part: &Part,
        span: Range<usize>,
    ) {
        let Part::Draw(index) = part else { return };
        let texts = self.draws.get(*index).and_then(Draw::texts).unwrap_or_default();
        if texts.iter().any(|text| HeaderValue::try_from(text).is_err()) {
            // Not the value: it may be a secret.
            let text = format!("a value drawn for header `{name}` has forbidden characters");
            checker.error(span, text);
        }
    }
}
